import type { APIContext } from "astro";
import { feed } from "../../feed.ts";
import { taskLink } from "../../link.ts";
import { records } from "../../records.ts";
import { task_looks } from "../../state.ts";

export async function GET({ site }: APIContext) {
  const items = (await records("tasks")).flatMap(({ id, fields, state, status, answer }) =>
    status === undefined
      ? []
      : [
          {
            // Each state that a task comes to is an item of its own.
            id: `task/${id}/${status.since}`,
            path: `${taskLink(id)}#${encodeURIComponent(status.since)}`,
            title: `${fields.title}: ${task_looks[state].word}`,
            text: [status.reason, answer].filter(Boolean).join("\n\n"),
            at: status.since,
            tags: [state, fields.domain],
          },
        ],
  );
  return feed(
    site,
    "tasks/",
    "Tasks",
    items.sort((a, b) => Date.parse(b.at) - Date.parse(a.at)),
  );
}
