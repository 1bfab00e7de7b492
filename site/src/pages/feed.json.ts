// What waits for a person, and what the newest day brought.
import type { APIContext } from "astro";
import { feed } from "../feed.ts";
import { jobLink, page } from "../link.ts";
import { record, records } from "../records.ts";
import { job_looks, memo_words } from "../state.ts";

export async function GET({ site }: APIContext) {
  const home = await record("home");
  const memos = (await records("memos")).filter((memo) => home.waits.includes(memo.id));
  const waits = memos.map(({ id, fields, body }) => ({
    id: `memo/${id}`,
    path: `${page("")}#${encodeURIComponent(id)}`,
    title: `Waits for you: ${fields.title}`,
    text: `${memo_words[fields.kind]}, until ${fields.expires}\n\n${body}`,
    at: fields.created,
    tags: ["waits"],
  }));
  const ran = (home.today?.jobs ?? [])
    .filter((job) => job.listed)
    .map((job) => ({
      id: `job/${job.id}`,
      path: jobLink(job.id),
      title: `${job.title}: ${job_looks[job.state].word}`,
      text: [job.host && `on ${job.host}`, job_looks[job.state].word].filter(Boolean).join(", "),
      at: job.at,
      changed: job.ended,
      tags: [job.state],
    }));
  return feed(site, "", "Home", [...waits, ...ran]);
}
