import type { APIContext } from "astro";
import { feed, most_items } from "../../feed.ts";
import { jobLink } from "../../link.ts";
import { records } from "../../records.ts";
import { job_looks } from "../../state.ts";

export async function GET({ site }: APIContext) {
  const rows = (await records("jobs")).slice(0, most_items);
  const items = rows.map(({ id, title, fields, sections, body }) => ({
    id: `job/${id}`,
    path: jobLink(id),
    title: `${title}: ${job_looks[fields.state].word}`,
    text: [fields.run.why, sections.find(({ name }) => name === "Answer")?.text ?? body].filter(Boolean).join("\n\n"),
    at: fields.started_at ?? fields.run.claimed_at,
    changed: fields.run.ended_at,
    tags: [fields.state, fields.agent, fields.host],
  }));
  return feed(site, "jobs/", "Jobs", items);
}
