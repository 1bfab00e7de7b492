// What came from outside, folded into the draft: results, silence, and levels that changed. Raises pupdates.
import type { Level, Outcome, RawResult, RawStream, Said, Sample } from "../ports.ts";
import { limitEnds, raiseLimited } from "./account.ts";
import { asks, raiseAsked } from "./asking.ts";
import type { CampfireFinding } from "./campfire.ts";
import { type Draft, isoNow, putJob } from "./draft.ts";
import { driftOf } from "./drift.ts";
import type { Entry } from "./entry.ts";
import { ourTimes } from "./host-time.ts";
import { jobBody } from "./job-text.ts";
import { epochOf, isOver } from "./jobs.ts";
import { type LookedAt, raiseRetired } from "./knowledge-rows.ts";
import { hostCalled, remember } from "./known-hosts.ts";
import { type Judged, judgedWork, type Kept, type Landed, workText } from "./landed.ts";
import { holdLater, turnedBack } from "./later.ts";
import { heard, post } from "./letters.ts";
import { settleShown } from "./live-letters.ts";
import type { Meanings } from "./meaning.ts";
import { raiseHosts } from "./networks.ts";
import type { Heard } from "./obey.ts";
import { isMine } from "./part.ts";
import type { HostAnswer } from "./place.ts";
import { raiseProbed } from "./probes.ts";
import { proposalFile, type Round } from "./proposal.ts";
import type { ProseRow } from "./prose.ts";
import { withQuestion } from "./questions.ts";
import { raise, raiseJob, raiseSaid } from "./raise.ts";
import type { Job, JobState } from "./schema.ts";
import { chosen, raiseSilent } from "./stuck.ts";
import { oneLine } from "./text.ts";
import { besides, recordTold, type ToldFinding, toldSection } from "./told.ts";
import type { Web } from "./web-links.ts";
import { unwanted, withdraw, withdrawn } from "./withdraw.ts";
import { type RepoAnswer, raiseReview, type Standing, settleWork } from "./work.ts";

/** What one pass brought in. Kept until it stands in a won commit, so that a lost push loses nothing. */
export interface Findings {
  answers: Map<string, HostAnswer>;
  /** `landed`: what became of the work that came with it, of coding work. */
  results: { host: string; result: RawResult; outcome: Outcome; landed?: Landed }[];
  /** `job/epoch` that its host says is running. */
  running: Set<string>;
  /** Those of them that have gone quiet, and that no nudge woke. */
  silent: Set<string>;
  /** Messages that running agents were shown, by id. */
  shown: Set<string>;
  /** Jobs of which their host, asked in the open epoch, knows nothing. */
  absent: Set<string>;
  /**
   * Jobs about which their host cannot be believed, by job id, with the words for it: the name belongs to another machine
   * now, or what it holds of the job is no result.
   */
  strangers: Map<string, string>;
  /** What became of this tick's own starts, by `job/epoch` of the claim. */
  starts: Map<string, StartFinding>;
  /** What the agents of this tick's own starts were told, by `job/epoch`. */
  told: Map<string, ToldFinding>;
  levels: Level[];
  /** Runs that a person asked to be ended, by job id. */
  cancels: Map<string, { at: string; by: string }>;
  /** How hosts fared, by name. */
  samples: Map<string, Sample[]>;
  /** What repositories said of themselves, by the name that tasks give them. */
  repos: Map<string, RepoAnswer>;
  /** How work stands that waits for people, by job id. */
  standing: Map<string, Standing>;
  /** What is to be changed in it, as the forge has it, by job id. */
  remarks?: Map<string, Said[]>;
  /** Why the forge could not say so, in words; null: it did. Absent: it was not asked. */
  forge?: { name: string; why: string | null };
  /** Ended runs whose work could not be brought in yet, by job id, with the words for it. */
  later: Map<string, string>;
  /** Hosts that were asked because their time had come: only then are their slots, disk and records looked at. */
  probed: ReadonlySet<string>;
  /** How the campfire stands; absent: there is none to look at, or it could not be looked at. */
  campfire?: CampfireFinding | undefined;
  /** Comments of the forge that may hold commands. */
  said: readonly Heard[];
  /** Where the forge shows records. */
  web?: Web | undefined;
  /** There is a forge on which people are told of what waits, and answers are given. */
  talks?: boolean;
  /** Posts that were done, by id. */
  posted: ReadonlySet<string>;
  /** Pages of plugins, by name, as text. */
  pages: Map<string, string>;
  /** Insights and learnings whose file is another than the ledger knows, or gone. */
  knowledge: ReadonlyMap<string, LookedAt>;
  /** What a model was asked to put in words, and what came of it. */
  prose?: ProseRow | undefined;
  /** What a model says that signals mean. */
  meanings?: Meanings | undefined;
}

