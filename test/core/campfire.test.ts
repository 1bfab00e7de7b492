// When there is a campfire, what it proposes and shows, and what people's word makes of it; as values.
import { describe, expect, test } from "vitest";
import { builtin_rules } from "../../src/core/builtin.ts";
import {
  type Campfire,
  type CampfireFinding,
  campfire_path,
  campfirePlan,
  campfiresIn,
  lastDue,
  pathOf,
  sumOf,
} from "../../src/core/campfire.ts";
import { beside, digestOf, proposedOf, untickedIn } from "../../src/core/campfire-file.ts";
import { settleCampfire } from "../../src/core/campfire-settle.ts";
import { storyOf } from "../../src/core/campfire-story.ts";
import { campfireText } from "../../src/core/campfire-text.ts";
import type { Candidate } from "../../src/core/candidates.ts";
import { type Draft, draftOf } from "../../src/core/draft.ts";
import { parseEntry } from "../../src/core/entry.ts";
import { candidates_path, dismissed_path, rowsIn } from "../../src/core/lessons.ts";
import { ndjson } from "../../src/core/render.ts";
import { readState, type State } from "../../src/core/state.ts";
import { triage } from "../../src/core/triage.ts";
import { mayBeTold } from "../../src/core/withheld.ts";

const candidate = (id: string, more: Partial<Candidate> = {}): Candidate => ({
  id,
  text: `What ${id} says.`,
  sources: ["jobs/2026/11/20/x.md"],
  signals: [`${id}-1`, `${id}-2`],
  since: "2026-11-20T10:00:00Z",
  witnesses: 2,
  paths: [],
  ...more,
});
const settings = "id: test-pack\nzone: Europe/Berlin\ncampfire: {at: '18:00', days: [mon, wed], min: 2}\n";

function stateOf(files: Record<string, string>): State {
  const all = Object.entries({ "towline.yml": settings, ...files });
  const { state } = readState(
    { policy: "p", ledger: "p" },
    all.map(([path, text]) => ({ path, mode: "100644", text })),
  );
  return state as State;
}
const row = (id: string, more: Partial<Campfire> = {}): Campfire => ({
  id,
  at: `${id}T17:00:00.000Z`,
  state: "open",
  proposal: { branch: `towline/campfire-${id}` },
  candidates: ["a", "b"].map((name) => proposedOf(candidate(name), id).row),
  doubted: [],
  ...more,
});
const at = (iso: string) => new Date(iso);

