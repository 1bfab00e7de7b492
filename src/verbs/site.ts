import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { usage } from "../errors.ts";
import { buildSite, serveSite } from "../shell/site.ts";
import type { Common, Wire } from "../wire.ts";
import { exportOnce } from "./export.ts";

interface SiteFlags extends Common {
  out?: string;
  base?: string;
  at?: string;
}

/** Adds `towline site build` and `towline site serve`. */
export function site(program: Command, wire: Wire): void {
  const command = program.command("site").description("the dashboard: a static site over the records");
  command
    .command("build")
    .description("export the records and build the dashboard")
    .option("--out <dir>", "where to (default: towline/site in the git directory)")
    .option("--base <path>", "path under which it will be served, like /name/ (default: site.base of towline.yml)")
    .option("--at <ref>", "another commit of the default branch than its newest")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print folder, digest and seconds as JSON")
    .action(async (flags: SiteFlags) => {
      const built = await build(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify(built, null, 2)}\n`);
      else wire.out(`✓ built in ${built.took.toFixed(1)} s  ${built.out}\n`);
    });
  command
    .command("serve")
    .description("build the dashboard and serve it on this machine until it is interrupted")
    .option("--port <n>", "port on 127.0.0.1, 0 for any", "4321")
    .option("--at <ref>", "another commit of the default branch than its newest")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the address as JSON")
    .action((flags: SiteFlags & { port: string }) => serve(wire, flags));
}

/** `folder`: where in the git directory's own `towline` folder the site goes unless `--out` says otherwise. */
async function build(wire: Wire, flags: SiteFlags, folder = "site") {
  // The data goes to a folder of its own: a tick in this repository may be exporting at the same moment.
  const data = await mkdtemp(join(tmpdir(), "towline-export-"));
  try {
    const { digest, place, settings } = await exportOnce(wire, { ...flags, out: data });
    const out = flags.out === undefined ? join(place, folder) : resolve(wire.cwd, flags.out);
    const base = flags.base ?? settings.site?.base;
    return { ...(await buildSite({ data, out, base, site: settings.site?.url })), digest };
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

async function serve(wire: Wire, flags: SiteFlags & { port: string }): Promise<void> {
  const port = Number(flags.port);
  if (!/^\d+$/.test(flags.port) || port > 65535) throw usage(`--port ${flags.port} is not a port`, "write 0 to 65535");
  // Not beside the tick's own build, which may stand under another base.
  const { out } = await build(wire, { ...flags, base: "/" }, "preview");
  const served = await serveSite(out, { port, host: "127.0.0.1" });
  wire.out(flags.json ? `${JSON.stringify({ url: served.url, out })}\n` : `The dashboard is at ${served.url}\n`);
  await new Promise<void>((end) => process.once("SIGINT", end).once("SIGTERM", end));
  await served.close();
}
