// How a person gets onto a machine for the first time: agent, keys, a locked key, a password; against a server that
// takes what it is told to.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import ssh2, { type AuthContext } from "ssh2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { host as hostForm } from "../../src/core/schema.ts";
import { builtIn, mayEnter, type RunningServer } from "../../src/demo/sshd.ts";
import type { Ask } from "../../src/shell/confirm.ts";
import { loginAsPerson } from "../../src/shell/fleet-login.ts";
import { runScript } from "../../src/shell/host-script.ts";
import { makeKey } from "../../src/shell/pack-keys.ts";
import { lacksSshd, needs } from "../integration/real.ts";

const { username: user } = userInfo();
const ours = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH3JNItjen3cICQT1rLbx7kbD9YDbSq5V8CCzls7Wjer towline test";
let dir: string;
let server: RunningServer | undefined;
let agent: ChildProcess | undefined;
let hostKey: string;
/** What the server was offered, in order. */
let offered: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-login-"));
  mkdirSync(join(dir, "home", ".ssh"), { recursive: true });
  mkdirSync(join(dir, "person", ".ssh"), { recursive: true });
  offered = [];
});
afterEach(async () => {
  await server?.stop();
  agent?.kill();
  agent = undefined;
  rmSync(dir, { recursive: true, force: true });
});

const nobody: Ask = { confirm: async () => false, hidden: async () => null };
type Taken = { password?: string; keyboard?: string; key?: string };

/** A server that lets in by these, and by nothing else. */
async function serve(taken: Taken): Promise<void> {
  const lock = await makeKey(join(dir, "lock"), "lock");
  hostKey = lock?.public ?? "";
  const key = taken.key === undefined ? null : ssh2.utils.parseKey(taken.key);
  if (key instanceof Error) throw key;
  const methods = [
    ...(key ? ["publickey" as const] : []),
    ...(taken.password ? ["password" as const] : []),
    ...(taken.keyboard ? ["keyboard-interactive" as const] : []),
  ];
  const admit = (auth: AuthContext) => {
    if (auth.method !== "none") offered.push(auth.method);
    if (auth.method === "password" && auth.password === taken.password) return auth.accept();
    if (auth.method === "publickey" && key && mayEnter(auth, user, key)) return auth.accept();
    if (auth.method !== "keyboard-interactive" || !taken.keyboard) return auth.reject(methods);
    auth.prompt([{ prompt: "Password: ", echo: false }], "", (answers) =>
      answers[0] === taken.keyboard ? auth.accept() : auth.reject(methods),
    );
  };
  const options = { dir, home: join(dir, "home"), user, hostKey: lock?.private ?? "", authorized: ours };
  server = await builtIn(options, admit);
}

const typing = (...words: string[]): Ask & { asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    confirm: async () => true,
    hidden: async (question) => {
      asked.push(question);
      return words.shift() ?? null;
    },
  };
};

const kept: string[] = [];
async function login(ask: Ask = nobody, env: Record<string, string> = {}) {
  const host = hostForm.parse({ address: "127.0.0.1", port: String(server?.port), user, host_key: hostKey });
  const secrets = { add: (_name: string, value: string) => void kept.push(value) };
  const options = { env, home: join(dir, "person"), secrets };
  const { connection, by } = await loginAsPerson({ name: `${user}@it`, host, options, ask, line: ours });
  try {
    return { by, said: (await runScript(connection, "echo in\n")).out };
  } finally {
    connection.close();
  }
}
const key = async (name: string) => (await makeKey(join(dir, "person", ".ssh", name), name))?.public ?? "";

test("a password, typed once: asked for only where it is taken, wrong ones again", async () => {
  await serve({ password: "r1ght" });
  const ask = typing("wrong", "r1ght");
  expect(await login(ask)).toEqual({ by: "your password", said: "in\n" });
  expect(ask.asked).toEqual([
    `Password of ${user}@it (used once, kept nowhere): `,
    `That was not accepted. Password of ${user}@it (used once, kept nowhere): `,
  ]);
  expect(kept).toContain("r1ght");
});

test("a password that is asked for by the keyboard way", async () => {
  await serve({ keyboard: "r1ght" });
  expect(await login(typing("r1ght"))).toMatchObject({ by: "your password" });
  expect(offered).toEqual(["keyboard-interactive"]);
});

test("three wrong passwords, or none, end it with what to do by hand", async () => {
  await serve({ password: "r1ght" });
  const ask = typing("a", "b", "c", "r1ght");
  await expect(login(ask)).rejects.toMatchObject({ code: 4, advice: expect.stringContaining(ours) });
  expect(ask.asked).toHaveLength(3);
  await expect(login(nobody)).rejects.toThrow(/no ssh-agent, and no key in ~\/\.ssh; it takes password/);
});

test("nobody is asked for a password that the server would not take", async () => {
  await serve({ key: await key("stranger") });
  rmSync(join(dir, "person", ".ssh", "stranger"));
  await key("id_ed25519");
  const ask = typing("r1ght");
  await expect(login(ask)).rejects.toThrow(/tried ~\/\.ssh\/id_ed25519; it takes publickey/);
  expect(ask.asked).toEqual([]);
});

test.skipIf(lacksSshd)(`a locked key is opened by its passphrase, and skipped without one, ${needs}`, async () => {
  const line = await key("id_ed25519");
  execFileSync("ssh-keygen", ["-q", "-p", "-N", "open sesame", "-f", join(dir, "person", ".ssh", "id_ed25519")]);
  await serve({ key: line });
  const ask = typing("open sesame");
  expect(await login(ask)).toMatchObject({ by: "~/.ssh/id_ed25519" });
  expect(ask.asked).toEqual(["Passphrase of ~/.ssh/id_ed25519 (empty: skip it): "]);
  await expect(login(typing("", ""))).rejects.toMatchObject({ code: 4 });
  await expect(login(typing("wrong"))).rejects.toMatchObject({ code: 4 });
});

test.skipIf(lacksSshd)(`the ssh-agent goes first, ${needs}`, async () => {
  const line = await key("agents");
  const socket = join(dir, "agent");
  agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  for (let tries = 0; tries < 100; tries++) {
    try {
      execFileSync("ssh-add", ["-q", join(dir, "person", ".ssh", "agents")], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
        stdio: "ignore",
      });
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await key("id_ed25519");
  await serve({ key: line });
  expect(await login(nobody, { SSH_AUTH_SOCK: socket })).toMatchObject({ by: "your ssh-agent" });
});
