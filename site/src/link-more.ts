// Addresses of what the pages beside the daily ones show, and of what records name: a path, an id or a web address.
import { fragment } from "../../src/core/export-world.ts";
import { jobLink, page, taskLink } from "./link.ts";
import { known, linksFrom, record, records } from "./records.ts";

const entry = (folder: string) => (id: string) => `${page(`${folder}/`)}#${encodeURIComponent(fragment(id))}`;
export const ruleLink = entry("rules");
export const pupdateLink = entry("pupdates");
export const knowledgeLink = entry("knowledge");
export const campfireLink = entry("campfire");

export interface Ref {
  /** Absent: it leads nowhere. */
  href?: string;
  label: string;
  outside?: true;
}

/** What a text of a record means: text of others, so that only what is known here or is plain http becomes a link. */
export async function refOf(text: string): Promise<Ref> {
  const label = text.length > 120 ? `${text.slice(0, 119)}…` : text;
  if (/^https?:\/\//.test(text) && URL.canParse(text)) {
    const { href, hostname, pathname } = new URL(text);
    return { href, label: `${hostname}${pathname}`.slice(0, 120), outside: true };
  }
  if (/\.md$/.test(text)) {
    const href = (await linksFrom("x.md"))(text);
    return href === null ? { label } : { href, label };
  }
  const id = text.replace(/^(job|task|pupdate|rule):/, "");
  if ((await records("jobs")).some((job) => job.id === id)) return { href: jobLink(id), label };
  if ((await known("tasks")).has(id)) return { href: taskLink(id), label };
  // Memos that wait stand on the first page.
  if ((await record("home")).waits.includes(fragment(id))) return { href: `${page("")}#${fragment(id)}`, label };
  if ((await records("pupdates")).some((one) => one.id === id)) return { href: pupdateLink(id), label };
  return { label };
}
