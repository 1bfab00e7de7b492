// What an upgrade writes: the files that towline made, as this version makes them, with the secrets that records name.
import { cronFor } from "./cadence.ts";
import { readWorkflow } from "./doctor-schedule.ts";

import { withSecrets } from "./env-block.ts";
import type { Wished } from "./init-workflows.ts";
import type { Settings } from "./schema.ts";
import { tick_workflow } from "./tick-env.ts";

/** How the pack's workflows are wanted, by its settings and by what stands there. */
export function wishedOf(settings: Settings, tick: string | null, version: string): Wished {
  const { on, jobs } = readWorkflow(tick ?? "");
  const there = on && typeof on === "object" && Array.isArray(on.schedule) ? on.schedule[0]?.cron : undefined;
  const named = jobs?.tick?.environment as { name?: unknown } | string | undefined;
  const environment = typeof named === "string" ? named : named?.name;
  return {
    version,
    cron: cronFor(settings.tick.every / 60) ?? cronWord(there) ?? "7,37 * * * *",
    pages: settings.site?.publish === "pages",
    github: settings.forge?.name === "github",
    environment: typeof environment === "string" && /^[\w.-]{1,100}$/.test(environment) ? environment : null,
  };
}

/** It goes into a file between quotes. */
const cronWord = (said: unknown) => (typeof said === "string" && /^[\d*/, -]{9,100}$/.test(said) ? said : undefined);

/** The fresh files, the workflow of the ticks with the secrets in use. */
export function withNames(fresh: ReadonlyMap<string, string>, names: readonly string[]): Map<string, string> {
  const files = new Map(fresh);
  const tick = files.get(tick_workflow);
  const mended = tick === undefined ? null : withSecrets(tick, names);
  if (mended && typeof mended !== "string") files.set(tick_workflow, mended.text);
  return files;
}
