// A JSON feed beside each page that has none of its own making.
import type { APIRoute } from "astro";
import { feed } from "../../feed.ts";
import { feeds } from "../../feed-items.ts";

export const getStaticPaths = async () => [...(await feeds()).keys()].map((of) => ({ params: { of } }));

export const GET: APIRoute = async ({ params, site }) => {
  const of = params.of ?? "";
  const made = (await feeds()).get(of);
  return feed(site, `${of}/`, made?.title ?? of, (await made?.items()) ?? []);
};
