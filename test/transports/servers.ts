// Real SSH servers on loopback with settings of their own: OpenSSH or dropbear, with any login shell, and what they logged.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Host, host as hostSchema } from "../../src/core/schema.ts";
import { findSshd } from "../../src/demo/sshd.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const root = process.getuid?.() === 0;
const has = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH } }).status === 0;

export const needsSshd = findSshd() && has("ssh-keygen") ? null : "needs openssh-server (npm test -- --install)";
/** A machine's login shell and home are a `passwd` of its own: that takes a mount namespace. */
export const needsDropbear =
  root && has("dropbear") && has("unshare") && spawnSync("unshare", ["--mount", "true"]).status === 0
    ? null
    : "needs root, dropbear-bin (npm test -- --install)";
export const needsSshClient = has("ssh") ? null : "needs openssh-client (npm test -- --install)";

export interface Key {
  file: string;
  text: string;
  public: string;
}

/** A key pair in OpenSSH's own format. */
export function makeKey(file: string, passphrase = "", type = "ed25519"): Key {
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-f", file], { env: { PATH } });
  return readKey(file);
}

const readKey = (file: string): Key => ({
  file,
  text: readFileSync(file, "utf8"),
  public: readFileSync(`${file}.pub`, "utf8").trim(),
});

export interface Served {
  /** Fields of a record that reaches it. */
  record: Record<string, string>;
  home: string;
  port: number;
  pid: number;
  /** All that the server said so far. */
  log(): string;
  stop(): Promise<void>;
}

export interface Serve {
  /** A folder for all that belongs to the server. */
  dir: string;
  /** Who may log in. */
  key: Key;
  server?: "openssh" | "dropbear";
  listen?: string;
  /** Lines before the usual ones of sshd_config: the first of a kind counts. */
  settings?: string[];
  /** The login shell, for a server with a `passwd` of its own: `busybox` or a path. */
  shell?: string;
}

export const hostOf = (served: Served, more: Record<string, string> = {}): Host =>
  hostSchema.parse({ ...served.record, key: "env:KEY", slots: "40", ...more });

export async function serve(options: Serve): Promise<Served> {
  const { dir, key, server = "openssh", listen = "127.0.0.1", shell } = options;
  const home = join(dir, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".ssh", "authorized_keys"), `${key.public}\n`, { mode: 0o600 });
  const hostKey = existsSync(join(dir, "host_key")) ? readKey(join(dir, "host_key")) : makeKey(join(dir, "host_key"));
  const passwd = shell === undefined && server === "openssh" ? null : ownPasswd(dir, home, shell ?? "/bin/sh");
  const log = join(dir, "log");
  for (let tries = 0; ; tries++) {
    const port = await freePort(listen);
    const command = server === "openssh" ? openssh(options, home, port) : dropbear(dir, listen, port);
    const child = start(passwd === null ? command : within(dir, command), log);
    if (await listening(child, listen, port)) return served(child, port);
    await ended(child);
    if (tries === 4) throw new Error(`${server} does not start: ${readFileSync(log, "utf8")}`);
  }

  function served(child: ChildProcess, port: number): Served {
    const record = { address: listen, port: String(port), user: userInfo().username, host_key: hostKey.public };
    return {
      record,
      home,
      port,
      pid: child.pid as number,
      log: () => readFileSync(log, "utf8"),
      stop: () => ended(child),
    };
  }
}

function openssh({ dir, listen = "127.0.0.1", settings = [] }: Serve, home: string, port: number): string[] {
  const lines = [
    ...settings,
    `ListenAddress ${listen.includes(":") ? `[${listen}]` : listen}:${port}`,
    `HostKey ${join(dir, "host_key")}`,
    `AuthorizedKeysFile ${join(home, ".ssh", "authorized_keys")}`,
    `SetEnv HOME=${home}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "PrintMotd no",
    "UseDNS no",
    "LogLevel VERBOSE",
    "",
  ];
  writeFileSync(join(dir, "sshd_config"), lines.join("\n"));
  if (root) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  return [findSshd() as string, "-D", "-e", "-f", join(dir, "sshd_config")];
}

function dropbear(dir: string, listen: string, port: number): string[] {
  const file = join(dir, "dropbear_key");
  if (!existsSync(file))
    execFileSync("dropbearconvert", ["openssh", "dropbear", join(dir, "host_key"), file], {
      env: { PATH },
      stdio: "pipe",
    });
  return ["dropbear", "-F", "-E", "-s", "-P", join(dir, "pid"), "-r", file, "-p", `${listen}:${port}`];
}

/** This user's line with another home and shell, and a list of shells that holds it. */
function ownPasswd(dir: string, home: string, shell: string): true {
  const { username, uid, gid } = userInfo();
  let path = shell;
  if (shell === "busybox") {
    mkdirSync(join(dir, "shell"), { recursive: true });
    path = join(dir, "shell", "sh");
    symlinkSync("/bin/busybox", path);
  }
  const lines = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .filter((line) => !line.startsWith(`${username}:`));
  writeFileSync(join(dir, "passwd"), `${username}:x:${uid}:${gid}::${home}:${path}\n${lines.join("\n")}`);
  writeFileSync(join(dir, "shells"), `${path}\n`);
  for (const file of ["passwd", "shells"]) chmodSync(join(dir, file), 0o644);
  return true;
}

const mounts =
  'mount --make-rprivate / && for file in passwd shells; do mount --bind "$0/$file" "/etc/$file" || exit; done && exec "$@"';
const within = (dir: string, command: string[]) => ["unshare", "--mount", "sh", "-c", mounts, dir, ...command];

function start([program, ...args]: string[], log: string): ChildProcess {
  const to = openSync(log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", program as string, ...args], {
    stdio: ["ignore", to, to],
    env: { PATH },
  });
  closeSync(to);
  return child;
}

async function listening(child: ChildProcess, listen: string, port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const table = listen.includes(":") ? "/proc/net/tcp6" : "/proc/net/tcp";
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(15)) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    if (new RegExp(`:${hex} [0-9A-F]+:0000 0A `).test(readFileSync(table, "latin1"))) return true;
  }
  return false;
}

export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Null where this kernel has the IPv6 loopback. */
export const needsIpv6: string | null = await freePort("::1").then(
  () => null,
  () => "needs the IPv6 loopback",
);
