import type { Clock, Conversations, Deployer, Poller, Repo } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { createPool } from "../../src/shell/pool.ts";
import type { Code } from "../../src/shell/repos.ts";
import { outcomeOf, type Screen } from "../../src/shell/screen.ts";
import { noSecrets, type Secrets } from "../../src/shell/secrets.ts";
import type { TickOptions, TickOutcome, TickPorts } from "../../src/shell/tick-run.ts";
import { tick } from "../../src/tick.ts";
import { quiet } from "../../src/wire.ts";
import { type FakeMachine, fakeFleet, type Script } from "./fleet.ts";

/** A clock that stands at one time of day, but whose waiting is real. */
export const at = (now: string): Clock => systemClock(now);

interface RunOptions {
  now?: string;
  pollers?: Poller[] | TickPorts["pollers"];
  signal?: AbortSignal;
  onState?: TickOptions["onState"];
  screen?: Screen;
  secrets?: Secrets;
  deployer?: Deployer;
  /** For work on repositories. */
  code?: Code;
  /** What agents may be given by name. */
  env?: Record<string, string>;
  after?: (repo: Repo) => TickPorts["after"];
  hooks?: TickPorts["hooks"];
  /** What plugins offer as runtimes. */
  plug?: TickPorts["plug"];
  /** The environment that a CI service gives. */
  ci?: Readonly<Record<string, string | undefined>>;
  /** Opened by the test, with deadlines of its own. */
  repo?: Repo;
  restore?: boolean;
  /** When hosts were last asked: what the verb reads from the heartbeat. */
  probed?: TickOptions["probed"];
  talked?: TickOptions["talked"];
  conversations?: Conversations;
  part?: TickOptions["part"];
  /** The random part of a new pack's id. */
  random?: string;
  attempt?: number;
  /** What of a CI job's time is gone, ms. */
  spent?: number;
}

/** One whole tick of the clone at `dir` over machines in memory: real git, real decisions. */
export async function runTick(
  dir: string,
  machines: Record<string, FakeMachine>,
  script: Script,
  options: RunOptions = {},
): Promise<TickOutcome> {
  const clock = options.now === undefined ? systemClock() : at(options.now);
  const given = options.pollers ?? [];
  const { repo, tips } = options.repo
    ? { repo: options.repo, tips: undefined }
    : await openOrigin(dir, { env: options.ci ?? process.env, clock, secrets: options.secrets ?? noSecrets });
  return tick(
    {
      repo,
      clock,
      runtimes,
      screen: options.screen ?? (async (result, runtime) => ({ result, outcome: outcomeOf(result, runtime) })),
      secret: (name) => options.env?.[name],
      ...(options.secrets && { mask: options.secrets.mask }),
      deployer: options.deployer,
      conversations: options.conversations,
      code: options.code,
      hooks: options.hooks,
      plug: options.plug,
      report: quiet,
      pollers: typeof given === "function" ? given : () => given,
      connect: (pack) => createPool(fakeFleet(machines, script), pack),
      after: options.after?.(repo) ?? [],
    },
    {
      tips,
      restore: options.restore,
      probed: options.probed,
      talked: options.talked,
      part: options.part,
      random: options.random ?? "0123456789ab",
      attempt: options.attempt,
      spent: options.spent,
      signal: options.signal,
      onState: options.onState,
    },
  );
}
