import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { parseDuration } from "../core/scalar.ts";
import type { Settings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { configuration, exit, Fault, usage } from "../errors.ts";
import { hearSignals } from "../interrupt.ts";
import { openLocal, openOrigin } from "../shell/pack.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { type PartFlags, withPart } from "./part.ts";
import { endedLine, standing, standingLines, unpushedLine } from "./tell.ts";
import { interruptedLine, pollersOf, reportProblems, type Ticked, tickOnce } from "./tick.ts";

/** Adds `towline watch`: the same line in a loop, for people without CI. */
export function watch(program: Command, wire: Wire): void {
  withPart(program.command("watch"))
    .description("run a tick again and again, without a CI service")
    .option("--every <duration>", "time between the starts of two ticks", "5m")
    .option("--ticks <n>", "stop after this many")
    .option("--serve [address]", "show the dashboard there, too (default 127.0.0.1:4400)")
    .option("--install", "write a service of systemd that does this from now on, as a user of its own")
    .option("--user <name>", "with --install: the user that runs it, none that agents run as", "towline")
    .option("--root <dir>", "with --install: the folder that stands for /", "/")
    .option("--dry-run", "with --install: print the service, and write nothing")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print one line of JSON a tick")
    .action(async (flags: WatchFlags) => {
      const seconds = parseDuration(flags.every);
      if (seconds === null || seconds < 1)
        throw usage(`--every ${flags.every} is not a duration`, "write it like 90s or 5m");
      if (flags.install) return install(wire, flags);
      const { serve } = flags;
      const show = serve === undefined ? undefined : await showing(wire, flags, serve);
      const { signal, release } = hearSignals();
      const told: Told = { standing: "", unpushed: 0 };
      const pollers = pollersOf(wire, flags);
      let now: Settings | undefined;
      try {
        for (let count = 0; !signal.aborted && count < Number(flags.ticks ?? Number.POSITIVE_INFINITY); count++) {
          if (count > 0) await wire.clock.sleep(seconds * 1000, signal).catch(() => {});
          const onState = (state: State) => {
            now = state.settings;
          };
          if (signal.aborted) break;
          const began = `${wire.clock.now().toISOString().slice(0, 19)}Z`;
          const code = await once(wire, flags, { signal, pollers, onState }, told, count === 0);
          wire.exit(code);
          if (now) await show?.mind(now, code === exit.ok ? began : undefined);
        }
      } finally {
        await show?.close();
        release();
      }
    });
}

interface WatchFlags extends Common, PartFlags {
  every: string;
  ticks?: string;
  serve?: string | true;
  install?: boolean;
  user: string;
  root: string;
  dryRun?: boolean;
}

async function showing(wire: Wire, flags: WatchFlags, serve: string | true) {
  const { showSite } = await import("./watch-serve.ts");
  const { settings } = await openOrigin(repoDir(wire, flags), wire);
  if (!settings) throw configuration("towline.yml cannot be read", "`towline check` says what is wrong in it");
  const show = await showSite(wire, flags, serve, settings);
  wire.report.note(`The dashboard is at ${show.url}`);
  return show;
}

async function install(wire: Wire, flags: WatchFlags): Promise<void> {
  const { installWatch } = await import("../shell/watch-install.ts");
  const { placeOf } = await import("./watch-serve.ts");
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  const { hosts, settings } = await readWorkTree(repo, top, tips);
  const place = flags.serve === undefined ? undefined : placeOf(flags.serve);
  const made = await installWatch({
    root: resolve(wire.cwd, flags.root),
    dry: flags.dryRun === true,
    user: flags.user,
    pack: settings.id,
    repo: resolve(top),
    node: process.execPath,
    program: fileURLToPath(new URL("../../bin/towline", import.meta.url)),
    every: flags.every,
    serve: place && `${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}`,
    hosts: hosts.values(),
  });
  if (flags.json) return wire.out(`${JSON.stringify(made, null, 2)}\n`);
  if (flags.dryRun) return wire.out(`# ${made.path}\n${made.text}`);
  wire.out(`✓ ${made.path}\n\nNext, as root:\n${made.next.map((line) => `  ${line}\n`).join("")}`);
}

/** What was said last: said again only when it is otherwise. */
interface Told {
  standing: string;
  unpushed: number;
}

/**
 * A fault of one tick is told and the next one tries again: the loop is all that keeps the pack alive. But what only a
 * person can mend ends it when the very first tick meets it. Returns the exit code of the tick.
 */
async function once(
  wire: Wire,
  flags: Common & PartFlags,
  options: Parameters<typeof tickOnce>[2],
  told: Told,
  first: boolean,
): Promise<number> {
  const at = `${wire.clock.now().toISOString().slice(0, 19)}Z`;
  try {
    const outcome = await tickOnce(wire, flags, options);
    if (outcome.unpushed > 0 && outcome.unpushed !== told.unpushed) wire.report.warning(unpushedLine(outcome.unpushed));
    told.unpushed = outcome.unpushed;
    if (outcome.commits.length > 0) reportProblems(wire, outcome);
    if (flags.json) wire.out(`${JSON.stringify(row(at.slice(0, 19), outcome))}\n`);
    else for (const line of lines(at, outcome, told)) wire.out(`${line}\n`);
    if (outcome.interrupted) {
      wire.report.warning(interruptedLine);
      return exit.interrupted;
    }
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === exit.interrupted) return exit.interrupted;
    if (!(thrown instanceof Fault) || (first && thrown.code !== exit.outside)) throw thrown;
    wire.report.error(`${at}  ${thrown.message}`);
    if (thrown.advice) wire.report.note(`  ${thrown.advice}`);
    return thrown.code;
  }
  return exit.ok;
}

const row = (at: string, outcome: Ticked) => ({
  at,
  tick: outcome.tick,
  started: outcome.starts.length,
  ended: outcome.ended.length,
  commits: outcome.commits.length,
  degraded: outcome.degraded,
  started_tasks: outcome.starts.map((one) => one.task),
  ended_tasks: outcome.ended.map((one) => one.task),
  ...standing(outcome.state),
  unpushed: outcome.unpushed,
});

function lines(at: string, outcome: Ticked, told: Told): string[] {
  const said = [
    ...outcome.starts.map((one) => `● started ${one.task} on ${one.host}`),
    ...outcome.ended.map(endedLine),
    ...outcome.degraded.map((one) => `◐ degraded: ${one}`),
  ];
  const now = standingLines(outcome.state);
  if (now.join("\n") !== told.standing) said.push(...now);
  told.standing = now.join("\n");
  const { length } = outcome.commits;
  const head = `${at}  ${outcome.starts.length} started, ${outcome.ended.length} ended, ${length} ${length === 1 ? "commit" : "commits"}`;
  return [head, ...said.map((line) => `  ${line}`)];
}
