// One-line jobs on 100 loopback machines: a bare ssh2 loop, pdsh, and ours (probe, journalled start, framed collect).
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { host as hostSchema } from "../src/core/schema.ts";
import { bringUp, type Machine, type Machines } from "../src/demo/machines.ts";
import { findSshd } from "../src/demo/sshd.ts";
import { createFleet } from "../src/shell/fleet.ts";
import { ssh } from "../src/transports/ssh.ts";

export interface Measured {
  name: string;
  /** Wall time; NaN where `note` says why it was not measured. */
  seconds: number;
  note?: string;
}

const hostOf = ({ address, port, user, hostKey }: Machine) =>
  hostSchema.parse({ address, port: String(port), user, host_key: hostKey, key: "env:KEY", slots: "2" });

/** `count` machines come up once; every way is measured on them, ours with the host program already there (`ack` rides on a later call). */
export async function dispatch(count = 100): Promise<Measured[]> {
  const dir = mkdtempSync(join(tmpdir(), "towline-bench-"));
  const up = await bringUp({ dir, count, server: findSshd() ? "openssh" : "built-in" });
  try {
    const measured: Measured[] = [];
    const note = up.kind;
    const measure = async (name: string, run: () => Promise<void>) => {
      const from = performance.now();
      await run();
      measured.push({ name, seconds: (performance.now() - from) / 1000, note });
    };
    await ours(up, 0); // installs the program: that happens once in a machine's life
    await measure("ssh2 loop, echo ok", () => bare(up));
    if (existsSync("/usr/bin/pdsh")) await measure("pdsh -R ssh, echo ok", () => pdsh(dir, up));
    else measured.push({ name: "pdsh -R ssh, echo ok", seconds: Number.NaN, note: "pdsh is not installed" });
    await measure("towline, probe + journalled start + framed collect", () => ours(up, 1));
    return measured;
  } finally {
    await up.down();
  }
}

async function bare({ machines }: Machines): Promise<void> {
  const transport = ssh();
  const one = async (machine: Machine) => {
    const connection = await transport.connect(machine.name, hostOf(machine), {
      key: machine.keyText,
      timeout: 30_000,
    });
    const pipe = await connection.exec("echo ok");
    let said = "";
    for await (const chunk of pipe.stdout) said += Buffer.from(chunk).toString();
    if (said !== "ok\n") throw new Error(`${machine.name} said ${said}`);
    connection.close();
  };
  await Promise.all(machines.map(one));
}

async function pdsh(dir: string, { machines, keyFile }: Machines): Promise<void> {
  const known = machines.map(({ port }) => `[127.0.0.1]:${port}`);
  const config = machines.flatMap(({ name, port, user }) => [
    `Host ${name}`,
    "  HostName 127.0.0.1",
    `  Port ${port}`,
    `  User ${user}`,
  ]);
  const common = [`  IdentityFile ${keyFile}`, "  IdentitiesOnly yes", "  BatchMode yes"];
  // The keys are checked against known_hosts elsewhere; here that costs nothing that could be seen.
  const trust = ["  StrictHostKeyChecking no", "  UserKnownHostsFile /dev/null", "  LogLevel ERROR"];
  writeFileSync(join(dir, "ssh_config"), [...config, "Host *", ...common, ...trust, ""].join("\n"));
  const { stdout } = await promisify(execFile)(
    "pdsh",
    ["-R", "ssh", "-f", String(known.length), "-w", machines.map((machine) => machine.name).join(","), "echo ok"],
    {
      env: {
        PATH: "/usr/bin:/bin",
        PDSH_RCMD_TYPE: "ssh",
        PDSH_SSH_ARGS: `-F ${join(dir, "ssh_config")} -oLogLevel=ERROR %h`,
      },
      maxBuffer: 1 << 24,
    },
  );
  const answers = stdout.split("\n").filter((line) => line.endsWith(": ok")).length;
  if (answers !== machines.length) throw new Error(`pdsh: ${answers} of ${machines.length} answered`);
}

async function ours({ machines }: Machines, round: number): Promise<void> {
  const fleet = createFleet({ env: { KEY: machines[0]?.keyText }, home: "/nonexistent", connectTimeout: 30_000 });
  const launch = { files: { script: "echo ok\n" }, secret: [], command: "exec sh ./script" };
  const one = async (machine: Machine) => {
    const session = await fleet.open(machine.name, hostOf(machine), "bench");
    const job = { job: `bench-${round}`, epoch: 1 };
    const day = "2026/01/01";
    const answer = await session.start({ ...job, day, deadline: 60, keep: 16_384, slots: 2, launch });
    if (answer.state !== "started") throw new Error(`${machine.name}: ${answer.state}`);
    while ((await session.wait([job], 10_000)).length === 0);
    const result = await session.fetch(job.job, job.epoch);
    if (Buffer.from(result.stdout.head).toString() !== "ok\n") throw new Error(`${machine.name}: wrong answer`);
    session.close();
  };
  await Promise.all(machines.map(one));
}
