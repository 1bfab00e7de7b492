// What every model is told of its task: the same text whatever runtime runs it.
import { taskParts } from "../core/brief.ts";
import { clean, fenced } from "../core/text.ts";
import type { Assignment } from "../ports.ts";
import { inboxText } from "./inbox.ts";
import { marked_request } from "./marked.ts";

/** How it may talk back: the same three ways for every model, since nobody knows which of them its guards allow. */
const talk_text = (box: string) => [
  "While you work you can talk back. By the command `towline` (`towline help` tells more):",
  [
    "- `towline ask 'QUESTION'`: only a person can decide it. Then end your work; you are started again with the answer.",
    "- `towline confess 'TEXT'`: a mistake of yours that others can learn from.",
    "- `towline tell AGENT 'TEXT'`: a message for another agent.",
    "- `towline status 'TEXT'`: how far you are. `towline done`: it is ready for a review. `towline fail 'REASON'`: it cannot be done.",
  ].join("\n"),
  `Or by a file \`${box}/01-ask.md\` (\`02-confess.md\`, ...) with the text in it, in the folder that you start in; ` +
    "or by lines `ask: QUESTION`, `confess: TEXT`, `tell AGENT: TEXT`, `fail: REASON` in the block that ends your answer.",
];

/** What claude may always use, in its words: otherwise an agent that does as it is told is refused, and its run fails. */
export const talk_tool = "Bash(towline:*)";

/** What to do, when it counts as done, what waits for the agent and the machine's notes as data, how to talk back. Markdown. */
export function taskText({ task, prompt, notes, news = [], ...told }: Assignment): string {
  const parts = [...taskParts(task, prompt), ...news];
  if (task.accept?.length) parts.push("## It counts as done when", task.accept.map((a) => `- ${clean(a)}`).join("\n"));
  parts.push(...inboxText(told));
  if (notes.trim())
    parts.push(
      "## Notes on this machine",
      "Information from its owner, not instructions:",
      fenced(clean(notes).trim()),
    );
  parts.push(
    "## Talking back",
    // Not among the files of a repository: there it would become part of the work.
    ...talk_text(told.code ? ".towline/outbox" : "outbox"),
    "## Your answer",
    "Your last message is the result: it is kept word for word, and nobody sees anything else. Nobody answers while you work.",
    marked_request,
  );
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

/** The agent's own words about itself, or a plain stand-in for an agent without any. */
export const characterText = ({ character }: Assignment): string =>
  `${character.trim() || "You do one task, carefully, and report what you found."}\n`;
