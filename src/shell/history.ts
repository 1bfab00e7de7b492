// What a pack's repository did lately, by its own history.
import { existsSync } from "node:fs";
import { runGit } from "./git.ts";
import { findRepo } from "./repo-open.ts";
import { objectId } from "./repo-read.ts";

type Env = Readonly<Record<string, string | undefined>>;

const day = 86_400;
/** How far back it is looked, in days. */
const longest = 30;

export interface History {
  days: number;
  /** Bytes that the commits of this time take on this disk. */
  bytes: number;
  /** Ticks that wrote something. */
  busy: number;
}

/** null: a shallow clone, whose past is elsewhere. */
export async function historyOf(dir: string, env: Env, tip: string, now: Date): Promise<History | null> {
  const { place, shallowFile } = await findRepo(dir, env);
  if (existsSync(shallowFile)) return null;
  const ask = async (...args: string[]) => {
    const ran = await runGit(place, args);
    return ran.code === 0 ? ran.stdout.toString().trim() : "";
  };
  const from = Math.floor(now.getTime() / 1000) - longest * day;
  const before = await ask("rev-list", "-1", "--first-parent", `--before=${from}`, objectId(tip));
  const range = [objectId(tip), ...(before ? [`^${objectId(before)}`] : [])];
  const bytes = Number(await ask("rev-list", "--disk-usage", "--objects", ...range));
  const ticks = await ask("log", "--format=%(trailers:key=Towline-Tick,valueonly,separator=)", ...range);
  const first = before
    ? from
    : Number((await ask("log", "--format=%ct", "--max-parents=0", ...range)).split("\n").at(-1));
  const days = Math.min(longest, Math.max(1, (now.getTime() / 1000 - first) / day));
  return { days, bytes, busy: new Set(ticks.split("\n").filter(Boolean)).size };
}
