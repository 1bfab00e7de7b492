// The exported documents in their own order. Pages read from here and decide nothing.
import { getCollection } from "astro:content";
import { posix } from "node:path";
import { type DocumentName, type Exported, recordUrl } from "../../src/core/exported.ts";
import { hostLink, jobLink, page, reflectionLink, taskLink } from "./link.ts";

const read = new Map<string, Promise<unknown>>();

function once<T>(key: string, make: () => Promise<T>): Promise<T> {
  const known = read.get(key) ?? make();
  read.set(key, known);
  return known as Promise<T>;
}

export function records<N extends DocumentName>(name: N): Promise<Exported<N>[]> {
  return once(name, async () => {
    const entries: { data: { order: number; row: Exported<N> } }[] = await getCollection(name);
    return entries.sort((a, b) => a.data.order - b.data.order).map((entry) => entry.data.row);
  });
}

/** A document of one row. */
export async function record<N extends "meta" | "home" | "health">(name: N): Promise<Exported<N>> {
  return (await records(name))[0] as Exported<N>;
}

/** Ids of a document, for links that must not lead nowhere. */
export const known = (name: "tasks" | "hosts" | "agents") =>
  once(`ids of ${name}`, async () => new Set((await records(name)).map((row) => row.id)));

/** Tasks by id. */
export const taskById = () =>
  once("tasks by id", async () => new Map((await records("tasks")).map((task) => [task.id, task])));

/** Where a record is shown on this site, by its path. */
const places = () =>
  once("places", async () => {
    const found = new Map([["OVERVIEW.md", page("")]]);
    for (const row of await records("reflections")) found.set(row.path, reflectionLink(row.id, row.day));
    for (const row of await records("jobs")) found.set(row.path, jobLink(row.id));
    for (const row of await records("hosts")) found.set(row.path, hostLink(row.id));
    for (const row of await records("tasks"))
      for (const path of [row.path, row.status_path ?? row.path]) found.set(path, taskLink(row.id));
    return found;
  });

/** How links between records read: to this site where the record is on it, else to the forge, else not at all. */
export async function linksFrom(path: string): Promise<(url: string) => string | null> {
  const [shown, meta] = [await places(), await record("meta")];
  return (url) => {
    if (!/^\.{0,2}\/?[\w./-]+\.md$/.test(url)) return null;
    const target = posix.join(posix.dirname(path), url);
    return target.startsWith("..") ? null : (shown.get(target) ?? recordUrl(meta, target));
  };
}
