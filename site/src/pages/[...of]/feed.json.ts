// A JSON feed beside each page (jsonfeed.org, version 1.1).
import type { APIRoute } from "astro";
import { feeds } from "../../feed.ts";
import { page } from "../../link.ts";
import { record } from "../../records.ts";

export const getStaticPaths = async () => [...(await feeds()).keys()].map((of) => ({ params: { of } }));

export const GET: APIRoute = async ({ params, site }) => {
  const of = params.of ?? "";
  const { name } = await record("meta");
  const url = (path: string) => (site ? new URL(path, site).href : path);
  const items = (await (await feeds()).get(of)?.()) ?? [];
  const feed = {
    version: "https://jsonfeed.org/version/1.1",
    title: `${name}: ${of}`,
    home_page_url: url(page(`${of}/`)),
    feed_url: url(page(`${of}/feed.json`)),
    items: items.map(({ id, link, title, text, at, tags }) => ({
      id: `${of}/${id}`,
      url: url(link),
      title,
      content_text: text,
      ...(at ? { date_published: at } : {}),
      ...(tags && tags.length > 0 ? { tags } : {}),
    })),
  };
  return new Response(`${JSON.stringify(feed, null, 1)}\n`, { headers: { "content-type": "application/feed+json" } });
};
