// Limits on what is spent: whole ticks as values. What starts is counted from outside.
import { describe, expect, test } from "vitest";
import { noFindings } from "../../src/core/absorb.ts";
import { pausedUntil } from "../../src/core/account.ts";
import { bounds, purseOf } from "../../src/core/budget.ts";
import { decideErrand } from "../../src/core/decide-errand.ts";
import { draftOf } from "../../src/core/draft.ts";
import { type Entry, idOf, parseEntry } from "../../src/core/entry.ts";
import { agentGate, candidates } from "../../src/core/gate.ts";
import { jobFolders, readExpenses } from "../../src/core/look-back.ts";
import { meterOf } from "../../src/core/spent.ts";
import { triage } from "../../src/core/triage.ts";
import type { Outcome } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { rawResult } from "../fakes/fleet.ts";
import { basics, md } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";

const known = new Set(Object.keys(runtimes));
const friday = "2026-11-20";
const host = md("address: 127.0.0.1\nslots: 20\nruntimes: [claude, picoclaw]");
const claude = (more = "") => md(`runtime: claude\n${more}`);
const task = (more = "", body = "Look around.") => md(`title: A task\nagent: scout\n${more}`, body);

/** A pack with an agent of `claude`'s and as many tasks. */
function pack(files: Record<string, string>, settings = "", tasks = 3, more = ""): World {
  const base = basics(["ann"]);
  const some = Object.fromEntries(Array.from({ length: tasks }, (_, at) => [`tasks/t${at}.md`, task(more)]));
  const defaults = settings.includes("defaults:") ? "" : "defaults: {agent: deckhand}\n";
  base["towline.yml"] = `id: test-pack\nzone: UTC\n${defaults}${settings}`;
  return world({ ...base, "hosts/ann.md": host, "agents/scout.md": claude(), ...some, ...files });
}

const costs =
  (cost: number | undefined, more: Partial<Outcome> = {}) =>
  () => ({
    stdout: "fine\n",
    outcome: { cost, ...more },
  });
const hangs = () => null;
const started = (one: World) => one.starts.map((start) => start.split("-")[0]);
const status = (one: World, id: string) => one.state().status.get(id)?.data;
const records = (one: World, folder: string) => [...one.files].filter(([path]) => path.startsWith(`${folder}/`));
const pupdates = (one: World, kind: string) =>
  records(one, "pupdates")
    .flatMap(([, text]) => text.trim().split("\n"))
    .map((line) => JSON.parse(line))
    .filter((line) => line.kind === kind);
const memos = (one: World, words: string) => records(one, "memos").filter(([, text]) => text.includes(words));
const day = (text: string) => ({ "agents/scout.md": claude(`budget: {day: ${text}}`) });

