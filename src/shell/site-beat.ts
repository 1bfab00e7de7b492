// A quiet tick builds nothing. Where it can reach what is served, it notes that it was there: open pages ask for this file.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { tickTime } from "../core/export-beat.ts";
import { writeWhole } from "./write-whole.ts";

export interface Heard {
  /** When the newest tick came. */
  tick: string;
  /** Every tick is told here: silence is then silence, not a quiet pack. */
  live: boolean;
}

export const version_file = "version.json";

/** What `version.json` says with this; null: it is not one that can say it. */
export function versionWith(text: string, heard: Heard): string | null {
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said !== "object" || said === null || !("version" in said)) return null;
    const known = "tick" in said && typeof said.tick === "string" && said.tick > heard.tick ? said.tick : heard.tick;
    return `${JSON.stringify({ ...said, ...heard, tick: known })}\n`;
  } catch {
    return null; // sealed, or not ours
  }
}

/** In a folder that ticks publish into. What cannot be noted is left: the page then tells what it was built with. */
export async function noteTick(folder: string, id: string): Promise<void> {
  const tick = tickTime(id);
  const file = join(folder, version_file);
  const text = tick && versionWith(await readFile(file, "utf8").catch(() => ""), { tick, live: true });
  if (text) await writeWhole(file, text).catch(() => {});
}
