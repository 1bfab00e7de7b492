// A new user's first two minutes: these very commands in a shell, and a real sshd that knows this person's key.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findSshd, openSsh } from "../../src/demo/sshd.ts";
import { makeKey } from "../../src/shell/pack-keys.ts";
import { lacksSshd, needs, program } from "./real.ts";

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

test.skipIf(lacksSshd)(
  `from an empty folder to a done task on the dashboard: six commands, under two minutes; ${needs}`,
  async () => {
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
        "towline task show first-look",
        "towline site build --out ../site",
      ];
      expect(commands.length).toBeLessThanOrEqual(6);
      const env = {
        HOME: home,
        PATH: `${dirname(program)}:${dirname(process.execPath)}:${process.env.PATH}`,
        NO_COLOR: "1",
        GIT_CONFIG_NOSYSTEM: "1",
      };
      const began = performance.now();
      const { code, out } = await typed(commands, dir, env);
      expect(code, out).toBe(0);
      expect((performance.now() - began) / 1000).toBeLessThan(120);
      expect(out).toContain("towline check: nothing to mend");
      expect(out).toMatch(/disk: +\d+% of \/ used/);
      const pages = readdirSync(join(dir, "site"), { recursive: true, encoding: "utf8" });
      const html = pages
        .filter((one) => one.endsWith(".html"))
        .map((one) => readFileSync(join(dir, "site", one), "utf8"));
      expect(html.join("\n")).toContain("A first look at a machine");
      // What was brought in stands on origin, and in the folder as git knows it.
      expect(existsSync(join(dir, "pack.git"))).toBe(true);
      const clean = await typed(
        ["git status --porcelain", "git show origin/main:hosts/attic.md"],
        join(dir, "pack"),
        env,
      );
      expect(clean.out).toMatch(/^---\naddress: 127\.0\.0\.1/);
    } finally {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);
