// Machines in namespaces: each with its own network, host name, process table, HOME, boot id and sshd.
// The processes die with the one that made them, and the namespaces with the processes: nothing can be left behind.
import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pinnedFingerprint } from "../../../src/transports/ssh.ts";

export const needsLab = "needs root, iproute2, iptables, openssh-server (npm test -- --install)";
const programs = ["ip", "iptables", "unshare", "nsenter", "setpriv", "ssh-keygen", "/usr/sbin/sshd"];

/** Whether this machine can carry the lab: the programs are there, and namespaces may be made. */
export const lacksLab =
  process.getuid?.() !== 0 ||
  programs.some((one) => spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/sbin; command -v ${one}`]).status !== 0) ||
  spawnSync("unshare", ["--net", "--uts", "--pid", "--mount", "--fork", "--mount-proc", "true"]).status !== 0;

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const prefix = "towline-lab-";

export interface LabMachine {
  name: string;
  address: string;
  /** Its HOME, as seen from outside. */
  home: string;
  /** `SHA256:…` of its host key. */
  hostKey: string;
  /** Runs a program in the machine's network, or throws. */
  net(...command: string[]): void;
  /** Every process of the machine dies at once, as when the power goes. */
  crash(): Promise<void>;
  /** Up again after a crash, with a new boot id. */
  boot(): Promise<void>;
  /** Process ids (outside numbers) of all that runs on it. */
  pids(): number[];
}

export interface Lab {
  dir: string;
  /** The private key that may log in everywhere, as text. */
  keyText: string;
  machines: LabMachine[];
  /** Starts a program in the network from which the machines are reached. It dies with this process. */
  spawn(command: string, args: string[], options?: SpawnOptions): ChildProcess;
  down(): Promise<void>;
}

/** A child that cannot outlive this process. */
const bound = (command: string, args: string[], options: SpawnOptions) =>
  spawn("setpriv", ["--pdeathsig", "KILL", command, ...args], { env: { PATH }, ...options });

const inNet = (pid: number, ...command: string[]) =>
  execFileSync("nsenter", [`--net=/proc/${pid}/ns/net`, ...command], {
    env: { PATH },
    stdio: "pipe",
    encoding: "utf8",
  });

export async function raiseLab(count: number): Promise<Lab> {
  sweep();
  const dir = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, "id")], { env: { PATH } });
  const centre = bound("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
  const pid = centre.pid as number;
  await until("a network of its own", () => ownNet(pid));
  inNet(pid, "ip", "link", "set", "lo", "up");
  inNet(pid, "ip", "link", "add", "br0", "address", "02:77:00:ff:ff:ff", "type", "bridge");
  inNet(pid, "ip", "addr", "add", "10.77.0.1/16", "dev", "br0");
  inNet(pid, "ip", "link", "set", "br0", "up");
  const made = Array.from({ length: count }, (_, i) => machine(dir, pid, i + 1));
  const lab: Lab = {
    dir,
    keyText: readFileSync(join(dir, "id"), "utf8"),
    machines: made,
    spawn: (command, args, options = {}) => bound("nsenter", [`--net=/proc/${pid}/ns/net`, command, ...args], options),
    async down() {
      await Promise.all(made.map((one) => one.crash()));
      await ended(centre);
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  try {
    await Promise.all(made.map((one) => one.boot()));
    return lab;
  } catch (thrown) {
    await lab.down();
    throw thrown;
  }
}

const script = `
mount --make-rprivate /
mount --bind "$1/root" /root
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
mount -t tmpfs tmpfs /run && mkdir /run/sshd
hostname "$2"
exec /usr/sbin/sshd -D -e -f "$1/sshd_config" >>"$1/log" 2>&1
`;

function machine(lab: string, centre: number, number: number): LabMachine {
  const name = `m${number}`;
  const dir = join(lab, name);
  const address = `10.77.${Math.floor(number / 200) + 1}.${(number % 200) + 1}`;
  // A machine keeps its network card when it restarts: neighbours remember its hardware address for up to a minute.
  const card = `02:77:00:00:${(number >> 8).toString(16).padStart(2, "0")}:${(number & 255).toString(16).padStart(2, "0")}`;
  mkdirSync(join(dir, "root"), { recursive: true, mode: 0o700 });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, "hk")], { env: { PATH } });
  writeFileSync(join(dir, "sshd_config"), settings(lab, dir));
  let outer: ChildProcess | undefined;
  let boots = 0;
  const pid = () => outer?.pid as number;
  return {
    name,
    address,
    home: join(dir, "root"),
    hostKey: pinnedFingerprint(readFileSync(join(dir, "hk.pub"), "utf8")),
    net: (...command) => void inNet(pid(), ...command),
    pids: () => (outer ? below(pid()) : []),
    async crash() {
      if (!outer) return;
      const all = below(pid());
      await ended(outer);
      outer = undefined;
      await until(`the end of ${name}`, () => all.every((one) => !alive(one)));
    },
    async boot() {
      writeFileSync(join(dir, "boot_id"), `${randomUUID()}\n`);
      const flags = ["--net", "--uts", "--pid", "--mount", "--fork", "--kill-child=KILL", "--mount-proc"];
      outer = bound("unshare", [...flags, "sh", "-c", script, "sh", dir, name], { stdio: "ignore" });
      await until(`the network of ${name}`, () => ownNet(pid()));
      const port = `v${number}b${++boots}`;
      inNet(centre, "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", String(pid()));
      inNet(centre, "ip", "link", "set", port, "master", "br0", "up");
      inNet(pid(), "ip", "addr", "add", `${address}/16`, "dev", "eth0");
      inNet(pid(), "ip", "link", "set", "eth0", "address", card);
      inNet(pid(), "ip", "link", "set", "eth0", "up");
      inNet(pid(), "ip", "link", "set", "lo", "up");
      const log = join(dir, "log");
      const before = boots;
      await until(`sshd of ${name}`, () => {
        const said = existsSync(log) ? readFileSync(log, "utf8") : "";
        return (said.match(/Server listening on 0\.0\.0\.0/g)?.length ?? 0) >= before;
      });
    },
  };
}

const settings = (lab: string, dir: string) =>
  [
    "ListenAddress 0.0.0.0:22",
    `HostKey ${join(dir, "hk")}`,
    `AuthorizedKeysFile ${join(lab, "id.pub")}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "PrintMotd no",
    "PrintLastLog no",
    "UseDNS no",
    "MaxStartups 200:30:400",
    "MaxSessions 50",
    "",
  ].join("\n");

const stat = (pid: number) => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state = "", parent = "0"] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
};
const alive = (pid: number) => !["Z", "X"].includes(stat(pid)?.state ?? "X");

/** Ids of the processes below this one. */
function below(top: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    const found = /^\d+$/.test(entry) && stat(Number(entry));
    if (found && found.state !== "Z") parents.set(Number(entry), found.parent);
  }
  const under = (pid: number, depth = 0): boolean =>
    depth < 50 && parents.has(pid) && (parents.get(pid) === top || under(parents.get(pid) as number, depth + 1));
  return [...parents.keys()].filter((pid) => under(pid));
}

function ownNet(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false; // not there yet, or not any more
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

async function until(what: string, done: () => boolean | Promise<boolean>, limit = 20_000): Promise<void> {
  const from = performance.now();
  while (!(await done())) {
    if (performance.now() - from > limit) throw new Error(`${what}: not within ${limit / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Folders of labs whose maker is dead; their processes died with it. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const maker = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (maker && !alive(Number(maker))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
