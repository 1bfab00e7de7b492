// The dashboard of a pack with 100,000 reflections and 20,000 jobs: the export from git, and Astro's build of it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { writeExport } from "../src/shell/export.ts";
import { openRepo } from "../src/shell/repo.ts";
import { buildSite } from "../src/shell/site.ts";
import { md } from "../test/fakes/pack.ts";
import type { Measured } from "./run.ts";

/** What the whole may take: export and build together, without fetching. */
const bounds = { seconds: 30, megabytes: 300, memory: 1536, home: 100 };
const days = 730;
const pad = (n: number) => String(n).padStart(2, "0");
const dayAt = (n: number) => new Date(Date.UTC(2026, 10, 21) - (n % days) * 86_400_000).toISOString().slice(0, 10);
const words = "The disks are fine; one of them fills faster than last month, and nobody knows why yet. ";

function* records(reflections: number, jobs: number): Generator<[string, string]> {
  yield ["towline.yml", "id: bench\nname: bench\nzone: Europe/Berlin\nforge: https://github.com/example/bench\n"];
  yield ["agents/deckhand.md", md("runtime: shell")];
  for (const host of ["bow", "keel", "mast", "stern"]) yield [`hosts/${host}.md`, md("address: 127.0.0.1")];
  for (let n = 0; n < 200; n++) yield [`tasks/task-${n}.md`, md(`title: Task ${n}\nevery: 6h`, `echo ${n}`)];
  for (let n = 0; n < reflections; n++) {
    const at = `${dayAt(n)}T${pad(n % 24)}:${pad((n * 7) % 60)}:00Z`;
    const outcome = ["success", "success", "partial", "failure"][n % 4];
    const fields = `timestamp: ${at}\ntitle: How full are the disks of number ${n}?\ngoal: Know a week ahead.\noutcome: ${outcome}\ndomain: D${n % 12}\nagent: deckhand\nhost: keel\nsession_id: task-${n % 200}-${n.toString(16)}`;
    yield [
      `reflections/${at.slice(0, 7).replace("-", "/")}/${at.slice(0, 10)}-task-${n % 200}-${n.toString(16)}.md`,
      md(fields, words.repeat(4 + (n % 9))),
    ];
  }
  for (let n = 0; n < jobs; n++) {
    const at = `${dayAt(n)}T${pad(n % 24)}:${pad((n * 11) % 60)}:00Z`;
    const id = `task-${n % 200}-${n.toString(16)}`;
    const run = `run:\n  occurrence: "${at}"\n  run_id: ${id}\n  epoch: 1\n  tick: t\n  claimed_at: ${at}\n  deadline: 2m\n  ended_at: ${at}\n  input_hash: x\n  exit: 0\n  runtime: shell`;
    yield [
      `jobs/${at.slice(0, 10).replaceAll("-", "/")}/${id}.md`,
      md(
        `task: task-${n % 200}\nagent: deckhand\nhost: keel\nstate: finished\nstarted_at: ${at}\ntook: 12s\n${run}`,
        `## Answer\n\n${words.repeat(3)}`,
      ),
    ];
  }
}

function makeRepo(dir: string, reflections: number, jobs: number): string {
  const git = (args: string[], input?: string) => execFileSync("git", args, { cwd: dir, input, maxBuffer: 1 << 30 });
  git(["init", "-q", "--bare", "-b", "main"]);
  const parts = ["commit refs/heads/main\ncommitter b <b@example.org> 1795248720 +0000\ndata 1\nx\n"];
  for (const [path, text] of records(reflections, jobs))
    parts.push(`M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  git(["fast-import", "--quiet"], parts.join(""));
  return git(["rev-parse", "main"]).toString().trim();
}

export function sizes(out: string) {
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  const whole = files.reduce((sum, item) => sum + statSync(join(item.parentPath, item.name)).size, 0);
  const home = readFileSync(join(out, "index.html"), "utf8");
  const loaded = [...home.matchAll(/<(?:script|link)[^>]+(?:src|href)="\/([^"]+\.(?:js|css|svg))"/g)].map((hit) =>
    readFileSync(join(out, hit[1] as string)),
  );
  const bytes = [Buffer.from(home), ...loaded].reduce((sum, text) => sum + gzipSync(text).length, 0);
  return { files: files.length, megabytes: whole / 1e6, kilobytes: bytes / 1e3 };
}

/** From git to the folder of the site. The last row's note says what else is bounded. */
export async function site(rounds: number, reflections = 100_000, jobs = 20_000): Promise<Measured[]> {
  const dir = mkdtempSync(join(tmpdir(), "towline-bench-"));
  const rows: Measured[] = [];
  const children = watchChildren();
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const [before, worked] = [performance.now(), processor()];
    const done = await work();
    const seconds = (performance.now() - before) / 1000;
    const note = `${(processor() - worked).toFixed(1)} s of processor`;
    const row = rows.find((one) => one.name === name);
    if (row) Object.assign(row, { seconds: [...row.seconds, seconds], note });
    else rows.push({ name, seconds: [seconds], note });
    return done;
  };
  try {
    const tip = makeRepo(dir, reflections, jobs);
    const repo = await openRepo(dir);
    const tips = { policy: tip, ledger: tip };
    const [data, out] = [join(dir, "data"), join(dir, "site")];
    for (let round = 0; round < rounds; round++) {
      rmSync(data, { recursive: true, force: true });
      await timed("export from git", () => writeExport(repo, tips, data));
      await timed("the same again: nothing is new", () => writeExport(repo, tips, data));
      await timed("Astro's build", () => buildSite({ data, out }));
    }
    const { files, megabytes, kilobytes } = sizes(out);
    const memory = [process.resourceUsage().maxRSS / 1024, children()];
    const note = `${files} files, ${megabytes.toFixed(0)} MB of ${bounds.megabytes}; home ${kilobytes.toFixed(0)} kB of ${bounds.home}; memory ${memory.map((one) => one.toFixed(0)).join(" and ")} MiB of ${bounds.memory}; ${bounds.seconds} s allowed`;
    const last = rows.at(-1);
    if (last) last.note += `; ${note}`;
    return rows;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Seconds of processor that this process and its ended children took: on a busy machine these alone say something. */
export function processor(): number {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** Most that any child of this process held so far, MiB, looked at now and then. */
function watchChildren(): () => number {
  let most = 0;
  const look = () => {
    for (const task of readdirSync("/proc/self/task"))
      for (const pid of readFileSync(`/proc/self/task/${task}/children`, "utf8").split(" ").filter(Boolean))
        try {
          const held = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
          most = Math.max(most, Number(held?.[1] ?? 0) / 1024);
        } catch {} // it has ended
  };
  const timer = setInterval(look, 100);
  return () => {
    clearInterval(timer);
    return most;
  };
}
