// Sources over whole ticks of a real pack: from an event to a memo in the repository, and no commit while nothing happens.
import { afterEach, expect, test, vi } from "vitest";
import { createPollers } from "../../src/pollers/index.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { towline } from "../integration/real.ts";
import { type Web, web } from "./web.ts";

vi.setConfig({ testTimeout: 120_000 });
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function served(answer: Web["answer"]): Promise<Web> {
  const made = await web();
  made.answer = answer;
  ends.push(() => made.close());
  return made;
}

function pack(settings: string, files: Record<string, string> = {}): TestPack {
  const made = testPack({ ...basics([], settings), ...files });
  ends.push(() => made.remove());
  return made;
}

const memo = (kind: string) => md(`when:\n  kind: ${kind}\nthen:\n  - memo: "{{title}}"`, "Tell me.");

interface Told {
  kind: string;
  subject: string;
  verdict: string;
  data: Record<string, unknown>;
}
const events = (of: TestPack) =>
  of
    .at("ls-tree", "-r", "--name-only", "main", "pupdates")
    .split("\n")
    .filter(Boolean)
    .flatMap((path) => of.file(path).trim().split("\n"))
    .map((line) => JSON.parse(line) as Told);

const ticker = (p: TestPack, env: Record<string, string> = {}) => {
  return (now: string) => {
    // As CI does it: a new process each time remembers nothing.
    const pollers = createPollers({ env, origin: async () => null });
    return runTick(p.clone, {}, () => ({}), { pollers, now });
  };
};

test("an endpoint whose tag changes with each answer makes no commit; a thing that changes makes one, with a memo", async () => {
  let state = "ok";
  let count = 0;
  const server = await served((_, response) => {
    response.writeHead(200, { etag: `"${count++}"` });
    response.end(JSON.stringify([{ id: 1, title: "Disk of web-1", state }]));
  });
  const p = pack(`pollers:\n  http:\n    - {name: alerts, url: "${server.url}", state: state, kind: alert.changed}\n`, {
    "rules/alerts.md": memo("alert.changed"),
  });
  const tick = ticker(p);
  expect((await tick("2026-11-20T09:00:00Z")).commits).toHaveLength(1);
  for (const hour of [10, 11]) expect((await tick(`2026-11-20T${hour}:00:00Z`)).commits).toEqual([]);
  expect(p.file("state/levels.ndjson")).toContain('\\"0\\"');
  state = "full";
  expect((await tick("2026-11-20T12:00:00Z")).commits).toHaveLength(1);
  expect(events(p)).toMatchObject([{ kind: "alert.changed", subject: "alerts/1", verdict: "memo" }]);
  expect(p.file("state/levels.ndjson")).toContain('\\"3\\"');
  expect((await tick("2026-11-20T13:00:00Z")).commits).toEqual([]);
});

test("records that people change are told once, with their author as data; towline's own commits are not", async () => {
  const p = pack("pollers:\n  repo: {}\n", { "rules/changes.md": memo("record.changed") });
  const tick = ticker(p);
  expect((await tick("2026-11-20T09:00:00Z")).commits).toHaveLength(1);
  expect(events(p)).toEqual([]);
  expect((await tick("2026-11-20T10:00:00Z")).commits).toEqual([]);
  p.push({
    "README.md": "no record",
    "tasks/new.md": md("title: New\nstatus: draft", "Do it."),
    "rules/changes.md": null,
  });
  p.push({ "tasks/new.md": md("title: Newer\nstatus: draft", "Do it.") });
  expect((await tick("2026-11-20T11:00:00Z")).commits).toHaveLength(1);
  expect(events(p).map(({ kind, subject, data }) => [kind, subject, data.change, data.record, data.author])).toEqual([
    ["record.changed", "rules/changes.md", "deleted", "rule", "person"],
    ["record.changed", "tasks/new.md", "added", "task", "person"],
  ]);
  for (const hour of [12, 13]) expect((await tick(`2026-11-20T${hour}:00:00Z`)).commits).toEqual([]);
  p.push({ "README.md": "still no record" });
  expect((await tick("2026-11-20T14:00:00Z")).commits).toEqual([]);
  p.push({ "STOP.md": md("cancel: false", "Halt.") });
  expect((await tick("2026-11-20T15:00:00Z")).commits).toHaveLength(1);
  expect(events(p).slice(2)).toMatchObject([{ subject: "STOP.md", data: { change: "added" } }]);
  expect(new Set(events(p).map((one) => JSON.stringify(one))).size).toBe(3);
});

test("a calendar in the pack wakes a rule once for each repetition, and the quiet ticks between make no commit", async () => {
  const ics =
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Europe/Berlin:20261101T100000\r\nRRULE:FREQ=DAILY\r\nSUMMARY:Backup\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
  const p = pack("pollers:\n  calendar:\n    - {name: ops, file: ops.ics}\n", {
    "ops.ics": ics,
    "rules/calendar.md": memo("calendar.starting"),
  });
  const tick = ticker(p);
  await tick("2026-11-20T08:00:00Z");
  const made: number[] = [];
  for (const at of ["20T08:40", "20T08:50", "20T09:20", "20T10:30", "21T08:00", "21T09:30", "21T09:45"])
    made.push((await tick(`2026-11-${at}:00Z`)).commits.length);
  expect(made).toEqual([0, 1, 0, 0, 0, 1, 0]);
  expect(events(p).map(({ kind, data }) => [kind, data.start])).toEqual([
    ["calendar.starting", "2026-11-20T09:00:00.000Z"],
    ["calendar.starting", "2026-11-21T09:00:00.000Z"],
  ]);
});

test("the program reads its sources, keeps the address of a private calendar to itself, and says what is wrong", async () => {
  const server = await served((_, response) => void response.writeHead(404).end());
  const secret = `${server.url}/private-4f7a1c9e2b`;
  const p = pack("pollers:\n  calendar:\n    - {name: team, url: env:TEAM_CALENDAR}\n");
  const quiet = ["--no-sync", "--no-site", "--json"];
  const said = await towline(["tick", "--repo", p.clone, ...quiet], { TEAM_CALENDAR: secret });
  const { degraded } = JSON.parse(said.out) as { degraded: string[] };
  expect(degraded).toEqual([expect.stringMatching(/^calendar team could not be read: 127\.0\.0\.1:\d+ answers 404$/)]);
  expect(said.out + said.err + p.at("log", "-p", "--all")).not.toContain("private-4f7a1c9e2b");
  const wrong = pack("pollers:\n  http:\n    - {name: a, url: https://x.example, token: ghp_0123456789abcdef}\n");
  const check = await towline(["check", "--repo", wrong.clone]);
  expect(check.out).toMatch(/towline\.yml:\d+:\d+.*pollers\.http\.0\.token/);
  expect(check.out + check.err).not.toContain("ghp_0123456789abcdef");
});
