// Limits under real git: many tickers at once start nothing beyond one, and held-back work costs a quiet tick nothing.
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});
const made = (files: Record<string, string>) => {
  const pack = testPack(files);
  packs.push(pack);
  return pack;
};

const result = (cost: number) =>
  `${JSON.stringify({ type: "result", subtype: "success", is_error: false, result: "Fine.", total_cost_usd: cost })}\n`;
const commits = (pack: TestPack) => Number(pack.at("rev-list", "--count", "main"));
const starts = (machines: Record<string, FakeMachine>) => Object.values(machines).flatMap((one) => one.journal);
const jobs = (pack: TestPack) =>
  pack
    .at("ls-tree", "-r", "--name-only", "main", "jobs")
    .split("\n")
    .filter(Boolean)
    .map((path) => pack.file(path));

describe("a limit for all", () => {
  const tickers = 32;

  test(`${tickers} tickers at once, work for all of them: no more start than the limit allows`, async () => {
    const pack = made({
      "towline.yml":
        "id: test-pack\nzone: UTC\nfleet: {probe: 0s}\ntick: {patience: 0s}\nbudget: {day: {usd: 1.2, runs: 9}}\n",
      "agents/scout.md": md("runtime: claude"),
      "hosts/ann.md": md("address: 127.0.0.1\nslots: 64\nruntimes: [claude]"),
      ...Object.fromEntries(
        Array.from({ length: 12 }, (_, at) => [
          `tasks/t${at}.md`,
          md("title: One of many\nagent: scout\nbudget: {usd: 0.25}", "Look."),
        ]),
      ),
    });
    const machines = { ann: machine({ runtimes: ["claude"], slots: 64 }) };
    const hangs: Script = () => ({ hangs: true });
    const runners = Array.from({ length: tickers }, (_, at) => {
      const dir = join(pack.dir, `runner-${at}`);
      cpSync(pack.clone, dir, { recursive: true });
      return dir;
    });
    const came = await Promise.all(
      runners.map((dir) => runTick(dir, machines, hangs, { now: "2026-11-20T10:00:00Z" })),
    );
    // 5 would reserve $1.25.
    expect(starts(machines)).toHaveLength(4);
    expect(came.flatMap((one) => one.starts)).toHaveLength(4);
    const claimed = jobs(pack).filter((text) => /^state: (claimed|started)$/m.test(text));
    expect(claimed).toHaveLength(4);
    expect(claimed.every((text) => /reserved:\n {4}usd: 0.25\n/.test(text))).toBe(true);
  });
});

