// Before a whole run of the suites: the program as one file, which `integration/real.ts` then starts in place of bin/towline,
// and the ticker of the lab as another.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundled } from "./chaos/kit/bundle.ts";

export default async function setup(): Promise<(() => void) | undefined> {
  // One suite by itself starts the program as a person does, and does not wait for this.
  if (process.env.TOWLINE_BUNDLE !== "yes") return;
  const dir = mkdtempSync(join(tmpdir(), "towline-program-"));
  process.env.TOWLINE_PROGRAM = await bundled(join(import.meta.dirname, "program.ts"), join(dir, "program"));
  process.env.TOWLINE_TICKER = await bundled(
    join(import.meta.dirname, "chaos", "kit", "ticker-run.ts"),
    join(dir, "ticker"),
  );
  return () => rmSync(dir, { recursive: true, force: true });
}
