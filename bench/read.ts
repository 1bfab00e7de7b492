// 100,000 ledger records in git: all of them read and parsed, a tick with nothing to do, a tick with ten tasks changed.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kindOf, parseEntry } from "../src/core/entry.ts";
import { openRepo } from "../src/shell/repo.ts";
import { machine } from "../test/fakes/fleet.ts";
import { md } from "../test/fakes/pack.ts";
import { runTick } from "../test/fakes/run-tick.ts";
import { world } from "../test/fakes/world.ts";
import type { Measured } from "./run.ts";

const records = 100_000;
const tasks = 1000;
const hosts = ["bow", "keel", "mast", "stern"];
const now = "2026-11-20T10:00:00Z";

/** A pack that has run all its tasks, with their jobs, reflections and status records. */
function lived(): Map<string, string> {
  const every = (i: number) => (i % 20 === 0 ? "\nevery: 0 7 * * *" : i % 20 === 1 ? "\nevery: 6h" : "");
  const pack = world({
    "towline.yml":
      "id: bench\nname: bench\nzone: Europe/Berlin\ndefaults: {agent: deckhand}\ntick: {max_starts: 5000}\n",
    "agents/deckhand.md": md("runtime: shell"),
    ...Object.fromEntries(hosts.map((name) => [`hosts/${name}.md`, md("address: 127.0.0.1\nslots: 256")])),
    ...Object.fromEntries(
      Array.from({ length: tasks }, (_, i) => [`tasks/task-${i}.md`, md(`title: Task ${i}${every(i)}`, `echo ${i}`)]),
    ),
  });
  const answer = () => ({ stdout: "All disks are below 80 percent.\n".repeat(8) });
  for (const at of ["2026-11-19T10:00:00Z", "2026-11-20T09:30:00Z"]) while (pack.tick(at, answer).length > 0);
  return pack.files;
}

const pad = (n: number) => String(n).padStart(2, "0");
/** A job or a reflection of an earlier day. */
function old(i: number, like: { job: string; reflection: string }): [string, string] {
  const day = `${pad((i % 12) + 1)}/${pad((Math.floor(i / 12) % 28) + 1)}`;
  const id = `task-${i % tasks}-${i.toString(16).padStart(10, "0")}`;
  return i % 2 === 0
    ? [`jobs/2025/${day}/${id}.md`, like.job]
    : [`reflections/2025/${day.slice(0, 2)}/2025-${day.replace("/", "-")}-${id}.md`, like.reflection];
}

