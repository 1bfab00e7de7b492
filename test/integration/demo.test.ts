// The first command that a stranger runs, and the same pack on machines that stay up.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { expected, makePack } from "../../src/demo/pack.ts";
import { sampleLog } from "../../src/demo/sample-log.ts";
import { gitEnv, runGit } from "../../src/shell/git.ts";
import { tickOnce } from "../../src/verbs/tick.ts";
import { quiet, type Wire, wireUp } from "../../src/wire.ts";
import { lacksSshd, needs, program, towline } from "./real.ts";

const git = async (cwd: string, ...args: string[]) => {
  const ran = await runGit({ cwd, env: gitEnv(process.env) }, args);
  expect([args[0], ran.code, ran.stderr]).toEqual([args[0], 0, ""]);
  return ran.stdout.toString();
};

async function sound(origin: string): Promise<void> {
  expect(await git(origin, "fsck", "--strict", "--no-dangling", "--no-progress")).toBe("");
  const log = (await git(origin, "log", "--reverse", "--format=%an|%s", "main")).trim().split("\n");
  expect(log[0]).toBe("you|The demo's records");
  const people = ["you|A remark on the greeting"];
  expect(log.slice(1).filter((line) => !/^towline\|.* \[skip ci\]$/.test(line) && !people.includes(line))).toEqual([]);
  expect(log.some((line) => / claimed: /.test(line))).toBe(true);
  expect(log.some((line) => /\|\d+ done/.test(line))).toBe(true);
}

test("towline demo --once --json ends with every sample task in its expected state", async () => {
  const dir = join(mkdtempSync(join(tmpdir(), "towline-demo-test-")), "new");
  try {
    const said = await towline(["demo", "--once", "--json", "--dir", dir], {}, 170_000);
    expect([said.code, said.err.includes("fault of ours")]).toEqual([0, false]);
    const told = JSON.parse(said.out) as {
      ok: boolean;
      machines: string;
      campfire: string | null;
      tasks: { task: string; state: string; answer: string; reason: string | null }[];
    };
    expect(told.ok).toBe(true);
    expect(Object.fromEntries(told.tasks.map((one) => [one.task, one.state]))).toEqual(expected);
    const of = (id: string) => told.tasks.find((one) => one.task === id);
    expect(of("log-errors")?.answer).toMatch(/\b41 error: /);
    expect(of("slow-scan")).toMatchObject({
      reason: expect.stringContaining("time limit"),
      answer: expect.stringContaining("scanned 20 of 5000 files"),
    });
    expect(of("ask-scout")?.reason).toMatch(/^picoclaw is not installed on /);
    expect(of("certificate-check")?.reason).toContain("no certificate");
    // The coding work came back twice: once by itself, once for what the person said of it.
    const branch = /branch (\S+);/.exec(of("mend-greeting")?.reason ?? "")?.[1] as string;
    expect(await git(join(dir, "origin.git"), "show", `${branch}:motd.txt`)).toBe(
      "Welcome to the fleet.\nAsk the owners, who are named in towline.yml.\n",
    );
    // What two agents taught is proposed, and nowhere else yet.
    expect(told.campfire).toMatch(/^towline\/campfire-/);
    const proposed = await git(join(dir, "origin.git"), "diff", "--name-status", `main...${told.campfire}`);
    expect(proposed).toMatch(/^A\tinsights\/\S+\.md\n$/);
    await sound(join(dir, "origin.git"));
    // The sample plugin told something, and has its page.
    expect(await git(join(dir, "origin.git"), "grep", "-h", "plugin:tide", "main", "--", "pupdates")).toMatch(
      /"kind":"tide\.\w+"/,
    );
    expect(await git(join(dir, "origin.git"), "show", "main:state/plugins/tide.json")).toContain("Tides (UTC)");
    expect(readFileSync(join(dir, "site", "health", "index.html"), "utf8")).toContain("plugin:tide");
    expect(existsSync(join(dir, "machines"))).toBe(false);
    expect(readFileSync(join(dir, "site", "index.html"), "utf8")).toContain("towline demo");
  } finally {
    rmSync(join(dir, ".."), { recursive: true, force: true });
  }
}, 300_000);

const foldersIn = (tmp: string) => readdirSync(tmp).filter((name) => name.startsWith("towline-demo-"));

