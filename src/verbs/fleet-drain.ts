import type { Command } from "commander";
import { type Drained, drainOf } from "../core/drain.ts";
import { hostCalled } from "../core/known-hosts.ts";
import type { HostAnswer } from "../core/place.ts";
import { formatDuration, parseDuration } from "../core/scalar.ts";
import { exit, Fault, outside, usage } from "../errors.ts";
import { hearSignals, heed, Interrupted } from "../interrupt.ts";
import { readBound } from "../shell/binding.ts";
import { cordonHost, hostPath, pushLine } from "../shell/cordon.ts";
import { createFleet } from "../shell/fleet.ts";
import { ask } from "../shell/hands.ts";
import { openOrigin } from "../shell/pack.ts";
import { whereOf } from "../shell/person-edit.ts";
import { createPool, type Pool } from "../shell/pool.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { cordonLine, known, splitWords } from "./fleet-cordon.ts";
import { plugOf } from "./plug.ts";

interface DrainFlags extends Common {
  push?: boolean;
  timeout: string;
}

/** ms between two looks. */
const rhythm = 3000;

/** Adds `towline fleet drain HOST [REASON]`. */
export function fleetDrain(group: Command, wire: Wire): void {
  group
    .command("drain <host> [reason...]")
    .description("cordon a machine, and wait until nothing of this pack is open there any more")
    .option("--push", "cordon it on origin at once, that file and nothing else")
    .option("--timeout <duration>", "how long to wait", "15m")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print how it stands at the end as JSON")
    .action(async (host: string, words: string[], flags: DrainFlags) => {
      const seconds = parseDuration(flags.timeout);
      if (seconds === null) throw usage(`--timeout ${flags.timeout} is not a duration`, "write it like 15m or 2h");
      const { top, hosts } = await known(wire, flags);
      const { reason } = splitWords([host, ...words], hosts);
      const at = { dir: top, env: wire.env, clock: wire.clock, secrets: wire.secrets, where: whereOf(flags) };
      const made = await cordonHost(at, host, reason);
      if (!flags.json) wire.out(`${cordonLine(made)}\n`);
      const heard = hearSignals();
      try {
        await watch(wire, flags, { host, until: wire.clock.tick() + seconds * 1000, signal: heard.signal });
      } finally {
        heard.release();
      }
    });
}

interface Watching {
  host: string;
  until: number;
  signal: AbortSignal;
}

async function watch(wire: Wire, flags: DrainFlags, { host, until, signal }: Watching): Promise<void> {
  const from = wire.clock.tick();
  const live = wire.terminal && !flags.json;
  const pools: Pool[] = [];
  let now: Drained | undefined;
  let warned = false;
  try {
    for (;;) {
      now = await heed(signal, look(wire, flags, host, pools));
      if (!now.cordoned && !warned && !flags.json) wire.report.warning(unseen(host));
      warned = true;
      if (isEmpty(now) || wire.clock.tick() >= until) break;
      if (live) wire.out(`\r\u001b[K${progress(now, host, wire.clock.tick() - from)}`);
      await heed(signal, wire.clock.sleep(Math.min(rhythm, Math.max(1, until - wire.clock.tick()))));
    }
  } catch (thrown) {
    if (!(thrown instanceof Interrupted)) throw thrown;
    throw new Fault(exit.interrupted, `interrupted: ${host} stays cordoned`, `towline fleet uncordon ${host}`, {
      cause: thrown,
    });
  } finally {
    if (live) wire.out("\r\u001b[K");
    for (const pool of pools) pool.close();
  }
  if (flags.json) wire.out(`${JSON.stringify({ host, drained: isEmpty(now), ...now }, null, 2)}\n`);
  else wire.out(`${ending(now, host, wire.clock.tick() - from).join("\n")}\n`);
  if (!isEmpty(now)) wire.exit(exit.findings);
}

const isEmpty = ({ cordoned, open, silent }: Drained) => cordoned && open.length === 0 && silent === null;

/** What ticks know, as origin has it now, and what the machine says. */
async function look(wire: Wire, flags: Common, host: string, pools: Pool[]): Promise<Drained> {
  const { repo, tips } = await openOrigin(repoDir(wire, flags), wire);
  const { state } = await readBound({ repo, clock: wire.clock }, tips);
  const called = hostCalled(state, host);
  if (!called) throw outside(`origin has no ${hostPath(host)}`, "commit and push it, so that ticks know the machine");
  const said = { answers: new Map<string, HostAnswer>() };
  let pool = pools.at(-1);
  if (pool === undefined || "fault" in (await pool.open(called))) {
    const hosts = (name: string) => hostCalled(state, name)?.data;
    pool = createPool(
      createFleet({ ...wire, hosts, offers: plugOf(wire, repoDir(wire, flags)).transports }),
      state.pack,
    );
    pools.push(pool);
  }
  await ask({ pool }, called, said);
  return drainOf(state, host, said.answers.get(host) as HostAnswer);
}

const unseen = (host: string) =>
  `ticks do not see the cordon yet and may give ${host} more work: ${pushLine([hostPath(host)], `${host}: cordon`)} (or use --push)`;

function progress({ open, silent, cordoned }: Drained, host: string, ms: number): string {
  const jobs = open.slice(0, 3).map((one) => one.job);
  const more = open.length > 3 ? ` and ${open.length - 3} more` : "";
  const what =
    silent ?? (open.length > 0 ? `${open.length} open: ${jobs.join(", ")}${more}` : cordoned ? "" : "nothing is open");
  return `● ${host}  ${formatDuration(Math.round(ms / 1000))}  ${what}`;
}

function ending(now: Drained, host: string, ms: number): string[] {
  const after = formatDuration(Math.round(ms / 1000));
  const left =
    now.left > 0
      ? [`  ${now.left} answers of earlier dispatches lie there: towline dispatch --collect --host ${host}`]
      : [];
  if (isEmpty(now)) return [`✓ ${host} is drained: nothing of this pack is open there`, ...left];
  if (now.silent !== null && now.open.length === 0)
    return [`? ${host} ${now.silent}: the ledger names nothing open there, but the machine could not be asked`];
  if (now.open.length === 0)
    return [`○ nothing is open on ${host} after ${after}, but ticks do not see the cordon yet`, ...left];
  return [
    `◐ ${now.open.length} still open on ${host} after ${after}${now.silent === null ? "" : `; ${host} ${now.silent}`}`,
    ...now.open.map(({ job, state }) => `  ${job}  ${state}`),
    ...left,
  ];
}
