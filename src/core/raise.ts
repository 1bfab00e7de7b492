// Pupdates that towline makes itself. Levels come in, edges go out.
import type { Level, RawPupdate } from "../ports.ts";
import { type Draft, isoNow } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { pupdateId } from "./ids.ts";
import { answerOf } from "./job-text.ts";
import type { HostAnswer } from "./place.ts";
import type { Message } from "./schema.ts";
import type { LevelRow } from "./state.ts";
import { oneLine } from "./text.ts";

export function raiseJob(draft: Draft, job: Entry<"job">, kind: string, why: string): void {
  const { run } = job.data;
  const id = pupdateId("towline", job.id, `${kind} ${run.epoch}`, null);
  draft.raised.push({
    id,
    at: run.ended_at ?? isoNow(draft),
    source: "towline",
    kind,
    subject: job.data.task,
    title: `${job.data.task} ${ends[kind] ?? "failed"} on ${job.data.host}`,
    data: {
      task: job.data.task,
      job: job.id,
      host: job.data.host,
      agent: job.data.agent,
      state: job.data.state,
      why: why === "" ? undefined : why,
      exit: run.exit,
      took: job.data.took,
      ...(kind === "job.failed" ? detailOf(job.body) : {}),
    },
  });
}

/** What surprised an agent, of each run once. */
export function raiseSurprises(draft: Draft, run: readonly Entry<"job">[]): void {
  for (const { id: job, data } of run) {
    const { task, host, agent, run } = data;
    if (run.surprise === undefined || run.surprise.trim() === "") continue;
    draft.raised.push({
      id: pupdateId("towline", job, `reflection.surprised ${run.epoch}`, null),
      at: run.ended_at ?? isoNow(draft),
      source: "towline",
      kind: "reflection.surprised",
      subject: task,
      title: oneLine(`${task}: ${run.surprise}`),
      data: { task, job, host, agent, surprise: run.surprise.slice(0, 4000) },
    });
  }
}

/** What an agent said that others may learn from, or that a person waits for. */
export function raiseSaid(draft: Draft, job: Entry<"job">, messages: Message[]): void {
  const { task, host, agent, run } = job.data;
  for (const [verb, kind] of [
    ["confess", "job.confessed"],
    ["reply", "job.replied"],
  ] as const)
    for (const [at, { text }] of messages.filter((one) => one.verb === verb).entries())
      draft.raised.push({
        id: pupdateId("towline", job.id, `${kind} ${run.epoch} ${at}`, null),
        at: run.ended_at ?? isoNow(draft),
        source: "towline",
        kind,
        subject: task,
        title: oneLine(`${task}: ${text}`),
        data: { task, job: job.id, host, agent, text: text.slice(0, 4000) },
      });
}

const ends: Record<string, string> = {
  "job.finished": "finished",
  "job.lost": "was lost",
  "job.cancelled": "was cancelled",
  "job.unclear": "waits, as nobody can tell what became of its branch",
  "job.closed": "was turned down, as it was made",
};

/** The end of what a failed job said, or of its log. */
function detailOf(body: string): { detail?: string } {
  const log = /\n## Log\n\n([\s\S]*)$/.exec(body)?.[1] ?? "";
  const said = answerOf(body);
  const detail = (said.startsWith("_") ? log : said).replace(/^`+\w*\n|\n`+$/g, "").slice(-2000);
  return detail === "" ? {} : { detail };
}

export function hostLevel(host: string, answer: HostAnswer): Level {
  const down = "fault" in answer;
  return {
    source: "fleet",
    subject: host,
    family: "host",
    kind: down ? "host.down" : "host.up",
    state: down ? answer.fault : undefined,
    first: down ? undefined : "calm",
    title: down ? `${host} ${answer.message}` : `${host} answers again`,
    data: down ? { host, fault: answer.fault, why: answer.message } : { host },
  };
}

const cursor = "cursor";

/** Where a source has been read up to. It stands among the levels, so it moves in the commit that carries the events. */
export const cursorLevel = (source: string, name: string, at: string): Level => ({
  source,
  subject: name,
  family: cursor,
  kind: cursor,
  state: at,
  title: "",
});

/** What the ledger knows of a cursor. */
export const cursorAt = (known: readonly LevelRow[], source: string, name: string): string | undefined =>
  known.find((row) => row.family === cursor && row.source === source && row.subject === name)?.state;

/** A cursor that moves, and a level that goes unsaid, wait for a commit that is made anyway. A new cursor makes one. */
function quietly(draft: Draft, level: Level, known: LevelRow | undefined): boolean {
  if (level.family !== cursor && level.ends !== "unsaid") return false;
  const { source, subject, family, kind, state } = level;
  const row = level.ends === "unsaid" ? null : { source, subject, family, kind, state, pupdate: "" };
  if (known && (row === null || known.state !== row.state)) draft.moved.set(known, row);
  if (!known && row) draft.levels.push(row);
  return true;
}

/** Levels come in, edges go out: nothing is raised while a level stays. */
export function raise(draft: Draft, level: Level): void {
  const known = draft.levels.find(
    (row) => row.source === level.source && row.subject === level.subject && row.family === level.family,
  );
  if (quietly(draft, level, known)) return;
  if (level.after) {
    // Another tick may have read further since: then it has told all of this.
    const stands = cursorAt(draft.levels, level.source, level.after.cursor) === level.after.at;
    if (stands) tell(draft, level, pupdateId(level.source, level.subject, `${level.kind} ${level.state ?? ""}`, null));
    return;
  }
  const same = known?.kind === level.kind && known.state === level.state && !known.quiet;
  if (known ? same : level.first === "calm") return;
  const silent = !known && level.first === "noted";
  const id = silent
    ? ""
    : pupdateId(level.source, level.subject, `${level.kind} ${level.state ?? ""}`, known?.pupdate ?? null);
  const over = (row: LevelRow) =>
    row === known || (level.ends !== undefined && row.source === level.source && row.subject === level.subject);
  draft.levels = draft.levels.filter((row) => !over(row));
  if (level.ends !== "for-good")
    draft.levels.push({
      source: level.source,
      subject: level.subject,
      family: level.family,
      kind: level.kind,
      state: level.state,
      pupdate: id,
    });
  if (!silent) tell(draft, level, id);
}

function tell(draft: Draft, level: Level, id: string): void {
  const pupdate: RawPupdate = {
    id,
    at: isoNow(draft),
    source: level.source,
    kind: level.kind,
    subject: level.subject,
    title: oneLine(level.title),
  };
  draft.raised.push({ ...pupdate, actor: level.actor, url: level.url, tags: level.tags, data: level.data });
}