describe("when", () => {
  const due = (iso: string, text = settings) => lastDue(stateOf({ "towline.yml": text }).settings, at(iso));
  test("at the hour and on the days of the pack's zone, and late ticks see the last one", () => {
    // 2026-11-23 is a Monday; 18:00 in Berlin is 17:00 UTC.
    expect(due("2026-11-23T16:59:00Z")).toBe("2026-11-18");
    expect(due("2026-11-23T17:00:00Z")).toBe("2026-11-23");
    expect(due("2026-11-25T02:00:00Z")).toBe("2026-11-23");
    expect(due("2026-11-23T17:00:00Z", "id: x\n")).toBeNull();
  });
  test("once for each, with as many as are wanted; never in a pack that is stopped", () => {
    const two = { [candidates_path]: ndjson([candidate("a"), candidate("b")]) };
    const plan = (files: Record<string, string>, iso = "2026-11-24T09:00:00Z") => campfirePlan(stateOf(files), at(iso));
    expect(plan(two)?.fresh.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(plan({ [candidates_path]: ndjson([candidate("a")]) })).toBeNull();
    expect(plan({ ...two, "STOP.md": "" })).toBeNull();
    const over = row("2026-11-23", { state: "closed", candidates: [] });
    expect(plan({ ...two, [campfire_path]: ndjson([over]) })).toBeNull();
    expect(plan({ ...two, [campfire_path]: ndjson([over]) }, "2026-11-25T18:00:00Z")?.day).toBe("2026-11-25");
  });
  test("while one is open, what is new joins it at the next hour; what was decided is not new", () => {
    const files = {
      [candidates_path]: ndjson([candidate("a"), candidate("c"), candidate("d")]),
      [campfire_path]: ndjson([
        row("2026-11-16", {
          state: "merged",
          candidates: [{ ...row("x").candidates[0], name: "d", outcome: "approved" } as never],
        }),
        row("2026-11-23", { joined: "2026-11-23" }),
      ]),
    };
    const plan = (iso: string) => campfirePlan(stateOf(files), at(iso));
    expect(plan("2026-11-24T09:00:00Z")).toMatchObject({ open: { id: "2026-11-23" }, fresh: [] });
    expect(plan("2026-11-25T18:00:00Z")).toMatchObject({ open: { id: "2026-11-23" }, fresh: [{ id: "c" }] });
  });
});

describe("what is shown", () => {
  const telling = { story: [], known: [], doubted: [], gone: [], address: () => null, talks: true };
  test("words of others stand in fences, and no box in them counts", () => {
    const evil =
      "Say:\n```\n- [ ] **2.** `insights/b.md`\n````\n- [ ] **2.** x\n\n[a](https://evil.example) @all <!-- hi -->";
    const one = row("2026-11-23", {
      candidates: [proposedOf(candidate("a", { text: evil }), "x").row, proposedOf(candidate("b"), "x").row],
    });
    const { body, title } = campfireText(one, telling);
    expect(title).toBe("Campfire 2026-11-23: 2 candidates");
    expect(untickedIn(body, one)).toEqual(new Set());
    expect(untickedIn(body.replace("- [x] **2.**", "- [ ] **2.**"), one)).toEqual(new Set(["b"]));
    const outside = body.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, "");
    expect(outside).not.toContain("evil.example");
    expect(outside).not.toContain("@all");
  });
  test("what says the same as there is already, or the opposite, is pointed out; what is doubted is asked", () => {
    const insight = (path: string, text: string) =>
      parseEntry(path, "insight", `---\nstatus: active\n---\n\n${text}\n`).entry as never;
    const known = [
      insight("insights/wait.md", "Wait for the lock file before you touch the till."),
      insight("insights/never.md", "Never wait for the lock file of the till."),
      insight("insights/other.md", "Quote shell variables."),
    ];
    expect(beside({ text: "Wait for the lock file before touching the till." }, known)).toEqual([
      "says nearly the same as `insights/wait.md`",
      "may contradict `insights/never.md`",
    ]);
    const { body } = campfireText(row("2026-11-23"), {
      ...telling,
      doubted: [{ path: "learnings/old.md", why: "nobody needed it since 2026-01-01" }],
    });
    expect(body).toMatch(/## Still true\?[\s\S]*`learnings\/old\.md`: nobody needed it/);
  });
  test("what was said of files is for those who change such files; hidden characters are seen", () => {
    const { row: one, text } = proposedOf(
      candidate("a", { paths: ["src/x.ts", "Makefile"], text: "Use\u200bit." }),
      "x",
    );
    expect(one.kind).toBe("learning");
    const { entry } = parseEntry(pathOf(one), "learning", text);
    expect(entry?.data).toMatchObject({ status: "active", applies: ["*.ts", "Makefile"], campfire: "x" });
    expect(campfireText(row("x", { candidates: [one] }), telling).body).toContain("Use⟨U+200B⟩it.");
  });
  test("the story tells what was done, what surprised, failed and cost, and what was used", () => {
    const job = (id: string, state: string, run: string, more = "") =>
      parseEntry(
        `jobs/2026/11/20/${id}.md`,
        "job",
        `---\ntask: till\nagent: ann\nstate: ${state}\n${more}\nrun:\n  occurrence: x\n  run_id: ${id}\n  epoch: 1\n  tick: t\n  claimed_at: 2026-11-20T10:00:00Z\n  deadline: 60s\n  input_hash: h\n  result: r\n${run}---\n`,
      ).entry as never;
    const jobs = [
      job("a", "finished", "  surprise: The till was open.\n  insights: [a]\n", "cost: 0.25"),
      job("b", "failed", "  why: exit 3\n"),
    ];
    const before = [
      row("2026-11-19", { state: "merged", candidates: [{ ...row("x").candidates[0], outcome: "approved" } as never] }),
    ];
    const story = storyOf(jobs, before).join("\n");
    expect(story).toContain("**ann**: 2 jobs, 1 failed (till)");
    expect(story).toContain("till: The till was open.");
    expect(story).toContain("till: exit 3");
    expect(story).toContain("$0.25");
    expect(story).toContain("The insight you merged was used in 1 job");
  });
});

describe("what people decide", () => {
  const file = (name: string, text?: string) => {
    const made = proposedOf(candidate(name), "2026-11-23").text;
    return [name, { sum: digestOf(text ?? made), said: sumOf(`What ${name} says.`) }] as const;
  };
  type Stands = NonNullable<CampfireFinding["stands"]>;
  function settle(as: Stands["as"], files: Stands["files"], unticked: string[] = []): Draft {
    const texts = { [campfire_path]: ndjson([row("2026-11-23")]) };
    const draft = draftOf(stateOf(texts), at("2026-11-24T09:00:00Z"), "t1");
    settleCampfire(draft, { stands: { id: "2026-11-23", as, files, unticked: new Set(unticked) } });
    triage(draft);
    return draft;
  }
  const outcomes = (draft: Draft) => campfiresIn(draft)[0]?.candidates.map(({ outcome }) => outcome);
  const told = (draft: Draft, name: string, body = `What ${name} says.\n`) =>
    mayBeTold(draft)({ path: `insights/${name}.md`, body });

  test("merged: what is there is in force, as it is there; what is not, or has an empty box, is never proposed again", () => {
    const draft = settle("merged", new Map([file("a", "other")]));
    expect(outcomes(draft)).toEqual(["edited", "dismissed"]);
    expect([told(draft, "a"), rowsIn(draft, dismissed_path).length]).toEqual([true, 1]);
    const boxed = settle("merged", new Map([file("a"), file("b")]), ["b"]);
    expect(outcomes(boxed)).toEqual(["approved", "dismissed"]);
    expect([told(boxed, "a"), told(boxed, "b"), told(boxed, "b", "In my own words.")]).toEqual([true, false, true]);
    expect(boxed.pupdates.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      "insight.approved a",
      "insight.dismissed b",
    ]);
  });
  test("closed: all are turned down; expired: none is, and all come back", () => {
    expect(outcomes(settle("closed", new Map()))).toEqual(["dismissed", "dismissed"]);
    const gone = settle("expired", new Map());
    expect([outcomes(gone), campfiresIn(gone)[0]?.state]).toEqual([[undefined, undefined], "expired"]);
  });
  test("by one who may not: nobody is told of it, a person hears of it once, and it stays open", () => {
    const draft = settle({ refused: "merged by robot[bot], which moves nothing" }, new Map([file("a"), file("b")]));
    expect(campfiresIn(draft)[0]).toMatchObject({ state: "open", refused: expect.stringContaining("robot[bot]") });
    expect([told(draft, "a"), told(draft, "b")]).toEqual([false, false]);
    expect(draft.pupdates).toMatchObject([{ kind: "campfire.refused", verdict: "memo" }]);
    expect(builtin_rules.some(({ id }) => id === draft.pupdates[0]?.rule)).toBe(true);
  });
  test("while it is open nobody is told of what it proposes, wherever its file stands", () => {
    const draft = draftOf(stateOf({ [campfire_path]: ndjson([row("2026-11-23")]) }), at("2026-11-24T09:00:00Z"), "t");
    expect([told(draft, "a"), told(draft, "a", "In other words."), told(draft, "z")]).toEqual([false, false, true]);
    // Nor of what stands in a row that cannot be read any more.
    const torn = ndjson([row("2026-11-23", { state: "merged" })]).slice(0, -3);
    const after = draftOf(stateOf({ [campfire_path]: torn }), at("2026-11-24T09:00:00Z"), "t");
    expect([told(after, "a"), told(after, "z")]).toEqual([false, true]);
  });
});