describe("one ticker", () => {
  const files = {
    "towline.yml": "id: test-pack\nzone: UTC\ntick: {patience: 0s}\nfleet: {probe: 0s}\n",
    "agents/scout.md": md("runtime: claude\nbudget: {day: {usd: 1}}"),
    "hosts/ann.md": md("address: 127.0.0.1\nruntimes: [claude]"),
    "tasks/a.md": md("title: A\nagent: scout\nbudget: {usd: 0.6}", "Look."),
    "tasks/b.md": md("title: B\nagent: scout\nbudget: {usd: 0.6}", "Look."),
  };

  test("what was spent is found in the records again, whatever became of the tick before; `plan` says so", async () => {
    const pack = made(files);
    const machines = { ann: machine({ runtimes: ["claude"] }) };
    const script: Script = () => ({ stdout: result(0.55) });
    await runTick(pack.clone, machines, script, { now: "2026-11-20T10:00:00Z" });
    expect(starts(machines)).toHaveLength(1);
    const reason =
      "agents/scout.md allows $1.00 a day: $0.55 spent, and a run of it may take $0.60; frees at 2026-11-21T00:00Z";
    expect(pack.file("status/b.md")).toContain(reason);
    pack.git("fetch", "-q", "origin");
    pack.git("reset", "-q", "--hard", "origin/main");
    const plan = await cli(pack.clone, ["plan", "--json", "--now", "2026-11-20T11:00:00Z"]);
    expect(JSON.parse(plan.out).holds).toMatchObject([{ task: "b", state: "blocked", reason, person: false }]);
    const later = await cli(pack.clone, ["plan", "--json", "--now", "2026-11-21T11:00:00Z"]);
    expect(JSON.parse(later.out)).toMatchObject({ holds: [], starts: [{ task: "b" }] });
    const sums = await cli(pack.clone, ["costs", "--since", "2026-11-20", "--by", "agent", "--json"]);
    const row = { runs: 1, accepted: 1, usd: 0.55, usd_per_accepted: 0.55, reserved_usd: 0 };
    expect(JSON.parse(sums.out)).toMatchObject({ rows: [{ name: "scout", ...row }], total: row, broken: [] });
    const shown = await cli(pack.clone, ["costs", "--since", "2026-11-20"]);
    expect(shown.out).toMatch(/task +runs +good +cost +a good run +minutes\na +1 +1 +\$0\.55 +\$0\.55 /);
    expect(shown.out).toMatch(
      /○ agent scout, usd a day: \$\d\.\d\d of \$1\.00 spent; anew at \S+Z \(agents\/scout\.md\)/,
    );
    expect(await cli(pack.clone, ["costs", "--since", "once"])).toMatchObject({ code: 2 });
  });

  test("ticks while work is held back: no commit, no call of a host, nothing started; the next day it goes on", async () => {
    const pack = made(files);
    const machines = { ann: machine({ runtimes: ["claude"] }) };
    const script: Script = () => ({ stdout: result(0.55) });
    await runTick(pack.clone, machines, script, { now: "2026-11-20T10:00:00Z" });
    await runTick(pack.clone, machines, script, { now: "2026-11-20T10:30:00Z" });
    const before = { commits: commits(pack), calls: machines.ann.calls };
    for (let at = 0; at < 6; at++)
      await runTick(pack.clone, machines, script, { now: `2026-11-20T1${1 + (at % 8)}:${10 + (at % 50)}:00Z` });
    expect({ commits: commits(pack), calls: machines.ann.calls }).toEqual(before);
    expect(starts(machines)).toHaveLength(1);
    await runTick(pack.clone, machines, script, { now: "2026-11-21T00:00:00Z" });
    expect(starts(machines)).toHaveLength(2);
  });

  test("work that comes up within a tick is judged by what was spent, too", async () => {
    const pack = made({
      ...files,
      "agents/scout.md": md("runtime: claude\nbudget: {day: {runs: 2}}"),
      "rules/alarm.md": md("when: {kind: alert.rang}\nthen: [{task: {title: Look, agent: scout}}]"),
      "tasks/b.md": md("title: B\nagent: scout\nevery: 1h", "Look."),
      "tasks/a.md": md("title: A\nagent: scout", "Look."),
    });
    const machines = { ann: machine({ runtimes: ["claude"] }) };
    const script: Script = () => ({ stdout: result(0.55) });
    const rings = (n: number) => [
      {
        name: "bell",
        poll: async () => [{ source: "bell", subject: `s${n}`, family: "f", kind: "alert.rang", title: "Rang" }],
      },
    ];
    await runTick(pack.clone, machines, script, { now: "2026-11-20T10:00:00Z" });
    expect(starts(machines)).toHaveLength(1);
    const reason = () => pack.at("grep", "-h", "^reason:", "main", "--", "status/look*");
    await runTick(pack.clone, machines, script, { now: "2026-11-20T10:20:00Z", pollers: rings(1) });
    // The next tick asks the host for it.
    expect(reason()).toContain("ann was not asked");
    await runTick(pack.clone, machines, script, { now: "2026-11-20T10:40:00Z" });
    expect(starts(machines).map((start) => start.split("-")[0])).toEqual(["a", "look"]);
    await runTick(pack.clone, machines, script, { now: "2026-11-20T11:00:00Z", pollers: rings(2) });
    expect(starts(machines)).toHaveLength(2);
    expect(reason()).toContain("allows 2 runs a day: 2 runs spent");
  });

  test("an account at its own limit, as the tool says it, waits until then and goes on by itself", async () => {
    const until = "2026-11-20T14:00:00.000Z";
    const pack = made({ ...files, "agents/scout.md": md("runtime: claude\naccount: max") });
    const machines = { ann: machine({ runtimes: ["claude"] }) };
    const said = `Claude AI usage limit reached|${Date.parse(until) / 1000}`;
    const limited = `${JSON.stringify({ type: "result", subtype: "success", is_error: true, result: said, total_cost_usd: 0 })}\n`;
    let open = false;
    const script: Script = (job) => ({
      stdout: open || job.startsWith("b-") ? result(0.1) : limited,
      at: "2026-11-20T10:00:00Z",
    });
    await runTick(pack.clone, machines, script, { now: "2026-11-20T10:00:00Z" });
    expect(pack.file("status/a.md")).toContain(`max has reached its own limit; next at ${until}`);
    open = true;
    await runTick(pack.clone, machines, script, { now: "2026-11-20T13:30:00Z" });
    const before = starts(machines).length;
    await runTick(pack.clone, machines, script, { now: "2026-11-20T14:00:00Z" });
    expect(starts(machines).slice(before)).toEqual([expect.stringMatching(/^a-.*\/2$/)]);
    expect(pack.file("status/a.md")).toContain("state: done");
    expect(jobs(pack).filter((text) => text.includes("task: a\n"))[0]).toMatch(/epoch: 2\n {2}attempt: 1\n/);
  });
});