export type StartFinding =
  | { state: "started"; epoch: number }
  | { state: "released"; why: string }
  | { state: "refused"; why: string };

export const noFindings = (): Findings => ({
  answers: new Map(),
  results: [],
  running: new Set(),
  silent: new Set(),
  shown: new Set(),
  absent: new Set(),
  strangers: new Map(),
  starts: new Map(),
  told: new Map(),
  levels: [],
  cancels: new Map(),
  samples: new Map(),
  repos: new Map(),
  standing: new Map(),
  later: new Map(),
  probed: new Set(),
  said: [],
  posted: new Set(),
  pages: new Map(),
  knowledge: new Map(),
});

const silence_limit = 86_400; // seconds past the deadline until an unreachable job counts as lost
const fan_out_grace = 60; // the same for one of many, whose host ends it at the deadline

/** One job of a run on many hosts. */
const isFanOut = ({ id, data }: Entry<"job">) => data.run.run_id !== id;

export function absorb(draft: Draft, findings: Findings): void {
  for (const [id, cancel] of findings.cancels) {
    const job = draft.jobs.get(id);
    if (job && !isOver(job) && !job.data.run.cancel) setJob(draft, job, job.data.state, { cancel });
  }
  recordTold(draft, findings);
  settleShown(draft, findings.shown);
  for (const { host, result, outcome, landed } of findings.results) {
    const answer = findings.answers.get(host);
    const times = ourTimes(result, answer && "facts" in answer ? answer.facts.skew : 0, draft.now);
    takeResult(draft, host, { ...result, ...times }, outcome, landed);
  }
  holdLater(draft, findings.later);
  settleWork(draft, findings);
  for (const job of [...draft.jobs.values()]) if (!isOver(job)) observe(draft, job, findings);
  raiseSilent(draft, findings.silent);
  withdraw(draft);
  // A host without a record is only asked about its last jobs: how it stands is nobody's concern any more.
  raiseHosts(draft, findings.answers);
  for (const name of findings.probed) {
    const host = draft.hosts.get(name);
    const answer = findings.answers.get(name);
    if (host && answer && "facts" in answer) raiseProbed(draft, host, answer.facts);
  }
  for (const level of findings.levels) raise(draft, level);
  raiseRetired(draft, findings.knowledge);
  remember(draft, findings.answers);
}

function observe(draft: Draft, job: Entry<"job">, findings: Findings): void {
  const { state, run } = job.data;
  const start = findings.starts.get(`${job.id}/${run.epoch}`);
  const answer = answerFor(draft, job, findings);
  if (state === "claimed" && start) started(draft, job, start);
  else if (findings.running.has(`${job.id}/${epochOf(job)}`)) {
    // A claim that another tick is just starting is that tick's to record.
    const theirs =
      state === "claimed" &&
      run.tick !== draft.tick &&
      draft.now.getTime() - Date.parse(run.claimed_at) < draft.settings.tick.wall * 1000;
    if (state !== "started" && !theirs)
      // One that was given up is not: nothing of that may stay, or it would be tried again beside itself.
      setJob(
        draft,
        job,
        "started",
        { unknown_since: undefined, why: undefined, retry_at: undefined, ended_at: undefined, outcome: undefined },
        job.data.started_at ?? isoNow(draft),
      );
  } else if (answer && "fault" in answer && (state === "claimed" || state === "started")) {
    setJob(draft, job, "unknown", { unknown_since: isoNow(draft), why: oneLine(`${job.data.host} ${answer.message}`) });
    if (isFanOut(job)) silent(draft, draft.jobs.get(job.id) as Entry<"job">, findings);
  } else if (state === "unknown" || (findings.absent.has(job.id) && state === "started")) silent(draft, job, findings);
}

