// Stage publish: the dashboard is exported and built only when what it shows has changed since it was last published.
import { join, resolve } from "node:path";
import type { Beat } from "../core/beat.ts";
import type { Settings } from "../core/schema.ts";
import type { Repo, Tips } from "../ports.ts";
import { type DeliverPorts, deliver, refuseOpen, wayOf } from "./deliver.ts";
import { writeExport } from "./export.ts";
import { noteTick } from "./site-beat.ts";
import { siteLock } from "./site-lock.ts";
import { buildOnce } from "./site-once.ts";

export interface Published {
  changed: boolean;
  /** Folder of the built site that the workflow's second job is to publish; null when that is nothing. */
  export: string | null;
  beat: Beat["published"];
  /** Why it was left to a later tick. */
  later?: string;
}

/** What a build takes, ms. */
const build_time = 15_000;

export interface PublishPorts extends DeliverPorts {
  repo: Repo;
  /** The value of a secret by its name. */
  secret(name: string): string | undefined;
  /** Of the CI job's time, ms: a build that does not fit is left to a tick with less to do. */
  left?: number;
  /** Id of the tick that publishes, and how it found the database. */
  tick?: string;
  database?: Beat["database"];
  /** Now, in ms: ticks that never have the time build it all the same once the last one is long ago. */
  now?: number;
}

export async function publish(
  ports: PublishPorts,
  settings: Settings,
  tips: Tips,
  before: Beat | null,
): Promise<Published> {
  const { repo, tick, database, left = Number.POSITIVE_INFINITY, now = 0 } = ports;
  const last = before?.published;
  const way = wayOf(settings.site);
  if (!settings.site) return { changed: false, export: null, beat: last };
  const seen = () => (way.to === "dir" && tick ? noteTick(resolve(ports.dir, way.dir), tick) : undefined);
  if (last && last.policy === tips.policy && last.ledger === tips.ledger) {
    await seen();
    return { changed: false, export: null, beat: last };
  }
  // Before the export: what must not be shown, or cannot be locked, needs none.
  const lock = siteLock(settings.site, ports.secret);
  await refuseOpen(settings.site, way, ports);
  const place = join(repo.gitDir, "towline");
  const { digest } = await writeExport(repo, tips, join(place, "export"), { tick, database });
  const beat = { policy: tips.policy, ledger: tips.ledger, digest };
  if (last?.digest === digest) return { changed: false, export: null, beat };
  if (left < build_time && before && now - Date.parse(before.at) < 4 * settings.tick.every * 1000) {
    const later = `the dashboard is built by a later tick: ${Math.max(0, Math.round(left / 1000))} s are left of this CI job (tick.job, ${settings.tick.job} s)`;
    return { changed: false, export: null, beat: last, later };
  }
  const out = join(place, "site");
  const { base, url } = settings.site;
  // A site that was built and could not be delivered is there still.
  await buildOnce({ data: join(place, "export"), out, base, site: url, lock, digest, marks: place });
  await deliver(way, out, ports);
  await seen();
  return { changed: true, export: way.to === "pages" ? out : null, beat };
}
