// Years of a busy pack, 1,000 records a day, all but the last 90 days in archives: what a shallow clone, ticks, the next
// archive run, looking for one old job and the dashboard take. `node bench/years.ts [YEARS [FOLDER [WORKERS]]]`, 0.5 unless told
// otherwise; what is in FOLDER already (origin.git, ten years take some minutes to make) is used and stays there.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { archiveOnce } from "../src/shell/archive.ts";
import { writeExport } from "../src/shell/export.ts";
import { jobPaths, readPair } from "../src/shell/read.ts";
import { openRepo } from "../src/shell/repo.ts";
import { buildSite } from "../src/shell/site.ts";
import { spentSince } from "../src/shell/spent.ts";
import { machine } from "../test/fakes/fleet.ts";
import { basics, md } from "../test/fakes/pack.ts";
import { at as clockAt, runTick } from "../test/fakes/run-tick.ts";
import { processor, sizes } from "./site.ts";
import { dayAt, end, imported, kept, recordsOf } from "./years-made.ts";

const years = Number(process.argv[2] ?? 0.5);
const days = Math.round(years * 365);

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
  await put("commit refs/heads/main\ncommitter b <b@localhost> 1795824000 +0000\ndata 1\nx\n");
  await put(imported(Object.entries(people)));
  let back = days;
  const work = async () => {
    const worker = new Worker(new URL("years-made.ts", import.meta.url));
    for (let day = back--; day > 0; day = back--) {
      worker.postMessage(day);
      const [text] = (await once(worker, "message")) as [string];
      await put(text);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: Number(process.argv[4] ?? availableParallelism()) }, work));
  into.stdin.end();
  await once(into, "close");
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
