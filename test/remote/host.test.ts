import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { Fleet, StartRequest } from "../../src/ports.ts";
import { hostProgram, installCommand, rootPath, serveCommand } from "../../src/remote/program.ts";
import { createFleet, lookAt } from "../../src/shell/fleet.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "4" });
const nonce = "0123456789abcdef";
const program = hostProgram();

let dir: string;
let home: string;
let fleet: Fleet;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  home = join(dir, "home");
  mkdirSync(home);
  fleet = createFleet({ env: { PATH: path }, home });
  (await fleet.open("one", host, "p")).close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

const request = (job: string, script: string, more: Partial<StartRequest> = {}): StartRequest => ({
  job,
  epoch: 1,
  day: "2026/11/20",
  deadline: 30,
  keep: 4096,
  slots: 4,
  launch: { files: { script }, secret: [], command: "sh ./script" },
  ...more,
});

/** The program itself, spoken to by hand. */
function serve() {
  const child: ChildProcessWithoutNullStreams = spawn("sh", ["-c", serveCommand({ root: ".towline" }, program)], {
    cwd: home,
    env: { HOME: home, PATH: path },
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  return {
    child,
    said: () => said,
    ask: async (lines: string) => {
      child.stdin.write(lines);
      await until(() => said.includes(`towline1-end ${nonce}`));
      const answer = said;
      said = "";
      return answer;
    },
  };
}
const hello = `hello ${nonce} p 4 -\nend ${nonce}\n`;

async function until(what: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !what(); await sleep(20)) if (Date.now() > end) throw new Error("it never came");
}
const jobs = () => join(home, ".towline", "p", "jobs");

describe("the host program", () => {
  test("says which versions its programs name, for people who look", async () => {
    const bin = join(home, ".local", "bin");
    mkdirSync(bin, { recursive: true });
    const program = (name: string, script: string) =>
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    program("picoclaw", '[ "$1" = version ] && printf "warning: no settings\\npicoclaw v0.3.1-rc.2 (go1.25)\\n"');
    program("claude", '[ "$1" = --version ] && echo "2.0.14 (Claude Code)"');
    program("ollama", "echo none; exit 3");
    program("tmux", '[ "$1" = -V ] && echo "tmux 3.3a"');
    const names = ["picoclaw", "claude", "ollama", "tmux", "codex"];
    const facts = await lookAt("one", host, "p", { env: { PATH: path }, home, runtimes: names });
    expect(facts.runtimes).toEqual({ shell: "", picoclaw: "0.3.1-rc.2", claude: "2.0.14", ollama: "", tmux: "3.3a" });
    rmSync(bin, { recursive: true });
  });

  test("notes how it fares once a minute, and tells it from a moment on", async () => {
    const noted = join(home, ".towline", "samples");
    rmSync(noted, { recursive: true, force: true });
    (await fleet.open("one", host, "p")).close();
    const session = await fleet.open("one", host, "p");
    const [first, ...others] = await session.samples(0);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ cores: session.facts.cores, memory: { total: session.facts.memory.total } });
    expect(Math.abs((first?.at ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    expect(first?.disk.total).toBe(session.facts.disk.total);
    expect(await session.samples(first?.at ?? 0)).toEqual([]);
    // A minute later, with a line that was torn by a full disk in between, and with the file full.
    const early = Math.floor(Date.now() / 1000) - 120;
    writeFileSync(join(noted, "now"), `${early} 0.5 2 1 2 1 2 0\n1795\n`);
    writeFileSync(join(noted, "last"), `${early} 1440\n`);
    await session.probe();
    expect((await session.samples(0)).map((one) => one.at)).toEqual([early, expect.any(Number)]);
    expect(readdirSync(noted).sort()).toEqual(["last", "now", "old"]);
    expect(readFileSync(join(noted, "last"), "utf8")).toMatch(/^\d+ 1\n$/);
    session.close();
  });

  test("refuses verbs that it does not know, and goes on", async () => {
    const { ask, child } = serve();
    expect(await ask(`dance ${nonce} now\nsome line\nend ${nonce}\n`)).toContain("unknown verb");
    expect(await ask(`start ${nonce} too-early 1 - 1000 4096 4\nend ${nonce}\n`)).toContain("unknown verb");
    expect(await ask(hello)).toContain("identity ");
    for (const job of ["../x", "-x", ".x", "a/b", "a;b", "$(x)", "x*"])
      expect(await ask(`start ${nonce} ${job} 1 - 1000 4096 4\nend ${nonce}\n`)).toContain("refused bad request");
    expect(await ask(`fetch ${nonce} ../../identity 1\nend ${nonce}\n`)).toContain("refused bad request");
    child.stdin.end();
  });

  test("refuses file names that leave the job's folder", async () => {
    const { ask, child } = serve();
    await ask(hello);
    for (const name of ["../x", "/tmp/x", "a/../../x", "-rf", "a//b", "a b"]) {
      const answer = await ask(`start ${nonce} names 1 - 1000 4096 4\nfile ${name}\n+x\ncommand true\nend ${nonce}\n`);
      expect(answer).toContain("refused refused file name");
    }
    expect(existsSync(join(jobs(), "names", "1"))).toBe(false);
    child.stdin.end();
  });

  test("starts nothing when the request breaks off in the middle, and the slot is free again", async () => {
    const { ask, child } = serve();
    await ask(hello);
    child.stdin.write(`start ${nonce} half 1 - 9000 4096 1\nfile script\n+touch "$HOME/half"\\n\ncommand sh ./scr`);
    await until(() => existsSync(join(jobs(), "half", "1", "script")));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.stdin.end();
    await ended;
    const session = await fleet.open("one", host, "p");
    expect(session.facts).toMatchObject({ slots: { used: 0 }, held: [] });
    expect(await session.start(request("half", "echo whole", { slots: 1 }))).toEqual({ state: "started" });
    expect(existsSync(join(home, "half"))).toBe(false);
    session.close();
  });

  test("a start that dies with its session before it was sent whole counts as died, and never runs", async () => {
    const { ask, child } = serve();
    await ask(hello);
    child.stdin.write(`start ${nonce} torn 1 - 9000 4096 4\nfile script\n+touch "$HOME/torn"\\n\n`);
    await until(() => existsSync(join(jobs(), "torn", "1.owner")));
    child.kill("SIGKILL");
    const session = await fleet.open("one", host, "p");
    expect(await session.start(request("torn", "touch $HOME/torn"))).toEqual({ state: "already", epoch: 1 });
    expect(await session.seal("torn", 2)).toEqual({ started: null });
    expect(await session.start(request("torn", "echo second", { epoch: 2 }))).toEqual({ state: "started" });
    expect(existsSync(join(home, "torn"))).toBe(false);
    session.close();
  });

  test("a run goes on when the session ends right after its start", async () => {
    for (let i = 0; i < 5; i++) {
      const session = await fleet.open("one", host, "p");
      await session.start(request(`brief-${i}`, "echo done"));
      session.close();
    }
    const session = await fleet.open("one", host, "p");
    for (let i = 0; i < 5; i++) {
      while ((await session.wait([{ job: `brief-${i}`, epoch: 1 }], 5000)).length === 0);
      expect(await session.fetch(`brief-${i}`, 1)).toMatchObject({ end: "exited", exit: 0 });
    }
    session.close();
  });

  test.skipIf(!existsSync("/bin/bash"))("does with named pipes where a here-document is a file", async () => {
    const bin = join(dir, "old-bash");
    mkdirSync(bin);
    const tool = (name: string, line: string) =>
      writeFileSync(join(bin, name), `#!/bin/bash\n${line}\n`, { mode: 0o755 });
    tool("sh", 'BASH_COMPAT=50 exec /bin/bash --posix "$@"');
    tool("mkfifo", `echo used >>"${dir}/mkfifo-used"; exec /usr/bin/mkfifo "$@"`);
    const old = createFleet({ env: { PATH: `${bin}:${path}` }, home });
    const session = await old.open("one", host, "p");
    await session.start(request("named", "echo out\necho err >&2\n"));
    while ((await session.wait([{ job: "named", epoch: 1 }], 5000)).length === 0);
    const { stdout, stderr, took } = await session.fetch("named", 1);
    expect([stdout.head, stderr.head].map(String)).toEqual(["out\n", "err\n"]);
    expect(took).toBeLessThan(20);
    expect(existsSync(join(dir, "mkfifo-used"))).toBe(true);
    expect(readdirSync(join(home, ".towline", "p", "jobs", "named")).filter((name) => /pipe/.test(name))).toEqual([]);
    session.close();
  });

  test("no text of a job stands on any command line", async () => {
    const session = await fleet.open("one", host, "p");
    const launch = {
      files: { script: "sleep 0.5\n", key: "s3cret-in-a-file" },
      secret: ["key"],
      command: "sh ./script",
    };
    const answer = session.start(request("quiet", "", { launch }));
    const lines = new Set<string>();
    for (const end = Date.now() + 600; Date.now() < end; await sleep(5))
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
        try {
          lines.add(readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " "));
        } catch {
          // It has ended.
        }
    expect(await answer).toEqual({ state: "started" });
    expect([...lines].some((line) => line.includes("supervise p/jobs/quiet/1"))).toBe(true);
    expect([...lines].filter((line) => line.includes("s3cret"))).toEqual([]);
    session.close();
  });

  test("is installed whole or not at all", () => {
    const fresh = join(dir, "fresh");
    mkdirSync(fresh);
    const put = (text: string) =>
      execFileSync("sh", ["-c", installCommand({ root: ".towline" }, program)], {
        input: text,
        cwd: fresh,
        env: { HOME: fresh, PATH: path },
      });
    expect(() => put(program.text.slice(0, -10))).toThrow();
    expect(readdirSync(join(fresh, ".towline", "bin"))).toEqual([]);
    expect(put(program.text).toString()).toBe("\ninstalled\n");
    expect(readdirSync(join(fresh, ".towline", "bin"))).toEqual([program.sha256]);
  });

  test.each(["~/.towline", "/srv/towline", "~/a/b.c", undefined])("takes the root %s", (root) =>
    expect(rootPath(root)).toMatch(/^[/.a]/),
  );
  test.each(["/", "~", "a b", "x;y", "../up", "/a/../b", "$HOME/x", "a'b"])("refuses the root %s", (root) =>
    expect(() => rootPath(root)).toThrow("cannot be used"),
  );

  test("lives where the record says", async () => {
    const elsewhere = join(dir, "elsewhere");
    for (const root of ["~/other.place/x", elsewhere]) {
      const session = await createFleet({ env: { PATH: path }, home }).open("one", { ...host, root }, "p");
      expect(await session.start(request("here", "echo here"))).toEqual({ state: "started" });
      while ((await session.wait([{ job: "here", epoch: 1 }], 5000)).length === 0);
      session.close();
    }
    expect(existsSync(join(elsewhere, "p", "journal"))).toBe(true);
    expect(existsSync(join(home, "other.place", "x", "p", "journal"))).toBe(true);
  });

  const mountable = process.getuid?.() === 0 && canMount();
  test.skipIf(!mountable)(
    `on a full disk nothing is started and nothing breaks${mountable ? "" : " [needs root and mount]"}`,
    async () => {
      const small = join(dir, "small");
      mkdirSync(small);
      execFileSync("/bin/mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", small]);
      try {
        const here = createFleet({ env: { PATH: path }, home: small });
        const session = await here.open("small", host, "p");
        const big = await session.start(request("big", `#${"x".repeat(400_000)}\n`));
        expect(big).toMatchObject({ state: "refused", why: expect.stringContaining("disk full") });
        const flood = request("flood", "head -c 3000000 /dev/zero; echo end >&2", { keep: 500_000 });
        expect(await session.start(flood)).toEqual({ state: "started" });
        while ((await session.wait([{ job: "flood", epoch: 1 }], 5000)).length === 0);
        const result = await session.fetch("flood", 1);
        expect(result.end).toBe("died"); // nobody knows what else could not be written
        expect(result.stdout.head).toHaveLength(4096);
        session.close();
        expect(existsSync(join(small, ".towline", "p", "jobs", "big", "1"))).toBe(false);
      } finally {
        execFileSync("/bin/umount", ["-l", small]);
      }
    },
  );

  function canMount(): boolean {
    const at = mkdtempSync(join(tmpdir(), "towline-test-"));
    try {
      execFileSync("/bin/mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", at], { stdio: "ignore" });
      writeFileSync(join(at, "x"), "");
      execFileSync("/bin/umount", [at], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    } finally {
      rmSync(at, { recursive: true, force: true });
    }
  }
});
