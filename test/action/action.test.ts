import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokenFromEnvironment } from "../../src/shell/credential.ts";

const action = join(import.meta.dirname, "..", "..", "src", "action.ts");
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-action-"));
  execFileSync("git", ["init", "-q", dir]);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("node src/action.ts", () => {
  test("masks what is secret, says what is wrong, and gives the commands back at the end", () => {
    const ran = spawnSync(process.execPath, [action, "dance"], {
      cwd: dir,
      encoding: "utf8",
      env: { PATH: process.env.PATH, WEB_KEY: "line-one\nline-two" },
    });
    expect(ran.status).toBe(2);
    const lines = ran.stdout.trimEnd().split("\n");
    expect(lines).toContain("::add-mask::line-one");
    expect(lines).toContain("::add-mask::line-two");
    expect(ran.stdout).toMatch(/^::error::.*not dance$/m);
    const token = /^::stop-commands::([0-9a-f-]{36})$/.exec(lines[0] ?? "")?.[1];
    expect(lines.at(-1)).toBe(`::${token}::`);
  });

  test("a tick sets its outputs even when it could not run", () => {
    const output = join(dir, "output");
    writeFileSync(output, "");
    spawnSync(process.execPath, [action, "tick", "--repo", join(dir, "nowhere")], {
      cwd: dir,
      env: { PATH: process.env.PATH, GITHUB_OUTPUT: output },
    });
    expect(readFileSync(output, "utf8")).toMatch(/^changed<<\S+\nfalse\n/);
  });
});

describe("tokenFromEnvironment", () => {
  const fill = (env: Record<string, string>, host = "forge.example") =>
    spawnSync("git", ["-C", dir, "credential", "fill"], {
      input: `protocol=https\nhost=${host}\n\n`,
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: dir, GIT_TERMINAL_PROMPT: "0", ...env },
    });

  test("git gets the token of the environment for this server only, and the checkout never holds it", async () => {
    await tokenFromEnvironment(dir, "https://forge.example");
    await tokenFromEnvironment(dir, "https://forge.example");
    expect(fill({ GITHUB_TOKEN: "t0p-s3cret" }).stdout).toContain("password=t0p-s3cret");
    expect(fill({ GITHUB_TOKEN: "t0p-s3cret" }, "other.example").stdout).not.toContain("t0p-s3cret");
    expect(readFileSync(join(dir, ".git", "config"), "utf8")).not.toContain("t0p-s3cret");
    expect(fill({}).stdout).not.toContain("password=");
  });
});
