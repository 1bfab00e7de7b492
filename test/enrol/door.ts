// A machine with users of its own and a real SSH server at its front door: in a mount namespace where /etc/passwd, the
// sudoers and, on wish, /bin/sh are ours. Its homes lie below a folder that is removed. Needs root and `unshare`.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";
import { findSshd } from "../../src/demo/sshd.ts";
import { pinnedFingerprint } from "../../src/transports/ssh.ts";

export const servers = ["openssh", "dropbear"] as const;
export type Server = (typeof servers)[number];

const dropbear = "/usr/sbin/dropbear";

/** Why there can be no such machine here; empty: there can. */
export function lacks(server: Server, more: string[] = []): string {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/unshare")) return "[needs root and unshare]";
  const missing = [...(server === "dropbear" ? [dropbear] : [findSshd() ?? "sshd"]), ...more].filter(
    (path) => !existsSync(path),
  );
  return missing.length > 0 ? `[needs ${missing.join(", ")} (npm test -- --install)]` : "";
}

export interface Door {
  port: number;
  hostKey: string;
  home(user: User): string;
  /** The bytes of a user's authorized_keys; null: there is none. */
  keys(user?: User): string | null;
  setKeys(text: string, user?: User): void;
  /** Ends this server and starts another with another host key on the same port. */
  rekey(): Promise<string>;
  close(): Promise<void>;
}

const ids = { root: 0, pi: 7001, agents: 7002 };
export type User = keyof typeof ids;

export interface DoorOptions {
  server: Server;
  /** Login shell of pi. */
  shell?: string;
  /** What /bin/sh is there. */
  sh?: string;
  sudoers?: string;
  /** AuthorizedKeysFile of OpenSSH; its own default when absent. */
  accepts?: string;
}

/** An ed25519 pair as text. The library makes one in 128 malformed: those are not used. */
export function pair(): { private: string; public: string } {
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(made.public) instanceof Error)) return made;
  }
}

export async function door({ server, shell = "/bin/sh", sh, sudoers = "", accepts }: DoorOptions): Promise<Door> {
  const dir = mkdtempSync(join(tmpdir(), "towline-door-"));
  chmodSync(dir, 0o755);
  const home = (user: User) => join(dir, user);
  for (const user of Object.keys(ids) as User[]) {
    mkdirSync(home(user), { mode: 0o700 });
    chownSync(home(user), ids[user], ids[user]);
  }
  const binds = write(dir, shell, sudoers);
  if (sh) binds.push([sh, realpathSync("/bin/sh")]);
  const port = await freePort();
  let running = await start(dir, server, port, binds, accepts);
  const keysOf = (user: User) => join(home(user), ".ssh", "authorized_keys");
  return {
    port,
    get hostKey() {
      return running.hostKey;
    },
    home,
    keys: (user = "pi") => (existsSync(keysOf(user)) ? readFileSync(keysOf(user), "latin1") : null),
    setKeys(text, user = "pi") {
      mkdirSync(join(home(user), ".ssh"), { recursive: true, mode: 0o700 });
      writeFileSync(keysOf(user), text, { mode: 0o600 });
      for (const path of [join(home(user), ".ssh"), keysOf(user)]) chownSync(path, ids[user], ids[user]);
    },
    async rekey() {
      await end(running.child);
      running = await start(dir, server, port, binds, accepts);
      return running.hostKey;
    },
    async close() {
      await end(running.child);
      for (let round = 0; round < 20 && lower(dir) > 0; round++) await sleep(50);
      rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  } as Door;
}

/** Files of /etc as the machine shall see them. */
function write(dir: string, shell: string, sudoers: string): [string, string][] {
  const own = Object.keys(ids) as User[];
  const others = (file: string) =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !own.some((user) => line.startsWith(`${user}:`)));
  const line = (user: User) =>
    `${user}:x:${ids[user]}:${ids[user]}::${join(dir, user)}:${user === "pi" ? shell : "/bin/sh"}`;
  const files: Record<string, [string, number]> = {
    passwd: [[...own.map(line), ...others("/etc/passwd")].join("\n"), 0o644],
    group: [[...own.map((user) => `${user}:x:${ids[user]}:`), ...others("/etc/group")].join("\n"), 0o644],
    shadow: [[...own.map((user) => `${user}:*:19000:0:99999:7:::`), ...others("/etc/shadow")].join("\n"), 0o600],
    shells: [["/bin/sh", "/bin/bash", "/bin/dash", shell].join("\n"), 0o644],
    ...(existsSync("/etc/sudoers") ? { sudoers: [`root ALL=(ALL) ALL\n${sudoers}`, 0o440] } : {}),
  };
  return Object.entries(files).map(([name, [text, mode]]) => {
    writeFileSync(join(dir, name), `${text}\n`, { mode });
    return [join(dir, name), `/etc/${name}`];
  });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function start(dir: string, server: Server, port: number, binds: [string, string][], accepts?: string) {
  const { command, hostKey } = server === "dropbear" ? withDropbear(dir, port) : withOpenSsh(dir, port, accepts);
  const mounts = binds.map(([from, to]) => `mount --bind ${from} ${to}`).join(" && ");
  const child = spawn("unshare", ["-m", "--propagation", "private", "sh", "-c", `${mounts} && exec ${command}`], {
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  for (let tries = 0; !/Server listening on|Not backgrounding/.test(said); tries++) {
    if (tries > 300 || child.exitCode !== null) throw new Error(`${server} does not start: ${said}`);
    await sleep(50);
  }
  return { child, hostKey };
}

function withOpenSsh(dir: string, port: number, accepts?: string) {
  const key = pair();
  writeFileSync(join(dir, "host_key"), key.private, { mode: 0o600 });
  // As Debian ships it: what is not said here is OpenSSH's own default, StrictModes and forwarding among it.
  const lines = [`ListenAddress 127.0.0.1:${port}`, `HostKey ${join(dir, "host_key")}`, "PidFile none", "UsePAM no"];
  if (accepts !== undefined) lines.push(`AuthorizedKeysFile ${accepts}`);
  writeFileSync(join(dir, "sshd_config"), `${lines.join("\n")}\nSubsystem sftp internal-sftp\nMaxStartups 100\n`);
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  return { command: `${findSshd()} -D -e -f ${join(dir, "sshd_config")}`, hostKey: pinnedFingerprint(key.public) };
}

function withDropbear(dir: string, port: number) {
  const file = join(dir, "dropbear_key");
  rmSync(file, { force: true });
  const said = execFileSync("dropbearkey", ["-t", "ed25519", "-f", file], { encoding: "utf8", stdio: "pipe" });
  const line = said.split("\n").find((one) => one.startsWith("ssh-ed25519 ")) ?? "";
  return { command: `${dropbear} -F -E -s -r ${file} -p 127.0.0.1:${port}`, hostKey: pinnedFingerprint(line) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL"); // `exec`: this is the server itself
  await gone;
}

/** Ends what runs on the machine: whatever has a HOME below its folder. Answers how many that were. */
function lower(dir: string): number {
  let found = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").includes(`HOME=${dir}/`)) continue;
      found++;
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended.
    }
  return found;
}
