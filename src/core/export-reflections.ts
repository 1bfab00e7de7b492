// Reflections by domain, outcome, agent and host: which lists there are, and how long each is.

import { fragment } from "./export-world.ts";
import type { Exported } from "./exported.ts";

type Row = Exported<"reflections">;
type Facet = Exported<"facets">;

export const facet_kinds = ["domain", "outcome", "agent", "host"] as const;

/** Of one kind as many lists, the longest first; the others are found by search. */
const most_facets = 24;

/** What a reflection has to say for a kind of list. */
export const facetOf = ({ fields }: Pick<Row, "fields">, by: Facet["by"]): string => fields[by]?.trim() ?? "";

export function facetRows(reflections: readonly Row[]): Facet[] {
  return facet_kinds.flatMap((by) => {
    const groups = [...Map.groupBy(reflections, (row) => facetOf(row, by))].filter(([name]) => name !== "");
    const longest = groups.sort(([a, rows], [b, others]) => others.length - rows.length || (a < b ? -1 : 1));
    const taken = new Set<string>();
    return longest.slice(0, most_facets).map(([name, rows]) => {
      let id = fragment(name).slice(0, 60);
      while (taken.has(id.toLowerCase())) id += "-";
      taken.add(id.toLowerCase());
      return { id: `${by}/${id}`, by, name, n: rows.length };
    });
  });
}
