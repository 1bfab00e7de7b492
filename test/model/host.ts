// The host program as a value. Each rule names the lines of src/remote/host/ that it mirrors; test/model/replay.test.ts
// holds it against the real program.
import type { HeldJob, StartAnswer } from "../../src/ports.ts";

/**
 * What a host knows of one (job, epoch):
 * `fenced`: the folder was made, then the program was killed · `running` · `ended` and `died`: a result is held ·
 * `taken` and `buried`: such a result was acknowledged · `never`: a seal decided that it never starts · `forgotten`: it
 * ran, and only the judge knows (broken variants).
 */
export type RunState = "fenced" | "running" | "ended" | "died" | "taken" | "buried" | "never" | "forgotten";

export interface HostState {
  /** `job/epoch` → its state. */
  runs: Readonly<Record<string, RunState>>;
  /** Job → epochs below this one are refused for good. */
  seals: Readonly<Record<string, number>>;
}

export const empty_host: HostState = { runs: {}, seals: {} };

/** What of the host program is switched off. */
export interface HostGuards {
  fence: boolean;
  /** The journal is brought to the disk before a run starts. */
  journal: boolean;
}

const epochs = (host: HostState, job: string): [number, RunState][] =>
  Object.entries(host.runs)
    .filter(([key, state]) => key.startsWith(`${job}/`) && state !== "forgotten")
    .map(([key, state]): [number, RunState] => [Number(key.slice(job.length + 1)), state])
    .sort(([a], [b]) => a - b);

const put = (host: HostState, key: string, state: RunState): HostState => ({
  ...host,
  runs: { ...host.runs, [key]: state },
});

const acknowledged = (state: RunState) => state === "taken" || state === "buried" || state === "never";

/** Slots in use: serve.sh hello → conversation.sh survey and taken. */
export const busy = (host: HostState) => Object.values(host.runs).filter((state) => state === "running").length;

/** start.sh start and fenced. `ran`: the agent was started. */
export function start(
  host: HostState,
  { job, epoch, slots }: { job: string; epoch: number; slots: number },
  guards: HostGuards,
): { host: HostState; answer: StartAnswer; ran: boolean } {
  const key = `${job}/${epoch}`;
  const ran = { host: put(host, key, "running"), answer: { state: "started" } as StartAnswer, ran: true };
  if (!guards.fence) return ran;
  const no = (answer: StartAnswer, after = host) => ({ host: after, answer, ran: false });
  if (epochs(host, job).some(([at]) => at === epoch)) return no({ state: "already", epoch }); // start.sh `[ -d "$dir" ]`
  const { why, host: judged } = barred(host, job, epoch);
  if (why) return no(why, judged);
  if (busy(host) >= slots) return no({ state: "full" }, judged); // conversation.sh claim
  return { ...ran, host: put(judged, key, "running") };
}

/** start.sh barred: a seal, a later epoch, or an earlier one that was started and is not acknowledged. */
function barred(host: HostState, job: string, epoch: number): { why: StartAnswer | null; host: HostState } {
  const seal = host.seals[job] ?? 0;
  if (seal > epoch) return { why: { state: "sealed", epoch: seal }, host };
  let judged = host;
  let why: StartAnswer | null = null;
  for (const [at, state] of epochs(host, job)) {
    if (at > epoch) return { why: { state: "sealed", epoch: at }, host: judged };
    if (acknowledged(state)) continue;
    // `token "$other.go" never`: an older claim that has not started yet never will.
    if (state === "fenced") judged = put(judged, `${job}/${at}`, "never");
    else why = { state: "already", epoch: at };
  }
  return { why, host: judged };
}

/** The program is killed between the fence and the mark of what is held: start.sh fenced, before `held`. */
export function half(host: HostState, job: string, epoch: number): HostState | null {
  const key = `${job}/${epoch}`;
  if (host.runs[key] !== undefined || barred(host, job, epoch).why) return null;
  return put(barred(host, job, epoch).host, key, "fenced");
}

/** serve.sh seal. */
export function seal(host: HostState, job: string, epoch: number): { host: HostState; started: number | null } {
  let after: HostState = { ...host, seals: { ...host.seals, [job]: Math.max(epoch, host.seals[job] ?? 0) } };
  let started: number | null = null;
  for (const [at, state] of epochs(host, job)) {
    if (at >= epoch) continue;
    if (state === "fenced") after = put(after, `${job}/${at}`, "never");
    else if (state !== "never") started = at;
  }
  return { host: after, started };
}

/** conversation.sh list_held. */
export const held = (host: HostState): Omit<HeldJob, "day">[] =>
  Object.entries(host.runs).flatMap(([key, state]) => {
    const [job = "", epoch] = key.split("/");
    if (state !== "running" && state !== "ended" && state !== "died") return [];
    return [{ job, epoch: Number(epoch), state, sha256: state === "running" ? undefined : resultName(key, state) }];
  });

export const resultName = (key: string, state: "ended" | "died") => `${state} ${key}`;

/** serve.sh ack: the payload goes, the fence stays. */
export function ack(host: HostState, key: string, sha256: string): HostState {
  const state = host.runs[key];
  if ((state !== "ended" && state !== "died") || resultName(key, state) !== sha256) return host;
  return put(host, key, state === "ended" ? "taken" : "buried");
}

/** run.sh supervise: the agent comes to its end. */
export const finish = (host: HostState, key: string): HostState =>
  host.runs[key] === "running" ? put(host, key, "ended") : host;

/** The machine restarts: what ran died (conversation.sh settle, bury); fences come back from the journal (serve.sh replay). */
export function reboot(host: HostState, guards: HostGuards): HostState {
  const runs = Object.entries(host.runs).map(([key, state]): [string, RunState] => [
    key,
    state !== "running" ? state : guards.journal ? "died" : "forgotten",
  ]);
  return { ...host, runs: Object.fromEntries(runs) };
}
