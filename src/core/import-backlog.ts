// A task file of Backlog.md: frontmatter with id, title, status, dependencies; a body with sections and criteria.

import { slugOf } from "./ids.ts";
import { criteriaIn, type Foreign, visibleText } from "./import-tasks.ts";
import { split } from "./split.ts";
import { oneLine } from "./text.ts";

const priorities: Record<string, number> = { high: 1, medium: 2, low: 3 };
const over = new Set(["done", "closed", "cancelled", "canceled", "completed"]);

/** A string says what is wrong with the file. */
export function readBacklogTask(file: string, text: string): Foreign | string {
  const read = split(text);
  if ("message" in read) return `${read.message} (${read.fix})`;
  const { data } = read;
  const word = (name: string) => (typeof data[name] === "string" ? (data[name] as string) : "");
  const title = oneLine(word("title"));
  if (word("id") === "") return "it has no `id:`";
  if (title === "") return "it has no `title:`";
  const id = idOf(word("id"));
  const needs = Array.isArray(data.dependencies) ? data.dependencies : word("dependencies").split(",");
  const priority = priorities[word("priority").toLowerCase()];
  return {
    id,
    title,
    from: file,
    link: file,
    over: over.has(word("status").toLowerCase()),
    // 2 is what a task has without the field.
    ...(priority === undefined || priority === 2 ? {} : { priority }),
    after: needs.flatMap((one) => (typeof one === "string" && one.trim() !== "" ? [idOf(one)] : [])),
    ...criteriaIn(visibleText(read.body)),
  };
}

/** `BACK-355.01` → `back-355-01`; a bare number gets a word before it. */
const idOf = (id: string) => slugOf(/^[\d.]+$/.test(id.trim()) ? `task-${id}` : id, 63);
