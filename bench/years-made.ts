// The days of `bench/years.ts`, made in worker threads: asked for a day, one answers what `git fast-import` reads of it.
import { parentPort } from "node:worker_threads";
import { rollInto, shelfOf } from "../src/core/archive.ts";
import { indexPath, indexText } from "../src/core/archive-index.ts";
import { digest } from "../src/core/hash.ts";
import { blobId } from "../src/shell/repo-read.ts";

export const end = Date.parse("2026-11-28T00:00:00Z");
/** Days whose records are not archived. */
export const kept = 90;

export const dayAt = (back: number) => new Date(end - back * 86_400_000).toISOString().slice(0, 10);

/** 450 jobs with their reflections, 100 files of events. */
export function recordsOf(day: string): { path: string; text: string }[] {
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

function filesOf(back: number): [string, string][] {
  const records = recordsOf(dayAt(back));
  if (back <= kept) return records.map(({ path, text }) => [path, text]);
  const rolled = rollInto(
    new Map(),
    records.map((one) => ({ ...one, shelf: shelfOf(one.path) as string })),
  );
  return [...rolled].flatMap(([path, text]) => [
    [path, text],
    [indexPath(path), indexText(path, text, blobId(Buffer.from(text), "sha1"), "UTC")],
  ]);
}

export const imported = (files: readonly [string, string][]) =>
  files.map(([path, text]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`).join("");

parentPort?.on("message", (back: number) => parentPort?.postMessage(imported(filesOf(back))));
