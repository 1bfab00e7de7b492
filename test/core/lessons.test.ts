// Pupdates that teach → signals → candidates, as one pass after the other writes them down.
import { expect, test } from "vitest";
import type { Candidate } from "../../src/core/candidates.ts";
import { type Draft, draftOf } from "../../src/core/draft.ts";
import { parseEntry } from "../../src/core/entry.ts";
import { candidates_path, learn, most_signals, raiseReverted, rowsIn, signals_path } from "../../src/core/lessons.ts";
import type { Pupdate } from "../../src/core/schema.ts";
import type { Signal } from "../../src/core/signals.ts";
import { readState } from "../../src/core/state.ts";

const at = (day: number) => new Date(Date.UTC(2026, 10, 1 + day, 12));

/** One pass over what the last one left. */
function pass(day: number, pupdates: Pupdate[], before?: Draft): Draft {
  const files = [...(before?.attached ?? new Map())].map(([path, text]) => ({
    path,
    mode: "100644",
    text: String(text),
  }));
  const kept = [...(before?.texts ?? new Map())].map(([path, text]) => ({ path, mode: "100644", text }));
  const settings = { path: "towline.yml", mode: "100644", text: "id: test-pack\n" };
  const { state } = readState({ policy: "p", ledger: "l" }, [settings, ...kept, ...files]);
  const draft = draftOf(state as NonNullable<typeof state>, at(day), "t1");
  draft.pupdates.push(...pupdates);
  learn(draft, false);
  return draft;
}

let count = 0;
const said = (kind: string, data: Record<string, unknown>, day = 0): Pupdate => ({
  id: `p${++count}`,
  at: at(day).toISOString(),
  source: "towline",
  kind,
  subject: "x",
  title: "t",
  data,
});

test("what several say becomes a candidate, and nothing is written where nothing new is said", () => {
  const first = pass(0, [
    said("job.confessed", { job: "a-1", text: "I slept in a test and should have waited for the condition." }),
    said("job.finished", { job: "a-1" }),
  ]);
  expect(rowsIn<Signal>(first, signals_path)).toMatchObject([{ kind: "confession", origins: ["job a-1"] }]);
  expect(rowsIn(first, candidates_path)).toEqual([]);
  expect(pass(1, [said("job.finished", { job: "b-2" })], first).attached.size).toBe(0);
  const text = "Wait for the condition in this test instead of sleeping.";
  const second = pass(1, [said("job.remarked", { job: "b-2", text, path: "test/a.ts" }, 1)], first);
  expect(rowsIn<Candidate>(second, candidates_path)).toMatchObject([{ witnesses: 2, text, paths: ["test/a.ts"] }]);
});

test("one job is one witness, whatever it says; old signals leave, and there are never too many", () => {
  const words = "The migration locks the table: add the index concurrently.";
  const same = [said("job.remarked", { job: "a-1", text: words }), said("job.confessed", { job: "a-1", text: words })];
  expect(rowsIn(pass(0, same), candidates_path)).toEqual([]);
  const late = pass(100, [said("job.confessed", { job: "z-1", text: words }, 100)], pass(0, same));
  expect(rowsIn<Signal>(late, signals_path).map(({ origins }) => origins)).toEqual([["job z-1"]]);
  const many = Array.from({ length: most_signals.rows + 5 }, (_, at) =>
    said("job.failed", { job: `j-${at}`, why: `exit ${at}` }),
  );
  expect(rowsIn(pass(0, many), signals_path)).toHaveLength(most_signals.rows);
});

test("one run on many hosts is one witness; a machine that was never reached is none", () => {
  const draft = pass(0, []);
  const failed = (id: string, started = "  run_id: r\n", more = "started_at: 2026-11-01T10:00:00Z\n") => {
    const text = `---\ntask: till\nstate: failed\n${more}run:\n  occurrence: x\n${started}  epoch: 1\n  tick: t\n  claimed_at: 2026-11-01T10:00:00Z\n  deadline: 60s\n  input_hash: h\n---\n`;
    draft.jobs.set(id, parseEntry(`jobs/2026/11/01/${id}.md`, "job", text).entry as never);
    draft.pupdates.push(said("job.failed", { job: id, why: "exit 1: no space left on the disk" }));
  };
  failed("a");
  failed("b");
  failed("c", "  run_id: c\n", "");
  learn(draft, false);
  expect(rowsIn<Signal>(draft, signals_path).map(({ link }) => link)).toEqual([
    "jobs/2026/11/01/a.md",
    "jobs/2026/11/01/b.md",
  ]);
  expect(rowsIn(draft, candidates_path)).toEqual([]);
});

test("merged work that is taken back again is told by the words of git and of forges", () => {
  const draft = pass(0, []);
  draft.raised.push(
    said("push", { message: `Revert "Merge branch 'towline/count-0123456789'"` }),
    said("push", { message: `Revert "Merge pull request #7 from alice/towline/other-0123456789"` }),
    said("pr.merged", { branch: "revert-7-towline-work/third-0123456789" }),
    said("push", { message: `Revert "Merge branch 'mine'"` }),
    said("push", { message: `Say how to Revert "Merge branch 'towline/count-0123456789'"` }),
  );
  raiseReverted(draft);
  expect(draft.raised.filter(({ kind }) => kind === "pr.reverted").map(({ data }) => data?.job)).toEqual([
    "count-0123456789",
    "other-0123456789",
    "third-0123456789",
  ]);
});
