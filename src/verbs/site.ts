import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { readBeatText } from "../core/beat.ts";
import { tickTime } from "../core/export-beat.ts";
import type { Settings } from "../core/schema.ts";
import { messageOf, usage } from "../errors.ts";
import type { Tips } from "../ports.ts";
import { openLocal } from "../shell/pack.ts";
import { type Lock, newSiteKey } from "../shell/seal.ts";
import { serveSite } from "../shell/site.ts";
import { site_key, siteLock } from "../shell/site-lock.ts";
import { buildOnce } from "../shell/site-once.ts";
import { type Common, repoDir, secretOf, type Wire } from "../wire.ts";
import { exportOnce } from "./export.ts";
import { siteDeploy } from "./site-deploy.ts";

interface SiteFlags extends Common {
  out?: string;
  base?: string;
  at?: string;
  force?: boolean;
}

/** Adds `towline site build`, `serve`, `deploy` and `key`. */
export function site(program: Command, wire: Wire): void {
  const command = program.command("site").description("the dashboard: a static site over the records");
  command
    .command("build")
    .description("export the records and build the dashboard")
    .option("--out <dir>", "where to (default: towline/site in the git directory)")
    .option("--base <path>", "path under which it will be served, like /name/ (default: site.base of towline.yml)")
    .option("--at <ref>", "another commit of the default branch than its newest")
    .option("--force", "even when nothing has changed since it was built there")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print folder, digest, seconds and whether it was built as JSON")
    .action(async (flags: SiteFlags) => {
      const { out, took, digest, link, built } = await build(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify({ out, took, digest, link, built }, null, 2)}\n`);
      else if (!built) wire.out(`✓ nothing changed since it was built  ${out}\n`);
      else wire.out(`✓ built in ${took.toFixed(1)} s  ${out}\n${link ? `It is locked; open it with ${link}\n` : ""}`);
    });
  command
    .command("key")
    .description("make a key that locks a private dashboard (site.private)")
    .action(() => wire.out(`${newSiteKey()}\n`));
  siteDeploy(command, wire);
  command
    .command("serve")
    .description("build the dashboard, serve it on this machine, and build it anew when the fetched commits move")
    .option("--port <n>", "port on 127.0.0.1, 0 for any", "4321")
    .option("--at <ref>", "another commit of the default branch than its newest")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the address as JSON")
    .action((flags: SiteFlags & { port: string }) => serve(wire, flags));
}

/** `folder`: where in the git directory's own `towline` folder the site goes unless `--out` says otherwise. */
async function build(wire: Wire, flags: SiteFlags, { folder = "site", own = newSiteKey() } = {}) {
  // The data goes to a folder of its own: a tick in this repository may be exporting at the same moment.
  const data = await mkdtemp(join(tmpdir(), "towline-export-"));
  try {
    const { digest, place, settings, tips } = await exportOnce(wire, { ...flags, out: data });
    const out = flags.out === undefined ? join(place, folder) : resolve(wire.cwd, flags.out);
    const base = flags.base ?? settings.site?.base;
    const { lock, link } = lockOf(wire, settings, own);
    const how = { data, out, base, site: settings.site?.url, lock, digest, marks: place, force: flags.force };
    return { ...(await buildOnce(how)), digest, tips, link };
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

/** On a person's machine a private dashboard is locked, too; where its key is not at hand, with one for this time. */
function lockOf(wire: Wire, settings: Settings, own: string): { lock?: Lock | undefined; link?: string } {
  const { site } = settings;
  const name = site?.passphrase ?? site?.key ?? site_key;
  if (!site?.private || secretOf(wire)(name)) return { lock: siteLock(site, secretOf(wire)) };
  return { lock: { key: own }, link: `#key=${own}` };
}

async function serve(wire: Wire, flags: SiteFlags & { port: string }): Promise<void> {
  const port = Number(flags.port);
  if (!/^\d+$/.test(flags.port) || port > 65535) throw usage(`--port ${flags.port} is not a port`, "write 0 to 65535");
  // Not beside the tick's own build, which may stand under another base.
  const how = { folder: "preview", own: newSiteKey() };
  const { out, tips, link = "" } = await build(wire, { ...flags, base: "/" }, how);
  let tick: string | null = null;
  // As this clone knows it: ticks elsewhere may have come since it was fetched.
  const heard = () => (tick === null ? undefined : { tick, live: false });
  const hear = (beat: string | null) => {
    tick = tickTime(readBeatText(beat)?.tick ?? "");
  };
  const served = await serveSite(out, { port, host: "127.0.0.1", heard });
  const url = served.url + link;
  wire.out(flags.json ? `${JSON.stringify({ url, out })}\n` : `The dashboard is at ${url}\n`);
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  await refresh(wire, () => build(wire, { ...flags, base: "/" }, how), flags, { built: tips, hear }, stop.signal);
  await served.close();
}

/** Seconds between two looks at the commits. */
const look = 5;

/** Builds anew whenever the pair of commits in this repository moves. A build that fails is told; the old site stays. */
async function refresh(
  wire: Wire,
  again: () => Promise<{ took: number; built: boolean }>,
  flags: SiteFlags,
  { built, hear }: { built: Tips; hear(beat: string | null): void },
  signal: AbortSignal,
): Promise<void> {
  let shown = built;
  let told = "";
  while (!signal.aborted) {
    await wire.clock.sleep(look * 1000, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const { repo, tips } = await openLocal(repoDir(wire, flags), { env: wire.env, clock: wire.clock }, flags.at);
      hear(await repo.readBeat());
      if (tips.policy === shown.policy && tips.ledger === shown.ledger) continue;
      // Also when it fails: the same commits would fail again.
      shown = tips;
      const { took, built } = await again();
      if (built)
        wire.report.note(`✓ built anew in ${took.toFixed(1)} s, as of ${(tips.ledger ?? tips.policy).slice(0, 7)}`);
    } catch (thrown) {
      const why = messageOf(thrown).split("\n", 1)[0] ?? "";
      if (why !== told) wire.report.error(`the dashboard was not refreshed: ${why}`);
      told = why;
    }
  }
}
