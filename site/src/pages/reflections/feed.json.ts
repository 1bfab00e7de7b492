import type { APIContext } from "astro";
import { feed, most_items } from "../../feed.ts";
import { reflectionLink } from "../../link.ts";
import { records } from "../../records.ts";

export async function GET({ site }: APIContext) {
  const rows = (await records("reflections")).slice(0, most_items);
  const items = rows.map(({ id, day, fields, body }) => ({
    id: `reflection/${id}`,
    path: reflectionLink(id, day),
    title: fields.title,
    text: [fields.goal, fields.surprise && `Surprise: ${fields.surprise}`, body].filter(Boolean).join("\n\n"),
    at: fields.timestamp,
    tags: [fields.outcome, fields.domain, fields.agent, fields.host],
  }));
  return feed(site, "reflections/", "Reflections", items);
}
