// OVERVIEW.md: what a person reads first. No ages and no tick times in it, so that a quiet tick changes nothing.
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { stopOf } from "./gate.ts";
import { glyphs } from "./jobs.ts";
import { type Facts, localTime, order, plainly, readOf } from "./overview-read.ts";
import { proseFor } from "./prose.ts";
import { cell, oneLine } from "./text.ts";

/** Rows of a table; the rest is in its folder. */
const most_rows = 200;

export function narrate(draft: Draft): string {
  const facts = factsOf(draft);
  const { headline, sentences } = readOf(draft, facts);
  return `${[
    `# ${cell(draft.settings.name)}`,
    headline,
    stopLine(draft),
    proseOr(draft, facts, sentences),
    waits(draft, facts),
    `## Tasks\n\n${facts.statuses.length === 0 ? "No tasks yet. Write one: `tasks/hello.md` with a `title:` and a prompt below the `---`." : table(draft, facts)}`,
    hosts(draft, facts),
    problems(draft),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

/** A model's words, where a pack has one for them; they were checked against the template's, which else stand there. */
function proseOr(draft: Draft, facts: Facts, sentences: readonly string[]): string {
  const prose = draft.settings.narrate ? proseFor(draft, factsFor(draft, facts)) : null;
  if (prose === null) return sentences.join(" ");
  return `${prose.text}\n\n<sub>Put in words by ${cell(prose.model)}; numbers and links are checked.</sub>`;
}

/** All that such words may be about. */
export function factsFor(draft: Draft, facts = factsOf(draft)): string {
  const { headline, sentences } = readOf(draft, facts);
  return [headline, ...sentences, waits(draft, { ...facts, memos: facts.memos.slice(0, 10) })]
    .filter(Boolean)
    .join("\n");
}

function factsOf(draft: Draft): Facts {
  const silent = new Set(
    draft.levels.flatMap((row) => (row.family === "host" && row.kind === "host.down" ? row.subject : [])),
  );
  return {
    statuses: [...draft.status.values()].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1)),
    memos: [...draft.memos.values()]
      .filter((memo) => memo.data.status === "open")
      .sort((a, b) => (a.data.created < b.data.created ? -1 : 1)),
    down: [...draft.hosts.values()]
      .filter(({ id, data }) => silent.has(id) && !data.off && !data.cordon)
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/** Nothing starts: what is in the way of everything comes first. */
function stopLine(draft: Draft): string {
  const stop = stopOf(draft, draft.now);
  if (!stop) return "";
  const words = stop.words.replaceAll("@", "@\u2060");
  const why = draft.talks.stop?.why;
  return `**‖ ${words} stops everything**${why ? `: ${cell(why, 200)}` : ""} (${stop.lift} to go on).`;
}

const rank = (status: Entry<"status">) => order.indexOf(status.data.state);

const needs: Record<Entry<"memo">["data"]["kind"], string> = {
  ask: "needs an answer",
  approval: "needs a yes or no",
  warning: "needs a look",
  info: "to read",
};

function waits({ tasks }: Draft, { memos }: Facts): string {
  const lines = memos.map(({ path, data }) => {
    // Whoever asked for the work knows best what it was to be.
    const whose = tasks.get(data.subject)?.data.asked_by;
    const need = data.event === "job.review" ? "needs a review" : needs[data.kind];
    return `- [${cell(plainly(data.title), 200)}](${path}) · ${need}${whose === undefined ? "" : `, by ${cell(whose)} if they can`}`;
  });
  return lines.length === 0 ? "" : `## Waits for you\n\n${lines.join("\n")}`;
}

/** Narrow: it is read on phones. Why a task stands as it does is behind its state. */
function table(draft: Draft, { statuses }: Facts): string {
  const rows = statuses.slice(0, most_rows).map((one) => {
    const task = draft.tasks.get(one.id);
    const due = one.data.next_due ? localTime(draft.settings.zone, one.data.next_due) : "";
    const name = task ? `[${cell(one.data.title, 60)}](${task.path})` : cell(one.data.title, 60);
    return `| ${name} | [${glyphs[one.data.state]} ${one.data.state}](${one.path}) | ${due} |`;
  });
  return `| Task | State | Next |\n| --- | --- | --- |\n${rows.join("\n")}${rest(statuses.length, "status")}`;
}

const rest = (all: number, folder: string) =>
  all > most_rows ? `\n\n… and ${all - most_rows} more in [${folder}/](${folder}/).` : "";

function hosts(draft: Draft, { down }: Facts): string {
  const all = [...draft.hosts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const rows = all.slice(0, most_rows).map((host) => {
    const state = host.data.off
      ? "‖ off"
      : host.data.cordon
        ? "‖ cordoned"
        : down.includes(host)
          ? "? not answering"
          : "✓ in rotation";
    return `| [${cell(host.id)}](${host.path}) | ${state} | ${host.data.slots} |`;
  });
  return rows.length === 0
    ? ""
    : `## Hosts\n\n| Host | State | Slots |\n| --- | --- | --- |\n${rows.join("\n")}${rest(all.length, "hosts")}`;
}

function problems(draft: Draft): string {
  const broken = draft.problems.filter((problem) => problem.level === "error");
  if (broken.length === 0) return "";
  const rows = broken
    .map(
      (p) =>
        `- \`${oneLine(p.path).replaceAll("`", "ˋ")}:${p.line}:${p.column}\` ${cell(p.message, 200)}: ${cell(p.fix, 200)}`,
    )
    .sort();
  return `## Records that cannot be read\n\n${rows.join("\n")}`;
}
