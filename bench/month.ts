// A month of a small fleet in CI: `node bench/month.ts [days]`. Ticks are real, over real git; machines are in memory, and
// time jumps. Cron comes as late as it does, or not at all. Says what a service bills and what the repository grows by.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machine } from "../test/fakes/fleet.ts";
import { basics, md, testPack } from "../test/fakes/pack.ts";
import { runTick } from "../test/fakes/run-tick.ts";

const days = Number(process.argv[2] ?? 30);
const begin = Date.parse("2026-11-01T00:00:00Z");
const minute = 60_000;
const day = 1440 * minute;

/** The same month each time. */
let seed = 20261101;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

/** Minutes that a scheduled run is late: mostly some, at times hours; null: it never came. */
function lateness(): number | null {
  const luck = random();
  if (luck < 0.05) return null;
  if (luck < 0.06) return 60 + random() * 120;
  return luck < 0.3 ? 12 + random() * 25 : 2 + random() * 10;
}

const tasks = {
  "tasks/health.md": md("title: Health\nevery: 1h\nhosts: all\nspread: each", "df -h"),
  "tasks/backup.md": md("title: Backup\nevery: daily 02:30\nhosts: all\nspread: each", "backup"),
  "tasks/report.md": md("title: Report\nevery: mon 07:00", "report"),
};
const hosts = ["ann", "bob", "cat"];
const pack = testPack({ ...basics(hosts), ...tasks });
const pushes = join(pack.dir, "pushes");
writeFileSync(pushes, "");
writeFileSync(join(pack.origin, "hooks", "post-receive"), `#!/bin/sh\ncat >> ${pushes}\necho >> ${pushes}\n`, {
  mode: 0o755,
});

interface Event {
  at: number;
  what: "cron" | "push";
}
const events: Event[] = [];
let dropped = 0;
for (let at = begin + 7 * minute; at < begin + days * day; at += 30 * minute) {
  const late = lateness();
  if (late === null) dropped++;
  else events.push({ at: at + late * minute, what: "cron" });
}
// A person gives two pieces of work on each working day.
for (let n = 0; n < days; n++)
  if (![0, 6].includes(new Date(begin + n * day).getUTCDay()))
    for (const hour of [9, 14])
      events.push({ at: begin + n * day + (hour + random() * 2) * 60 * minute, what: "push" });
events.sort((a, b) => a.at - b.at);

const machines = Object.fromEntries(hosts.map((name) => [name, machine()]));
const counts = { ticks: 0, busy: 0, commits: 0, starts: 0, events: 0 };

/** What stands so far, as JSON. */
function told(done: number): string {
  const sent = readFileSync(pushes, "utf8").split("\n\n").filter(Boolean);
  const beats = sent.filter((one) => one.split("\n").every((line) => line.includes("refs/towline/beat"))).length;
  execFileSync("git", ["-C", pack.origin, "gc", "-q"]);
  const size = /size-pack: (\d+)/.exec(pack.at("count-objects", "-v"))?.[1];
  const minutes = { ticks: counts.ticks, events: counts.events, pages: counts.busy };
  const ledger = sent.length - beats - counts.events;
  const all = { days: done, dropped, ...counts, pushes: { ledger, beats }, minutes, packed_kB: Number(size) };
  return `${JSON.stringify(all, null, 2)}\n`;
}

for (const { at, what } of events) {
  if (what === "push") {
    counts.events++; // events.yml asks for this tick
    pack.push({ [`tasks/wish-${counts.events}.md`]: md(`title: Wish ${counts.events}`, "uptime") });
  }
  const now = new Date(at).toISOString();
  const say = (job: string) => ({ stdout: `${job} is done\n${"a line of output\n".repeat(20)}`, at: now });
  const done = await runTick(pack.clone, machines, say, { now, spent: 20_000 });
  counts.ticks++;
  counts.commits += done.commits.length;
  counts.starts += done.starts.length;
  if (done.commits.length > 0) counts.busy++;
  if (counts.ticks % 50 === 0) process.stderr.write(told((at - begin) / day));
}
process.stdout.write(told(days));
pack.remove();
