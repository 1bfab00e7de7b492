// The exported documents in their own order. Pages read from here and decide nothing.
import { getCollection } from "astro:content";
import type { DocumentName, Exported } from "../../src/core/exported.ts";

export async function records<N extends DocumentName>(name: N): Promise<Exported<N>[]> {
  const entries: { data: { order: number; row: Exported<N> } }[] = await getCollection(name);
  return entries.sort((a, b) => a.data.order - b.data.order).map((entry) => entry.data.row);
}

/** A document of one row. */
export async function record<N extends "meta" | "home">(name: N): Promise<Exported<N>> {
  return (await records(name))[0] as Exported<N>;
}
