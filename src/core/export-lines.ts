// Lines of the ledger's ndjson files, read for the dashboard: one that is torn or of another shape costs itself only.
import type { z } from "zod";

/** Files beside the records that pages are made of, by path: those of `state/`, and those of collections. */
export type PageFiles = ReadonlyMap<string, string>;

export function linesOf<T>(text: string | undefined, schema: z.ZodType<T>): T[] {
  return (text ?? "").split("\n").flatMap((line) => {
    const read = line.startsWith("{") ? schema.safeParse(json(line)) : undefined;
    return read?.success ? [read.data] : [];
  });
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
