// Loopback machines to try towline on: each with its own port, host key, HOME and login key. Nothing stays behind.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { messageOf } from "../errors.ts";
import { pinnedFingerprint, ssh } from "../transports/ssh.ts";
import { banner, builtIn, findSshd, openSsh, type RunningServer } from "./sshd.ts";

export interface Machine {
  name: string;
  address: "127.0.0.1";
  port: number;
  user: string;
  home: string;
  /** `SHA256:…` of the machine's host key. */
  hostKey: string;
  /** The private key that may log in, as text; the same for all. */
  keyText: string;
}

export interface Machines {
  machines: Machine[];
  /** What serves them: `OpenSSH 9.2p1` or `built-in SSH server`. */
  kind: string;
  /** The login key's file. */
  keyFile: string;
  /** Ends the servers and all that was started on the machines, and removes their folders. */
  down(): Promise<void>;
}

export interface BringUp {
  /** An empty or missing folder; everything of the machines goes below it. */
  dir: string;
  count: number;
  /** Names of the machines; `host-1`, `host-2`, … when absent. */
  names?: string[];
  /** Which server; by default OpenSSH where it is installed and lets us in. */
  server?: "openssh" | "built-in";
}

type Up = { machine: Machine; server: RunningServer };

export async function bringUp({ dir, count, names, server }: BringUp): Promise<Machines> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const login = keyPair();
  const keyFile = join(dir, "id");
  writeFileSync(keyFile, login.private, { mode: 0o600 });
  const sshd = server === "built-in" ? null : findSshd();
  if (server === "openssh" && !sshd) throw new Error("OpenSSH's server is not installed");
  const all = Array.from({ length: count }, (_, i) => names?.[i] ?? `host-${i + 1}`);
  const raise = (name: string) => raiseOne({ dir, name, sshd, login });
  const ups: Up[] = [];
  try {
    if (all[0] !== undefined) ups.push(await raise(all[0]));
    const why = sshd && ups[0] ? await keptOut(ups[0].machine) : null;
    if (why !== null) {
      await lower(dir, ups);
      if (server === "openssh") throw new Error(`OpenSSH's server does not let this user in: ${why}`);
      return bringUp({ dir, count, names, server: "built-in" });
    }
    // All of them, or one that fails would leave behind those that come up after it.
    const rest = await Promise.allSettled(all.slice(1).map(raise));
    for (const one of rest) if (one.status === "fulfilled") ups.push(one.value);
    for (const one of rest) if (one.status === "rejected") throw one.reason;
    const kind = sshd && ups[0] ? await banner(ups[0].server.port) : "built-in SSH server";
    return { machines: ups.map((up) => up.machine), kind, keyFile, down: () => lower(dir, ups) };
  } catch (thrown) {
    await lower(dir, ups);
    throw thrown;
  }
}

/** An ed25519 pair. One in 128 that the library makes is malformed (it drops a leading zero): those are not used. */
function keyPair() {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.public) instanceof Error)) return pair;
  }
}

interface Raise {
  dir: string;
  name: string;
  sshd: string | null;
  login: { private: string; public: string };
}

async function raiseOne({ dir, name, sshd, login }: Raise): Promise<Up> {
  const own = join(dir, name);
  const home = join(own, "home");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const { username: user } = userInfo();
  const key = keyPair();
  const options = { dir: own, home, user, hostKey: key.private, authorized: login.public };
  const server = sshd ? await openSsh(sshd, options) : await builtIn(options);
  const hostKey = pinnedFingerprint(key.public);
  return {
    machine: { name, address: "127.0.0.1", port: server.port, user, home, hostKey, keyText: login.private },
    server,
  };
}

/** An sshd may be there and still refuse: a locked account, a missing right. Why, or null. */
async function keptOut({ name, address, port, user, hostKey, keyText }: Machine): Promise<string | null> {
  const host = { address, port, user, host_key: hostKey, slots: 1, network: "public", transport: "ssh" as const };
  try {
    const connection = await ssh().connect(name, host, { key: keyText, timeout: 20_000 });
    const pipe = await connection.exec("exit 0");
    pipe.stdin.end();
    for await (const _ of pipe.stdout); // a channel closes only once it was read to its end
    const code = await pipe.closed;
    connection.close();
    return code === 0 ? null : `\`exit 0\` ended with ${code}`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

async function lower(dir: string, ups: Up[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const left = processesOf(dir, ups);
    if (left.length === 0 && round > 0) break;
    for (const pid of left) kill(pid);
    if (round === 0) await Promise.all(ups.map((up) => up.server.stop()));
    else await new Promise((resolve) => setTimeout(resolve, 50));
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was gone already.
  }
}

/** What runs on the machines: children of their servers, and whatever has a HOME below the folder. */
function processesOf(dir: string, ups: Up[]): number[] {
  const listeners = new Set(ups.flatMap((up) => up.server.pid ?? []));
  const parents = new Map<number, number>();
  const found: number[] = [];
  for (const entry of readable("/proc", (path) => readdirSync(path)) ?? []) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const stat = readable(`/proc/${pid}/stat`, (path) => readFileSync(path, "latin1"));
    const [state, parent] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
    if (!parent || state === "Z") continue;
    parents.set(pid, Number(parent));
    const environ = readable(`/proc/${pid}/environ`, (path) => readFileSync(path, "latin1")) ?? "";
    if (environ.includes(`HOME=${dir}/`)) found.push(pid);
  }
  const below = (pid: number, depth = 0): boolean =>
    depth < 20 &&
    (listeners.has(parents.get(pid) ?? 0) || (parents.has(pid) && below(parents.get(pid) ?? 0, depth + 1)));
  return [...new Set([...found, ...[...parents.keys()].filter((pid) => below(pid))])];
}

function readable<T>(path: string, read: (path: string) => T): T | null {
  try {
    return read(path);
  } catch {
    return null;
  }
}
