import type { Command } from "commander";
import { readBeatText } from "../core/beat.ts";
import { formatDuration } from "../core/scalar.ts";
import type { State } from "../core/state.ts";
import { exit, interrupted, usage } from "../errors.ts";
import { hearSignals, heed } from "../interrupt.ts";
import { createPlugins } from "../plugin/index.ts";
import { createPlug, offersOf } from "../plugin/plug.ts";
import { createPollers } from "../pollers/index.ts";
import { runtimes } from "../runtimes/index.ts";
import { unpushed } from "../shell/behind.ts";
import { systemClock } from "../shell/clock.ts";
import { createDeployer } from "../shell/deployer.ts";
import { createFleet } from "../shell/fleet.ts";
import { silence } from "../shell/heartbeat.ts";
import { openOrigin } from "../shell/pack.ts";
import { createPool } from "../shell/pool.ts";
import type { Published } from "../shell/publish.ts";
import { originUrl } from "../shell/repo-open.ts";
import { createScan } from "../shell/scan.ts";
import { createScreen } from "../shell/screen.ts";
import type { TickOptions, TickOutcome, TickPorts } from "../shell/tick-run.ts";
import { tick as runTick } from "../tick.ts";
import { type Common, repoDir, secretOf, type Wire } from "../wire.ts";
import { campfireOf, codeOf, talkWith } from "./code.ts";
import { type PartFlags, partOf, withPart } from "./part.ts";
import { type Ended, endedLine, endedOf, standing, standingLines, unpushedLine } from "./tell.ts";
import { afterRecord, lent } from "./tick-after.ts";

export interface TickFlags extends Common, PartFlags {
  now?: string;
  site?: boolean;
  sync?: boolean;
  restore?: boolean;
}

export interface TickOnceOptions extends Pick<TickOptions, "signal" | "onState">, Partial<Pick<TickPorts, "pollers">> {
  /** Puts something between the line and its ports: tests that watch them, or end the process at one. */
  around?: (ports: TickPorts) => TickPorts;
}

export interface Ticked extends TickOutcome {
  publish: Published;
  ended: Ended[];
  /** Commits of this clone that origin's default branch lacked when the tick began. */
  unpushed: number;
  /** How long no tick had looked, s, where that is longer than the settings want it. */
  late: number | null;
}

/** One tick of the pack in `flags.repo`, as the verb, `watch` and the demo run it. */
export async function tickOnce(
  wire: Wire,
  flags: TickFlags,
  { around = (ports) => ports, ...options }: TickOnceOptions = {},
): Promise<Ticked> {
  const dir = repoDir(wire, flags);
  const clock = flags.now === undefined ? wire.clock : pinned(flags.now);
  const { secrets } = wire;
  const part = partOf(flags);
  const lead = part?.lead ?? true;
  const begin = async () => {
    const { repo, tips, settings } = await openOrigin(dir, { env: wire.env, clock, secrets });
    const before = readBeatText(await repo.readBeat());
    const conversations = lead ? await talkWith(wire, dir, settings) : undefined;
    const quiet = { beat: before?.at, ledger: tips.ledger, now: clock.now() };
    const silent = part ? null : await silence(repo.gitDir, wire.env, quiet);
    return { repo, tips, before, conversations, silent, ahead: await unpushed(dir, wire.env, tips.policy) };
  };
  const { repo, tips, before, conversations, silent, ahead } = await heed(options.signal, begin()).catch((thrown) => {
    // The same signal may have ended the git that we waited for.
    throw options.signal?.aborted ? interrupted(thrown) : thrown;
  });
  const jobs: State["jobs"] = new Map();
  const plugins = createPlugins({ env: wire.env, secret: secretOf(wire), folders: [dir], repo }, before?.plugins);
  const plug = createPlug({ env: wire.env, secret: secretOf(wire), folders: [dir], repo }, options.signal);
  const sources = options.pollers ?? pollersOf(wire, flags);
  const scan = createScan();
  const code = codeOf(wire, dir, scan);
  const stages = afterRecord({
    wire,
    flags,
    dir,
    repo,
    clock,
    lead,
    conversations,
    before,
    plugins,
    code,
    signal: options.signal,
  });
  const outcome = await runTick(
    around({
      repo,
      clock,
      runtimes,
      plug: plug.runtime,
      screen: createScreen(secrets, scan),
      mask: (text, cut) => secrets.mask(text, cut),
      code,
      campfire: lead ? campfireOf(wire, dir, { repo, code, clock }) : undefined,
      conversations,
      forecast: async (state) =>
        (await import("./said.ts")).forecastOfMonth({ wire, dir, repo, now: clock.now() }, state),
      secret: secretOf(wire),
      deployer: createDeployer({ env: wire.env, clock, secret: secretOf(wire) }),
      prose: async (draft) =>
        draft.settings.narrate && (await import("../shell/prose.ts")).writeProse(lent(wire), draft),
      meanings: async ({ settings: { embeddings } }, texts, signal) =>
        embeddings ? (await import("../shell/meanings.ts")).askMeanings(lent(wire, signal), embeddings, texts) : null,
      report: wire.report,
      pollers: lead
        ? async (settings, state) => [
            ...(await sources(settings, state)),
            ...(await plugins.sources(state, clock.now())),
          ]
        : () => [],
      ...(lead ? { hooks: plugins.hooks } : {}),
      connect: (pack, hosts, state) => createPool(createFleet({ ...wire, hosts, ...offersOf(plug, state) }), pack),
      after: stages.after,
      beat: ({ contended }) => ({
        ...stages.memories(),
        plugins: contended ? before?.plugins : plugins.memories(),
      }),
    }),
    {
      attempt: Number(wire.env.GITHUB_RUN_ATTEMPT ?? 1),
      ...options,
      tips,
      part,
      probed: before?.probed,
      talked: before?.talked,
      spent: spentOf(wire),
      restore: flags.restore,
      onState: (state) => {
        for (const [id, job] of state.jobs) jobs.set(id, job);
        options.onState?.(state);
      },
    },
  );
  for (const warning of secrets.warnings()) wire.report.warning(warning);
  const late = silent !== null && silent > 2 * outcome.state.settings.tick.every ? silent : null;
  return { ...outcome, ended: endedOf(outcome, jobs), publish: stages.published(), unpushed: ahead, late };
}

