// The line's own functions over values: gather, decide, judge and dispatch are the real ones (src/shell/hands.ts,
// src/core/). Only git and the machines are values here. Everything is remembered: the model asks the same thing often.
import { type Findings, noFindings } from "../../src/core/absorb.ts";
import type { Start } from "../../src/core/claim.ts";
import { decide } from "../../src/core/decide.ts";
import { draftOf } from "../../src/core/draft.ts";
import { parseEntry } from "../../src/core/entry.ts";
import { whatMatters } from "../../src/core/matters.ts";
import { fallen } from "../../src/core/plan.ts";
import type { State } from "../../src/core/state.ts";
import type { Clock } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { dispatch, gather } from "../../src/shell/hands.ts";
import { createPool } from "../../src/shell/pool.ts";
import { addRecords, jobPaths, readPair } from "../../src/shell/read.ts";
import type { Screen } from "../../src/shell/screen.ts";
import type { HostState } from "./host.ts";
import { answeringFleet, type Call, memoryFleet, memoryRepo, resultOf } from "./memory.ts";
import { policyFiles, type Shape, stop_file, timeAt } from "./pack.ts";

/** What a tick carries from pass to pass: results until they stand in the ledger, and what became of its own starts. */
export interface Found {
  /** `host job/epoch end` */
  results: readonly string[];
  /** `job/epoch` → the finding, as JSON. */
  starts: Readonly<Record<string, string>>;
}
export const nothing: Found = { results: [], starts: {} };

/** A pass that wants to push: what the ledger will hold, and what the win gives the right to start. */
export interface Pass {
  content: number;
  starts: Start[];
  state: State;
}

export interface Asked {
  hosts: readonly HostState[];
  found: Found;
  down: readonly string[];
  /** null: nothing is to be written. */
  pass: number | null;
  /** Ledger facts behind each acknowledgement that was sent. */
  acked: string[];
}

export interface Asking {
  content: number;
  policy: number;
  now: number;
  tick: string;
  pass: number;
  hosts: readonly HostState[];
  found: Found;
  down: readonly string[];
}

interface Content {
  files: ReadonlyMap<string, string>;
  facts: string;
  jobs: JobFacts[];
}

export interface JobFacts {
  id: string;
  task: string;
  state: string;
  epoch: number;
  attempt: number;
  tick: string;
  host: string;
  result: string | undefined;
  /** Another attempt is due. */
  retries: boolean;
}

const known = new Set(Object.keys(runtimes));
const last_start_pass = 3;

