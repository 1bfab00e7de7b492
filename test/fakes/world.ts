// Whole ticks as values: no git, no machines, only core/ and a map of files. Fast enough for thousands of random packs.
import { type Findings, noFindings } from "../../src/core/absorb.ts";
import { limitsOf } from "../../src/core/budget.ts";
import type { Start } from "../../src/core/claim.ts";
import { type Decision, decide } from "../../src/core/decide.ts";
import type { Entry } from "../../src/core/entry.ts";
import type { Landed } from "../../src/core/landed.ts";
import { readExpenses } from "../../src/core/look-back.ts";
import { whatMatters } from "../../src/core/matters.ts";
import { type Heard, heeded } from "../../src/core/obey.ts";
import type { Spent } from "../../src/core/spent.ts";
import { ledger_paths, openPaths, policy_paths, readState, type State } from "../../src/core/state.ts";
import { talked } from "../../src/core/talk.ts";
import type { ToldFinding } from "../../src/core/told.ts";
import type { RepoAnswer, Standing } from "../../src/core/work.ts";
import type { Level, Outcome } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { type FakeRun, rawResult } from "./fleet.ts";

const known = new Set(Object.keys(runtimes));
const tips = { policy: "0".repeat(40), ledger: "0".repeat(40) };

export interface World {
  files: Map<string, string>;
  /** `job/epoch host` of every start, in order. */
  starts: string[];
  /** What was sent with the last start of each job. */
  sent: Map<string, Start>;
  /** Hosts that do not answer. */
  down: Set<string>;
  /** What repositories say of themselves, by their name in tasks. */
  repos: Map<string, RepoAnswer>;
  /** How work stands with people, by job. */
  standing: Map<string, Standing>;
  /** Why the work of ended runs cannot be brought in yet, by job. */
  later: Map<string, string>;
  /** Comments that stand on the forge. */
  said: Heard[];
  /** What sources report. */
  levels: Level[];
  /** There is a forge that people are told things on. */
  talks: boolean;
  /** Jobs that have gone quiet where they run, and that no nudge woke. */
  silent: Set<string>;
  /** Why hosts start nothing, though they could; absent: they do. */
  turns?: string;
  /** What agents are told when they are started, where that is kept. */
  told?: ToldFinding;
  state(): State;
  /** One tick. Answers the changes of each pass that made any. `run` says what a job comes to; null: it goes on. */
  tick(
    now: string,
    run: (job: string, host: string) => (FakeRun & { outcome?: Partial<Outcome>; landed?: Landed }) | null,
  ): Decision["changes"][];
}

/** What all job records say, as the shell would read it. */
function spentIn(files: ReadonlyMap<string, string>): Spent {
  const spent: Spent = { from: new Date(0), expenses: new Map(), broken: [] };
  for (const [path, text] of files) {
    if (!path.startsWith("jobs/") || path.includes(".d/")) continue;
    const told = readExpenses(path, text);
    if (told) spent.expenses.set((path.split("/").at(-1) ?? "").slice(0, -3), told);
    else spent.broken.push(path);
  }
  return spent;
}

