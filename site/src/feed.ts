// JSON Feed 1.1 of a page: https://www.jsonfeed.org/version/1.1/
import { page } from "./link.ts";
import { record } from "./records.ts";

export interface FeedItem {
  id: string;
  /** Address below the site's root, with the base in front. */
  path: string;
  title: string;
  text: string;
  /** Absent: nobody knows. */
  at?: string | undefined;
  tags?: (string | undefined)[];
  /** A later time at which it changed. */
  changed?: string;
}

/** Characters of an item's text. */
const most_text = 2000;
export const most_items = 50;

/** `where`: the page, below the site's root. Addresses are whole where the site knows its own. */
export async function feed(site: URL | undefined, where: string, title: string, items: FeedItem[]): Promise<Response> {
  const meta = await record("meta");
  const whole = (path: string) => (site ? new URL(path, site).href : undefined);
  const iso = (at: string) => new Date(at).toISOString();
  const document = {
    version: "https://jsonfeed.org/version/1.1",
    title: `${title} · ${meta.name}`,
    home_page_url: whole(page(where)),
    feed_url: whole(page(`${where}feed.json`)),
    language: "en",
    items: items
      .filter((item) => item.at === undefined || !Number.isNaN(Date.parse(item.at)))
      .slice(0, most_items)
      .map((item) => ({
        id: whole(item.path) ?? `${meta.pack}:${item.id}`,
        url: whole(item.path),
        title: item.title,
        content_text: item.text.slice(0, most_text) || item.title,
        date_published: item.at === undefined ? undefined : iso(item.at),
        date_modified: item.changed ? iso(item.changed) : undefined,
        tags: item.tags?.filter((tag) => tag !== undefined && tag !== ""),
      })),
  };
  return new Response(`${JSON.stringify(document, null, 1)}\n`, {
    headers: { "content-type": "application/feed+json" },
  });
}
