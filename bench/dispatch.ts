// One-line jobs on 100 loopback machines: a bare ssh2 loop, pdsh, and ours from probe to acknowledgement.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { bringUp, type Machine, type Machines } from "../src/demo/machines.ts";
import { findSshd } from "../src/demo/sshd.ts";
import { ssh } from "../src/transports/ssh.ts";
import { fleetOf, hostOf, sshConfig } from "./loopback.ts";
import type { Measured } from "./run.ts";

type Way = (up: Machines, round: number) => Promise<void>;

/** All machines at once, each way in each round after the other. `towline` is measured against pdsh without key checks. */
export async function dispatch(rounds: number, count = 100): Promise<Measured[]> {
  const dir = mkdtempSync(join(tmpdir(), "towline-bench-"));
  const up = await bringUp({ dir, count, server: findSshd() ? "openssh" : "built-in" });
  const there = existsSync("/usr/bin/pdsh");
  const missing = there ? "" : "pdsh is not installed: npm run bench -- --install dispatch";
  try {
    const config = there ? { bare: sshConfig(dir, up, false), checked: sshConfig(dir, up, true) } : undefined;
    const ways: { name: string; note?: string; peer?: boolean; run?: Way }[] = [
      {
        name: "pdsh -R ssh, echo ok; host keys not checked",
        note: missing,
        peer: true,
        run: config && ((machines) => pdsh(config.bare, machines)),
      },
      {
        name: "pdsh -R ssh, echo ok; host keys checked",
        note: missing,
        run: config && ((machines) => pdsh(config.checked, machines)),
      },
      { name: "ssh2 loop, echo ok; pinned keys checked", run: bare },
      {
        name: "towline: probe, journalled start, framed collect",
        run: (machines, round) => ours(machines, `bench-${round}`),
      },
      {
        name: "towline: the same, acknowledged at once",
        run: (machines, round) => ours(machines, `acked-${round}`, { ack: true }),
      },
      {
        name: "towline: the same at first contact",
        run: (machines, round) => ours(machines, `first-${round}`, { ack: true, root: `~/.first-${round}` }),
      },
    ];
    const measured = ways.map(({ name, note, peer }) => ({
      name,
      note: note || up.kind,
      peer,
      seconds: [] as number[],
    }));
    await ours(up, "warm", { ack: true }); // the warm way measures machines that hold the program, as after the first tick
    for (let round = 1; round <= rounds; round++)
      for (const [at, way] of ways.entries()) {
        if (!way.run) continue;
        await sleep(500); // the sshd children of the way before end
        const from = performance.now();
        await way.run(up, round);
        measured[at]?.seconds.push((performance.now() - from) / 1000);
      }
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

async function pdsh(config: string, { machines }: Machines): Promise<void> {
  const names = machines.map((machine) => machine.name).join(",");
  const { stdout } = await promisify(execFile)(
    "pdsh",
    ["-R", "ssh", "-f", String(machines.length), "-w", names, "echo ok"],
    {
      env: { PATH: "/usr/bin:/bin", PDSH_RCMD_TYPE: "ssh", PDSH_SSH_ARGS: `-F ${config} %h` },
      maxBuffer: 1 << 24,
    },
  );
  const answers = stdout.split("\n").filter((line) => line.endsWith(": ok")).length;
  if (answers !== machines.length) throw new Error(`pdsh: ${answers} of ${machines.length} answered`);
}

/** A tick acknowledges a result with the next call that is made anyway; `ack` does it in the same one. */
async function ours(
  up: Machines,
  name: string,
  { ack = false, root }: { ack?: boolean; root?: string } = {},
): Promise<void> {
  const fleet = fleetOf(up);
  const launch = { files: { script: "echo ok\n" }, secret: [], command: "exec sh ./script" };
  const one = async (machine: Machine) => {
    const session = await fleet.open(machine.name, hostOf(machine, { root }), "bench");
    const job = { job: name, epoch: 1 };
    const answer = await session.start({ ...job, day: "2026/01/01", deadline: 60, keep: 16_384, slots: 2, launch });
    if (answer.state !== "started") throw new Error(`${machine.name}: ${answer.state}`);
    while ((await session.wait([job], 10_000)).length === 0);
    const result = await session.fetch(job.job, job.epoch);
    if (Buffer.from(result.stdout.head).toString() !== "ok\n") throw new Error(`${machine.name}: wrong answer`);
    if (ack) await session.ack([result]);
    session.close();
  };
  await Promise.all(up.machines.map(one));
}
