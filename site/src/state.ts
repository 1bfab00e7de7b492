// Every state has a glyph and a word; its colour is only a third hint.
import type { JobState, TaskState } from "../../src/core/schema.ts";

export interface Look {
  glyph: string;
  word: string;
  /** A colour role of site.css. */
  role: "ember" | "moss" | "amber" | "brick" | "slate" | "muted";
}

const look = (glyph: string, word: string, role: Look["role"]): Look => ({ glyph, word, role });

export const job_looks: Record<JobState, Look> = {
  claimed: look("○", "claimed", "slate"),
  started: look("●", "running", "slate"),
  reworking: look("●", "reworking", "slate"),
  finished: look("✓", "done", "moss"),
  failed: look("✕", "failed", "brick"),
  timeout: look("◐", "timed out", "amber"),
  empty: look("◐", "no answer", "amber"),
  lost: look("✕", "lost", "brick"),
  cancelled: look("–", "cancelled", "muted"),
  released: look("–", "released", "muted"),
  asking: look("◆", "asks you", "ember"),
  review: look("◆", "in review", "ember"),
  unknown: look("?", "unknown", "amber"),
};

export const task_looks: Record<TaskState | "new", Look> = {
  waiting: look("◆", "waits for you", "ember"),
  review: look("◆", "in review", "ember"),
  lost: look("✕", "lost", "brick"),
  failed: look("✕", "failed", "brick"),
  blocked: look("‖", "blocked", "amber"),
  running: look("●", "running", "slate"),
  queued: look("○", "queued", "slate"),
  new: look("○", "not seen yet", "muted"),
  paused: look("‖", "paused", "muted"),
  done: look("✓", "done", "moss"),
  draft: look("–", "draft", "muted"),
  cancelled: look("–", "cancelled", "muted"),
};

export const outcome_looks = {
  success: look("✓", "done", "moss"),
  partial: look("◐", "partial", "amber"),
  failure: look("✕", "failed", "brick"),
  none: look("·", "no outcome", "muted"),
};

export const host_looks = {
  ready: look("✓", "ready", "moss"),
  down: look("✕", "no answer", "brick"),
  cordoned: look("‖", "cordoned", "amber"),
  off: look("‖", "off", "muted"),
  new: look("○", "not enrolled", "muted"),
};

export const memo_words = { ask: "asks", approval: "wants a yes", warning: "warns", info: "tells" } as const;
