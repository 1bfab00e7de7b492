// What a pack's repository did lately, by its own history.
import { existsSync } from "node:fs";
import { type Place, runGit } from "./git.ts";
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
  /** From what lies in the ledger: a shallow clone has no past. */
  about: boolean;
}

export async function historyOf(dir: string, env: Env, tip: string, now: Date): Promise<History> {
  const { place, shallowFile } = await findRepo(dir, env);
  if (existsSync(shallowFile)) return byRecords(place, tip, now);
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
  return { days, bytes, busy: new Set(ticks.split("\n").filter(Boolean)).size, about: false };
}

/**
 * What the records of jobs and events of these days add up to. Packed they take less, the rest of what a tick writes
 * about as much more: a month of bench/month.ts comes out alike. Ticks that wrote leave a file of events each.
 */
async function byRecords(place: Place, tip: string, now: Date): Promise<History> {
  const dated = Array.from({ length: longest }, (_, n) => {
    const at = new Date(now.getTime() - n * day * 1000).toISOString().slice(0, 10).replaceAll("-", "/");
    return [`jobs/${at}`, `pupdates/${at}`];
  });
  const ran = await runGit(place, ["ls-tree", "-r", "-l", "-z", "--full-tree", objectId(tip), "--", ...dated.flat()]);
  const files = ran.stdout
    .toString()
    .split("\0")
    .flatMap((line) => {
      const [, size, folder, at] = /^\d+ blob \w+ +(\d+)\t(jobs|pupdates)\/(\d{4}\/\d\d\/\d\d)\//.exec(line) ?? [];
      return size && folder && at ? [{ size: Number(size), folder, at }] : [];
    });
  const first = files.map(({ at }) => Date.parse(at.replaceAll("/", "-"))).sort((a, b) => a - b)[0] ?? now.getTime();
  return {
    days: Math.min(longest, Math.max(1, (now.getTime() - first) / 1000 / day)),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    busy: files.filter(({ folder }) => folder === "pupdates").length,
    about: true,
  };
}
