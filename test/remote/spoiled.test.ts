// An agent that puts something else in the place of its own run's files on the host: pipes, devices, links, endless files,
// nonsense. It spoils its own run and nothing else: the host answers in time, and the other runs there are collected.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import { HostFault, type HostSession, type StartRequest } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { limiter } from "../../src/shell/pool.ts";
import { long, size } from "../chaos/kit/sizes.ts";

const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "12" });

const files = ["owner", "go", "sum", "result", "out", "err", "streams", "secret", "cancel", "acked", "out.tail"];
const endless = "a terabyte of nothing";
/** What is put in the place of the file `$f`. */
const kinds: Record<string, string> = {
  pipe: 'mkfifo "$f"',
  "a link to a file of its user": 'ln -s "$HOME/precious" "$f"',
  "a link to a device": 'ln -s /dev/zero "$f"',
  "a link to a pipe": 'mkfifo "$HOME/pipe$$"; ln -s "$HOME/pipe$$" "$f"',
  "a folder": 'mkdir "$f"; : >"$f/x"',
  [endless]: 'truncate -s 1T "$f"',
  nonsense: "printf '%s\\n' 'a[$(touch $HOME/pwned)] ../../x -7 1e99 ; $(exit 3)' 'out x y' 'err -1 -1' >\"$f\"",
  nothing: ":",
};
/** Files without end cost the time of a processor until they are given up: one of them will do, but in the long run. */
const without = (file: string) => (long || file === "out" ? 0 : 1);
/** Before its end, or in the middle of the run. */
const moments = { last: "", early: "; sleep 1.5; echo after; echo after >&2" };
const over = (said: Record<string, string>) =>
  said.good !== undefined && Object.values(said).every((state) => state !== "running");

const request = (job: string, script: string): StartRequest => ({
  job,
  epoch: 1,
  day: "2026/11/20",
  deadline: 6,
  keep: 1000,
  slots: 12,
  launch: { files: { script }, secret: [], command: "sh ./script" },
});

/** Longest time that anything may take here, ms: a hang is what is looked for. */
const hang = 25_000;
const inTime = <T>(what: string, call: Promise<T>): Promise<T> => {
  const late = new AbortController();
  const limit = sleep(hang, undefined, { signal: late.signal }).then(() => {
    throw new Error(`${what} hangs`);
  });
  limit.catch(() => {});
  return Promise.race([call, limit]).finally(() => late.abort());
};

