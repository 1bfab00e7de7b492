// SSH by the system's own client, with the person's own ssh_config: for certificates, ProxyCommand, FIDO keys and mesh
// tools. One login a host (ControlMaster); where the shared connection is gone, each command logs in by itself.
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { configuration } from "../errors.ts";
import { type Connection, type ConnectOptions, HostFault, type Pipe, type Transport } from "../ports.ts";
import { bare, placeOf } from "./address.ts";
import { endChild, startChild, streamOf } from "./child.ts";
import { type Den, makeDen } from "./openssh-den.ts";
import { judge, turnedAway } from "./openssh-fault.ts";
import { chunks, keepText } from "./pipe.ts";

type Host = Parameters<Transport["connect"]>[1];

export interface OpensshOptions {
  /** All that the client sees of our environment: PATH, HOME, the ssh agent. Never our keys. */
  env: Readonly<Record<string, string>>;
  /** Where private folders are made, the first that will do. */
  folders?: readonly string[];
}

/** Seconds that a shared connection outlives its last command: what is left behind when this process is killed. */
const idle = 20;

export function openssh({ env, folders = [env.TMPDIR ?? "/tmp", "/tmp"] }: OpensshOptions): Transport {
  let version: Promise<number> | undefined;
  return {
    name: "openssh",
    async connect(name, host, options) {
      const until = performance.now() + options.timeout;
      version ??= versionOf(env);
      const den = await makeDen({ name, host, options, env, folders, version: await version });
      try {
        await enter(name, host, den, options, until);
        return connectionOf(name, den);
      } catch (thrown) {
        den.remove();
        throw thrown;
      }
    },
  };
}

/** 9.2 of `OpenSSH_9.2p1 …`. Throws a configuration Fault where there is no client. */
export async function versionOf(env: OpensshOptions["env"]): Promise<number> {
  const child = spawn("ssh", ["-V"], { env, stdio: ["ignore", "ignore", "pipe"] });
  const said = keepText(child.stderr);
  const there = await new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false));
    child.once("close", () => resolve(true));
  });
  const found = /OpenSSH_(?:for_Windows_)?(\d+\.\d+)/.exec(said())?.[1];
  if (there && found) return Number(found);
  throw configuration(
    "`transport: openssh` needs OpenSSH's own client, and there is none in PATH",
    "install it (Debian: openssh-client), or write `transport: ssh`",
  );
}

/** Logs in, or throws why not. Servers that turn logins away for a moment are asked again until the deadline. */
async function enter(name: string, host: Host, den: Den, options: ConnectOptions, until: number): Promise<void> {
  for (;;) {
    const { code, said } = await login(den, Math.max(500, until - performance.now()), options.signal);
    if (code === 0 || (den.control === null && code !== null && code !== 255)) return;
    const astray = den.astray();
    if (astray !== undefined) throw new HostFault("unreachable", `${name} (${placeOf(host)}): ${astray}`);
    const shown = den.shown();
    const pinned = host.host_key !== undefined;
    const fault = judge({ name, pinned, wanted: den.wanted, shown: shown?.fingerprint, code, said });
    if (fault.kind === "unknown-key" && shown && (await options.onUnknownKey?.(shown.fingerprint, shown.key)))
      den.pin(shown.fingerprint);
    else if (!turnedAway(said) || performance.now() + 1000 > until) throw fault;
    else await sleep(200 + Math.random() * 600);
  }
}

/** With a shared connection the client goes to the background once it is in. Without one, a command that does nothing is run. */
async function login(den: Den, limit: number, signal: AbortSignal | undefined) {
  const shared = ["-o", "ControlMaster=yes", "-o", `ControlPersist=${idle}`, "-N", "--", den.address];
  const args = [...den.options(limit), ...(den.control === null ? ["--", den.address, "exit 0"] : shared)];
  const child = startChild("ssh", args, { env: den.env, stdio: ["ignore", "ignore", "pipe"] });
  const text = keepText(child.stderr as NonNullable<typeof child.stderr>);
  const code = await ending(child, limit, signal);
  // What goes to the background may hold stderr open for as long as it lives.
  await Promise.race([new Promise((resolve) => child.stderr?.once("close", resolve)), sleep(50)]);
  child.stderr?.destroy();
  return { code, said: text() };
}

/** Its exit code; null: it was ended, by the deadline or a signal. */
function ending(child: ChildProcess, limit: number, signal?: AbortSignal): Promise<number | null> {
  return new Promise((resolve) => {
    const stop = () => endChild(child);
    const timer = setTimeout(stop, limit);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    const done = (code: number | null) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      resolve(code);
    };
    child.once("error", () => done(255));
    child.once("exit", done);
  });
}

function connectionOf(name: string, den: Den): Connection {
  const running = new Set<ChildProcess>();
  let over = false;
  const run = (args: string[]) => {
    if (over) throw new HostFault("lost", `${name}: the connection was closed`);
    const child = startChild("ssh", [...den.options(10_000), "-o", "ControlMaster=no", ...args], {
      env: den.env,
      stdio: "pipe",
    });
    running.add(child);
    child.stdin?.on("error", () => {});
    child.once("close", () => running.delete(child));
    child.once("error", () => running.delete(child));
    return child;
  };
  return {
    exec: async (command) => pipeOf(name, run(["--", den.address, command])),
    async forward(address, port) {
      const where = address.includes(":") ? `[${bare(address)}]:${port}` : `${address}:${port}`;
      const child = run(["-W", where, "--", den.address]);
      return streamOf(child, (said) => `${name} cannot reach it${said ? `: ${said}` : ""}`);
    },
    close() {
      if (over) return;
      over = true;
      // As over any connection: commands see the end of their input, and what does not care is ended with it.
      for (const child of running) child.stdin?.end();
      const empty = Promise.all([...running].map((child) => new Promise((resolve) => child.once("close", resolve))));
      void Promise.race([empty, sleep(1000)]).then(() => leave(den, running));
    },
  };
}

async function leave(den: Den, running: ReadonlySet<ChildProcess>): Promise<void> {
  for (const child of running) endChild(child);
  if (den.control !== null) {
    const child = startChild("ssh", [...den.options(1000), "-O", "exit", "--", den.address], {
      env: den.env,
      stdio: "ignore",
    });
    await ending(child, 3000);
  }
  den.remove();
}

function pipeOf(name: string, child: ChildProcess): Promise<Pipe> {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("ssh was not given its pipes");
  const text = keepText(stderr);
  // 255 is what the client says of itself, and what any command may say: it proves nothing.
  const closed = new Promise<number | null>((done) => child.once("close", (code) => done(code === 255 ? null : code)));
  return new Promise((resolve, reject) => {
    child.once("error", (thrown) => reject(new HostFault("refused", `${name}: ssh cannot be run: ${thrown.message}`)));
    child.once("spawn", () =>
      resolve({
        stdin: { write: (data) => void stdin.write(data), end: () => void stdin.end() },
        stdout: chunks(stdout),
        stderr: text,
        closed,
        kill: () => endChild(child),
      }),
    );
  });
}
