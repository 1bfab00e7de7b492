// Two SSH servers for loopback machines: the system's OpenSSH, and one inside this process where there is none.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { join } from "node:path";
import ssh2, { type AuthContext, type ServerChannel, type Session } from "ssh2";

export interface ServerOptions {
  /** A folder of the machine's own, for its settings and keys. */
  dir: string;
  home: string;
  user: string;
  /** Private host key, and the public line of the key that may log in. */
  hostKey: string;
  authorized: string;
}

export interface RunningServer {
  port: number;
  /** Process id of the listener, where it is a process. */
  pid?: number;
  stop(): Promise<void>;
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];

export const findSshd = (): string | null => places.find((place) => existsSync(place)) ?? null;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const settings = ({ dir, home }: ServerOptions, port: number) =>
  [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey "${join(dir, "host_key")}"`,
    `AuthorizedKeysFile "${join(dir, "authorized_keys")}"`,
    `SetEnv "HOME=${home}"`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "PrintMotd no",
    "PrintLastLog no",
    "UseDNS no",
    "MaxStartups 100:30:200",
    "MaxSessions 50",
    "",
  ].join("\n");

/** Starts the system's sshd on a free port of the loopback. Throws when it does not come up. */
export async function openSsh(sshd: string, options: ServerOptions): Promise<RunningServer> {
  const { dir } = options;
  writeFileSync(join(dir, "host_key"), options.hostKey, { mode: 0o600 });
  writeFileSync(join(dir, "authorized_keys"), `${options.authorized}\n`, { mode: 0o600 });
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  let said = "";
  for (let tries = 0; tries < 5; tries++) {
    const port = await freePort();
    writeFileSync(join(dir, "sshd_config"), settings(options, port));
    const child = spawn(sshd, ["-D", "-e", "-f", join(dir, "sshd_config")], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: path },
    });
    said = await listening(child);
    if (said === "") return { port, pid: child.pid, stop: () => stop(child) };
    await stop(child);
  }
  throw new Error(`sshd does not start: ${said}`);
}

/** Empty when it listens, else what it said. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const timer = setTimeout(() => resolve(said || "no answer"), 15_000);
    const done = (answer: string) => {
      clearTimeout(timer);
      resolve(answer);
    };
    child.once("error", (thrown) => done(thrown.message));
    child.once("exit", (code) => done(said.trim() || `ended with ${code}`));
    child.stderr?.on("data", (chunk) => {
      said = (said + chunk).slice(-4000);
      if (said.includes("Server listening on")) done("");
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve();
    const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

/** The first line of a server, such as `OpenSSH 9.2p1`. */
export function banner(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port, timeout: 5000 });
    socket.once("data", (chunk) => {
      socket.destroy();
      resolve(/^SSH-2\.0-(\S+)/.exec(String(chunk))?.[1]?.replace("_", " ") ?? "an SSH server");
    });
    socket.once("timeout", () => socket.destroy(new Error("no banner")));
    socket.once("error", reject);
  });
}

/** A server in this process that runs each command by `sh -c`, as the user that runs us. `admit`: another way of letting in. */
export async function builtIn(options: ServerOptions, admit?: (auth: AuthContext) => void): Promise<RunningServer> {
  const allowed = ssh2.utils.parseKey(options.authorized);
  if (allowed instanceof Error) throw allowed;
  const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) => {
    clients.add(client);
    (client as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true); // missing in the types
    client.on("close", () => clients.delete(client));
    client.on("error", () => {});
    const usual = (auth: AuthContext) =>
      mayEnter(auth, options.user, allowed) ? auth.accept() : auth.reject(["publickey"]);
    client.on("authentication", admit ?? usual);
    client.on("session", (accept) => serve(accept(), options));
  });
  const clients = new Set<{ end(): void }>();
  server.listen(0, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        for (const client of clients) client.end();
        server.close(() => resolve());
        setTimeout(resolve, 500).unref();
      }),
  };
}

type Key = Exclude<ReturnType<typeof ssh2.utils.parseKey>, Error>;

export function mayEnter(auth: AuthContext, user: string, allowed: Key): boolean {
  if (auth.method !== "publickey" || auth.username !== user) return false;
  if (!auth.key.data.equals(allowed.getPublicSSH())) return false;
  if (!auth.signature || !auth.blob) return true; // only asks whether this key would do
  return allowed.verify(auth.blob, auth.signature, auth.hashAlgo) === true;
}

function serve(session: Session, { home, user }: ServerOptions): void {
  session.on("exec", (accept, _reject, { command }) => {
    const channel: ServerChannel = accept();
    const env = { HOME: home, USER: user, LOGNAME: user, SHELL: "/bin/sh", PATH: path };
    const child = spawn("/bin/sh", ["-c", command], { cwd: home, env, stdio: "pipe" });
    channel.on("error", () => {});
    child.stdin.on("error", () => {});
    channel.pipe(child.stdin);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    // As with OpenSSH, a lost client does not end a quiet command.
    channel.once("close", () => {
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.once("close", (code, signal) => {
      if (!channel.writable) return;
      if (signal) channel.exit(signal.replace(/^SIG/, ""));
      else channel.exit(code ?? 1);
      channel.end();
    });
  });
}
