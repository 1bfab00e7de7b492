// What each page beside the daily ones shows, as items of its feed: the newest, by their record's own time.
import type { Exported } from "../../src/core/exported.ts";
import { type FeedItem, most_items } from "./feed.ts";
import { hostLink, page } from "./link.ts";
import { campfireLink, knowledgeLink, pupdateLink, ruleLink } from "./link-more.ts";
import { record, records } from "./records.ts";

const words = (...parts: (string | undefined | false)[]) => parts.filter(Boolean).join("\n\n").slice(0, 4000);

const makers: Record<string, () => Promise<FeedItem[]>> = {
  fleet: async () =>
    (await records("hosts")).slice(0, most_items).map(({ id, state, drift, since, seen }) => ({
      id,
      path: hostLink(id),
      title: `${id}: ${state}`,
      text: words(drift),
      at: since ?? seen,
      tags: [state],
    })),
  pupdates: async () =>
    (await records("pupdates")).slice(0, most_items).map(({ id, title, kind, verdict, rule, at }) => ({
      id,
      path: pupdateLink(id),
      title,
      text: words(`${kind}: ${verdict ?? "not judged"}${rule ? ` by ${rule}` : ""}`),
      at,
      tags: [kind],
    })),
  rules: async () =>
    (await records("rules")).map(({ id, says, fired }) => ({
      id,
      path: ruleLink(id),
      title: id,
      text: says.join(" "),
      at: fired?.at,
    })),
  knowledge: async () =>
    (await records("knowledge")).slice(0, most_items).map(({ id, kind, body, confirmed }) => ({
      id: `${kind}-${id}`,
      path: knowledgeLink(id),
      title: id,
      text: words(body),
      at: confirmed,
      tags: [kind],
    })),
  campfire: async () =>
    (await records("campfire")).slice(0, most_items).map(({ id, state, candidates, at }) => ({
      id,
      path: campfireLink(id),
      title: `Campfire ${id}: ${state}`,
      text: words(...candidates.map((one) => `${one.kind}: ${one.title}`)),
      at,
      tags: [state],
    })),
  costs: async () =>
    (await records("spending")).slice(0, most_items).map(({ id, runs, accepted, usd }) => ({
      id,
      path: page("costs/"),
      title: `${id}: $${usd}`,
      text: `${runs} runs, ${accepted} good`,
      at: `${id}T12:00:00Z`,
    })),
  health: async () =>
    (await record("health")).sources.map(({ source, subject, ok, at, why }) => ({
      id: `${source} ${subject}`,
      path: page("health/"),
      title: `${subject} ${ok ? "answers" : "fails"}`,
      text: words(why),
      at,
    })),
};

interface Feed {
  title: string;
  items: () => Promise<FeedItem[]>;
}

/** By the page's path. */
export async function feeds(): Promise<Map<string, Feed>> {
  const own = Object.entries(makers).map(([of, items]): [string, Feed] => [of, { title: titled(of), items }]);
  const tables = (await records("collections")).map((table): [string, Feed] => [
    `collections/${table.id}`,
    { title: table.title, items: async () => rowsOf(table) },
  ]);
  return new Map([...own, ...tables]);
}

const titled = (of: string) => of.charAt(0).toUpperCase() + of.slice(1);

const rowsOf = ({ id, columns, rows }: Exported<"collections">): FeedItem[] =>
  rows.slice(0, most_items).map((row) => ({
    id: row.id,
    path: `${page(`collections/${id}/`)}#${row.id}`,
    title: row.cells[columns[0]?.name ?? ""] ?? row.id,
    text: words(columns.map(({ name, title }) => `${title}: ${row.cells[name] ?? "–"}`).join("\n"), row.body),
  }));
