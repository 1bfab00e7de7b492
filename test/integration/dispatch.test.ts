// `towline dispatch` over real SSH, judged from outside: what the machines did, and what origin did not get.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, program, realPack } from "./real.ts";

const person = { CI: "", GITHUB_ACTIONS: "", GITHUB_ACTOR: "ann", NO_COLOR: "1" };

interface Answer {
  host: string;
  state: string;
  good: boolean;
  partial: boolean;
  answer: string;
  why: string | null;
  job: string | null;
}

describe.skipIf(lacksSshd)(`a dispatch, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  const packs: TestPack[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-dispatch-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 3, names: ["bow", "keel", "stern"], server: "openssh" });
  });
  afterAll(async () => {
    await up?.down();
    for (const pack of packs) pack.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const made = (id: string, files: Record<string, string> = {}, settings = "") => {
    const pack = realPack(up.machines, files, `tick: {patience: 1s}\n${settings}`, id);
    packs.push(pack);
    return pack;
  };
  const env = () => ({ ...process.env, ...person, ...keyOf(up.machines) });
  const home = (name: string) => up.machines.find((one) => one.name === name)?.home ?? "";
  const say = (pack: TestPack, ...args: string[]) => cli(pack.clone, ["dispatch", ...args], env());
  async function asked(pack: TestPack, ...args: string[]) {
    const { out, code, said } = await say(pack, "--json", ...args);
    if (out === "") throw new Error(said);
    const told = JSON.parse(out) as { answers: Answer[]; open: string[]; commits: string[]; recorded: boolean };
    return { ...told, code, of: Object.fromEntries(told.answers.map((one) => [one.host, one])) };
  }
  const tick = (pack: TestPack) => cli(pack.clone, ["tick", "--no-sync", "--no-site", "--json"], env());
  const tip = (pack: TestPack, ref = "main") => pack.at("rev-parse", ref).trim();
  const onHosts = (text: string) => marks(up.machines).filter((line) => line.startsWith(`${text} `));
  /** A second process, as a person's shell starts it. */
  const start = (pack: TestPack, args: string[], stdin: "ignore" | "pipe" = "ignore") => {
    const child = spawn(process.execPath, [program, "dispatch", "--repo", pack.clone, ...args], {
      env: env(),
      stdio: [stdin, "pipe", "pipe"],
    });
    let out = "";
    child.stdout?.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      out += chunk;
    });
    return { child, ended: new Promise<number | null>((done) => child.on("close", done)), said: () => out };
  };
  const until = async (what: () => boolean, tries = 600) => {
    for (let left = tries; !what(); left--) {
      if (left === 0) throw new Error("it did not come to be");
      await delay(50);
    }
  };

  test("one host: the answer itself is printed, nothing is committed, and the host keeps nothing", async () => {
    const pack = made("one");
    const before = tip(pack);
    const { out, code } = await say(pack, "echo hello; echo one >>$HOME/marks");
    expect([out, code]).toEqual(["hello\n", 0]);
    expect(onHosts("one")).toHaveLength(1);
    expect([tip(pack), pack.at("for-each-ref")]).toEqual([before, expect.not.stringContaining("refs/towline")]);
    expect((await say(pack, "--collect")).out).toBe("Nothing is left of earlier dispatches.\n");
  });

  test("three hosts: each answers, equal answers are one, and others are shown by how they differ", async () => {
    const pack = made("three");
    const script =
      'echo three >>$HOME/marks; echo "a\nb\nc\nd"; case $HOME in *stern*) echo other;; *) echo same;; esac';
    const { out, code } = await say(pack, "--all", script);
    expect(out).toMatch(
      /^✓ 2 hosts agree: bow, keel\n {2}a\n {2}b\n {2}c\n {2}d\n {2}same\n✓ stern differs:\n {3}d\n {2}-same\n {2}\+other\n2 hosts agree, 1 differs\n$/,
    );
    expect(code).toBe(0);
    expect(onHosts("three")).toEqual(["three bow", "three keel", "three stern"]);
  });

  test("a limit ends an agent that ignores TERM, and one whose child holds its output; what they said is kept", async () => {
    const pack = made("limit");
    const child = "echo started; sh -c 'trap \"\" TERM; while :; do sleep 1; done' & exit 0";
    writeFileSync(
      join(dir, "two.ndjson"),
      [
        { task: "echo half; trap '' TERM; while :; do sleep 1; done", host: "bow", title: "deaf" },
        { task: child, host: "keel", title: "child" },
      ]
        .map((one) => `${JSON.stringify(one)}\n`)
        .join(""),
    );
    const { of, code } = await asked(pack, "-f", join(dir, "two.ndjson"), "--timeout", "2s");
    expect(of.bow).toMatchObject({ state: "timeout", partial: true, answer: "half" });
    expect(of.keel).toMatchObject({ state: "finished", good: true, answer: "started" });
    expect(code).toBe(1);
  });

  test("hostile text of a megabyte arrives byte for byte; so does a leading dash; the name of its job says nothing", async () => {
    const pack = made("hostile");
    const nasty = `'"\`$(touch $HOME/pwned)\`"'\\ \\\\n %s ${"${HOME}"}\t\r\u0001é€😀\n-- -rf\nend 0123456789abcdef\nfile x\ncommand y\n`;
    const text = `cp task.sh "$HOME/copy"\nexit\n${nasty.repeat(Math.ceil((1 << 20) / Buffer.byteLength(nasty)))}`;
    const { child, ended, said } = start(pack, ["--host", "keel", "-"], "pipe");
    child.stdin?.end(text);
    expect([await ended, said()]).toEqual([0, ""]);
    expect(readFileSync(join(home("keel"), "copy")).equals(Buffer.from(text))).toBe(true);
    expect(existsSync(join(home("keel"), "pwned"))).toBe(false);
    const dash = '-none 2>/dev/null; cp task.sh "$HOME/dash"';
    const one = start(pack, ["--host", "keel", "--json", "--", dash]);
    expect(await one.ended).toBe(0);
    expect(readFileSync(join(home("keel"), "dash"), "utf8")).toBe(`${dash}\n`);
    expect(JSON.parse(one.said()).answers[0].job).toMatch(/^adhoc-shell-q[0-9a-f]{8}-[0-9a-f]{10}$/);
  });

  test("a host that is away is said and holds nobody up; when all are, it is the outside world's fault", async () => {
    const pack = made("away");
    const host = readFileSync(join(pack.clone, "hosts", "stern.md"), "utf8");
    pack.push({ "hosts/stern.md": host.replace(/port: \d+/, "port: 1") });
    const some = await asked(pack, "--all", "echo here");
    expect([some.code, some.of.bow?.answer, some.of.keel?.answer, some.of.stern]).toEqual([
      1,
      "here",
      "here",
      expect.objectContaining({ state: "unreachable", why: expect.stringContaining("nothing listens there") }),
    ]);
    const none = await say(pack, "--host", "stern", "echo here");
    expect([none.code, none.out, none.said]).toEqual([4, "", expect.stringContaining("? stern cannot be reached")]);
  });

  test("STOP.md, cordons and switches count as origin has them, whatever the folder says", async () => {
    const pack = made("guards");
    const files = (changes: Record<string, string | null>) => {
      pack.push(changes);
      pack.git("reset", "-q", "--hard", "HEAD~1");
    };
    files({ "STOP.md": "not now\n" });
    const stopped = await say(pack, "echo guards >>$HOME/marks");
    expect([stopped.code, stopped.said]).toEqual([3, expect.stringContaining("STOP.md")]);
    const host = readFileSync(join(pack.clone, "hosts", "bow.md"), "utf8");
    const cordoned = host.replace("slots: 8", "slots: 8\ncordon: new disk");
    pack.push({ "STOP.md": null, "hosts/bow.md": cordoned });
    pack.git("reset", "-q", "--hard", "HEAD~2");
    const shut = await say(pack, "--host", "bow", "echo guards >>$HOME/marks");
    expect([shut.code, shut.said]).toEqual([3, expect.stringContaining("bow is cordoned (new disk)")]);
    const all = await asked(pack, "--label", "test", "echo up");
    expect([all.code, all.of.bow?.state, all.of.keel?.answer]).toEqual([0, "skipped", "up"]);
    expect(onHosts("guards")).toEqual([]);
  });

  test("no slot is free: it waits for one, and no longer than its limit", async () => {
    const pack = made("narrow");
    const host = readFileSync(join(pack.clone, "hosts", "bow.md"), "utf8");
    pack.push({ "hosts/bow.md": host.replace("slots: 8", "slots: 1") });
    writeFileSync(
      join(dir, "list.yml"),
      '- task: "sleep 2; echo narrow >>$HOME/marks"\n- "echo narrow >>$HOME/marks"\n',
    );
    const { code, answers } = await asked(pack, "-f", join(dir, "list.yml"), "--host", "bow");
    expect([code, answers.map((one) => one.why ?? one.state)]).toEqual([0, ["finished", "finished"]]);
    expect(onHosts("narrow")).toHaveLength(2);
    const long = start(pack, ["--host", "bow", "echo begun >>$HOME/marks; sleep 60"]);
    await until(() => onHosts("begun").length === 1);
    const late = await asked(pack, "--host", "bow", "--timeout", "2s", "echo never >>$HOME/marks");
    expect(late.answers[0]).toMatchObject({ state: "waiting", why: expect.stringContaining("no free slot") });
    expect([late.code, onHosts("never")]).toEqual([1, []]);
    long.child.kill("SIGINT");
    expect(await long.ended).toBe(130);
  }, 300_000);

  test("Ctrl-C ends what runs there, with what it said so far; a killed one loses nothing, and ticks leave it alone", async () => {
    const pack = made("left");
    // A pack has one folder on the machines from its first tick on: what is dispatched then lies beside the ticks' jobs.
    expect((await tick(pack)).code).toBe(0);
    const script = "echo $$ >$HOME/pid; echo left >>$HOME/marks; echo said; sleep 77";
    const one = start(pack, ["--host", "bow", script]);
    await until(() => onHosts("left").length === 1);
    one.child.kill("SIGINT");
    expect(await one.ended).toBe(130);
    expect(one.said()).toMatch(
      /said\n[\s\S]*interrupted: what ran was ended|interrupted: what ran was ended[\s\S]*said\n/,
    );
    const pid = readFileSync(join(home("bow"), "pid"), "utf8").trim();
    await until(() => !existsSync(`/proc/${pid}`));

    const two = start(pack, ["--host", "keel", "echo left >>$HOME/marks; sleep 3; echo to the end"]);
    await until(() => onHosts("left").length === 2);
    two.child.kill("SIGKILL");
    await two.ended;
    pack.push({ "tasks/t.md": md("title: T\nhosts: keel", "echo from the tick") });
    const ticked = await tick(pack);
    expect([ticked.code, JSON.parse(ticked.out).ended]).toEqual([
      0,
      [expect.objectContaining({ task: "t", state: "finished" })],
    ]);
    const after = tip(pack);
    let left = "";
    for (let tries = 0; !left.includes("keep it") && tries < 20; tries++) left = (await say(pack, "--collect")).out;
    expect(left).toMatch(/✓ keel {2}adhoc-shell-q\S+ .*\n {2}to the end\nThe machines keep it until you say/);
    const quiet = await tick(pack);
    expect([quiet.code, JSON.parse(quiet.out).commits, tip(pack)]).toEqual([0, [], after]);
    expect(pack.at("ls-tree", "-r", "--name-only", "main")).not.toContain("adhoc");
    expect((await say(pack, "--collect", "--ack")).out).toContain("to the end");
    expect((await say(pack, "--collect")).out).toBe("Nothing is left of earlier dispatches.\n");
  }, 300_000);

  test.each([
    ["main", ""],
    ["towline", "ledger: {branch: towline}\n"],
  ])(
    "recorded, ledger on %s: claimed before it starts, then its jobs and a reflection, and no task stays",
    async (ledger, settings) => {
      const pack = made(`rec-${ledger}`, {}, settings);
      const script = `git -C ${pack.origin} show ${ledger}:state/open.ndjson >$HOME/open; echo rec-${ledger} >>$HOME/marks`;
      const { code, commits, recorded } = await asked(pack, "--record", "--host", "bow", "--host", "keel", script);
      expect([code, recorded, commits.length]).toEqual([0, true, 2]);
      // What the run itself saw of origin: its claim had been won.
      for (const name of ["bow", "keel"])
        expect(
          readFileSync(join(home(name), "open"), "utf8").match(/adhoc-shell-q[0-9a-f]{8}-[0-9a-f]{10}/g),
        ).toHaveLength(4);
      expect(onHosts(`rec-${ledger}`)).toHaveLength(2);
      const files = pack.at("ls-tree", "-r", "--name-only", ledger).split("\n");
      expect(files.filter((path) => /^(queue|status)\//.test(path))).toEqual([]);
      const jobs = files.filter((path) => path.startsWith("jobs/"));
      expect(jobs).toHaveLength(2);
      expect(pack.file(jobs[0] as string, ledger)).toMatch(/^state: finished$[\s\S]*requested_by: ann$/m);
      const [reflection] = files.filter((path) => path.startsWith("reflections/"));
      expect(pack.file(reflection as string, ledger)).toMatch(/^outcome: success$[\s\S]*^host: 2 hosts$/m);
      const before = tip(pack, ledger);
      const quiet = await tick(pack);
      expect([quiet.code, JSON.parse(quiet.out).ended]).toEqual([0, []]);
      expect(
        pack
          .at("diff", "--name-only", before, ledger)
          .trim()
          .split("\n")
          .filter((path) => !/^(OVERVIEW.md|state\/)/.test(path) && path),
      ).toEqual([]);
    },
    90_000,
  );

  test("while it works, no command line holds its text or a key, on either side", async () => {
    const secret = "agent-5ecret-c4nary-of-this-test";
    const pack = made("argv", { "agents/keyed.md": md("runtime: shell\nenv: [MODEL_ACCESS]") });
    const sampler = spawn(process.execPath, [join(import.meta.dirname, "../secrets/sampler.mjs"), home("bow")]);
    let seen = "";
    sampler.stdout.on("data", (chunk) => {
      seen += chunk;
    });
    await until(() => seen.includes("ready"));
    const text = 'canary-of-the-text; [ "$MODEL_ACCESS" ] && echo has it; sleep 1\n';
    const child = spawn(
      process.execPath,
      [program, "dispatch", "--repo", pack.clone, "--record", "--host", "bow", "--agent", "keyed", "-"],
      { env: { ...env(), MODEL_ACCESS: secret }, stdio: ["pipe", "pipe", "pipe"] },
    );
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stdin.end(text);
    const code = await new Promise((done) => child.on("close", done));
    const over = new Promise((done) => sampler.on("close", done));
    sampler.kill("SIGKILL");
    await over;
    expect([code, out]).toEqual([0, "has it\n"]);
    const lines = seen
      .split("\n")
      .flatMap((line) => (/^\["argv".*\]$/.test(line) ? [JSON.parse(line)[1] as string] : []));
    expect(lines.some((line) => line.includes("supervise"))).toBe(true);
    const key = keyOf(up.machines).TOWLINE_TEST_KEY.split("\n")[2] as string;
    expect(lines.filter((line) => [secret, "canary-of-the-text", key].some((one) => line.includes(one)))).toEqual([]);
    expect(pack.at("log", "-p", "main")).not.toContain(secret);
  });

  test("in CI it is always recorded; a run that outlives its dispatcher is the next tick's", async () => {
    const pack = made("ci");
    const child = spawn(
      process.execPath,
      [program, "dispatch", "--repo", pack.clone, "--host", "bow", "echo ci >>$HOME/marks; sleep 2; echo end"],
      {
        env: { ...env(), CI: "true" },
        stdio: "ignore",
      },
    );
    await until(() => onHosts("ci").length === 1);
    child.kill("SIGKILL");
    await delay(2500);
    const ticked = JSON.parse((await tick(pack)).out);
    expect(ticked.ended).toEqual([expect.objectContaining({ state: "finished", host: "bow" })]);
    const [job] = pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
    expect(pack.file(job as string)).toContain("end\n```");
    expect(onHosts("ci")).toHaveLength(1);
  });
});