export function world(records: Record<string, string>): World {
  const files = new Map(Object.entries(records));
  const open = new Map<string, { host: string; epoch: number; at: string }>();
  let count = 0;
  const made: World = {
    files,
    starts: [],
    sent: new Map(),
    down: new Set(),
    repos: new Map(),
    standing: new Map(),
    later: new Map(),
    said: [],
    levels: [],
    talks: false,
    silent: new Set(),
    state: () => {
      const named = openPaths(files.get("state/open.ndjson"));
      const wanted = [...policy_paths, ...ledger_paths];
      const read = [...files].filter(
        ([path]) => named.includes(path) || wanted.some((one) => path === one || path.startsWith(`${one}/`)),
      );
      const { state, problems } = readState(
        tips,
        read.map(([path, text]) => ({ path, mode: "100644", text })),
      );
      if (!state) throw new Error(problems[0]?.message);
      if (limitsOf(state).length > 0) state.spent = spentIn(files);
      return state;
    },
    tick(now, run) {
      const changes: Decision["changes"][] = [];
      const tick = `tick-${++count}`;
      const findings = noFindings();
      for (let pass = 1; pass <= 4; pass++) {
        const state = made.state();
        gatherInto(findings, state, now, tick);
        const pathsNow = new Map(
          [...files.keys()]
            .filter((p) => p.startsWith("jobs/") && !p.includes(".d/"))
            .map((p) => [(p.split("/").at(-1) ?? "").slice(0, -3), p]),
        );
        const decision = decide(
          state,
          findings,
          { paths: pathsNow, runtimes: known },
          { now: new Date(now), tick, file: `${tick}-${pass}`, start: pass <= 3 },
        );
        if (decision.changes.size === 0) break;
        changes.push(decision.changes);
        for (const [path, text] of decision.changes)
          if (text === null) files.delete(path);
          else files.set(path, String(text));
        findings.results = [];
        findings.starts.clear();
        for (const start of decision.plan.starts) {
          made.starts.push(`${start.job}/${start.epoch} ${start.host}`);
          made.sent.set(start.job, start);
          if (made.turns !== undefined) {
            findings.starts.set(`${start.job}/${start.epoch}`, { state: "released", why: made.turns });
            continue;
          }
          open.set(start.job, { host: start.host, epoch: start.epoch, at: now });
          findings.starts.set(`${start.job}/${start.epoch}`, { state: "started", epoch: start.epoch });
          if (made.told) findings.told.set(`${start.job}/${start.epoch}`, made.told);
        }
        if (decision.plan.starts.length === 0 && !decision.again) break;
      }
      return changes;

      function gatherInto(into: Findings, state: State, at: string, id: string): void {
        into.answers.clear();
        into.running.clear();
        into.silent.clear();
        into.absent.clear();
        into.said = [...made.said];
        into.levels = [...made.levels];
        into.talks = made.talks;
        const heard = heeded(state, into.said, { runtimes: known }, { now: new Date(at), tick: id });
        const { hosts: asked, repos } = whatMatters(heard, known);
        into.repos = new Map([...made.repos].filter(([repo]) => repos.has(repo)));
        into.standing = new Map([...made.standing].filter(([job]) => state.jobs.has(job)));
        into.later = new Map(made.later);
        for (const [job, { host, epoch, at: began }] of open) {
          if (made.down.has(host) || !asked.has(host)) continue;
          const came = run(job, host);
          const runtime = runtimes.shell;
          if (made.later.has(job)) continue;
          if (!came || !runtime) {
            into.running.add(`${job}/${epoch}`);
            if (made.silent.has(job)) into.silent.add(`${job}/${epoch}`);
          } else {
            const result = rawResult(job, epoch, came, began);
            const outcome = { ...runtime.outcome(result), ...came.outcome };
            const said = talked(outcome, result.parts?.get("outbox"));
            into.results.push({ host, result, outcome: said, landed: came.landed });
            open.delete(job);
            if (came.landed?.state === "pushed") stands(state.jobs.get(job), came.landed.head);
          }
        }
        for (const name of asked) into.answers.set(name, answer(state, name));
      }

      function stands(job: Entry<"job"> | undefined, head: string): void {
        const { code, branch = "" } = job?.data.run ?? {};
        const now = made.repos.get(code?.repo ?? "");
        if (code && now && "tip" in now)
          made.repos.set(code.repo, { ...now, heads: new Map([...now.heads, [branch, head]]) });
      }

      function answer(state: State, name: string) {
        if (made.down.has(name)) return { fault: "unreachable", message: "does not answer" };
        const used = [...open.values()].filter((one) => one.host === name).length;
        const facts = {
          identity: name,
          boot: "boot",
          skew: 0,
          cores: 2,
          load: 0,
          memory: { total: 1, free: 1 },
          disk: { total: 1, free: 1 },
          arch: "x86_64",
          system: "Linux",
          slots: { total: state.hosts.get(name)?.data.slots ?? 1, used },
          runtimes: { shell: "" },
          held: [],
        };
        return { facts };
      }
    },
  };
  return made;
}
