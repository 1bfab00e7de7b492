// Whoever pushes in a person's name looks first whether git knows that name.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { knownToGit } from "../../src/shell/person-push.ts";

const dir = mkdtempSync(join(tmpdir(), "towline-author-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("a git that knows nobody is told of before anything is done", async () => {
  const env = { PATH: process.env.PATH, HOME: dir, GIT_CONFIG_NOSYSTEM: "1" };
  const git = (...args: string[]) => execFileSync("git", ["-C", dir, ...args], { env, stdio: "ignore" });
  git("init", "-q");
  // Or git makes a name up from the machine's.
  git("config", "user.useConfigOnly", "true");
  await expect(knownToGit(dir, { env })).rejects.toThrow("git does not know who you are");
  git("config", "user.name", "Ann");
  git("config", "user.email", "ann@example.org");
  await expect(knownToGit(dir, { env })).resolves.toBeUndefined();
});
