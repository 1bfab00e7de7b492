// Ticks that deploy what their agents lack, and take it away again: real OpenSSH machines, judged from their disks.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, realPack } from "../integration/real.ts";
import { type ReleaseServer, serveReleases, todaysFiles } from "./release-server.ts";

const key = "sk-canary-of-a-tick-0123456789";
const script = readFileSync(join(import.meta.dirname, "picoclaw.sh"), "utf8");
const agent = (more: string) => md(`runtime: picoclaw\nmodel: claude-sonnet-4.6\n${more}`);

describe.skipIf(lacksSshd)(`ticks that deploy, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  let pack: TestPack | undefined;
  let server: ReleaseServer;
  const at = (path: string, name = "bow") => join((up.machines.find((one) => one.name === name) as Machine).home, path);
  const binary = ".local/bin/picoclaw";
  const env = () => ({ ...process.env, HOME: dir, ...keyOf(up.machines), PICO_KEY: key });
  const run = (...args: string[]) => cli((pack as TestPack).clone, args, env());
  const tick = () => run("tick", "--no-site", "--no-sync");
  const job = (task: string) => {
    const text = (pack as TestPack).file(`status/${task}.md`);
    const [, path] = /path: (\S+)/.exec(text) ?? [];
    return { status: text, job: path ? (pack as TestPack).file(path) : "" };
  };
  const start = (files: Record<string, string>, settings = "tick: {patience: 20s}") => {
    pack = realPack(up.machines, {
      "towline.yml": `id: real\nzone: UTC\n${settings}\ndefaults: {agent: scout, provider: anthropic, api_key_env: PICO_KEY}\nreleases: {picoclaw: {github: EricGrill/picoclaw, api: "${server.url}/api"}}\n`,
      ...files,
    });
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-tick-deploy-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["bow", "stern"], server: "openssh" });
    server = await serveReleases();
  });
  afterAll(async () => {
    pack?.remove();
    await server?.close();
    await up?.down();
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  beforeEach(() => {
    pack?.remove();
    for (const { home } of up.machines)
      for (const name of readdirSync(home)) rmSync(join(home, name), { recursive: true, force: true });
    server.fault = null;
    const program = script.replace("0.0.0", "0.2.9");
    server.releases.clear();
    server.releases.set("v0.2.9", todaysFiles("0.2.9", { amd64: program, arm64: program }));
  });

  test("a job gets its runtime first, where its agent says so, and only there", async () => {
    start({
      "agents/scout.md": agent("deploy: if-missing"),
      "agents/still.md": agent(""),
      "tasks/ask.md": md("title: Ask\nhosts: bow", "What is new?"),
      "tasks/held.md": md("title: Held\nagent: still\nhosts: stern", "What is new?"),
    });
    expect((await run("plan", "--probe")).out).toMatch(/start +ask .*picoclaw is deployed there first/);
    const { out, said } = await tick();
    expect([said, out]).toEqual(["", expect.stringMatching(/✓ ask/)]);
    expect(job("ask").job).toContain("answer with the key 1");
    expect(job("held").status).toMatch(/picoclaw is not installed on stern/);
    expect([existsSync(at(binary)), existsSync(at(binary, "stern"))]).toEqual([true, false]);
    expect(readFileSync(at(".picoclaw/.security.yml"), "utf8")).toContain(key);
    // It stays: the agent is not ephemeral. And a record is a person's: ticks write no pin into it.
    expect((pack as TestPack).file("hosts/bow.md")).not.toContain("sha256");
  });

  test("what an ephemeral agent was given goes once its result is recorded, and what people deployed stays", async () => {
    start({
      "agents/scout.md": agent("deploy: if-missing\nephemeral: true"),
      "tasks/ask.md": md("title: Ask\nhosts: all", "What is new?"),
    });
    expect((await run("fleet", "deploy", "stern", "--no-pin")).code).toBe(0);
    const { out, said } = await tick();
    expect([said, out]).toEqual(["", expect.stringMatching(/✓ ask/)]);
    expect([
      existsSync(at(binary)),
      existsSync(at(".picoclaw/.security.yml")),
      existsSync(at(".picoclaw/.env")),
    ]).toEqual([false, false, false]);
    expect([existsSync(at(binary, "stern")), existsSync(at(".picoclaw/.security.yml", "stern"))]).toEqual([true, true]);
  });

  test("nothing is taken away from under a job that is still open there", async () => {
    start(
      {
        "agents/scout.md": agent("deploy: if-missing\nephemeral: true"),
        "agents/hand.md": md("runtime: shell"),
        "tasks/ask.md": md("title: Ask\nhosts: bow", "What is new?"),
        "tasks/long.md": md(
          "title: Long\nagent: hand\nhosts: bow\ntimeout: 60s",
          "while [ ! -e $HOME/go ]; do sleep 0.2; done",
        ),
      },
      "tick: {patience: 4s}",
    );
    expect((await tick()).out).toMatch(/✓ ask/);
    expect(existsSync(at(binary))).toBe(true);
    mkdirSync(at("go"));
    await tick();
    await tick();
    expect([existsSync(at(binary)), existsSync(at(".picoclaw/.env"))]).toEqual([false, false]);
  });

  test("a deploy that fails gives the job back with the reason, and the others go on", async () => {
    start({
      "agents/scout.md": agent("deploy: if-missing"),
      "tasks/ask.md": md("title: Ask\nhosts: all", "What is new?"),
    });
    // People's files without a config are no place to onboard, but that is another matter: this one cannot be written.
    mkdirSync(at(".local/bin/picoclaw"), { recursive: true });
    await tick();
    expect(existsSync(at(binary, "stern"))).toBe(true);
    expect(readFileSync(at("onboarded", "stern"), "utf8")).toBe("onboard\n");
    const { status } = job("ask");
    expect(status).toMatch(/released|queued|running/);
    const jobs = (pack as TestPack).at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
    const texts = jobs.map((path) => (pack as TestPack).file(path));
    expect(texts.find((text) => /host: bow/.test(text))).toMatch(
      /picoclaw could not be deployed on bow: there is a folder of that name/,
    );
    expect(texts.find((text) => /host: stern/.test(text))).toMatch(/state: finished/);
  });

  test("a deploy that outlasts the tick's patience is cut off, with nothing left of it", async () => {
    start(
      { "agents/scout.md": agent("deploy: if-missing"), "tasks/ask.md": md("title: Ask\nhosts: bow", "What is new?") },
      "tick: {patience: 1s}",
    );
    server.fault = (path, response) => {
      if (!path.startsWith("/moved/") || !path.endsWith(".gz")) return false;
      response.writeHead(200, { "content-length": 1_000_000 });
      response.write("slowly");
      return true;
    };
    await tick();
    expect(job("ask").job || job("ask").status).toMatch(
      /longer than the tick''s patience \(1 s\): raise tick.patience/,
    );
    expect(existsSync(at(".local"))).toBe(false);
    server.fault = null;
    // The next tick has the time.
    (pack as TestPack).push({ "towline.yml": (pack as TestPack).file("towline.yml").replace("1s", "20s") });
    expect((await tick()).out).toMatch(/✓ ask/);
  });
});
