// Years of a busy pack, 1,000 records a day, all but the last 90 days in archives: what a shallow clone, a tick's read
// and the dashboard's export take. `node bench/years.ts [YEARS]`, 0.5 unless told otherwise.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rollInto, shelfOf } from "../src/core/archive.ts";
import { digest } from "../src/core/hash.ts";
import { writeExport } from "../src/shell/export.ts";
import { readPair } from "../src/shell/read.ts";
import { openRepo } from "../src/shell/repo.ts";
import { spentSince } from "../src/shell/spent.ts";

const years = Number(process.argv[2] ?? 0.5);
const days = Math.round(years * 365);
const end = Date.parse("2026-11-28T00:00:00Z");
const kept = 90;

/** 450 jobs with their reflections, 100 files of events. */
function recordsOf(day: string): { path: string; text: string }[] {
  const at = `${day}T08:00:00.000Z`;
  const [year, month] = day.split("-");
  const jobs = Array.from({ length: 450 }, (_, n) => {
    const id = `task-${n % 40}-${digest(day, String(n)).slice(0, 10)}`;
    const said = digest(id, "said").repeat(4);
    return [
      {
        path: `jobs/${day.replaceAll("-", "/")}/${id}.md`,
        text: `---\ntask: task-${n % 40}\nagent: scout\nhost: host-${n % 50}\nstate: finished\nstarted_at: ${at}\ntook: 42s\ncost: 0.02\nrun:\n  occurrence: "${day}"\n  run_id: ${id}\n  epoch: 1\n  tick: ${day}\n  claimed_at: ${at}\n  ended_at: ${at}\n  deadline: 5m\n  input_hash: ${id}\n  exit: 0\n---\n## Answer\n\nAll is well: ${said}\n`,
      },
      {
        path: `reflections/${year}/${month}/${day}-${id}.md`,
        text: `---\ntimestamp: ${at}\ntitle: Task ${n % 40}\noutcome: success\ndomain: OPS\nsession_id: ${id}\nhost: host-${n % 50}\n---\nAll is well: ${said}\n`,
      },
    ];
  });
  const events = Array.from({ length: 100 }, (_, n) => ({
    path: `pupdates/${day.replaceAll("-", "/")}/t${n}.ndjson`,
    text: `${JSON.stringify({ id: digest(day, `e${n}`).slice(0, 16), at, source: "fleet", kind: "host.up", subject: `host-${n % 50}`, title: "up" })}\n`,
  }));
  return [...jobs.flat(), ...events];
}

const dir = mkdtempSync(join(tmpdir(), "towline-years-"));
const origin = join(dir, "origin.git");
const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8", cwd: dir, stdio: "pipe" });
const timed = async <T>(name: string, run: () => T | Promise<T>, more: (made: T) => string = () => "") => {
  const from = performance.now();
  const made = await run();
  const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log(
    `${name.padEnd(46)} ${((performance.now() - from) / 1000).toFixed(2).padStart(8)} s  ${memory} MiB  ${more(made)}`,
  );
  return made;
};

async function fill(): Promise<void> {
  git("init", "-q", "--bare", "-b", "main", origin);
  const into = spawn("git", ["-C", origin, "fast-import", "--quiet"], { stdio: ["pipe", "inherit", "inherit"] });
  const put = async (text: string) => {
    if (!into.stdin.write(text)) await new Promise((done) => into.stdin.once("drain", done));
  };
  const file = (path: string, text: string) =>
    put(`M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  await put("commit refs/heads/main\ncommitter b <b@localhost> 1795824000 +0000\ndata 1\nx\n");
  await file("towline.yml", "id: years\nzone: UTC\n");
  for (let back = days; back > 0; back--) {
    const records = recordsOf(new Date(end - back * 86_400_000).toISOString().slice(0, 10));
    const rolled = records.map((one) => ({ ...one, shelf: shelfOf(one.path) as string }));
    for (const [path, text] of back > kept
      ? rollInto(new Map(), rolled)
      : records.map(({ path, text }) => [path, text] as const))
      await file(path, text);
  }
  into.stdin.end();
  await new Promise((done) => into.once("close", done));
}

try {
  console.log(`${years} years, ${days} days, ${days * 1000} records`);
  await timed("made", fill);
  await timed(
    "packed",
    () => git("-C", origin, "gc", "-q"),
    () =>
      git("-C", origin, "count-objects", "-vH")
        .split("\n")
        .find((line) => line.startsWith("size-pack")) ?? "",
  );
  const clone = join(dir, "clone");
  await timed("shallow clone, no work tree", () =>
    git("clone", "-q", "--depth=1", "--no-checkout", `file://${origin}`, clone),
  );
  const repo = await openRepo(clone);
  const tips = await repo.fetch();
  await timed("a tick's read", () => readPair(repo, tips));
  await timed(
    "sums of a month",
    () => spentSince(repo, tips, new Date(end - 31 * 86_400_000), new Date(end)),
    ({ expenses }) => `${expenses.size} jobs`,
  );
  await timed(
    "all job records listed",
    () => repo.tree(tips.ledger as string, ["jobs"]),
    (items) => `${items.length} files`,
  );
  await timed("export of the dashboard", () => writeExport(repo, tips, join(dir, "export")));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
