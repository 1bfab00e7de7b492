// Stage publish: the dashboard is exported and built only when what it shows has changed since it was last published.
import { cp, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Beat } from "../core/beat.ts";
import type { Settings } from "../core/schema.ts";
import { configuration } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import { writeExport } from "./export.ts";
import { pushFolder } from "./publish-branch.ts";
import { buildSite } from "./site.ts";

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

export interface PublishPorts {
  repo: Repo;
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Of the CI job's time, ms: a build that does not fit is left to a tick with less to do. */
  left?: number;
  /** Now, in ms: ticks that never have the time build it all the same once the last one is long ago. */
  now?: number;
}

export async function publish(
  { repo, dir, env, left = Number.POSITIVE_INFINITY, now = 0 }: PublishPorts,
  settings: Settings,
  tips: Tips,
  before: Beat | null,
): Promise<Published> {
  const last = before?.published;
  const way = settings.site?.publish ?? "pages";
  if (!/^(pages|branch(:.+)?|dir:.+)$/.test(way))
    throw configuration(`site.publish: \`${way}\` is not known`, "write pages, branch, branch:NAME or dir:PATH");
  if (!settings.site) return { changed: false, export: null, beat: last };
  if (last && last.policy === tips.policy && last.ledger === tips.ledger)
    return { changed: false, export: null, beat: last };
  const place = join(repo.gitDir, "towline");
  const { digest } = await writeExport(repo, tips, join(place, "export"));
  const beat = { policy: tips.policy, ledger: tips.ledger, digest };
  if (last?.digest === digest) return { changed: false, export: null, beat };
  if (left < build_time && before && now - Date.parse(before.at) < 4 * settings.tick.every * 1000) {
    const later = `the dashboard is built by a later tick: ${Math.max(0, Math.round(left / 1000))} s are left of this CI job (tick.job, ${settings.tick.job} s)`;
    return { changed: false, export: null, beat: last, later };
  }
  const out = join(place, "site");
  await buildSite({ data: join(place, "export"), out, base: settings.site.base, site: settings.site.url });
  await deliver({ repo, dir, env }, way, out);
  return { changed: true, export: way === "pages" ? out : null, beat };
}

/** `pages` is delivered by the workflow's second job, which alone holds the right to. */
async function deliver({ dir, env }: PublishPorts, way: string, out: string): Promise<void> {
  if (way === "pages") return;
  if (way === "branch" || way.startsWith("branch:")) return pushFolder(dir, env, out, way.slice(7) || "gh-pages");
  const target = resolve(dir, way.slice(4));
  await mkdir(target, { recursive: true });
  await cp(out, target, { recursive: true });
}
