import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { publish_ways, publishWay } from "../core/publish-way.ts";
import type { State } from "../core/state.ts";
import { usage } from "../errors.ts";
import { type DeliverPorts, deliver, refuseOpen, wayOf } from "../shell/deliver.ts";
import { connectHost } from "../shell/fleet.ts";
import { openLocal } from "../shell/pack.ts";
import { readPair } from "../shell/read.ts";
import { siteLock } from "../shell/site-lock.ts";
import { buildOnce } from "../shell/site-once.ts";
import { type Common, inCi, repoDir, secretOf, type Wire } from "../wire.ts";
import { exportOnce } from "./export.ts";
import { plugOf } from "./plug.ts";

interface DeployFlags extends Common {
  at?: string;
  base?: string;
  public?: boolean;
  to?: string;
}

/** What a site needs on its way out, from a tick as from a person's hand. */
export const delivery = (wire: Wire, dir: string, { hosts, pack }: State): DeliverPorts & { secret: Secret } => ({
  dir,
  env: wire.env,
  hosts,
  secret: secretOf(wire),
  connect: (host) =>
    connectHost(host.id, host.data, {
      ...wire,
      ...{ pack, connectTimeout: 20_000, hosts: (name) => hosts.get(name)?.data, offers: plugOf(wire, dir).transports },
    }),
});
type Secret = (name: string) => string | undefined;

/** Adds `towline site deploy`. */
export function siteDeploy(group: Command, wire: Wire): void {
  group
    .command("deploy")
    .description("build the dashboard and bring it to where `site.publish` says")
    .option("--to <way>", "another way than `site.publish`, this once: branch[:NAME], dir:PATH, ssh:HOST:/PATH, …")
    .option("--base <path>", "path under which it will be served (default: site.base of towline.yml)")
    .option("--public", "even where the repository is private and the dashboard is not encrypted")
    .option("--at <ref>", "another commit of the default branch than its newest")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print where it went as JSON")
    .action(async (flags: DeployFlags) => {
      const { to, took, built } = await deployed(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify({ to, took, built }, null, 2)}\n`);
      else wire.out(`✓ ${built ? `built in ${took.toFixed(1)} s and deployed` : "deployed as it was built"}  ${to}\n`);
    });
}

async function deployed(wire: Wire, flags: DeployFlags): Promise<{ to: string; took: number; built: boolean }> {
  const dir = repoDir(wire, flags);
  const { repo, tips, top } = await openLocal(dir, { env: wire.env, clock: wire.clock }, flags.at);
  const state = await readPair(repo, tips);
  const set = state.settings.site ?? { private: false, public: false };
  const site = flags.to === undefined ? set : { ...set, publish: flags.to };
  if (flags.to !== undefined && !publishWay(flags.to))
    throw usage(`--to ${flags.to} is no way`, `write ${publish_ways}`);
  const way = wayOf(site);
  if (way.to === "pages")
    throw usage(
      "`site.publish: pages` is delivered by the workflow's own job, which alone may do that",
      inCi(wire) ? "let the tick do it" : "run the tick workflow, or set `site.publish` to another way",
    );
  const ports = { ...delivery(wire, top, state), open: flags.public };
  const lock = siteLock(site, ports.secret);
  await refuseOpen(site, way, ports);
  const work = await mkdtemp(join(tmpdir(), "towline-deploy-"));
  try {
    const data = join(work, "data");
    const { digest, place: marks } = await exportOnce(wire, { ...flags, out: data });
    const base = flags.base ?? site.base;
    // What is locked goes away again: its pieces on this disk are of no use to anybody.
    const out = lock
      ? join(work, "site")
      : join(marks, flags.base === undefined && flags.at === undefined ? "site" : "deploy");
    const { took, built } = await buildOnce({ data, out, base, site: site.url, lock, digest, marks });
    await deliver(way, out, ports);
    return { to: site.publish ?? way.to, took, built };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
