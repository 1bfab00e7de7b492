// Files that towline writes for people and keeps up to date as long as nobody changed them: by what they were when written.
import { z } from "zod";
import { digest } from "./hash.ts";

/** Not a folder `.towline`: on machines that one holds an agent's instructions. */
export const generated_path = ".towline.json";

export interface Generated {
  version: string;
  /** Path → digest of what was written there. */
  files: Record<string, string>;
}

const form = z.object({ version: z.string().max(64), files: z.record(z.string().max(500), z.string().max(200)) });

/** null: there is none, or it cannot be read. */
export function readGenerated(text: string | null | undefined): Generated | null {
  try {
    return text ? form.parse(JSON.parse(text)) : null;
  } catch {
    return null;
  }
}

export function renderGenerated({ version, files }: Generated): string {
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ version, files: sorted }, null, 2)}\n`;
}

export const digestOf = (text: string) => digest("generated", text.replaceAll("\r\n", "\n")).slice(0, 32);

/** `new`: it was never written here. `gone`: a person removed it. `edited`: a person's now. */
export type Fate = "same" | "new" | "changed" | "gone" | "edited";

export interface Kept {
  path: string;
  fate: Fate;
  /** What stands there; null: nothing. */
  before: string | null;
  after: string;
}

/** What becomes of each file that this version would write. `there`: what stands in the pack. */
export function fates(
  fresh: ReadonlyMap<string, string>,
  there: ReadonlyMap<string, string | null>,
  known: Generated | null,
): Kept[] {
  return [...fresh].map(([path, after]) => {
    const before = there.get(path) ?? null;
    const was = known?.files[path];
    const fate: Fate =
      before === null
        ? was === undefined
          ? "new"
          : "gone"
        : before === after
          ? "same"
          : was !== undefined && digestOf(before) === was
            ? "changed"
            : "edited";
    return { path, fate, before, after };
  });
}

/** The list after writing: what a person changed or removed keeps the digest that it had, so that it stays theirs. */
export function listed(kept: readonly Kept[], known: Generated | null, version: string): Generated {
  const files: Record<string, string> = {};
  for (const { path, fate, after } of kept) {
    const was = known?.files[path];
    if (fate === "same" || fate === "new" || fate === "changed") files[path] = digestOf(after);
    else if (was !== undefined) files[path] = was;
  }
  return { version, files };
}
