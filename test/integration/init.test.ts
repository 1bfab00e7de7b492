// A new user comes and goes: these very commands in a shell, and a real sshd that knows this person's key. The two minutes
// up to the dashboard are in test/docs/run.test.ts, as docs/start.md has them.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findSshd, openSsh } from "../../src/demo/sshd.ts";
import { makeKey } from "../../src/shell/pack-keys.ts";
import { lacksSshd, needs } from "./real.ts";

const bin = join(import.meta.dirname, "..", "..", "bin");

/** Lines of a script in one shell, each echoed; it ends with the first that fails. */
function typed(lines: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-ec", lines.join("\n")], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        out += text;
      });
    child.on("close", (code) => resolve({ code, out }));
  });
}

test.skipIf(lacksSshd)(`from an empty folder to a done task, and out again; ${needs}`, async () => {
  const dir = mkdtempSync(join(tmpdir(), "towline-first-"));
  const { username: user } = userInfo();
  const home = join(dir, "person");
  const attic = join(dir, "attic", "home");
  for (const one of [home, attic]) mkdirSync(join(one, ".ssh"), { recursive: true, mode: 0o700 });
  symlinkSync(join(attic, ".ssh", "authorized_keys"), join(dir, "attic", "authorized_keys"));
  const key = await makeKey(join(home, ".ssh", "id_ed25519"), "person");
  const lock = await makeKey(join(dir, "attic", "lock"), "attic");
  const options = { dir: join(dir, "attic"), home: attic, user };
  const server = await openSsh(findSshd() as string, {
    ...options,
    hostKey: lock?.private ?? "",
    authorized: key?.public ?? "",
  });
  try {
    const commands = [
      "towline init pack --yes",
      "cd pack",
      `towline fleet add ${user}@127.0.0.1:${server.port} --name attic --yes --push`,
      "towline tick",
    ];
    const env = {
      HOME: home,
      PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
      NO_COLOR: "1",
      GIT_CONFIG_NOSYSTEM: "1",
    };
    const { code, out } = await typed(commands, dir, env);
    expect(code, out).toBe(0);
    expect(out).toContain("towline check: nothing to mend");
    expect(out).toContain("✓ first-look");
    // What was brought in stands on origin, and in the folder as git knows it.
    expect(existsSync(join(dir, "pack.git"))).toBe(true);
    const clean = await typed(
      ["git status --porcelain", "git show origin/main:hosts/attic.md"],
      join(dir, "pack"),
      env,
    );
    expect(clean.out).toMatch(/^---\naddress: 127\.0\.0\.1/);

    // And out again. The machine is as it was; only what a person put there is left.
    const authorized = () => readFileSync(join(attic, ".ssh", "authorized_keys"), "utf8");
    expect([existsSync(join(attic, ".towline")), authorized().split("\n").length > 2]).toEqual([true, true]);
    const left = await typed(["towline leave --yes --out ../out"], join(dir, "pack"), env);
    expect(left.code, left.out).toBe(0);
    expect(existsSync(join(attic, ".towline"))).toBe(false);
    expect(authorized().trim().split("\n")).toEqual([key?.public]);
    const records = JSON.parse(readFileSync(join(dir, "out", "records.json"), "utf8")) as {
      path: string;
      data?: object;
    }[];
    expect(records.find(({ path }) => path === "status/first-look.md")?.data).toMatchObject({ state: "done" });
    expect(
      readFileSync(join(dir, "out", "records.db"))
        .subarray(0, 15)
        .toString(),
    ).toBe("SQLite format 3");
    // Its origin is a folder: no CI service holds a secret of it.
    expect(left.out).not.toContain("gh secret");
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});