describe.each(["/bin/sh", "/bin/bash", "/bin/busybox"].filter((shell) => existsSync(shell)))("under %s", (shell) => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "towline-spoiled-"));
    mkdirSync(join(dir, "bin"));
    symlinkSync(shell, join(dir, "bin", "sh"));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

  /** One host on which eight runs spoil the same file, each in another way, beside a good one. */
  async function live(file: string, moment: keyof typeof moments) {
    const home = join(dir, `${file}-${moment}`);
    mkdirSync(home);
    writeFileSync(join(home, "precious"), "mine\n");
    const fleet = createFleet({ env: { PATH: `${join(dir, "bin")}:${system}` }, home });
    const sessions: HostSession[] = [];
    const open = async () => {
      const session = await inTime("open", fleet.open("one", host, "p"));
      sessions.push(session);
      return session;
    };
    const said: Record<string, string> = {};
    try {
      const first = await open();
      const ways = Object.entries(kinds).filter(([kind]) => kind !== endless || without(file) === 0);
      const jobs = ways.map((_, i) => `bad-${i}`);
      const wait = 'while [ ! -e "$HOME/go" ]; do sleep 0.02; done';
      for (const [i, [, spoil]] of ways.entries()) {
        const job = jobs[i] as string;
        const script = `echo before; ${wait}; f=../1.${file}; rm -rf "$f"; ${spoil}${moments[moment]}\n`;
        expect(await first.start(request(job, script))).toEqual({ state: "started" });
      }
      expect(await first.start(request("good", "echo fine; sleep 0.2"))).toEqual({ state: "started" });
      writeFileSync(join(home, "go"), "");
      await sleep(600);
      // As ticks do: each calls, asks what is held, and collects one after the other.
      for (const until = Date.now() + 120_000; Date.now() < until && !over(said); ) {
        const session = await open();
        const { held } = await inTime("probe", session.probe());
        for (const { job, state } of held)
          said[job] = state === "running" ? state : await inTime("fetch", collect(session, job));
        if (!over(said)) await sleep(700);
      }
      const last = await open();
      const { slots } = await inTime("probe", last.probe());
      // Whatever they did, none runs again.
      for (const job of jobs) {
        const again = await inTime("start", last.start(request(job, "echo again >>$HOME/again")));
        if (again.state !== "already") said[job] = `${said[job]}, then ${again.state}`;
      }
      const stray = readdirSync(home).filter((name) => !/^(\.towline|go|precious|pipe\d+)$/.test(name));
      return { file, moment, said, slots: slots.used, stray, precious: readFileSync(join(home, "precious"), "utf8") };
    } catch (thrown) {
      return { file, moment, said, thrown: String(thrown) };
    } finally {
      for (const session of sessions) session.close();
    }
  }

  const collect = async (session: HostSession, job: string) => {
    try {
      const result = await session.fetch(job, 1);
      const kept = result.stdout.head.length + result.stdout.tail.length;
      return `${result.end} ${kept <= 4096 ? "small" : kept}`;
    } catch (thrown) {
      if (!(thrown instanceof HostFault)) throw thrown;
      return `${thrown.kind}: ${thrown.message}`;
    }
  };

  test("every file, spoiled in every way", async () => {
    const all = files.flatMap((file) => (["last", "early"] as const).map((moment) => ({ file, moment })));
    // In the gate each file in one moment, and some of them in the other shells.
    const share = all.filter((_, i) =>
      shell === "/bin/sh" ? (i >> 1) % size(2, 1) === i % size(2, 1) : i % size(5, 1) === 0,
    );
    const gate = limiter(4);
    const lives = await Promise.all(share.map(({ file, moment }) => gate(() => live(file, moment))));
    const fine = (state: string | undefined) => /^(exited|died) small$/.test(state ?? "");
    for (const { file, moment, said, ...rest } of lives) {
      const odd = Object.entries(said).filter(([, state]) => !fine(state));
      const kept = { slots: 0, stray: [], precious: "mine\n" };
      expect({ file, moment, odd, good: said.good, ...rest }).toEqual({
        file,
        moment,
        odd: [],
        good: "exited small",
        ...kept,
      });
      // Whoever says in the host's own words that its result was taken has hidden it from us, and only that.
      const hidden = file === "acked" ? 1 : 0;
      expect([file, Object.keys(said).length]).toEqual([file, Object.keys(kinds).length + 1 - hidden - without(file)]);
    }
  }, 600_000);

  test("its folder removed, or in its place a link to what is precious: collected, and let go of without harm", async () => {
    const home = join(dir, "folders");
    mkdirSync(home);
    writeFileSync(join(home, "precious"), "mine\n");
    const session = await createFleet({ env: { PATH: `${join(dir, "bin")}:${system}` }, home }).open("one", host, "p");
    const ways = { removed: 'rm -rf "$PWD"', linked: 'f=$PWD; rm -rf "$f"; ln -s "$HOME" "$f"' };
    for (const [job, script] of Object.entries(ways)) {
      const launch = { files: { script: `echo ${job}; ${script}\n`, precious: "k" }, secret: ["precious"] };
      const wanted = { ...request(job, ""), launch: { ...launch, command: "sh ./script" } };
      expect(await session.start(wanted)).toEqual({ state: "started" });
      while ((await inTime("wait", session.wait([{ job, epoch: 1 }], 2000))).length === 0);
      const result = await inTime("fetch", session.fetch(job, 1));
      expect([result.end, Buffer.from(result.stdout.head).toString()]).toEqual(["exited", `${job}\n`]);
      expect(await session.start(wanted)).toEqual({ state: "already", epoch: 1 });
      await session.ack([result]);
      expect(await session.start(wanted)).toEqual({ state: "already", epoch: 1 });
    }
    expect((await session.probe()).held).toEqual([]);
    expect(readFileSync(join(home, "precious"), "utf8")).toBe("mine\n");
    session.close();
  });

  test("a supervisor that hangs long past the limit of its run is ended, and what there is counts", async () => {
    const home = join(dir, "hanging");
    mkdirSync(home);
    const fleet = createFleet({ env: { PATH: `${join(dir, "bin")}:${system}` }, home });
    const session = await fleet.open("one", host, "p");
    await session.start(request("stuck", "echo so far; exec sleep 60"));
    const file = (name: string) => join(home, ".towline", "p", "jobs", "stuck", `1.${name}`);
    while (!existsSync(file("out")) || readFileSync(file("out"), "utf8") === "") await sleep(20);
    const owner = readFileSync(file("owner"), "utf8");
    const supervisor = Number(owner.trim().split("\n").at(-1)?.split(" ")[0]);
    process.kill(supervisor, "SIGSTOP");
    expect((await session.probe()).held).toMatchObject([{ job: "stuck", state: "running" }]);
    // A limit of six seconds, and a start that was eleven minutes ago.
    const words = owner.split("\n").map((line) => line.split(" "));
    for (const line of words) if (line[0] === "spec1") line[7] = String(Number(line[7]) - 66_000);
    writeFileSync(file("owner"), words.map((line) => line.join(" ")).join("\n"));
    expect((await session.probe()).held).toMatchObject([{ job: "stuck", state: "died" }]);
    const result = await session.fetch("stuck", 1);
    expect([result.end, Buffer.from(result.stdout.head).toString()]).toEqual(["died", "so far\n"]);
    expect((await session.probe()).slots.used).toBe(0);
    session.close();
  });
});
