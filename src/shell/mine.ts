// The past of a repository, read page by page. Where it was read up to is kept beside the clone's git data, so that a run that
// was ended goes on where it was.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { minedSignal } from "../core/mined.ts";
import type { Signal } from "../core/signals.ts";
import { oneLine } from "../core/text.ts";
import { configuration, Fault } from "../errors.ts";
import { heed } from "../interrupt.ts";
import type { Clock, Forge } from "../ports.ts";
import { ApiFault } from "./github-api.ts";

/** What was found by now. */
export interface Dig {
  since: string;
  /** The next page. */
  page: number;
  read: number;
  signals: Signal[];
}

export interface Digging {
  forge: Forge;
  /** As the forge knows it: `owner/name`, or `.` for the pack's own. */
  repo: string;
  since: string;
  clock: Clock;
  signal: AbortSignal;
  /** Git data of the clone. */
  gitDir: string;
  progress(line: string): void;
}

const most_pages = 200;
const full_page = 100;
/** Nobody sits there for longer. */
const most_wait = 2 * 3_600_000;

export const placeOf = ({ gitDir, repo, since }: Pick<Digging, "gitDir" | "repo" | "since">) =>
  join(gitDir, "towline", `mine-${createHash("sha256").update(`${repo} ${since}`).digest("hex").slice(0, 16)}.json`);

/** Reads on from where an earlier run was ended. Throws a Fault where the forge cannot be read; what was read stays kept. */
export async function dig(digging: Digging): Promise<Dig> {
  const { signal, progress, repo } = digging;
  const path = placeOf(digging);
  const found = await begun(path, digging.since);
  if (found.page > 1) progress(`goes on at page ${found.page}: ${found.read} remarks were read before`);
  while (found.page <= most_pages) {
    const listed = await heed(signal, pageOf(digging, found.page));
    const known = new Set(found.signals.map(({ id }) => id));
    for (const { id, at, pull, path, text, url, counts } of listed) {
      const origin = `pr ${repo}#${pull}`;
      const made = counts ? minedSignal({ id: `${repo} ${id}`, at, text, origin, link: url ?? origin, path }) : null;
      if (made && !known.has(made.id)) found.signals.push(made);
    }
    found.read += listed.length;
    progress(`page ${found.page}: ${found.read} remarks read, ${found.signals.length} may teach something`);
    if (listed.length < full_page) return found;
    found.page += 1;
    await keep(path, found);
  }
  return found;
}

/** It is all in the ledger. */
export const forget = (digging: Pick<Digging, "gitDir" | "repo" | "since">) => rm(placeOf(digging), { force: true });

async function pageOf({ forge, repo, since, clock, signal, progress }: Digging, page: number) {
  for (;;) {
    try {
      const listed = await forge.history(repo, { since, page });
      if ("notHere" in listed)
        throw configuration(
          `${repo}: ${listed.notHere}`,
          "name a repository of the forge in towline.yml, or the folder of a clone",
        );
      return listed;
    } catch (thrown) {
      const until = thrown instanceof Fault && thrown.cause instanceof ApiFault ? thrown.cause.until : undefined;
      const wait = until === undefined ? Number.POSITIVE_INFINITY : until - Date.now();
      if (wait > most_wait) throw thrown;
      progress(`${oneLine((thrown as Fault).message)}; waits for it`);
      await clock.sleep(Math.max(1000, wait + 500), signal);
    }
  }
}

async function begun(path: string, since: string): Promise<Dig> {
  const anew: Dig = { since, page: 1, read: 0, signals: [] };
  try {
    const kept = JSON.parse(await readFile(path, "utf8")) as Dig;
    const whole = Number.isInteger(kept.page) && kept.page > 0 && Array.isArray(kept.signals);
    return whole ? { ...anew, page: kept.page, read: Number(kept.read) || 0, signals: kept.signals } : anew;
  } catch {
    return anew;
  }
}

async function keep(path: string, found: Dig): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(fresh, JSON.stringify(found));
  await rename(fresh, path);
}