function setJob(
  draft: Draft,
  job: Entry<"job">,
  state: Job["state"],
  run: Partial<Job["run"]>,
  startedAt = job.data.started_at,
): void {
  putJob(draft, { ...job, data: { ...job.data, state, started_at: startedAt, run: { ...job.data.run, ...run } } });
}

function started(draft: Draft, job: Entry<"job">, start: StartFinding): void {
  if (start.state === "started") {
    const epoch = start.epoch === job.data.run.epoch ? undefined : start.epoch;
    setJob(draft, job, "started", { started_epoch: epoch }, isoNow(draft));
  } else if (start.state === "released")
    setJob(draft, job, "released", { why: oneLine(start.why), ...turnedBack(draft, job, oneLine(start.why)) });
  else {
    setJob(draft, job, "failed", { why: oneLine(start.why), ended_at: isoNow(draft), outcome: "failure" });
    raiseJob(draft, draft.jobs.get(job.id) as Entry<"job">, "job.failed", start.why);
  }
}

/** What asking the job's host gave; a host whose record is gone cannot be asked. */
function answerFor(draft: Draft, job: Entry<"job">, findings: Findings): HostAnswer | undefined {
  const host = job.data.host ?? "";
  const stranger = findings.strangers.get(job.id);
  if (stranger !== undefined) return { fault: "not-enrolled", message: stranger };
  const called = hostCalled(draft, host);
  if (called && !isMine(draft, called)) return undefined;
  return (
    findings.answers.get(host) ??
    (draft.hosts.has(host) ? undefined : { fault: "unreachable", message: "has no record in hosts/ any more" })
  );
}

function silent(draft: Draft, job: Entry<"job">, findings: Findings): void {
  const answer = answerFor(draft, job, findings);
  const since = Date.parse(job.data.run.unknown_since ?? isoNow(draft));
  // One host of many must not hold the run open: what it did may still be collected, and is recorded then.
  const begun = Date.parse(job.data.started_at ?? job.data.run.claimed_at);
  const missed = isFanOut(job) && draft.now.getTime() - begun > (job.data.run.deadline + fan_out_grace) * 1000;
  const overdue = missed || draft.now.getTime() - since > (job.data.run.deadline + silence_limit) * 1000;
  // A host that answers and knows nothing of a job that it had started has lost its state: the job is lost, not unstarted.
  const forgotten = findings.absent.has(job.id) && job.data.started_at !== undefined;
  if (!forgotten && !(overdue && answer && "fault" in answer)) {
    const now = answer && "fault" in answer ? oneLine(`${job.data.host} ${answer.message}`) : job.data.run.why;
    if (now !== job.data.run.why) setJob(draft, job, job.data.state, { why: now });
    return;
  }
  const why = forgotten
    ? `${job.data.host} no longer knows this job`
    : missed
      ? `not reached: ${oneLine(`${job.data.host} ${answer && "fault" in answer ? answer.message : ""}`)}, and its time is over`
      : `${job.data.host} has not answered since ${job.data.run.unknown_since}`;
  lose(draft, job, why);
}

/** Nobody can tell any more what became of it. Whether it runs again is for its task to say (`on_lost`). */
export function lose(draft: Draft, job: Entry<"job">, why: string): void {
  const again = mayRunAgain(draft, job, "lost");
  setJob(draft, job, "lost", {
    why,
    ended_at: isoNow(draft),
    outcome: "failure",
    retry_at: again ? isoNow(draft) : undefined,
  });
  if (!again) raiseJob(draft, draft.jobs.get(job.id) as Entry<"job">, "job.lost", why);
}

