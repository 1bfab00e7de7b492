// `towline fleet add` at a terminal: what is asked and shown there, what is not, and what Ctrl-C leaves behind.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import ssh2, { type AuthContext } from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { builtIn, mayEnter, type RunningServer } from "../../src/demo/sshd.ts";
import { makeKey } from "../../src/shell/pack-keys.ts";
import { type TestPack, testPack } from "../fakes/pack.ts";
import { program } from "../integration/real.ts";

const lacksScript = spawnSync("script", ["-qec", "true", "/dev/null"]).status !== 0;
const { username: user } = userInfo();
const password = "pw-that-is-shown-nowhere";
let dir: string;
let home: string;
let pack: TestPack;
let server: RunningServer;
/** What happens to commands: `never` answers none. */
let answers: boolean;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-terminal-"));
  home = join(dir, "machine");
  mkdirSync(join(dir, "person"));
  mkdirSync(home);
  pack = testPack({ "towline.yml": "id: test-pack\n" });
  answers = true;
  const lock = await makeKey(join(dir, "lock"), "lock");
  const options = { dir, home, user, hostKey: lock?.private ?? "", authorized: lock?.public ?? "" };
  const admit = (auth: AuthContext) => {
    if (!answers && auth.method !== "none") return; // and no more is heard
    if (auth.method === "password" && auth.password === password) return auth.accept();
    const file = join(home, ".ssh", "authorized_keys");
    const keys = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    const fits = keys.some((line) => {
      const key = ssh2.utils.parseKey(line);
      return !(key instanceof Error) && mayEnter(auth, user, key);
    });
    return fits ? auth.accept() : auth.reject(["publickey", "password"]);
  };
  server = await builtIn(options, admit);
});
afterEach(async () => {
  await server.stop();
  pack.remove();
  rmSync(dir, { recursive: true, force: true });
});

/** Types each answer once its question stands on the screen. */
function atTerminal(
  args: string[],
  typing: [string, string][],
): Promise<{ code: number | null; screen: string; argv: string }> {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(" ");
  const env = { PATH: process.env.PATH, HOME: join(dir, "person"), TERM: "xterm", NO_COLOR: "1", SHELL: "/bin/sh" };
  const child = spawn("script", ["-qefc", words, "/dev/null"], {
    cwd: pack.clone,
    env,
    stdio: "pipe",
    timeout: 50_000,
  });
  let screen = "";
  let from = 0;
  let argv = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    screen += text;
    argv += everyArgv();
    const [question, answer] = typing[0] ?? ["\u0000", ""];
    if (!screen.includes(question, from)) return;
    from = screen.length;
    typing.shift();
    setTimeout(() => child.stdin.write(answer), 200);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, screen, argv }));
  });
}

const everyArgv = () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "latin1");
      } catch {
        return "";
      }
    })
    .join("\n");

const hosts = () => (existsSync(join(pack.clone, "hosts")) ? readdirSync(join(pack.clone, "hosts")) : []);

describe.skipIf(lacksScript)("fleet add at a terminal, needs util-linux (npm test -- --install)", () => {
  const at = () => `${user}@127.0.0.1:${server.port}`;

  test("asks for the key and the password, which stands on no screen and in no argv", async () => {
    mkdirSync(join(dir, "person", ".ssh"));
    const { public: rsa } = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });
    writeFileSync(join(dir, "person", ".ssh", "known_hosts"), `[127.0.0.1]:${server.port} ${rsa}\n`);
    const { code, screen, argv } = await atTerminal(
      ["fleet", "add", at(), "--name", "one"],
      [
        ["Is it that machine? [y/N]", "y\r"],
        ["Password of", "wrong\r"],
        ["That was not accepted. Password of", `${password}\r`],
      ],
    );
    expect([code, screen]).toEqual([0, expect.stringContaining("✓ one is in the fleet (hosts/one.md)")]);
    expect(screen).toMatch(/your known_hosts knows it by another kind of key\)\.\s+Is it that machine\?/);
    expect(screen).toMatch(/● in by your password; the public key was added to/);
    expect(screen).toContain("“hello from ");
    expect(screen).not.toContain(password);
    expect(argv).not.toContain(password);
    expect(argv).toContain("fleet");
    expect(hosts()).toEqual(["one.md"]);
  });

  test.each([
    ["the question", "Is it that machine? [y/N]", true],
    ["the password", "Password of", true],
    ["a login that hangs", "a key of its own for this pack", false],
  ])("Ctrl-C at %s ends it at once, and nothing stands in the pack", async (_what, when, fine) => {
    answers = fine;
    const yes: [string, string][] = when.startsWith("Is it") ? [] : [["Is it that machine? [y/N]", "y\r"]];
    const { code, screen } = await atTerminal(["fleet", "add", at()], [...yes, [when, "\u0003"]]);
    expect([code, screen]).toEqual([130, expect.stringContaining("interrupted: no record was written")]);
    expect(hosts()).toEqual([]);
    expect(existsSync(join(home, ".ssh"))).toBe(false);
    expect(pack.git("status", "--porcelain")).toBe("");
  });
});
