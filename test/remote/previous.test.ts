// Jobs that another version of the host program began, and processes that only look like a supervisor.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { HostSession, StartRequest } from "../../src/ports.ts";
import { hostProgram } from "../../src/remote/program.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { noSecrets } from "../../src/shell/secrets.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "8" });
// The program as it was installed on hosts before it was changed last; its text must not be touched.
const text = readFileSync(new URL("previous-program.sh", import.meta.url), "utf8");
const previous = { text, sha256: createHash("sha256").update(text).digest("hex") };

let dir: string;
let home: string;
const children: ChildProcess[] = [];
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  home = join(dir, "home");
  mkdirSync(home);
});
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

const open = (program?: typeof previous): Promise<HostSession> =>
  createFleet({ env: { PATH: path }, home, secrets: noSecrets, program }).open("one", host, "p");
const request = (job: string, script: string): StartRequest => ({
  job,
  epoch: 1,
  day: "2026/11/20",
  deadline: 30,
  keep: 4096,
  slots: 8,
  launch: { files: { script }, secret: [], command: "sh ./script" },
});
const control = (job: string, name: string) => join(home, ".towline", "p", "jobs", job, `1.${name}`);
const owners = (job: string) => readFileSync(control(job, "owner"), "utf8").trim().split("\n");
const supervisor = (job: string) => Number(owners(job).at(-1)?.split(" ")[0]);
/** A kill is only asked for: on a busy machine the process is there a while longer. */
async function endSupervisor(job: string): Promise<void> {
  const pid = supervisor(job);
  process.kill(pid, "SIGKILL");
  await until(() => !existsSync(`/proc/${pid}`) || /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1")));
}
const born = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ")[19];
const said = (job: string) => existsSync(control(job, "out")) && readFileSync(control(job, "out")).length > 0;

async function until(what: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !what(); await sleep(20)) if (Date.now() > end) throw new Error("it never came");
}
async function ended(session: HostSession, job: string): Promise<void> {
  for (let tries = 0; tries < 10; tries++) if ((await session.wait([{ job, epoch: 1 }], 2000)).length > 0) return;
  throw new Error(`${job} never ended`);
}

describe("the program before this one", () => {
  test("what it began is collected by this one: ended, running, and with its supervisor dead", async () => {
    expect(previous.sha256).not.toBe(hostProgram().sha256);
    const before = await open(previous);
    await before.start(request("whole", "echo whole; echo err >&2; exit 3"));
    await before.start(request("running", "echo begun; sleep 60"));
    await before.start(request("orphan", "echo partial; sleep 60"));
    await ended(before, "whole");
    await until(() => said("running") && said("orphan"));
    await endSupervisor("orphan");
    before.close();

    const now = await open();
    expect(readdirSync(join(home, ".towline", "bin")).sort()).toEqual([previous.sha256, hostProgram().sha256].sort());
    expect(now.facts.held.map((one) => `${one.job} ${one.state}`).sort()).toEqual([
      "orphan died",
      "running running",
      "whole ended",
    ]);
    expect(await now.start(request("whole", "echo again"))).toEqual({ state: "already", epoch: 1 });
    expect(await now.seal("running", 2)).toEqual({ started: 1 });
    const whole = await now.fetch("whole", 1);
    expect(whole).toMatchObject({ exit: 3, end: "exited", program: previous.sha256 });
    expect(Buffer.from(whole.stdout.head).toString()).toBe("whole\n");
    const orphan = await now.fetch("orphan", 1);
    expect([orphan.end, Buffer.from(orphan.stdout.head).toString()]).toEqual(["died", "partial\n"]);
    await now.cancel("running", 1);
    await ended(now, "running");
    const running = await now.fetch("running", 1);
    expect([running.end, Buffer.from(running.stdout.head).toString()]).toEqual(["cancelled", "begun\n"]);
    await now.ack([whole, orphan, running]);
    expect((await now.probe()).held).toEqual([]);
    now.close();
  });
});

test("a job in a format to come: refused with advice, left as it is, never taken for one that is not there", async () => {
  const session = await open();
  await session.start(request("later", "echo from the future; sleep 60"));
  await until(() => said("later"));
  await endSupervisor("later");
  const owner = control("later", "owner");
  writeFileSync(owner, readFileSync(owner, "utf8").replace("spec1 ", "spec9 "));
  await expect(session.probe()).rejects.toThrow(/later in format 9.*update/);
  session.close();
  await expect(open()).rejects.toMatchObject({ kind: "protocol" });
  expect(existsSync(control("later", "sum"))).toBe(false);
  expect(readFileSync(owner, "utf8")).toContain("spec9 ");
  writeFileSync(owner, readFileSync(owner, "utf8").replace("spec9 ", "spec1 "));
  const again = await open();
  const result = await again.fetch("later", 1);
  expect(Buffer.from(result.stdout.head).toString()).toBe("from the future\n");
  await again.ack([result]);
  again.close();
});

test.each(["a process id that another process has now", "a process that is dead and not yet reaped"])(
  "%s is no supervisor, and is left alone",
  async (kind) => {
    const zombie = kind.includes("reaped");
    const job = zombie ? "zombie" : "reused";
    const session = await open();
    await session.start(request(job, "echo partial; sleep 60"));
    await until(() => said(job));
    await endSupervisor(job);
    // A parent that never waits for its child, which ends at once.
    const parent = spawn("sh", ["-c", "sleep 0 & exec sleep 60"], { stdio: "ignore" });
    children.push(parent);
    const pid = parent.pid as number;
    const childOf = () => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
    await until(() => childOf() > 0 && /\) Z /.test(readFileSync(`/proc/${childOf()}/stat`, "latin1")));
    const boot = owners(job).at(-1)?.split(" ")[2];
    // The dead supervisor's birth on a living process; or a zombie by its own birth.
    const [seen, birth] = zombie ? [childOf(), born(childOf())] : [pid, owners(job).at(-1)?.split(" ")[1]];
    appendFileSync(control(job, "owner"), `${seen} ${birth} ${boot}\n`);
    expect((await session.probe()).held).toContainEqual(expect.objectContaining({ job, state: "died" }));
    const result = await session.fetch(job, 1);
    expect([result.end, Buffer.from(result.stdout.head).toString()]).toEqual(["died", "partial\n"]);
    expect(parent.exitCode).toBeNull();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    session.close();
  },
);
