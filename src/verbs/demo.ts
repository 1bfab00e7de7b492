import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { answerOf } from "../core/absorb.ts";
import type { State } from "../core/state.ts";
import { bringUp, type Machines } from "../demo/machines.ts";
import { expected, makePack } from "../demo/pack.ts";
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
const settled = new Set(["done", "failed", "lost", "cancelled", "blocked", "paused"]);

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
      const dir = flags.dir ? resolve(wire.cwd, flags.dir) : await mkdtemp(join(tmpdir(), "towline-demo-"));
      await mkdir(dir, { recursive: true });
      const stop = stopSignal();
      let machines: Machines | undefined;
      try {
        machines = await bringUp({ dir: join(dir, "machines"), count: names.length, names });
        await run(wire, flags, dir, machines, stop.signal);
      } finally {
        stop.release();
        await machines?.down();
        if (!flags.dir) await rm(dir, { recursive: true, force: true });
      }
    });
}

function stopSignal() {
  const controller = new AbortController();
  const end = () => controller.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  return { signal: controller.signal, release: () => void process.off("SIGINT", end).off("SIGTERM", end) };
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
  const built = await tickOnce(inner, { repo: pack });
  const results = outcomes(state);
  const seconds = Math.round((wire.clock.tick() - began) / 100) / 10;
  const asExpected = results.every((one) => one.state === one.expected);
  if (flags.json)
    wire.out(
      `${JSON.stringify({ machines: machines.kind, ok: asExpected, ticks, commits: commits + built.commits.length, seconds, tasks: results }, null, 2)}\n`,
    );
  else
    view.say(
      `\n${asExpected ? "Every task came to what it should" : "Not every task came to what it should"}: ${ticks} ticks, ${commits} ledger commits, ${seconds} s.`,
    );
  if (!asExpected) wire.exit(exit.findings);
  if (!flags.once && !signal.aborted) await serve(flags, dir, pack, machines, view, signal);
}

async function untilSettled(
  wire: Wire,
  pack: string,
  view: View,
  signal: AbortSignal,
): Promise<{ state: State; commits: number; ticks: number }> {
  const until = wire.clock.tick() + patience * 1000;
  let commits = 0;
  for (let ticks = 1; ; ticks++) {
    const outcome = await tickOnce(wire, { repo: pack, site: false }, { signal, onState: (state) => view.show(state) });
    commits += outcome.commits.length;
    view.show(outcome.state);
    const over = Object.keys(expected).every((id) => settled.has(outcome.state.status.get(id)?.data.state ?? ""));
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

async function serve(
  flags: DemoFlags,
  dir: string,
  pack: string,
  machines: Machines,
  view: View,
  signal: AbortSignal,
): Promise<void> {
  const site = await serveSite(join(dir, "site"), { port: Number(flags.port), host: "127.0.0.1" });
  view.say(
    [
      "",
      `  Dashboard   ${site.url}`,
      `  Records     ${pack}`,
      "",
      "  Try it: in another terminal, edit or add a task there, commit and push it, then run",
      `    TOWLINE_DEMO_KEY="$(cat ${machines.keyFile})" bin/towline tick --repo ${pack}`,
      "  and reload the dashboard. Ctrl-C ends the demo and removes all of it.",
      "",
    ].join("\n"),
  );
  await new Promise<void>((end) => signal.addEventListener("abort", () => end(), { once: true }));
  await site.close();
}
