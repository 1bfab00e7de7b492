// The program as a person's shell starts it, and packs whose hosts are real machines on loopback.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../src/demo/machines.ts";
import { findSshd } from "../../src/demo/sshd.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";

export const lacksSshd = findSshd() === null;
export const needs = "needs openssh-server (npm test -- --install)";
/** What a person starts. */
export const source = join(import.meta.dirname, "..", "..", "bin", "towline");
/** The same as one file, in a whole run of the suites. */
export const program = process.env.TOWLINE_PROGRAM || source;

export interface Said {
  /** Null: ended by a signal. */
  code: number | null;
  out: string;
  err: string;
}

/** Runs the program with these arguments; ends it after `limit` ms. */
export function towline(
  args: string[],
  env: Record<string, string> = {},
  limit = 50_000,
  entry = program,
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...args], {
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limit,
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

export const keyOf = (machines: Machine[]) => ({ TOWLINE_TEST_KEY: machines[0]?.keyText ?? "" });

/** A pack whose hosts are these machines, with one agent for shell scripts. */
export function realPack(
  machines: Machine[],
  files: Record<string, string>,
  settings = "tick: {patience: 5s}\n",
  id = "real",
): TestPack {
  const hosts = machines.map(({ name, port, user, hostKey }) => [
    `hosts/${name}.md`,
    md(
      `address: 127.0.0.1\nport: ${port}\nuser: ${user}\nkey: env:TOWLINE_TEST_KEY\nhost_key: ${hostKey}\nslots: 8\nlabels: [test]`,
    ),
  ]);
  return testPack({
    "towline.yml": `id: ${id}\nname: real\nzone: UTC\ndefaults: {agent: deckhand}\n${settings}`,
    "agents/deckhand.md": md("runtime: shell"),
    ...Object.fromEntries(hosts),
    ...files,
  });
}

/** The folder of a pack below the root of a machine: its id and a random part. Null before the first call. */
export function packFolder(home: string, id: string): string | null {
  const root = join(home, ".towline");
  const name = existsSync(root)
    ? readdirSync(root).find((one) => one.startsWith(id) && /^(-[0-9a-f]+)?$/.test(one.slice(id.length)))
    : undefined;
  return name === undefined ? null : join(root, name);
}

/** Lines that jobs left in the machines' homes: the judge outside. A machine's root is kept over packs, its marks are not. */
export function marks(machines: Machine[]): string[] {
  return machines.flatMap(({ name, home }) => {
    const file = join(home, "marks");
    return existsSync(file)
      ? readFileSync(file, "utf8")
          .trim()
          .split("\n")
          .filter(Boolean)
          .map((line) => `${line} ${name}`)
      : [];
  });
}