const badly: ReadonlySet<JobState> = new Set(["failed", "timeout", "empty", "lost"]);

/** Whether another attempt is wished for and left. A lost job may have run: it takes the explicit `on_lost: retry`. */
function mayRunAgain(draft: Draft, job: Entry<"job">, state: JobState): boolean {
  const task = draft.tasks.get(job.data.task);
  if (!task || !isWanted(draft, job) || !badly.has(state)) return false;
  if (state === "lost") return task.data.on_lost === "retry" && job.data.run.attempt <= Math.max(1, task.data.retries);
  return job.data.run.attempt <= task.data.retries;
}

const isWanted = (draft: Draft, job: Entry<"job">) =>
  draft.tasks.get(job.data.task)?.data.status === "ready" && unwanted(draft, job) === null;

/** A person chose so for the run of this epoch, which has gone quiet. */
const isToBeAnew = (draft: Draft, job: Entry<"job">) => isWanted(draft, job) && chosen(draft, job) === "retry";

/** The run met its account's limit: that is no failure of it, and it goes on when the limit ends. */
function limitedRun(draft: Draft, job: Entry<"job">, { limited }: Outcome): Job["run"]["limited"] {
  if (!limited) return undefined;
  const account = job.data.run.account ?? `agent ${job.data.agent}`;
  const until = limitEnds(limited, draft.now);
  raiseLimited(draft, account, until, limited.said);
  return isWanted(draft, job) ? { account, until } : undefined;
}

/** A result counts once, for the epoch and the host that the ledger names; anything else is left where it is. */
function takeResult(draft: Draft, host: string, raw: RawResult, outcome: Outcome, landed?: Landed): void {
  const job = draft.jobs.get(raw.job);
  if (!job || epochOf(job) !== raw.epoch || job.data.host !== host) return;
  if (job.data.run.result !== undefined) return;
  const question = asks(draft, job, outcome);
  const work = question === null && landed && job.data.run.code ? judgedWork(job, outcome, landed) : null;
  const came = question === null ? (work?.state ?? outcome.state) : "asking";
  const done = question !== null || landed?.state === "refused";
  // A person wanted it ended and begun again: that is no end of the job.
  const anew = !done && (came === "cancelled" || badly.has(came)) && isToBeAnew(draft, job);
  const state = anew && came === "cancelled" ? "failed" : came;
  const met = limitedRun(draft, job, outcome);
  // What waits for people, or goes back to its agent, goes on from there when its account can.
  const limited = done || state === "review" || state === "reworking" ? undefined : met;
  const again = !done && (anew || limited !== undefined || mayRunAgain(draft, job, state));
  const why = outcome.state === "cancelled" ? endedBy(draft, job) : work ? work.why : outcome.why;
  const { unknown_since: _, ...run } = job.data.run;
  const shown = propose(draft, job, work, { outcome, took: raw.took, landed });
  const data: Job = {
    ...job.data,
    state,
    started_at: raw.started_at,
    took: Math.round(raw.took * 10) / 10,
    pr: work?.pr ?? job.data.pr,
    cost: outcome.cost ?? draft.agents.get(job.data.agent ?? "")?.data.price?.run,
    run: {
      ...run,
      outcome: question === null ? (work?.outcome ?? outcome.outcome) : undefined,
      ended_at: raw.ended_at,
      exit: raw.exit ?? undefined,
      signal: raw.signal ?? undefined,
      why: why && oneLine(why),
      output: streamOf(raw.stdout),
      errors: streamOf(raw.stderr),
      result: raw.sha256,
      drift: driftOf(draft, job) ?? undefined,
      boot: raw.boot,
      program: raw.program.slice(0, 12),
      surprise: outcome.surprise,
      technique: outcome.technique,
      ...notesOf(outcome, run),
      // It may go on from there, or never be answered.
      code: work?.code ?? (run.code && { ...run.code, unsaved: true }),
      questions: question === null ? run.questions : withQuestion(job, question, raw.ended_at),
      proposal: shown || run.proposal,
      tokens: outcome.tokens,
      session: outcome.session,
      limited,
      retry_at: limited
        ? limited.until
        : anew
          ? isoNow(draft)
          : again
            ? new Date(Date.parse(raw.ended_at) + 60_000 * 2 ** (job.data.run.attempt - 1)).toISOString()
            : undefined,
    },
  };
  const { messages = [], remarks = [] } = outcome;
  // A job that goes on, or is tried again, may do so in a fresh session, which has not read them.
  if (question === null && state !== "reworking" && !again) heard(draft, job.id);
  const refused = post(draft, job, messages);
  const said = { ...outcome, why, remarks: [...remarks, ...refused] };
  const made = landed && work ? workText(landed, run.branch ?? "") : [];
  const next: Entry<"job"> = {
    ...job,
    data,
    body: [jobBody(said, raw, job), ...made, ...toldSection(job)].join("\n\n"),
  };
  putJob(draft, next);
  draft.collected.add(job.id);
  if (landed && work && "kept" in landed) keep(draft, next, landed.kept);
  if (work && landed?.state === "pushed" && landed.patch) keep(draft, next, new Map([["work.patch", landed.patch]]));
  raiseSaid(draft, next, messages);
  if (question !== null) raiseAsked(draft, next);
  else if (state === "review") raiseReview(draft, next);
  else if (!again && state !== "reworking") raiseJob(draft, next, kinds[state] ?? "job.failed", why ?? "");
}

