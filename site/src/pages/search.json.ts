// What the search on the reflections page reads, once somebody searches: a few words of each that has a place here.
import { facetOf } from "../../../src/core/export-reflections.ts";
import { record, records } from "../records.ts";
import { moment } from "../time.ts";

/** Characters of a text that are searched. */
const most = 400;

export async function GET() {
  const { zone } = await record("meta");
  const facets = await records("facets");
  const listsOf = (row: Parameters<typeof facetOf>[0]) =>
    facets.filter((facet) => facetOf(row, facet.by) === facet.name).map((facet) => facet.id);
  const rows = (await records("reflections")).map(({ id, day, fields, surprised, body }) => ({
    id,
    day,
    lists: listsOf({ fields }),
    at: moment(fields.timestamp, zone),
    title: fields.title,
    outcome: fields.outcome,
    domain: fields.domain?.trim(),
    agent: fields.agent,
    host: fields.host,
    surprise: surprised ? fields.surprise?.slice(0, most) : undefined,
    text: [fields.goal, fields.technique, body].filter(Boolean).join(" ").slice(0, most),
  }));
  return new Response(JSON.stringify(rows));
}