/** How long the CI job runs already, ms, where its workflow says when it began. */
function spentOf({ env, clock }: Wire): number | undefined {
  const began = Number(env.TOWLINE_JOB_BEGAN || Number.NaN) * 1000;
  const spent = clock.now().getTime() - began;
  return spent >= 0 && spent < 86_400_000 ? spent : undefined;
}

/** The sources of a pack. A caller of many ticks makes them once: they remember when they may ask again. */
export const pollersOf = (wire: Wire, flags: Common) =>
  createPollers({ env: wire.env, origin: () => originUrl(repoDir(wire, flags), wire.env) });

function pinned(now: string) {
  if (Number.isNaN(Date.parse(now))) throw usage(`--now ${now} is not a time`, "write it like 2026-11-21T09:00:00Z");
  return systemClock(now);
}

/** Adds `towline tick`. */
export function tick(program: Command, wire: Wire): void {
  withPart(program.command("tick"))
    .description("read the tips of origin, decide, start work on the hosts, write down what came back")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--now <time>", "decide as if it were this time (ISO)")
    .option("--no-sync", "leave the database alone")
    .option("--no-site", "leave the dashboard alone")
    .option("--restore", "put a ledger that was rewritten back as towline wrote it last, then tick")
    .option("--json", "print the outcome as JSON")
    .action(async (flags: TickFlags) => {
      const { signal, release } = hearSignals();
      const outcome = await tickOnce(wire, flags, { signal }).finally(release);
      if (outcome.interrupted) {
        wire.exit(exit.interrupted);
        wire.report.warning(interruptedLine);
      }
      if (outcome.unpushed > 0) wire.report.warning(unpushedLine(outcome.unpushed));
      reportProblems(wire, outcome);
      if (flags.json) wire.out(`${JSON.stringify(told(outcome), null, 2)}\n`);
      else for (const line of lines(outcome)) wire.out(`${line}\n`);
      await wire.report.summary(lines(outcome).join("\n\n"));
    });
}

export const interruptedLine =
  "interrupted: nothing more was started; what runs goes on, and the next tick collects it";

/** Quarantined records, and what ended badly in this tick. */
export function reportProblems(wire: Wire, outcome: TickOutcome): void {
  for (const problem of outcome.state.problems)
    wire.report[problem.level](`${problem.message} (${problem.fix})`, problem);
  if (wire.terminal) return; // the lines of the outcome say it
  for (const task of new Set(outcome.ended.map((job) => job.task))) {
    const status = outcome.state.status.get(task);
    if (status?.data.state === "failed" || status?.data.state === "lost")
      wire.report.warning(`${task} ${status.data.state}: ${status.data.reason ?? ""}`, { path: status.path });
  }
}

/** The stable JSON of `tick --json`. */
const told = (outcome: Ticked) => ({
  tick: outcome.tick,
  commits: outcome.commits,
  started: outcome.starts,
  ended: outcome.ended,
  degraded: outcome.degraded,
  contended: outcome.contended,
  interrupted: outcome.interrupted,
  quarantined: outcome.state.problems.filter((problem) => problem.level === "error"),
  ...standing(outcome.state),
  unpushed: outcome.unpushed,
  late: outcome.late,
  publish: { changed: outcome.publish.changed, export: outcome.publish.export },
});

function lines(outcome: Ticked): string[] {
  const said: string[] = [];
  for (const start of outcome.starts) said.push(`● started ${start.task} on ${start.host} (${start.job})`);
  for (const job of outcome.ended) said.push(endedLine(job));
  said.push(...standingLines(outcome.state));
  if (outcome.commits.length > 0)
    said.push(
      `${outcome.commits.length} ledger ${outcome.commits.length === 1 ? "commit" : "commits"}, now at ${outcome.commits.at(-1)?.slice(0, 10)}`,
    );
  else
    said.push(
      outcome.contended
        ? "Others were writing all the time; this work is left to the next tick."
        : "Nothing new: no commit made.",
    );
  if (outcome.late !== null)
    said.push(
      `◐ no tick had looked for ${formatDuration(outcome.late)}; ${formatDuration(outcome.state.settings.tick.every)} are meant: the schedule was late`,
    );
  for (const one of outcome.degraded) said.push(`◐ degraded: ${one}`);
  return said;
}