/** What people read when they decide about its work, brought up to this round. */
function propose(
  draft: Draft,
  job: Entry<"job">,
  work: Judged | null,
  { landed, ...round }: Omit<Round, "landed"> & { landed: Landed | undefined },
): true | undefined {
  if (!work?.code.head || (landed?.state !== "pushed" && landed?.state !== "nothing")) return undefined;
  draft.attached.set(`${besides(job.path)}proposal.md`, proposalFile(draft, job, { ...round, landed }));
  return true;
}

/** Files beside the job's record. */
function keep(draft: Draft, { path }: Entry<"job">, kept: Kept): void {
  for (const [name, bytes] of kept) draft.attached.set(`${besides(path)}${name}`, bytes);
}

const kinds: Partial<Record<JobState, string>> = {
  finished: "job.finished",
  lost: "job.lost",
  cancelled: "job.cancelled",
};

/** No host answers with more. */
const most_hits = 5;

/** Questions of all rounds that a record keeps. */
const most_asked = 200;
const kept = <T>(list: T[]) => (list.length > 0 ? list.slice(0, most_asked) : undefined);

/** What the agent said of its work, for the record. What it asked in earlier rounds stays. */
function notesOf({ messages = [] }: Outcome, before: Job["run"]): Partial<Job["run"]> {
  const texts = (verb: string) => messages.filter((one) => one.verb === verb).map(({ text }) => oneLine(text));
  const asked = messages.filter(({ verb }) => verb === "learn");
  const learn = asked.filter(({ hits }) => hits === undefined).map(({ text }) => oneLine(text));
  const learned = asked.flatMap(({ text, hits }) =>
    hits === undefined
      ? []
      : [{ query: oneLine(text), ...(hits.length > 0 ? { hits: hits.slice(0, most_hits) } : {}) }],
  );
  return {
    status: texts("status").at(-1),
    ready: messages.some(({ verb }) => verb === "done") || undefined,
    learn: kept([...(before.learn ?? []), ...learn]),
    learned: kept([...(before.learned ?? []), ...learned]),
  };
}

/** Whoever took back what they had asked for is not named any more. */
function endedBy(draft: Draft, job: Entry<"job">): string {
  const who = withdrawn(draft, job, draft.now);
  return who === null ? "cancelled" : `cancelled: ${who}`;
}

const streamOf = (stream: RawStream) => ({
  bytes: stream.bytes,
  sha256: stream.sha256,
  truncated: (stream.cut ?? stream.bytes - stream.head.length - stream.tail.length) > 0 || undefined,
});
