// Years of a busy pack, 1,000 records a day, all but the last 90 days in archives: what a shallow clone, ticks, the next
// archive run, looking for one old job and the dashboard take. `node bench/years.ts [YEARS [FOLDER]]`, 0.5 unless told
// otherwise; what is in FOLDER already (origin.git, ten years take some minutes to make) is used and stays there.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rollInto, shelfOf } from "../src/core/archive.ts";
import { indexPath, indexText } from "../src/core/archive-index.ts";
import { digest } from "../src/core/hash.ts";
import { archiveOnce } from "../src/shell/archive.ts";
import { gitId } from "../src/shell/archive-index.ts";
import { writeExport } from "../src/shell/export.ts";
import { jobPaths, readPair } from "../src/shell/read.ts";
import { openRepo } from "../src/shell/repo.ts";
import { buildSite } from "../src/shell/site.ts";
import { spentSince } from "../src/shell/spent.ts";
import { machine } from "../test/fakes/fleet.ts";
import { basics, md } from "../test/fakes/pack.ts";
import { at as clockAt, runTick } from "../test/fakes/run-tick.ts";
import { processor, sizes } from "./site.ts";

const years = Number(process.argv[2] ?? 0.5);
const days = Math.round(years * 365);
const end = Date.parse("2026-11-28T00:00:00Z");
const kept = 90;

/**
 * What ten years may cost, in seconds of processor (of one core, children with it), unless it says otherwise. They are made
 * for a CI runner of two cores, to which a tick is billed by the begun minute: clone, tick and archive run must fit
 * into one of them together, the dashboard into another. A clone of 1 GiB is where forges ask people to stop.
 */
const bounds: Record<string, number> = {
  "shallow clone": 30,
  "a tick that starts work without a status": 6,
  "an idle tick": 2,
  "the next day into the archive": 12,
  "one job of the first day": 3,
  "export of the dashboard": 30,
  "the site built": 30,
};
const most = { clone_mib: 1024, site_mb: 300, memory_mib: 1536 };

const dayAt = (back: number) => new Date(end - back * 86_400_000).toISOString().slice(0, 10);

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
const made = process.argv[3] && join(process.argv[3], "origin.git");
const origin = join(dir, "origin.git");
const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8", cwd: dir, stdio: "pipe" });
const missed: string[] = [];
const within = (name: string, value: number, bound: number | undefined) => {
  if (bound !== undefined && value > bound) missed.push(`${name}: ${value.toFixed(1)} of ${bound}`);
};
const timed = async <T>(name: string, run: () => T | Promise<T>, more: (made: T) => string = () => "") => {
  const [from, worked] = [performance.now(), processor()];
  const made = await run();
  const used = processor() - worked;
  const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
  const bound = bounds[name] === undefined ? "" : ` of ${bounds[name]}`;
  const took = `${((performance.now() - from) / 1000).toFixed(2)} s`.padStart(10);
  console.log(
    `${name.padEnd(42)} ${took} ${`${used.toFixed(2)}${bound}`.padStart(12)} CPU s  ${memory} MiB  ${more(made)}`,
  );
  within(name, used, bounds[name]);
  return made;
};

const people = {
  ...basics(["ann"]),
  "tasks/strange.md": md("title: Of which there is no status", "uptime"),
  ...Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`tasks/task-${n}.md`, md(`title: Task ${n}\nstatus: paused`, "uptime")]),
  ),
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
  for (const [path, text] of Object.entries(people)) await file(path, text);
  for (let back = days; back > 0; back--) {
    const records = recordsOf(dayAt(back));
    if (back <= kept) for (const { path, text } of records) await file(path, text);
    else
      for (const [path, text] of rollInto(
        new Map(),
        records.map((one) => ({ ...one, shelf: shelfOf(one.path) as string })),
      )) {
        await file(path, text);
        await file(indexPath(path), indexText(path, text, gitId(text, "sha1"), "UTC"));
      }
  }
  into.stdin.end();
  await new Promise((done) => into.once("close", done));
}

async function measured(): Promise<void> {
  const clone = join(dir, "clone");
  await timed(
    "shallow clone",
    () => git("clone", "-q", "--depth=1", "--no-checkout", `file://${origin}`, clone),
    () => {
      const size = Number(/size-pack: (\d+)/.exec(git("-C", clone, "count-objects", "-v"))?.[1]) / 1024;
      within("shallow clone, MiB", size, most.clone_mib);
      return `${size.toFixed(0)} MiB of ${most.clone_mib}`;
    },
  );
  const machines = { ann: machine() };
  const tick = (minute: number) =>
    runTick(clone, machines, () => ({ stdout: "up" }), { now: new Date(end + minute * 60_000).toISOString() });
  await timed(
    "a tick that starts work without a status",
    () => tick(1),
    ({ starts }) => `${starts.length} started`,
  );
  await tick(11);
  await timed(
    "an idle tick",
    () => tick(21),
    ({ commits }) => `${commits.length} commits`,
  );
  const repo = await openRepo(clone);
  const tips = await repo.fetch();
  await timed("of that, the read", () => readPair(repo, tips));
  const clock = clockAt(new Date(end + 86_400_000).toISOString());
  await timed(
    "the next day into the archive",
    async () => archiveOnce({ repo, clock, tick: "bench-archive", age: kept * 86_400 }, tips),
    ({ files, indexes }) => `${files.length} files, ${indexes} indexes`,
  );
  const now = await repo.fetch();
  const [first] = recordsOf(dayAt(days));
  const id = /([^/]+)\.md$/.exec(first?.path ?? "")?.[1] as string;
  await timed(
    "one job of the first day",
    () => jobPaths(repo, now, [id]),
    (paths) => (paths.get(id) === first?.path ? "found" : "lost"),
  );
  const month = new Date(end - 31 * 86_400_000);
  await timed(
    "sums of a month",
    () => spentSince(repo, now, month, new Date(end)),
    ({ expenses }) => `${expenses.size} jobs`,
  );
  await dashboard(clone);
}

/** As a process of its own does it: nothing was read before. */
async function dashboard(clone: string): Promise<void> {
  const repo = await openRepo(clone);
  const tips = await repo.fetch();
  const [data, out] = [join(dir, "data"), join(dir, "site")];
  await timed("export of the dashboard", () => writeExport(repo, tips, data));
  await timed(
    "the site built",
    () => buildSite({ data, out, limit: 600_000 }),
    () => {
      const { files, megabytes, kilobytes } = sizes(out);
      within("site, MB", megabytes, most.site_mb);
      return `${files} files, ${megabytes.toFixed(0)} MB of ${most.site_mb}, home ${kilobytes.toFixed(0)} kB`;
    },
  );
  const memory = process.resourceUsage().maxRSS / 1024;
  within("memory, MiB", memory, most.memory_mib);
  console.log(`most memory ${memory.toFixed(0)} MiB of ${most.memory_mib}`);
}

try {
  console.log(`${years} years, ${days} days, ${days * 1000} records`);
  if (made === undefined || !existsSync(made)) {
    await timed("made", fill);
    await timed(
      "packed",
      () => git("-C", origin, "-c", "pack.threads=1", "gc", "-q"),
      () => /size-pack: \S+ \S+/.exec(git("-C", origin, "count-objects", "-vH"))?.[0] ?? "",
    );
    if (made !== undefined) cpSync(origin, made, { recursive: true });
  } else cpSync(made, origin, { recursive: true });
  await measured();
  for (const line of missed) console.log(`✕ ${line}`);
  if (missed.length > 0) process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