/** The pack with history up to 100,000 ledger records, in a bare origin and a clone without a work tree. */
function makeRepo(dir: string): string {
  const files = lived();
  const ledger = [...files.keys()].filter((path) => /^(jobs|status|reflections)\//.test(path));
  const first = (folder: string) => files.get(ledger.find((path) => path.startsWith(folder)) as string) as string;
  const like = { job: first("jobs/"), reflection: first("reflections/") };
  for (let i = 0; i < records - ledger.length; i++) {
    const [path, text] = old(i, like);
    files.set(path, `${text}\nNumber ${i}.\n`);
  }
  const git = (at: string, args: string[], input?: string) =>
    execFileSync("git", args, { cwd: at, input, maxBuffer: 1 << 30 });
  const origin = join(dir, "origin.git");
  git(dir, ["init", "-q", "--bare", "-b", "main", origin]);
  const parts = ["commit refs/heads/main\ncommitter b <b@example.org> 0 +0000\ndata 1\nx\n"];
  for (const [path, text] of files) parts.push(`M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  git(origin, ["fast-import", "--quiet"], parts.join(""));
  git(origin, ["update-ref", "refs/towline/pack", "refs/heads/main"]); // the ledger is this repository's own
  const clone = join(dir, "clone");
  git(dir, ["clone", "-q", "--no-checkout", `file://${origin}`, clone]);
  return clone;
}

function raw(clone: string): void {
  const list = spawnSync("git", ["ls-tree", "-r", "--full-tree", "--format=%(objectname)", "HEAD"], {
    cwd: clone,
    maxBuffer: 1 << 30,
  });
  const read = spawnSync("git", ["cat-file", "--batch", "--buffer"], {
    cwd: clone,
    input: list.stdout,
    maxBuffer: 1 << 30,
  });
  if (read.stdout.length < records) throw new Error("git said too little");
}

async function readAll(clone: string): Promise<void> {
  const repo = await openRepo(clone);
  const { policy } = await repo.local();
  const items = await repo.tree(policy, ["jobs", "status", "reflections", "memos", "queue"]);
  const blobs = await repo.blobs(items.map((item) => item.blob));
  const text = new TextDecoder();
  const good = items.filter(({ path, blob }) => {
    const kind = kindOf(path);
    const bytes = blobs.get(blob);
    return kind && bytes && parseEntry(path, kind, text.decode(bytes)).entry;
  });
  if (good.length !== records) throw new Error(`${good.length} records were read`);
}

const program = join(import.meta.dirname, "..", "bin", "towline");
function process_tick(clone: string): void {
  const args = [program, "tick", "--json", "--no-sync", "--no-site", "--now", now, "--repo", clone];
  const ran = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`the tick ended with ${ran.status}: ${ran.stderr}`);
  const told = JSON.parse(ran.stdout) as { commits: string[] };
  if (told.commits.length > 0) throw new Error(`an idle tick made commits: ${ran.stdout}`);
}

/** Ten tasks get a value of `run` that they never had. */
function changeTen(dir: string, round: number): void {
  const ten = Array.from({ length: 10 }, (_, i) => {
    const text = md(`title: Task ${i + 2}\nrun: ${round + 1}`, "echo again");
    return `M 100644 inline tasks/task-${i + 2}.md\ndata ${Buffer.byteLength(text)}\n${text}\n`;
  });
  const head = "commit refs/heads/main\ncommitter b <b@example.org> 1 +0000\ndata 1\ny\nfrom refs/heads/main^0\n";
  execFileSync("git", ["fast-import", "--quiet"], { cwd: join(dir, "origin.git"), input: head + ten.join("") });
}

/** Reads and ticks, one of each a round. The first row is git alone, without a thought. */
export async function read(rounds: number): Promise<Measured[]> {
  const dir = mkdtempSync(join(tmpdir(), "towline-bench-"));
  const rows: Measured[] = [];
  const timed = async (name: string, work: () => Promise<void> | void) => {
    const before = performance.now();
    await work();
    const seconds = (performance.now() - before) / 1000;
    const row = rows.find((one) => one.name === name);
    if (row) row.seconds.push(seconds);
    else rows.push({ name, seconds: [seconds] });
  };
  try {
    const clone = makeRepo(dir);
    const machines = Object.fromEntries(hosts.map((name) => [name, machine({ slots: 256, identity: name })]));
    const tick = async (wanted: number) => {
      const outcome = await runTick(clone, machines, () => ({ stdout: "again\n" }), { now });
      if (outcome.ended.length !== wanted) throw new Error(`${outcome.ended.length} of ${wanted} changed tasks ran`);
      if (wanted === 0 && outcome.commits.length > 0) throw new Error("an idle tick made commits");
    };
    process_tick(clone); // the first one after a clone writes git's own indexes
    for (let round = 1; round <= rounds; round++) {
      await timed("git ls-tree and cat-file --batch alone", () => raw(clone));
      await timed(`all ${records.toLocaleString("en")} ledger records read cold and parsed`, () => readAll(clone));
      await timed("idle tick in a fresh process, fetch included", () => process_tick(clone));
      await timed("idle tick in this process, fetch included", () => tick(0));
      changeTen(dir, round);
      await timed("ten tasks changed: claimed, started in memory, recorded", () => tick(10));
    }
    return rows;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
