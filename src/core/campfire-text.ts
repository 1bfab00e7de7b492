// What people read of a campfire: on the forge as the proposal's text, without one as a file of the ledger. What agents
// and outsiders said stands in fences, as it is, with hidden characters shown.
import { type Campfire, pathOf } from "./campfire.ts";
import { beside, numbered } from "./campfire-file.ts";
import type { Entry } from "./entry.ts";
import type { ProposalText } from "./proposal.ts";
import { cell, clean, counted, fenced } from "./text.ts";

export interface Telling {
  /** Of the days since the last one, in markdown. */
  story: readonly string[];
  /** What there is already. */
  known: readonly Entry<"insight" | "learning">[];
  /** What may not hold any more. */
  doubted: readonly { path: string; why: string }[];
  /** Files that nobody took, and that are deleted here. */
  gone: readonly string[];
  /** Address of a record, where one leads there. */
  address(path: string): string | null;
  /** There are comments, in which commands count. */
  talks: boolean;
}

const most = { text: 1500, sources: 8 };

export function campfireText(row: Campfire, telling: Telling): ProposalText {
  const { talks } = telling;
  const open = numbered(row).filter(({ outcome }) => outcome === undefined);
  const drop = talks
    ? "empty its box, delete its file from this branch, or say `/towline drop 2` in a comment"
    : "delete its file from this branch before you merge it";
  const how = [
    `${counted(open.length, "candidate")} out of what agents and reviewers said. Nobody is told any of it before you merge.`,
    `- **Merge**: ${talks ? "what is ticked" : "each file that you leave there"} is given to every agent that it applies to, from the next job on. Change the files first where you would say it otherwise.`,
    `- **Drop one**: ${drop}. It is not proposed again.`,
    `- **${talks ? "Close" : "Delete the branch"}**: none of it is proposed again. Leave it alone for 14 days, and it comes back another time.`,
  ];
  const body = [
    how.join("\n"),
    "## The day",
    ...telling.story,
    "## Candidates",
    ...open.flatMap((one) => candidateText(one, telling)),
    ...doubts(telling),
    ...leftovers(telling),
  ];
  return { title: `Campfire ${row.id}: ${counted(open.length, "candidate")}`, body: `${body.join("\n\n")}\n` };
}

function candidateText(one: ReturnType<typeof numbered>[number], { known, address, talks }: Telling): string[] {
  const links = one.sources.slice(0, most.sources).map((source) => linkTo(source, address));
  const more = one.sources.length - links.length;
  return [
    `- ${talks ? "[x] " : ""}**${one.number}.** \`${pathOf(one)}\``,
    fenced(clean(one.text ?? one.title).slice(0, most.text)),
    [
      `Why now: ${one.why}.`,
      `Sources: ${links.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`,
      ...beside(one, known).map((said) => `△ It ${said}.`),
    ].join("\n"),
  ];
}

/** An address of outsiders is shown and leads nowhere by itself. */
function linkTo(source: string, address: Telling["address"]): string {
  const to = address(source);
  return to === null ? `\`${clean(source).replaceAll("`", "'").slice(0, 200)}\`` : `[${cell(source, 120)}](${to})`;
}

function doubts({ doubted }: Telling): string[] {
  if (doubted.length === 0) return [];
  const lines = doubted.map(({ path, why }) => `- \`${path}\`: ${cell(why, 120)}`);
  return [
    "## Still true?",
    `${lines.join("\n")}\n\nSet \`status: retired\` in a file, here or on the default branch, and nobody is given it any more. What you leave as it is counts as confirmed when you merge.`,
  ];
}

function leftovers({ gone }: Telling): string[] {
  if (gone.length === 0) return [];
  const lines = gone.map((path) => `- \`${path}\``);
  return [
    "## Not taken, and deleted here",
    `${lines.join("\n")}\n\nThey came to the default branch by an earlier campfire without the yes of somebody who may, or with an empty box, and no agent is given them. To keep one after all, say it in other words on the default branch.`,
  ];
}
