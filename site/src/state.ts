// Every state has a glyph and a word; its colour is only a third hint.
import { glyphs } from "../../src/core/jobs.ts";
import type { JobState, TaskState } from "../../src/core/schema.ts";

export interface Look {
  glyph: string;
  word: string;
  /** A colour role of site.css. */
  role: "ember" | "moss" | "amber" | "brick" | "slate" | "muted";
}

const look = (glyph: string, word: string, role: Look["role"]): Look => ({ glyph, word, role });

const of = <S extends string>(state: S, word: string, role: Look["role"]) => look(glyphs[state] ?? "·", word, role);

export const job_looks: Record<JobState, Look> = {
  claimed: of("claimed", "claimed", "slate"),
  started: of("started", "running", "slate"),
  reworking: of("reworking", "reworking", "slate"),
  finished: of("finished", "done", "moss"),
  failed: of("failed", "failed", "brick"),
  timeout: of("timeout", "timed out", "amber"),
  empty: of("empty", "no answer", "brick"),
  lost: of("lost", "lost", "brick"),
  cancelled: of("cancelled", "cancelled", "muted"),
  released: of("released", "not started", "muted"),
  asking: of("asking", "asks you", "ember"),
  review: of("review", "in review", "ember"),
  unknown: of("unknown", "unknown", "amber"),
};

export const task_looks: Record<TaskState | "new", Look> = {
  waiting: of("waiting", "waits for you", "ember"),
  review: of("review", "in review", "ember"),
  lost: of("lost", "lost", "brick"),
  failed: of("failed", "failed", "brick"),
  blocked: of("blocked", "blocked", "amber"),
  running: of("running", "running", "slate"),
  queued: of("queued", "queued", "slate"),
  new: of("queued", "not seen yet", "muted"),
  paused: of("paused", "paused", "amber"),
  done: of("done", "done", "moss"),
  draft: of("draft", "draft", "muted"),
  cancelled: of("cancelled", "cancelled", "muted"),
};

export const outcome_looks = {
  success: look("✓", "done", "moss"),
  partial: look("◐", "partial", "amber"),
  failure: look("✕", "failed", "brick"),
  none: look("·", "no outcome", "muted"),
};

export const host_looks = {
  ready: look("✓", "in rotation", "moss"),
  down: look("?", "not answering", "brick"),
  cordoned: look("‖", "cordoned", "amber"),
  off: look("‖", "off", "muted"),
};

export const memo_words = { ask: "asks", approval: "wants a yes", warning: "warns", info: "tells" } as const;
