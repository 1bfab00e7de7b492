// Which command lines there are while a tick works: on its own machine and on the host, watched by others.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { type GitServer, serveGit } from "../action/git-server.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, program, realPack } from "../integration/real.ts";

const canary = (name: string) => `${name}-5ecret-c4nary-of-this-test`;
const password = canary("origin");
const agent_key = canary("agent");
const strace = (() => {
  try {
    execFileSync("strace", ["-o", "/dev/null", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

interface Run {
  code: number;
  said: string;
  /** Command lines and environments that the sampler saw. */
  lines: [string, string][];
}

describe.skipIf(lacksSshd)(`command lines during a tick, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  let pack: TestPack;
  let server: GitServer;
  const canaries = () => {
    const key = keyOf(up.machines).TOWLINE_TEST_KEY.split("\n")[3] as string;
    return { password, agent_key, key, turso: canary("turso"), github: canary("github") };
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-argv-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
    pack = realPack(up.machines, {
      "agents/keyed.md": md("runtime: shell\nenv: [AGENT_MODEL_ACCESS]"),
      "tasks/look.md": md(
        "title: Look around\nagent: keyed",
        'for i in 1 2 3 4 5 6; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "; sleep 0.2; done >"$HOME/seen"\n[ "$AGENT_MODEL_ACCESS" ] && echo has it',
      ),
    });
    pack.at("config", "http.receivepack", "true");
    server = await serveGit(pack.dir, password);
    pack.git(
      "remote",
      "set-url",
      "origin",
      `${server.url.replace("://", `://x-access-token:${password}@`)}/origin.git`,
    );
  });
  afterAll(async () => {
    await server?.close();
    pack?.remove();
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });

  const ended = (child: ChildProcess) => new Promise<number>((done) => child.once("close", (code) => done(code ?? -1)));

  async function tick(prefix: string[] = []): Promise<Run> {
    const sampler = spawn(process.execPath, [join(import.meta.dirname, "sampler.mjs"), up.machines[0]?.home ?? ""]);
    let sampled = "";
    sampler.stdout.on("data", (chunk: Buffer) => {
      sampled += chunk;
    });
    await new Promise((ready) => sampler.stdout.once("data", ready));
    const [first = "", ...args] = [...prefix, process.execPath, program, "tick", "--no-site", "--repo", pack.clone];
    const child = spawn(first, args, {
      env: {
        PATH: process.env.PATH,
        HOME: dir,
        ...keyOf(up.machines),
        AGENT_MODEL_ACCESS: agent_key,
        GITHUB_TOKEN: canaries().github,
        TURSO_AUTH_TOKEN: canaries().turso,
      },
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        said += chunk;
      });
    const code = await ended(child);
    const over = ended(sampler);
    sampler.kill("SIGKILL");
    await over;
    const lines = sampled.split("\n").filter((line) => line.startsWith("[") && line.endsWith("]"));
    return { code, said, lines: lines.map((line) => JSON.parse(line)) };
  }

  test("none holds a secret, as an outside watcher and the run itself see them", async () => {
    const { code, said, lines } = await tick();
    expect(said).toMatch(/✓ look/);
    expect(code).toBe(0);
    const argv = lines.filter(([kind]) => kind === "argv").map(([, text]) => text);
    // The watcher was awake: it saw git with its helper for HTTP, and the host program with the run.
    expect(argv.some((line) => /git-remote-http|remote-http/.test(line))).toBe(true);
    expect(argv.some((line) => line.includes("supervise"))).toBe(true);
    const seen = readFileSync(join(up.machines[0]?.home ?? "", "seen"), "latin1");
    expect(seen).toContain("supervise");
    for (const [name, value] of Object.entries(canaries()))
      expect([name, argv.filter((line) => line.includes(value)), seen.includes(value)]).toEqual([name, [], false]);
    expect(new Set(server.offered)).toEqual(new Set([password]));
  });

  test("on the host, only the run has what its agent was given, and nothing of it is left in a file", async () => {
    pack.git("pull", "-q", pack.origin, "main");
    pack.git("push", "-q", pack.origin, "HEAD:main");
    execFileSync("sed", ["-i", "s/^title: Look around/&\\nrun: 2/", join(pack.clone, "tasks", "look.md")]);
    pack.git("commit", "-qam", "again");
    pack.git("push", "-q", pack.origin, "HEAD:main");
    const { lines } = await tick();
    const environs = lines.filter(([kind]) => kind === "environ").map(([, text]) => text);
    expect(environs.length).toBeGreaterThan(0);
    const { agent_key: own, ...others } = canaries();
    for (const value of Object.values(others)) expect(environs.filter((text) => text.includes(value))).toEqual([]);
    for (const text of environs.filter((text) => text.includes(own))) expect(text).toContain("TOWLINE_RUN=");
    const home = up.machines[0]?.home ?? "";
    const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
    const holding = files.filter((item) => {
      const bytes = readFileSync(join(item.parentPath, item.name), "latin1");
      return [own, ...Object.values(others)].some((value) => bytes.includes(value));
    });
    expect(holding.map((item) => item.name)).toEqual([]);
  });

  test.skipIf(!strace)(`every program that a tick starts, ${strace ? "by strace" : "needs strace"}`, async () => {
    const trace = join(dir, "trace");
    const { code } = await tick(["strace", "-f", "-qq", "-s", "100000", "-e", "trace=execve,execveat", "-o", trace]);
    expect(code).toBe(0);
    const calls = readFileSync(trace, "latin1")
      .split("\n")
      .filter((line) => line.includes("execve("));
    expect(calls.filter((line) => line.includes("remote-http")).length).toBeGreaterThan(0);
    for (const [name, value] of Object.entries(canaries()))
      expect([name, calls.filter((line) => line.includes(value))]).toEqual([name, []]);
  });

  test("a password in origin's address is in no message, whatever goes wrong", async () => {
    const said: string[] = [];
    for (const address of [
      `${server.url.replace("://", "://x-access-token:wrong-5ecret-c4nary@")}/origin.git`,
      `${server.url.replace("://", `://x-access-token:${password}@`)}/none.git`,
      `http://x-access-token:${password}@127.0.0.1:9/origin.git`,
      `https://${password}@127.0.0.1:9/origin.git`,
    ]) {
      pack.git("remote", "set-url", "origin", address);
      const { code, said: text, lines } = await tick();
      expect(code).not.toBe(0);
      said.push(text, ...lines.map(([, line]) => line));
    }
    expect(said.filter((text) => text.includes("origin")).length).toBeGreaterThan(3);
    expect(said.filter((text) => /5ecret-c4nary/.test(text) && !text.includes("HOME="))).toEqual([]);
  });

  test("nothing of it came into the clone but what its owner had put there", () => {
    pack.git("remote", "set-url", "origin", pack.origin);
    const git = join(pack.clone, ".git");
    const files = readdirSync(git, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
    const holding = files.filter((item) => readFileSync(join(item.parentPath, item.name), "latin1").includes("c4nary"));
    expect(holding.map((item) => item.name)).toEqual([]);
    expect(existsSync(join(dir, ".git-credentials"))).toBe(false);
  });
});
