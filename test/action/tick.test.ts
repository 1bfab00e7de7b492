// The whole of a CI tick around the program: a shallow checkout without credentials, the token in the environment.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GitServer, serveGit } from "./git-server.ts";

const token = "t0ken-of-the-step";
const files: Record<string, string> = {
  "towline.yml": "id: action-test\ndefaults: {agent: deckhand}\n",
  "agents/deckhand.md": "---\nruntime: shell\n---\nRuns scripts.\n",
  "tasks/nowhere.md": "---\ntitle: Work for which there is no machine\n---\necho never\n",
  "tasks/broken.md": "---\ntitle: ::set-env name=PATH::/evil\nrun: soon\n---\n",
};
let dir: string;
let server: GitServer;
const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@localhost", ...args], { cwd, encoding: "utf8" });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-action-tick-"));
  const work = join(dir, "work");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, path, ".."), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  git(dir, "init", "-q", "--bare", "-b", "main", "origin.git");
  git(join(dir, "origin.git"), "config", "http.receivepack", "true");
  git(work, "init", "-q", "-b", "main");
  git(work, "add", "-A");
  git(work, "commit", "-q", "-m", "records");
  git(work, "push", "-q", join(dir, "origin.git"), "main");
  server = await serveGit(dir, token);
  // What the checkout action leaves: one commit of one branch, and no password anywhere.
  git(dir, "clone", "-q", "--depth=1", `file://${join(dir, "origin.git")}`, "checkout");
  git(join(dir, "checkout"), "remote", "set-url", "origin", `${server.url}/origin.git`);
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

function run(verb: string, given: Record<string, string>): Promise<{ code: number; log: string }> {
  const action = join(import.meta.dirname, "..", "..", "src", "action.ts");
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    GITHUB_OUTPUT: join(dir, "output"),
    GITHUB_STEP_SUMMARY: join(dir, "summary"),
    ...given,
  };
  for (const path of [env.GITHUB_OUTPUT, env.GITHUB_STEP_SUMMARY]) writeFileSync(path, "");
  return new Promise((done) => {
    execFile(process.execPath, [action, verb], { cwd: join(dir, "checkout"), env }, (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), log: stdout + stderr }),
    );
  });
}

/** Lines that the runner would read as commands. */
function commands(log: string): string[] {
  let open: string | null = null;
  return log.split("\n").filter((line) => {
    if (open !== null) {
      if (line === `::${open}::`) open = null;
      return false;
    }
    const stop = /^::stop-commands::(.+)$/.exec(line);
    if (stop) open = stop[1] ?? null;
    return !stop && /^\s*::|##\[/.test(line);
  });
}

describe("node src/action.ts tick", () => {
  test("without the token nothing is pushed, and the fault is the outside world's", async () => {
    const { code, log } = await run("tick", { GITHUB_SERVER_URL: server.url });
    expect(code).toBe(4);
    expect(commands(log).some((line) => line.startsWith("::error::"))).toBe(true);
    expect(git(join(dir, "origin.git"), "rev-list", "--count", "main").trim()).toBe("1");
  });

  test("with it the ledger commit reaches origin, and the token is nowhere in the checkout", async () => {
    const { code, log } = await run("tick", { GITHUB_SERVER_URL: server.url, GITHUB_TOKEN: token });
    expect(log).toMatch(/tasks\/broken\.md/);
    expect(code).toBe(0);
    expect(git(join(dir, "origin.git"), "log", "-1", "--format=%s", "main")).toContain("[skip ci]");
    expect(new Set(server.offered)).toEqual(new Set([token]));
    const hits = execFileSync("sh", ["-c", 'grep -rlF -- "$0" . || :', token], {
      cwd: join(dir, "checkout"),
      encoding: "utf8",
    });
    expect(hits).toBe("");
    expect(readFileSync(join(dir, "output"), "utf8")).toMatch(/^changed<<\S+\nfalse\n/);
    expect(readFileSync(join(dir, "summary"), "utf8")).not.toBe("");
  });

  test("the log gives no commands but annotations and masks, whatever records say", async () => {
    const { log } = await run("tick", { GITHUB_SERVER_URL: server.url, GITHUB_TOKEN: token });
    const given = commands(log).filter((line) => !line.startsWith("::add-mask::"));
    expect(given.length).toBeGreaterThan(0);
    for (const line of given) expect(line).toMatch(/^::(error|warning|notice)( |::)/);
  });

  test("a checkout that is left behind by other ticks works from the branch as it is now", async () => {
    git(join(dir, "work"), "pull", "-q", join(dir, "origin.git"), "main");
    writeFileSync(join(dir, "work", "tasks", "late.md"), "---\ntitle: Pushed after the checkout\n---\necho never\n");
    git(join(dir, "work"), "add", "-A");
    git(join(dir, "work"), "commit", "-q", "-m", "late");
    git(join(dir, "work"), "push", "-q", join(dir, "origin.git"), "HEAD:main");
    const { code } = await run("tick", { GITHUB_SERVER_URL: server.url, GITHUB_TOKEN: token, GITHUB_RUN_ATTEMPT: "2" });
    expect(code).toBe(0);
    expect(git(join(dir, "origin.git"), "ls-tree", "-r", "--name-only", "main")).toContain("status/late.md");
  });
});
