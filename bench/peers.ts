// Some one-line jobs on each of many loopback machines, beside the tools that people use for that. All of them check the
// machines' keys, and speak to all machines at once.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { bringUp, type Machine, type Machines } from "../src/demo/machines.ts";
import { findSshd } from "../src/demo/sshd.ts";
import { fleetOf, hostOf, sshConfig } from "./loopback.ts";
import type { Measured } from "./run.ts";

interface Peer {
  name: string;
  program: string;
  /** Debian's package that brings it. */
  from: string;
  /** Does all jobs on all machines, and throws when an answer is missing. */
  run(at: Place): Promise<void>;
}

interface Place {
  dir: string;
  config: string;
  names: string[];
  jobs: number;
}

/** `answers`: lines of the output that say `ok` for one machine, once a run. */
async function tool(program: string, args: string[], env: Record<string, string>, answers: RegExp, wanted: number) {
  const { stdout } = await promisify(execFile)(program, args, {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", ...env },
    maxBuffer: 1 << 28,
  });
  const came = stdout.match(answers)?.length ?? 0;
  if (came !== wanted) throw new Error(`${program}: ${came} of ${wanted} answered`);
}

/** One command on all machines is one run of the tool: ten jobs are ten. */
async function each(jobs: number, run: () => Promise<void>): Promise<void> {
  for (let job = 0; job < jobs; job++) await run();
}

const peers: Peer[] = [
  {
    name: "pdsh -R ssh",
    program: "pdsh",
    from: "pdsh",
    run: ({ config, names, jobs }) =>
      each(jobs, () =>
        tool(
          "pdsh",
          ["-R", "ssh", "-f", String(names.length), "-w", names.join(","), "echo ok"],
          { PDSH_RCMD_TYPE: "ssh", PDSH_SSH_ARGS: `-F ${config} %h` },
          /: ok$/gm,
          names.length,
        ),
      ),
  },
  {
    name: "clush",
    program: "clush",
    from: "clustershell",
    run: ({ config, names, jobs }) =>
      each(jobs, () =>
        tool(
          "clush",
          ["-f", String(names.length), "-o", `-F ${config}`, "-w", names.join(","), "echo ok"],
          {},
          /: ok$/gm,
          names.length,
        ),
      ),
  },
  {
    name: "parallel-ssh",
    program: "parallel-ssh",
    from: "pssh",
    run: ({ dir, config, names, jobs }) => {
      const list = join(dir, "pssh_hosts");
      writeFileSync(list, names.map((name) => `${name}\n`).join(""));
      const args = ["-h", list, "-p", String(names.length), "-t", "0", "-x", `-F ${config}`, "-i", "echo ok"];
      return each(jobs, () => tool("parallel-ssh", args, {}, /^ok$/gm, names.length));
    },
  },
  {
    name: "ansible-playbook, raw",
    program: "ansible-playbook",
    from: "ansible-core",
    run: ({ dir, config, names, jobs }) => playbook(dir, config, names, jobs),
  },
];

/** All jobs in one play, over one connection a machine: so people use it. `raw` needs no python there. */
function playbook(dir: string, config: string, names: string[], jobs: number): Promise<void> {
  const [list, play, sockets] = [join(dir, "inventory"), join(dir, "play.yml"), join(dir, "cp")];
  mkdirSync(sockets, { recursive: true });
  writeFileSync(list, names.map((name) => `${name}\n`).join(""));
  const tasks = Array.from({ length: jobs }, () => "    - raw: echo ok\n");
  writeFileSync(play, `- hosts: all\n  gather_facts: false\n  tasks:\n${tasks.join("")}`);
  return tool(
    "ansible-playbook",
    ["-i", list, "-f", String(names.length), play],
    {
      HOME: dir,
      ANSIBLE_HOST_KEY_CHECKING: "True",
      ANSIBLE_SSH_ARGS: `-F ${config} -o ControlMaster=auto -o ControlPersist=15s`,
      ANSIBLE_SSH_CONTROL_PATH_DIR: sockets,
      ANSIBLE_NOCOLOR: "1",
    },
    new RegExp(`\\bok=${jobs} .*failed=0`, "g"),
    names.length,
  );
}

/** Towline: all jobs of a machine in one conversation, each journalled, framed, checked and acknowledged. */
async function ours(up: Machines, name: string, jobs: number): Promise<void> {
  const fleet = fleetOf(up);
  const launch = { files: { script: "echo ok\n" }, secret: [], command: "exec sh ./script" };
  const one = async (machine: Machine) => {
    const session = await fleet.open(machine.name, hostOf(machine, { slots: jobs }), "bench");
    let open = Array.from({ length: jobs }, (_, index) => ({ job: `${name}-${index}`, epoch: 1 }));
    for (const job of open) {
      const request = { ...job, day: "2026/01/01", deadline: 60, keep: 16_384, slots: jobs, launch };
      const answer = await session.start(request);
      if (answer.state !== "started") throw new Error(`${machine.name}: ${answer.state}`);
    }
    while (open.length > 0) {
      const ended = await session.wait(open, 10_000);
      const results = [];
      for (const { job, epoch } of ended) results.push(await session.fetch(job, epoch));
      for (const result of results)
        if (Buffer.from(result.stdout.head).toString() !== "ok\n") throw new Error(`${machine.name}: wrong answer`);
      await session.ack(results);
      open = open.filter(({ job }) => !ended.some((one) => one.job === job));
    }
    session.close();
  };
  await Promise.all(up.machines.map(one));
}

export async function besidePeers(rounds: number, count: number, jobs: number): Promise<Measured[]> {
  const dir = mkdtempSync(join(tmpdir(), "tb-")); // short: the names of sockets are
  const up = await bringUp({ dir, count, server: findSshd() ? "openssh" : "built-in" });
  try {
    const place = { dir, config: sshConfig(dir, up, true), names: up.machines.map((one) => one.name), jobs };
    const rows = peers.map((peer) => ({ peer, there: existsSync(`/usr/bin/${peer.program}`) }));
    const first = rows.find((row) => row.there);
    const measured = [
      ...rows.map((row) => ({
        name: row.peer.name,
        note: row.there ? up.kind : `${row.peer.program} is not installed: --install brings ${row.peer.from}`,
        peer: row === first,
        seconds: [] as number[],
      })),
      { name: "towline", note: up.kind, peer: !first, seconds: [] as number[] },
    ];
    const ways = [
      ...rows.map((row) => (row.there ? () => row.peer.run(place) : null)),
      (round: number) => ours(up, `r${round}`, jobs),
    ];
    await ours(up, "warm", 1); // the program is there, as after the first tick
    for (let round = 1; round <= rounds; round++)
      for (const [at, way] of ways.entries()) {
        if (!way) continue;
        await sleep(500); // the sshd children of the way before end
        const from = performance.now();
        await way(round);
        measured[at]?.seconds.push((performance.now() - from) / 1000);
      }
    return measured;
  } finally {
    await up.down();
  }
}
