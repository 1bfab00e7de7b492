import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type Campfire, openCampfire } from "../core/campfire.ts";
import { answerOf } from "../core/job-text.ts";
import type { State } from "../core/state.ts";
import { askAll, catchUp, keepTicking, lookAt, lookAtFire, reviewOnce, rhythm, tryIt } from "../demo/live.ts";
import { bringUp, type Machines } from "../demo/machines.ts";
import { expected, makePack, remark } from "../demo/pack.ts";
import { sampleLog } from "../demo/sample-log.ts";
import { createView, type View } from "../demo/view.ts";
import { exit } from "../errors.ts";
import { serveSite } from "../shell/serve.ts";
import { type Common, quiet, type Wire } from "../wire.ts";
import { tickOnce } from "./tick.ts";

interface DemoFlags extends Common {
  once?: boolean;
  dir?: string;
  port: string;
}

/** Seconds after which the demo gives up waiting. */
const patience = 120;
const names = ["bow", "keel", "stern"];
const settled = new Set(["done", "failed", "lost", "cancelled", "blocked", "paused", "review"]);

/** Adds `towline demo`: a throw-away pack, three loopback machines, ticks until every sample task has ended, the dashboard. */
export function demo(program: Command, wire: Wire): void {
  program
    .command("demo")
    .description("show the whole of towline on this machine: no network, no key, no account")
    .option("--once", "end when the tasks have ended instead of serving the dashboard")
    .option("--dir <dir>", "keep the demo's pack in this new folder")
    .option("--port <n>", "port of the dashboard on localhost", "4173")
    .option("--json", "print the outcome of every task as JSON")
    .action(async (flags: DemoFlags) => {
      // Nothing may come between a folder and what removes it.
      const dir = flags.dir ? resolve(wire.cwd, flags.dir) : mkdtempSync(join(tmpdir(), "towline-demo-"));
      const stop = stopSignal(dir, flags.dir ? join(dir, "machines") : dir);
      let machines: Machines | undefined;
      try {
        await mkdir(dir, { recursive: true });
        machines = await bringUp({ dir: join(dir, "machines"), count: names.length, names });
        if (!stop.signal.aborted) await run(wire, flags, dir, machines, stop.signal);
      } catch (thrown) {
        // The same Ctrl-C ends the git and ssh that we wait for, and may reach us after them: then what they say is no news.
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (!stop.signal.aborted) throw thrown;
        wire.exit(exit.findings);
      } finally {
        removeKeys(dir);
        await machines?.down();
        if (!flags.dir) await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
        stop.release();
      }
    });
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Aborts at the first signal and ignores all further ones until `release`: an impatient second Ctrl-C, or one that
 * comes twice because the shell and the launcher both pass it on, must not leave keys behind. Nor must a crash.
 */
function stopSignal(dir: string, leaves: string) {
  const controller = new AbortController();
  const end = () => controller.abort();
  const crashed = () => {
    removeKeys(dir);
    rmSync(leaves, { recursive: true, force: true });
  };
  for (const name of signals) process.on(name, end);
  process.once("exit", crashed);
  const release = () => {
    for (const name of signals) process.off(name, end);
    process.off("exit", crashed);
  };
  return { signal: controller.signal, release };
}

/** First of all: whatever may go wrong after it, no private key is left. */
function removeKeys(dir: string): void {
  for (const file of ["id", ...names.map((name) => join(name, "host_key"))])
    rmSync(join(dir, "machines", file), { force: true });
}

async function run(wire: Wire, flags: DemoFlags, dir: string, machines: Machines, signal: AbortSignal): Promise<void> {
  const began = wire.clock.tick();
  const view = createView(process.stderr, wire.terminal && process.stderr.isTTY === true);
  view.say(
    `towline demo: three machines on loopback (${machines.kind}), a pack with ${Object.keys(expected).length} tasks\n`,
  );
  for (const machine of machines.machines) {
    await mkdir(join(machine.home, "logs"), { recursive: true });
    await writeFile(join(machine.home, "logs", "error.log"), sampleLog());
  }
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const pack = await makePack(dir, machines.machines, zone, wire.env);
  const inner: Wire = { ...wire, env: { ...wire.env, TOWLINE_DEMO_KEY: machines.machines[0]?.keyText }, report: quiet };
  const { state, commits, ticks } = await untilSettled(inner, pack, view, signal);
  const built = signal.aborted ? undefined : await tickOnce(inner, { repo: pack }, { signal });
  const fire = built && openCampfire(built.state);
  await catchUp(pack, wire.env);
  const results = outcomes(state);
  const seconds = Math.round((wire.clock.tick() - began) / 100) / 10;
  const asExpected = results.every((one) => one.state === one.expected);
  if (flags.json)
    wire.out(
      `${JSON.stringify({ machines: machines.kind, ok: asExpected, ticks, commits: commits + (built?.commits.length ?? 0), seconds, campfire: fire ? fire.proposal.branch : null, tasks: results }, null, 2)}\n`,
    );
  else
    view.say(
      `\n${signal.aborted ? "Interrupted" : asExpected ? "Every task came to what it should" : "Not every task came to what it should"}: ${ticks} ticks, ${commits} ledger commits, ${seconds} s.`,
    );
  if (fire && !flags.json) view.say(campfireLine(fire));
  if (!asExpected) wire.exit(exit.findings);
  if (!flags.once && !signal.aborted) await serve(inner, { flags, dir, pack, machines, view, signal });
}

/** What two of its agents taught waits for the person's word. */
const campfireLine = ({ candidates, proposal }: Campfire) =>
  `The campfire proposes what two agents taught: "${candidates[0]?.title ?? ""}"\nNobody is told of it before you merge ${proposal.branch}.`;

async function untilSettled(
  wire: Wire,
  pack: string,
  view: View,
  signal: AbortSignal,
): Promise<{ state: State; commits: number; ticks: number }> {
  const until = wire.clock.tick() + patience * 1000;
  let commits = 0;
  let reviewed = false;
  for (let ticks = 1; ; ticks++) {
    const outcome = await tickOnce(wire, { repo: pack, site: false }, { signal, onState: (state) => view.show(state) });
    commits += outcome.commits.length;
    view.show(outcome.state);
    const again: boolean = !reviewed && !signal.aborted && (await reviewOnce(pack, wire.env, outcome.state));
    if (again) view.say(`  ✎ you asked for a change of ${remark.task}: ${remark.text.slice(2).trim()}`);
    reviewed ||= again;
    const over =
      !again && Object.keys(expected).every((id) => settled.has(outcome.state.status.get(id)?.data.state ?? ""));
    if (over || signal.aborted || wire.clock.tick() > until) return { state: outcome.state, commits, ticks };
    await wire.clock.sleep(1000, signal).catch(() => {});
  }
}

const outcomes = (state: State) =>
  Object.entries(expected).map(([id, wanted]) => {
    const status = state.status.get(id);
    const answer = answerOf(status?.body ?? "")
      .replace(/^_No answer.*_$/, "")
      .replace(/^`+\w*\n|\n`+$/g, "");
    return {
      task: id,
      state: status?.data.state ?? "unknown",
      expected: wanted,
      reason: status?.data.reason ?? null,
      hosts: [...new Set(status?.data.jobs.map((job) => job.host) ?? [])].sort(),
      jobs: status?.data.jobs.map((job) => job.id) ?? [],
      answer,
    };
  });

interface Serving {
  flags: DemoFlags;
  dir: string;
  pack: string;
  machines: Machines;
  view: View;
  signal: AbortSignal;
}

async function serve(wire: Wire, { flags, dir, pack, machines, view, signal }: Serving): Promise<void> {
  const site = await serveSite(join(dir, "site"), { port: Number(flags.port), host: "127.0.0.1" });
  view.say(
    [
      "",
      `  Dashboard   ${site.url}`,
      `  Records     ${pack}`,
      `  Review      ${lookAt(pack)}`,
      `  Campfire    ${lookAtFire(pack)}`,
      `  Ask         ${askAll(pack, machines.keyFile)}`,
      "",
      "  Try it: paste this into another terminal, then reload the dashboard. It adds a task, pushes it and ticks;",
      `  the demo also ticks by itself every ${rhythm} s and tells what came of it here.`,
      "",
      ...tryIt(pack, machines.keyFile).map((line) => `    ${line}`),
      "",
      flags.dir
        ? `  Ctrl-C ends the demo and removes its machines and their keys; the records and the site stay in ${dir}.`
        : "  Ctrl-C ends the demo and removes all of it.",
      "",
    ].join("\n"),
  );
  const tick = () => tickOnce(wire, { repo: pack }, { signal });
  const say = (line: string) => view.say(line);
  await keepTicking({ clock: wire.clock, pack, env: wire.env, tick, say, signal });
  await site.close();
}