/** The demo as a person starts it, in a process group of its own, with its throw-away folders in `tmp`. */
function served(tmp: string) {
  const child = spawn(process.execPath, [program, "demo", "--port", "0"], {
    env: { ...process.env, TMPDIR: tmp, NO_COLOR: "1" },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  const says = (wanted: RegExp) => vi.waitFor(() => expect(err).toMatch(wanted), { timeout: 150_000, interval: 50 });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const kill = (signal: NodeJS.Signals) => process.kill(-(child.pid as number), signal);
  const end = () => {
    if (child.exitCode === null && child.signalCode === null) kill("SIGKILL");
  };
  return { kill, end, said: () => err, says, ended };
}

test("a served demo picks up what is pasted from its hint, and two Ctrl-C at once leave nothing", async () => {
  const tmp = mkdtempSync(join(tmpdir(), "towline-demo-test-"));
  const demo = served(tmp);
  try {
    await demo.says(/Ctrl-C ends the demo and removes all of it\.\n/);
    const pack = /Records +(.*)/.exec(demo.said())?.[1] as string;
    expect(readFileSync(join(pack, "OVERVIEW.md"), "utf8")).toContain("✓ in rotation");
    expect(readFileSync(join(pack, "hosts", "keel.md"), "utf8")).toMatch(/^identity: /m);
    expect(await git(pack, "status", "--porcelain", "--branch")).toBe("## main...origin/main\n");
    const block = demo
      .said()
      .split("\n")
      .filter((line) => line.startsWith("    ") && !line.includes(" tick --repo "));
    execFileSync("sh", ["-ec", block.join("\n")], { stdio: "pipe" });
    await demo.says(/✓ hello done/);
    expect(readFileSync(join(pack, "status", "hello.md"), "utf8")).toContain("hello from ");
    expect(demo.said()).not.toContain("this tick failed");
    demo.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 60));
    demo.kill("SIGINT");
    expect(await demo.ended).toBe(0);
    expect(foldersIn(tmp)).toEqual([]);
  } finally {
    demo.end();
    rmSync(tmp, { recursive: true, force: true });
  }
}, 600_000);

test("Ctrl-C while the machines come up or work leaves nothing", async () => {
  for (const moment of [/^/, /towline demo: /, /log-errors/]) {
    const tmp = mkdtempSync(join(tmpdir(), "towline-demo-test-"));
    const demo = served(tmp);
    try {
      await demo.says(moment);
      if (moment.source === "^") await vi.waitFor(() => expect(foldersIn(tmp)).not.toEqual([]), 60_000);
      for (let n = 0; n < 3; n++) {
        demo.kill("SIGINT");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await demo.ended;
      expect(foldersIn(tmp)).toEqual([]);
      expect(demo.said()).not.toContain("fault of ours");
    } finally {
      demo.end();
      rmSync(tmp, { recursive: true, force: true });
    }
  }
}, 600_000);

const servers = [
  { server: "openssh" as const, skip: lacksSshd, why: `, ${needs}` },
  { server: "built-in" as const, skip: false, why: "" },
];
for (const { server, skip, why } of servers)
  describe.skipIf(skip)(`the demo's pack on machines that stay up: ${server}${why}`, () => {
    let dir: string;
    let up: Machines;
    let wire: Wire;
    let pack: string;
    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), "towline-demo-test-"));
      up = await bringUp({ dir: join(dir, "machines"), count: 3, names: ["bow", "keel", "stern"], server });
      for (const { home } of up.machines) {
        await mkdir(join(home, "logs"));
        await writeFile(join(home, "logs", "error.log"), sampleLog());
      }
      wire = { ...wireUp(), env: { ...process.env, TOWLINE_DEMO_KEY: up.machines[0]?.keyText }, report: quiet };
      pack = await makePack(dir, up.machines, "UTC", process.env);
    });
    afterAll(async () => {
      await up?.down();
      rmSync(dir, { recursive: true, force: true });
    });

    test("all tasks come to what they should, and a tick right after makes no commit", async () => {
      const began = Date.now();
      // Twenty seconds apart: one instant of the task that is due every 15 s lies between.
      const tick = (n: number) =>
        tickOnce(wire, {
          repo: pack,
          site: false,
          sync: false,
          now: new Date(began + Math.min(n, 2) * 20_000).toISOString(),
        });
      let last = await tick(0);
      for (let n = 1; n < 12; n++) {
        last = await tick(n);
        const settled = Object.entries(expected).every(
          ([id, state]) => last.state.status.get(id)?.data.state === state,
        );
        if (settled && n >= 2) break;
      }
      const states = Object.keys(expected).map((id) => [id, last.state.status.get(id)?.data.state]);
      expect(Object.fromEntries(states)).toEqual(expected);
      await sound(join(dir, "origin.git"));
      const tip = await git(join(dir, "origin.git"), "rev-parse", "main");
      const after = await tick(12);
      expect([after.commits, after.starts, after.degraded]).toEqual([[], [], []]);
      expect(await git(join(dir, "origin.git"), "rev-parse", "main")).toBe(tip);
    });
  });