describe("a day and a month are the pack's", () => {
  test.each([
    ["day", "UTC", "2026-11-20T10:00:00Z", "2026-11-20T00:00", "2026-11-21T00:00"],
    ["day", "Europe/Berlin", "2026-11-20T23:30:00Z", "2026-11-20T23:00", "2026-11-21T23:00"],
    ["day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00", "2026-10-25T23:00"], // 25 hours
    ["month", "America/New_York", "2026-12-01T03:00:00Z", "2026-11-01T04:00", "2026-12-01T05:00"],
    ["month", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00", "2027-01-01T00:00"],
  ] as const)("%s in %s at %s", (period, zone, now, from, to) => {
    const found = bounds(period, zone, new Date(now));
    expect([found.from, found.to].map((at) => at.toISOString().slice(0, 16))).toEqual([from, to]);
  });
});

describe("nothing starts beyond a limit", () => {
  test("runs a day: the next ones start on the next day", () => {
    const one = pack(day("{runs: 2}"));
    one.tick(`${friday}T10:00:00Z`, costs(0.1));
    expect(started(one)).toEqual(["t0", "t1"]);
    expect(status(one, "t2")).toMatchObject({ state: "blocked", waits_on: "budget" });
    expect(status(one, "t2")?.reason).toBe(
      "agents/scout.md allows 2 runs a day: 2 runs spent; frees at 2026-11-21T00:00Z",
    );
    one.tick(`${friday}T23:30:00Z`, costs(0.1));
    expect(one.starts).toHaveLength(2);
    one.tick("2026-11-21T00:00:00Z", costs(0.1));
    expect(started(one)).toEqual(["t0", "t1", "t2"]);
  });

  test.each<[string, Record<string, string>, string, string]>([
    ["task", {}, "", "budget: {usd: 0.4}"],
    ["agent", { "agents/scout.md": claude("budget: {usd: 0.4}") }, "", ""],
    ["defaults", {}, "defaults: {budget: {usd: 0.4}}\n", ""],
  ])("the most that a run may cost is reserved: said by its %s", (_, files, settings, more) => {
    const one = pack(files, `budget: {day: {usd: 1}}\n${settings}`, 3, more);
    one.tick(`${friday}T10:00:00Z`, hangs);
    expect(started(one)).toEqual(["t0", "t1"]);
    expect(records(one, "jobs")[0]?.[1]).toMatch(/reserved:\n {4}usd: 0.4/);
    expect(status(one, "t2")?.reason).toBe(
      "towline.yml allows $1.00 a day: $0.00 spent, $0.80 reserved by open jobs, and a run of it may take $0.40; frees at 2026-11-21T00:00Z, or when those end for less",
    );
    // They cost less than was feared: the third one has room at once.
    one.tick(`${friday}T10:30:00Z`, costs(0.1));
    expect(started(one)).toEqual(["t0", "t1", "t2"]);
  });

  test("where nobody says what a run may cost, the limit holds from when it is reached", () => {
    const one = pack(day("{usd: 1}"), "", 1);
    one.files.set("tasks/t0.md", task("every: 1h"));
    one.tick(`${friday}T10:30:00Z`, costs(0.7));
    for (const hour of [11, 12, 13, 14]) one.tick(`${friday}T${hour}:05:00Z`, costs(0.7));
    expect(one.starts).toHaveLength(2);
    expect(status(one, "t0")?.reason).toContain("allows $1.00 a day: $1.40 spent; frees at 2026-11-21T00:00Z");
  });

  test("a run whose cost nobody told counts with the most that it may have been", () => {
    const one = pack(day("{usd: 1}"), "", 3, "budget: {usd: 0.5}");
    one.tick(`${friday}T10:00:00Z`, costs(undefined));
    expect(started(one)).toEqual(["t0", "t1"]);
    expect(status(one, "t2")?.reason).toContain("$1.00 spent, and a run of it may take $0.50");
  });

  test("what costs nothing is not held back by what others cost; its time is", () => {
    const shell = { "tasks/sh.md": md("title: Script\npriority: 9", "uptime") };
    const one = pack(shell, "budget: {day: {usd: 0.5}}\n", 2, "budget: {usd: 0.5}");
    one.tick(`${friday}T10:00:00Z`, costs(0.5));
    expect(started(one)).toEqual(["t0", "sh"]);
    const two = pack(shell, "budget: {day: {minutes: 3}}\n", 1, "timeout: 2m");
    two.tick(`${friday}T10:00:00Z`, hangs);
    expect(started(two)).toEqual(["t0"]);
    expect(status(two, "sh")?.reason).toContain("2 minutes reserved by open jobs, and a run of it may take 2 minutes");
  });

  test("a price stands for what a runtime does not tell", () => {
    const one = pack({ "agents/scout.md": md("runtime: picoclaw\nprice: {run: 0.02}\nbudget: {day: {usd: 0.05}}") });
    one.tick(`${friday}T10:00:00Z`, costs(undefined));
    expect(started(one)).toEqual(["t0", "t1"]);
    expect(records(one, "jobs").every(([, text]) => text.includes("cost: 0.02"))).toBe(true);
  });

  test("what a subscription pays is shown, and not counted", () => {
    const one = pack({ "agents/scout.md": claude("auth: host\nbudget: {day: {usd: 1}}") });
    one.tick(`${friday}T10:00:00Z`, costs(5));
    expect(one.starts).toHaveLength(3);
    expect(records(one, "jobs")[0]?.[1]).toMatch(/cost: 5\n[\s\S]*list_price: true/);
  });

  test("tokens: what is read again from a cache is not counted twice", () => {
    const one = pack(day("{tokens: 1000}"));
    one.tick(`${friday}T10:00:00Z`, (job) => ({
      outcome: { tokens: { input: 900, output: 99, cache_read: 50_000 } },
      hangs: job === "",
    }));
    expect(one.starts).toHaveLength(3);
    const two = pack(day("{tokens: 1000}"), "", 1);
    two.files.set("tasks/t0.md", task("every: 1h"));
    for (const hour of [10, 11, 12, 13])
      two.tick(`${friday}T${hour}:05:00Z`, costs(0, { tokens: { input: 900, output: 100 } }));
    expect(two.starts).toHaveLength(1);
  });

  test("an account, a requester, a rule and a month count over all that is theirs", () => {
    const account = {
      "agents/scout.md": claude("account: team"),
      "agents/mate.md": claude("account: team"),
      "tasks/t1.md": md("title: Another\nagent: mate", "Look."),
    };
    const one = pack(account, "accounts: {team: {budget: {month: {runs: 2}}}}\n");
    one.tick(`${friday}T10:00:00Z`, costs(0));
    expect(one.starts).toHaveLength(2);
    expect(status(one, "t2")?.reason).toContain("towline.yml allows account team 2 runs a month");
    one.tick("2026-11-30T23:59:00Z", costs(0));
    expect(one.starts).toHaveLength(2);
    one.tick("2026-12-01T00:00:00Z", costs(0));
    expect(one.starts).toHaveLength(3);
    const two = pack({}, "requesters: {run: {budget: {day: {runs: 1}}}}\n");
    two.tick(`${friday}T10:00:00Z`, costs(0));
    expect(two.starts).toHaveLength(1);
    const made = (id: string) => md(`title: Made\nagent: scout\nborn_of: ${id}\nrule: mill`, "Look.");
    const three = pack(
      {
        "rules/mill.md": md("when: {kind: never}\nthen: [{ignore: yes}]\nbudget: {day: {runs: 1}}"),
        "queue/a-q00000001.md": made("00000001"),
        "queue/b-q00000002.md": made("00000002"),
      },
      "",
      0,
    );
    three.tick(`${friday}T10:00:00Z`, costs(0));
    expect(three.starts).toHaveLength(1);
  });

  test("a host's own limit sends work elsewhere", () => {
    const dear = md("address: 127.0.0.1\nslots: 20\nruntimes: [claude]\nbudget: {day: {runs: 1}}");
    const one = pack({ "hosts/ann.md": dear, "hosts/bob.md": host }, "", 3, "hosts: any");
    one.tick(`${friday}T10:00:00Z`, costs(0));
    expect(one.starts.map((start) => start.split(" ")[1])).toEqual(["ann", "bob", "bob"]);
    const two = pack({ "hosts/ann.md": dear });
    two.tick(`${friday}T10:00:00Z`, costs(0));
    expect(two.starts).toHaveLength(1);
    expect(status(two, "t1")).toMatchObject({ state: "queued", waits_on: "hosts" });
  });

  test("a run on many hosts starts as a whole or not at all", () => {
    const all = { "hosts/bob.md": host, "hosts/cid.md": host, "tasks/t0.md": task("hosts: all\nbudget: {usd: 0.4}") };
    const one = pack(all, "budget: {day: {usd: 1}}\n", 1);
    one.tick(`${friday}T10:00:00Z`, costs(0));
    expect(one.starts).toEqual([]);
    expect(status(one, "t0")?.reason).toContain("and its 3 runs may take $1.20: raise the one or lower the other");
    one.files.set("towline.yml", (one.files.get("towline.yml") as string).replace("usd: 1}", "usd: 1.2}"));
    one.tick(`${friday}T10:30:00Z`, costs(0));
    expect(one.starts).toHaveLength(3);
  });

  test("what can never start is a person's to mend", () => {
    const one = pack(day("{usd: 0.2}"), "", 1, "budget: {usd: 0.5}");
    one.tick(`${friday}T10:00:00Z`, costs(0));
    expect(status(one, "t0")?.reason).toBe(
      "agents/scout.md allows $0.20 a day, and a run of it may take $0.50: raise the one or lower the other",
    );
    expect(pupdates(one, "task.blocked")).toHaveLength(1);
  });
});

describe("one run", () => {
  test("a retry has what the attempts before it left, and none when nothing is left", () => {
    const one = pack({}, "budget: {day: {usd: 10}}\n", 1, "retries: 3\nbudget: {usd: 1}");
    const fails = costs(0.6, { state: "failed", outcome: "failure" });
    one.tick(`${friday}T10:00:00Z`, fails);
    one.tick(`${friday}T10:10:00Z`, hangs);
    const [, text = ""] = records(one, "jobs")[0] ?? [];
    expect(text).toMatch(/reserved:\n {4}usd: 0.4\n/);
    expect(text).toMatch(/earlier:\n {4}- at: \S+\n {6}usd: 0.6\n/);
    one.tick(`${friday}T10:11:00Z`, fails);
    for (const minute of [30, 50]) one.tick(`${friday}T10:${minute}:00Z`, fails);
    expect(one.starts).toHaveLength(2);
    expect(status(one, "t0")).toMatchObject({ state: "failed" });
    expect(status(one, "t0")?.reason).toContain("tasks/t0.md allows $1.00 a run, and $1.20 is spent");
  });

  test("work that would go back to its agent ends there, when nothing is left for another round", () => {
    const one = pack({}, "", 1, "budget: {usd: 0.5}");
    const run = "occurrence: run-1\n  run_id: t0-x\n  epoch: 1\n  tick: t\n  claimed_at: 2026-11-20T09:00:00Z";
    one.files.set(
      "jobs/2026/11/20/t0-x.md",
      md(
        `task: t0\nagent: scout\nhost: ann\nstate: reworking\nstarted_at: 2026-11-20T09:00:01Z\ntook: 9s\ncost: 0.6\nrun:\n  ${run}\n  deadline: 2m\n  input_hash: x\n  result: abc`,
      ),
    );
    one.files.set("state/open.ndjson", '{"job":"t0-x","path":"jobs/2026/11/20/t0-x.md"}\n');
    one.tick(`${friday}T10:00:00Z`, costs(0));
    expect(one.starts).toEqual([]);
    expect(status(one, "t0")).toMatchObject({
      state: "failed",
      reason: "no further attempt: tasks/t0.md allows $0.50 a run, and $0.60 is spent",
    });
  });

  test("its minutes are its time limit", () => {
    const one = pack({}, "", 1, "timeout: 10m\nbudget: {minutes: 3}");
    one.tick(`${friday}T10:00:00Z`, hangs);
    expect(records(one, "jobs")[0]?.[1]).toContain("deadline: 3m");
  });

  test("a job that was claimed again in another month than its own counts there, and is not lost sight of", () => {
    const one = pack(day("{runs: 5}"), "", 1, "retries: 1");
    one.tick("2026-11-30T23:59:30Z", costs(0.6, { state: "failed", outcome: "failure" }));
    one.tick("2026-12-01T00:10:00Z", costs(0.6));
    const open = one.files.get("state/open.ndjson") as string;
    expect(open).toContain("jobs/2026/11/30/t0-");
    one.files.set("tasks/t1.md", task());
    one.tick("2027-01-01T00:10:00Z", costs(0));
    expect(one.files.get("state/open.ndjson") ?? "").not.toContain("jobs/2026/11/30/t0-");
  });

  test.each(["UTC", "Europe/Berlin", "America/New_York"])("the same on another day, in %s", (zone) => {
    const one = pack(day("{usd: 1}"), "", 1, "retries: 1");
    one.files.set("towline.yml", `id: test-pack\nzone: ${zone}\n`);
    const night = bounds("day", zone, new Date(`${friday}T12:00:00Z`)).to.getTime();
    const later = (minutes: number) => new Date(night + minutes * 60_000).toISOString();
    one.tick(later(-1), costs(0.3, { state: "failed", outcome: "failure" }));
    one.tick(later(10), costs(0.9));
    // A tick reads the folders from the day's start on: what stands in none of them must be named as open.
    const look = () => {
      const state = one.state();
      const from = bounds("day", zone, new Date(later(30))).from;
      const folders = jobFolders(from, new Date(later(30)));
      const read = records(one, "jobs").filter(([path]) => folders.some((folder) => path.startsWith(`${folder}/`)));
      const expenses = new Map(read.map(([path, text]) => [idOf(path), readExpenses(path, text) ?? []]));
      return purseOf(draftOf({ ...state, spent: { from, expenses, broken: [] } }, new Date(later(30)), "x")).totals();
    };
    expect(look()).toMatchObject([{ spent: 0.9 }]);
    one.files.set("tasks/t1.md", task());
    one.tick(later(1450), costs(0));
    expect(one.files.get("state/open.ndjson") ?? "").not.toContain("t0-");
  });

  test("without a limit for a day it is left when it ends", () => {
    const one = pack({}, "", 1, "retries: 1");
    one.tick(`${friday}T23:59:30Z`, costs(0.6, { state: "failed", outcome: "failure" }));
    one.tick("2026-11-21T00:10:00Z", costs(0.6));
    expect(one.files.get("state/open.ndjson") ?? "").toBe("");
  });
});

describe("people hear of it once", () => {
  test("near at 80 %, then reached, then nothing more until the next day", () => {
    const one = pack(day("{usd: 1}"), "", 0);
    one.files.set("tasks/t0.md", task("every: 1h"));
    one.tick(`${friday}T07:30:00Z`, costs(0));
    for (const hour of [8, 9, 10, 11, 12, 13]) one.tick(`${friday}T0${hour}:05:00Z`.replace("T01", "T1"), costs(0.42));
    expect(one.starts).toHaveLength(3);
    expect(pupdates(one, "budget.near")).toHaveLength(1);
    expect(pupdates(one, "budget.reached")).toHaveLength(1);
    expect(
      memos(one, "The limit is reached: agent scout, usd a day (agents/scout.md): $1.26 of $1.00 spent"),
    ).toHaveLength(1);
    expect(memos(one, "status: open")).toHaveLength(1);
    one.tick("2026-11-21T00:10:00Z", costs(0));
    expect(memos(one, "status: open")).toHaveLength(0);
    expect(memos(one, "closed by itself: its time is over")).toHaveLength(1);
  });

  test("a raised limit closes the memo and lets the work go on", () => {
    const one = pack(day("{runs: 2}"));
    one.tick(`${friday}T10:00:00Z`, costs(0));
    expect(memos(one, "status: open")).toHaveLength(1);
    one.files.set("agents/scout.md", claude("budget: {day: {runs: 20}}"));
    one.tick(`${friday}T10:30:00Z`, costs(0));
    expect(one.starts).toHaveLength(3);
    expect(memos(one, "closed by itself: the limit is another one now")).toHaveLength(1);
  });

  test("ticks in which work is held back change nothing, 60 of them in a row", () => {
    const one = pack(day("{runs: 2}"));
    one.tick(`${friday}T08:00:00Z`, costs(0));
    const changed = Array.from({ length: 60 }, (_, at) =>
      one.tick(new Date(Date.parse(`${friday}T09:00:00Z`) + at * 600_000).toISOString(), costs(0)),
    );
    expect(changed.flat()).toEqual([]);
    expect(one.starts).toHaveLength(2);
  });
});

describe("guards fail closed", () => {
  const held = (change: (one: World) => void, spent: "kept" | "away" = "kept") => {
    const one = pack(day("{runs: 5}"));
    one.tick(`${friday}T10:00:00Z`, costs(0));
    one.files.set("tasks/t9.md", task());
    change(one);
    const state = one.state();
    if (spent === "away") state.spent = undefined;
    const { ready, holds } = candidates(draftOf(state, new Date(`${friday}T10:30:00Z`), "x"), known);
    return ready.length > 0 ? null : holds.get("t9")?.reason;
  };

  test("what was spent must have been looked up, and be readable", () => {
    expect(held(() => {})).toBe(null);
    expect(held(() => {}, "away")).toBe("what was spent before was not looked up");
    const spoil = (one: World) => {
      const [path = ""] = records(one, "jobs")[0] ?? [];
      one.files.set(path, "no record");
    };
    expect(held(spoil)).toMatch(/what was spent is not known: jobs\/\S+ cannot be read/);
  });

  test("what runtimes tell of their cost is as the table has it", () => {
    const [run, result] = [
      `{"type":"result","subtype":"success","is_error":false,"result":"x","total_cost_usd":0.5,"modelUsage":{"m":{"inputTokens":3}}}`,
      { end: "exited", exit: 0 },
    ];
    const stream = (text: string) => ({
      bytes: text.length,
      sha256: "",
      head: Buffer.from(text),
      tail: new Uint8Array(),
    });
    const told = runtimes.claude.outcome({
      job: "j",
      epoch: 1,
      ...result,
      stdout: stream(run),
      stderr: stream(""),
    } as never);
    expect([told.cost, told.tokens]).toEqual([0.5, { input: 3 }]);
    expect([meterOf("claude", "usd"), meterOf("claude", "tokens")]).toEqual(["told", "told"]);
    expect(runtimes.shell.model || meterOf("shell", "usd") !== "free").toBe(false);
    // A model that somebody is paid for is never free by mistake; one of the host's own is.
    for (const name of Object.keys(runtimes).filter((one) => one !== "shell" && one !== "ollama"))
      expect([name, meterOf(name, "usd") === "free"]).toEqual([name, false]);
    for (const name of ["picoclaw", "tmux", "codex"]) expect(meterOf(name, "usd")).toBeUndefined();
  });
});

describe("an account at its own limit", () => {
  const limited = (until?: string) =>
    costs(0.01, { state: "failed", outcome: "failure", why: "limit", limited: { until, said: "3pm (Europe/Rome)" } });
  const both = {
    "agents/scout.md": claude("account: max"),
    "agents/mate.md": claude("account: max"),
    "agents/other.md": claude(),
  };
  const job = (one: World, id: string) =>
    records(one, "jobs").flatMap(([path, text]) =>
      path.includes(`/${id}-`) ? [parseEntry(path, "job", text).entry as Entry<"job">] : [],
    )[0]?.data;

  test("all its agents wait until the time that was told; no attempt is burnt; then they go on by themselves", () => {
    const one = pack(
      { ...both, "tasks/t1.md": md("title: Two\nagent: mate\ndue: 2026-11-20T10:15:00Z", "Look.") },
      "",
      1,
    );
    one.files.set("tasks/t2.md", md("title: Three\nagent: other\ndue: 2026-11-20T10:15:00Z", "Look."));
    one.tick(`${friday}T10:00:00Z`, limited(`${friday}T14:00:00.000Z`));
    expect(status(one, "t0")).toMatchObject({
      state: "queued",
      reason: `max has reached its own limit; next at ${friday}T14:00:00.000Z`,
    });
    for (const time of ["10:30", "12:00", "13:59"]) one.tick(`${friday}T${time}:00Z`, costs(0));
    expect(started(one)).toEqual(["t0", "t2"]);
    expect(status(one, "t1")).toMatchObject({ state: "blocked", waits_on: "account" });
    expect(pupdates(one, "account.limited")).toMatchObject([{ subject: "max", data: { agents: ["mate", "scout"] } }]);
    expect(pupdates(one, "job.failed")).toEqual([]);
    expect(memos(one, "status: open")).toHaveLength(1);
    one.tick(`${friday}T14:00:00Z`, costs(0.2));
    expect(started(one)).toEqual(["t0", "t2", "t0", "t1"]);
    expect(job(one, "t0")).toMatchObject({ state: "finished", run: { attempt: 1, epoch: 2 } });
    expect(job(one, "t0")?.run.earlier).toEqual([
      { at: `${friday}T10:00:00.000Z`, usd: 0.01, minutes: expect.any(Number) },
    ]);
    expect(memos(one, "closed by itself: the limit has ended")).toHaveLength(1);
  });

  test.each([
    [undefined, "11:00"], // nothing told: an hour
    ["9999-01-01T00:00:00Z", null], // eight days at most
    ["2001-01-01T00:00:00Z", "10:01"],
    ["tomorrow", "11:00"],
  ])("told %s", (until, again) => {
    const one = pack({}, "", 1);
    one.tick(`${friday}T10:00:00Z`, limited(until));
    expect(job(one, "t0")?.run.retry_at).toBe(
      again === null ? "2026-11-28T10:00:00.000Z" : `${friday}T${again}:00.000Z`,
    );
    expect(pupdates(one, "account.limited")).toMatchObject([{ subject: "agent scout" }]);
  });
});

test("a limit that a dispatched run met is known to all that comes after it", () => {
  const one = pack({}, "", 1);
  one.tick(`${friday}T10:00:00Z`, hangs);
  const state = one.state();
  const [job] = state.jobs.values();
  const result = rawResult(job?.id ?? "", 1, { stdout: "", exit: 1 }, `${friday}T10:00:00Z`);
  const limited = { until: `${friday}T14:00:00Z`, said: "2pm" };
  const outcome: Outcome = { state: "failed", outcome: "failure", answer: "", why: "limit", limited };
  const found = { ...noFindings(), results: [{ host: "ann", result, outcome }] };
  const all = { paths: new Map(), runtimes: known, answers: new Map(), absent: new Set<string>() };
  const pass = { now: new Date(`${friday}T10:05:00Z`), tick: "verb" };
  const { draft, changes } = decideErrand(state, [...state.tasks.values()], found, all, pass);
  expect(pausedUntil(draft, "agent scout", pass.now)).toBe(`${friday}T14:00:00.000Z`);
  expect(changes.get("state/levels.ndjson")).toContain("account.limited");
});

describe("reviewers who are behind", () => {
  test("an agent begins no new coding work while as many of its jobs are in review", () => {
    const review = (id: string) =>
      md(
        `task: t0\nagent: scout\nhost: ann\nstate: review\nrun: {occurrence: run-1, run_id: ${id}, epoch: 1, tick: t, claimed_at: "2026-11-20T09:00:00Z", deadline: 2m, input_hash: x}`,
      );
    const one = pack({
      "agents/scout.md": claude("limits: {open_prs: 2}"),
      "jobs/2026/11/20/a.md": review("a"),
      "jobs/2026/11/20/b.md": review("b"),
    });
    const coding = parseEntry("tasks/c.md", "task", task("repo: .")).entry as Entry<"task">;
    const asked = (open: string[]) => {
      one.files.set(
        "state/open.ndjson",
        open.map((id) => `{"job":"${id}","path":"jobs/2026/11/20/${id}.md"}\n`).join(""),
      );
      return agentGate(draftOf(one.state(), new Date(`${friday}T10:00:00Z`), "x"), coding, known);
    };
    expect(asked(["a"])).toBe(null);
    expect(asked(["a", "b"])).toMatchObject({
      state: "queued",
      reason: "2 of its agent's jobs wait for review, and agents/scout.md allows 2 (limits.open_prs)",
    });
  });
});

describe("work that an agent asks for", () => {
  test("is a draft until a person releases it, is told once, and has an end", () => {
    const one = pack(
      { "rules/mill.md": md('when: {kind: job.confessed}\nthen: [{task: {title: "Mend {{data.n}}", agent: scout}}]') },
      "",
      0,
    );
    const draft = draftOf(one.state(), new Date(`${friday}T10:00:00Z`), "x");
    for (let n = 0; n < 14; n++) {
      const id = n.toString(16).padStart(16, "0");
      draft.raised.push({
        id: id.split("").reverse().join(""),
        at: `${friday}T10:00:00Z`,
        source: "towline",
        kind: "job.confessed",
        subject: `s${n}`,
        title: "I erred",
        data: { agent: "scout", n },
      });
    }
    triage(draft);
    const made = [...draft.tasks.values()].map(({ data }) => data);
    expect(made).toHaveLength(10);
    expect(
      made.every((data) => data.status === "draft" && data.asked_by === "agent scout" && data.rule === "mill"),
    ).toBe(true);
    const asked = [...draft.memos.values()].map(({ data }) => data.title);
    expect(
      asked.filter((title) => /^agent scout asks for a task: Mend \d+\. To release it, set/.test(title)),
    ).toHaveLength(10);
    expect(asked.filter((title) => title.includes("wait in queue/ to be released"))).toHaveLength(4);
  });
});
