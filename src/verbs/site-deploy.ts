import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { State } from "../core/state.ts";
import { usage } from "../errors.ts";
import { type DeliverPorts, deliver, refuseOpen, wayOf } from "../shell/deliver.ts";
import { connectHost } from "../shell/fleet.ts";
import { openLocal } from "../shell/pack.ts";
import { readPair } from "../shell/read.ts";
import { buildSite } from "../shell/site.ts";
import { siteLock } from "../shell/site-lock.ts";
import { type Common, inCi, repoDir, secretOf, type Wire } from "../wire.ts";
import { exportOnce } from "./export.ts";
import { plugOf } from "./plug.ts";

interface DeployFlags extends Common {
  at?: string;
  base?: string;
  public?: boolean;
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
      ...{ pack, connectTimeout: 20_000, hosts: (name) => hosts.get(name)?.data, offers: plugOf(wire, dir).here },
    }),
});
type Secret = (name: string) => string | undefined;

/** Adds `towline site deploy`. */
export function siteDeploy(group: Command, wire: Wire): void {
  group
    .command("deploy")
    .description("build the dashboard and bring it to where `site.publish` says")
    .option("--base <path>", "path under which it will be served (default: site.base of towline.yml)")
    .option("--public", "even where the repository is private and the dashboard is not encrypted")
    .option("--at <ref>", "another commit of the default branch than its newest")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print where it went as JSON")
    .action(async (flags: DeployFlags) => {
      const { to, took } = await deployed(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify({ to, took }, null, 2)}\n`);
      else wire.out(`✓ deployed in ${took.toFixed(1)} s  ${to}\n`);
    });
}

async function deployed(wire: Wire, flags: DeployFlags): Promise<{ to: string; took: number }> {
  const dir = repoDir(wire, flags);
  const { repo, tips, top } = await openLocal(dir, { env: wire.env, clock: wire.clock }, flags.at);
  const state = await readPair(repo, tips);
  const site = state.settings.site ?? { private: false, public: false };
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
    await exportOnce(wire, { ...flags, out: data });
    const base = flags.base ?? site.base;
    const { out, took } = await buildSite({ data, out: join(work, "site"), base, site: site.url, lock });
    await deliver(way, out, ports);
    return { to: site.publish ?? way.to, took };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