export function createLine(shape: Shape, options: { acksAtOnce?: boolean; noSeal?: boolean } = {}) {
  const policies = [policyFiles(shape), { ...policyFiles(shape), "STOP.md": stop_file }, policyFiles(shape)];
  const contents: Content[] = [];
  const byFacts = new Map<string, number>();
  const passes: Pass[] = [];
  const asked = new Map<string, Asked>();
  const judged = new Map<string, Record<string, string>>();

  const intern = (files: ReadonlyMap<string, string>): number => {
    const read = contentOf(files);
    const there = byFacts.get(read.facts);
    if (there !== undefined) return there;
    byFacts.set(read.facts, contents.length);
    return contents.push(read) - 1;
  };

  const tipsOf = (policy: number, content: number) => ({ policy: `p${policy}`, ledger: `l${content}` });
  const filesAt = (commit: string): ReadonlyMap<string, string> =>
    commit.startsWith("p")
      ? new Map(Object.entries(policies[Number(commit.slice(1))] as Record<string, string>))
      : (contents[Number(commit.slice(1))] as Content).files;
  const repo = memoryRepo(filesAt);

  const states = new Map<string, State>();
  /** A state of its own for each caller: gather adds records to it. */
  async function read(policy: number, content: number): Promise<State> {
    const key = `${policy} ${content}`;
    const state = states.get(key) ?? (await readPair(repo, tipsOf(policy, content)));
    states.set(key, state);
    return { ...state, jobs: new Map(state.jobs), texts: new Map(state.texts), problems: [...state.problems] };
  }

  async function ask(asking: Asking): Promise<Asked> {
    const key = JSON.stringify(asking);
    const there = asked.get(key);
    if (there) return there;
    const made = await askAnew(asking);
    asked.set(key, made);
    return made;
  }

  // src/tick.ts onePass, from the fetched tips to the decision.
  async function askAnew({ content, policy, now, tick, pass, hosts, found, down }: Asking): Promise<Asked> {
    const at = timeAt(now);
    const tips = tipsOf(policy, content);
    const after = { hosts: [...hosts], acked: [] as string[] };
    const findings = findingsOf(found);
    const state = await read(policy, content);
    const wanted = whatMatters(draftOf(state, at, tick), known);
    const pool = createPool(memoryFleet(shape, after, down, options.acksAtOnce === true), state.pack);
    await gather({ repo, pool, clock: still(at), runtimes, screen }, state, wanted.hosts, findings);
    const paths = wanted.runs.length > 0 ? await jobPaths(repo, tips) : new Map<string, string>();
    await addRecords(
      repo,
      state,
      wanted.runs.flatMap((id) => (state.jobs.has(id) ? [] : (paths.get(id) ?? []))),
    );
    const start = pass <= last_start_pass;
    const made = decide(state, findings, { paths, runtimes: known }, { now: at, tick, file: `${tick}-${pass}`, start });
    const files = new Map((contents[content] as Content).files);
    for (const [path, text] of made.changes)
      if (text === null) files.delete(path);
      else files.set(path, String(text));
    const number =
      made.changes.size === 0
        ? null
        : passes.push({ content: intern(files), starts: made.plan.starts, state: made.draft }) - 1;
    return { hosts: after.hosts, found: foundOf(findings), down, pass: number, acked: after.acked };
  }

  /** src/tick.ts hand: what falls when the policy moved. `job/epoch` → why. */
  async function judge(pass: number, policy: number, content: number, now: number): Promise<Record<string, string>> {
    const key = `${pass} ${policy} ${content} ${now}`;
    const there = judged.get(key);
    if (there) return there;
    const fresh = await read(policy, content);
    const made = Object.fromEntries(
      (passes[pass] as Pass).starts.flatMap((start) => {
        const why = fallen(fresh, start, timeAt(now));
        return why === null ? [] : [[`${start.job}/${start.epoch}`, why]];
      }),
    );
    judged.set(key, made);
    return made;
  }

  const dispatched = new Map<string, Dispatched>();
  /** The calls that the real dispatch waits for, given the answers so far; or what it found, when it has ended. */
  async function hand(
    pass: number,
    fallen: Readonly<Record<string, string>>,
    down: readonly string[],
    answers: Readonly<Record<string, readonly string[]>>,
  ): Promise<Dispatched> {
    const key = JSON.stringify([pass, fallen, down, answers]);
    const there = dispatched.get(key);
    if (there) return there;
    const { starts, state } = passes[pass] as Pass;
    const calls: Call[] = [];
    const findings = noFindings();
    const broken = new Set(down);
    const pool = createPool(answeringFleet(answers, calls, broken), "model");
    const chosen = starts.map((start) => ({
      ...start,
      seal: start.seal && !options.noSeal,
      fallen: fallen[`${start.job}/${start.epoch}`],
    }));
    let over = false;
    const run = dispatch({ repo, pool, clock: still(timeAt(0)), runtimes, screen }, state, chosen, findings).then(
      () => {
        over = true;
      },
    );
    await Promise.race([run, quiet()]);
    const made: Dispatched = over ? { starts: foundOf(findings).starts, down: [...broken].sort() } : { calls };
    dispatched.set(key, made);
    return made;
  }

  return {
    intern,
    ask,
    judge,
    hand,
    pass: (number: number) => passes[number] as Pass,
    content: (number: number) => contents[number] as Content,
    sizes: () => ({ ledgers: contents.length, decisions: asked.size, dispatches: dispatched.size }),
  };
}

export type Line = ReturnType<typeof createLine>;
export type Dispatched = { calls: Call[] } | { starts: Record<string, string>; down: string[] };

/** Nothing in these packs is secret. */
const screen: Screen = async (result, runtime) => ({ result, outcome: runtime.outcome(result) });

/** Lets everything that is ready run; what still waits then waits for an answer. */
const quiet = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

const still = (now: Date): Clock => ({ now: () => now, tick: () => 0, sleep: async () => {} });

function contentOf(files: ReadonlyMap<string, string>): Content {
  const jobs: JobFacts[] = [];
  const lines: string[] = [];
  for (const [path, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (path.startsWith("status/")) lines.push(`${path} ${/^state: (\w+)$/m.exec(text)?.[1]}`);
    else if (path === "state/levels.ndjson") lines.push(text.replace(/"pupdate":"[0-9a-f]+",?/g, ""));
    if (!path.startsWith("jobs/")) continue;
    const { entry, problems } = parseEntry(path, "job", text);
    if (!entry) throw new Error(JSON.stringify(problems));
    const { state, host = "", run, started_at, task } = entry.data;
    const { epoch, attempt, tick, result } = run;
    jobs.push({ id: entry.id, task, state, epoch, attempt, tick, host, result, retries: run.retry_at !== undefined });
    const unknown = run.unknown_since !== undefined;
    lines.push(
      [task, state, host, epoch, attempt, tick, run.claimed_at, started_at !== undefined, run.started_epoch, result]
        .concat([run.retry_at, unknown, run.collected_epoch])
        .join(" "),
    );
  }
  return { files, facts: lines.join("\n"), jobs };
}

function findingsOf(found: Found): Findings {
  const findings = noFindings();
  for (const line of found.results) {
    const [host = "", key = "", end = ""] = line.split(" ");
    const result = resultOf(key, end);
    findings.results.push({ host, result, outcome: runtimes.shell.outcome(result) });
  }
  for (const [key, start] of Object.entries(found.starts)) findings.starts.set(key, JSON.parse(start));
  return findings;
}

const foundOf = (findings: Findings): Found => ({
  results: findings.results
    .map(({ host, result }) => `${host} ${result.job}/${result.epoch} ${result.end === "died" ? "died" : "ended"}`)
    .sort(),
  starts: Object.fromEntries(
    [...findings.starts].map(([key, start]): [string, string] => [key, JSON.stringify(start)]).sort(),
  ),
});
