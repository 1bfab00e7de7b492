// Records that are too old for the lists of the newest: by day, in files that are written once, and pages of plain text.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newest_jobs } from "../../src/core/export-world.ts";
import { type DayLine, dayFile, type Exported } from "../../src/core/exported.ts";
import { writeExport } from "../../src/shell/export.ts";
import { openRepo } from "../../src/shell/repo.ts";
import { buildSite } from "../../src/shell/site.ts";
import { md } from "../fakes/pack.ts";
import { hostile } from "./sample.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "towline-days-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const pad = (n: number) => String(n).padStart(2, "0");
const files = new Map<string, string>([["towline.yml", "id: long\nname: long\nzone: Europe/Berlin\n"]]);
/** Ten a day, the newest on 28 November; the oldest one means harm. */
for (let n = 0; n < newest_jobs + 45; n++) {
  const at = new Date(
    Date.UTC(2026, 10, 28, 22, 30) - Math.floor(n / 10) * 86_400_000 - (n % 10) * 60_000,
  ).toISOString();
  const day = at.slice(0, 10).replaceAll("-", "/");
  const why = n === newest_jobs + 44 ? JSON.stringify(hostile.join(" ").replaceAll("\n", " ")) : "it was due";
  const run = `run: {occurrence: x, run_id: r${n}, epoch: 1, tick: t, claimed_at: "${at}", deadline: 2m, input_hash: x}`;
  const said = n === newest_jobs + 44 ? hostile.join("\n") : n === newest_jobs + 43 ? "é".repeat(9000) : `Answer ${n}.`;
  files.set(
    `jobs/${day}/job-${pad(n)}.md`,
    md(`task: t${n}\nstate: finished\n${run.replace("epoch", `why: ${why}, epoch`)}`, said),
  );
}
files.set("jobs/2026/11/01/torn.md", "---\ntask: x\n");

function commit(): string {
  execFileSync("git", ["init", "-q", "--bare", "--initial-branch=main", root], { stdio: "ignore" });
  const parts = [...files].map(([path, text]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  const head = "commit refs/heads/main\ncommitter b <b@example.org> 1795248720 +0000\ndata 1\nx\n";
  execFileSync("git", ["fast-import", "--quiet", "--force"], { cwd: root, input: head + parts.join("") });
  return execFileSync("git", ["rev-parse", "main"], { cwd: root, encoding: "utf8" }).trim();
}

test("the newest are listed with their text, older ones stand in files by day; nothing is lost or written twice", async () => {
  const data = join(root, "data");
  const once = async () => {
    const tip = commit();
    return writeExport(await openRepo(root), { policy: tip, ledger: tip }, data);
  };
  await once();
  const read = <T>(name: string): T => JSON.parse(readFileSync(join(data, name), "utf8"));
  const jobs = read<{ id: string; body: string }[]>("jobs.json");
  expect(jobs).toHaveLength(newest_jobs);
  expect(jobs.map(({ id, body }) => `${id} ${body.trim()}`)).toEqual(jobs.map((_, n) => `job-${pad(n)} Answer ${n}.`));
  expect(read<{ path: string }[]>("problems.json").map(({ path }) => path)).toEqual(["jobs/2026/11/01/torn.md"]);
  const days = read<Exported<"days">[]>("days.json");
  // 22:30 UTC is the day before midnight in Berlin: 23:30.
  expect(days.map(({ id, jobs: n, shows }) => `${id} ${n} ${shows}`)).toEqual(
    ["2026-11-08", "2026-11-07", "2026-11-06", "2026-11-05"].map((day) => `${day} 10 text`).concat("2026-11-04 5 text"),
  );
  const oldest = read<DayLine[]>(dayFile(days.at(-1) as Exported<"days">, "jobs"));
  expect(oldest).toHaveLength(5);
  expect(oldest[3]).toMatchObject({ title: `t${newest_jobs + 43}`, state: "finished", cut: 18_002 });
  expect(Buffer.byteLength(oldest[3]?.text ?? "")).toBeLessThanOrEqual(4096);
  const folder = join(data, "days");
  const times = () => Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).ino]));
  const before = times();
  expect((await once()).changed).toBe(false);
  expect(times()).toEqual(before);
  const [path] = [...files.keys()].filter((name) => name.startsWith("jobs/2026/11/04/"));
  files.set(path as string, `${files.get(path as string)}More was said.\n`);
  expect((await once()).changed).toBe(true);
  const after = times();
  expect(Object.keys(after)).toHaveLength(5);
  expect(Object.keys(after).filter((name) => !(name in before))).toEqual([expect.stringMatching(/^jobs-2026-11-04-/)]);
  const { out } = await buildSite({ data, out: join(root, "site") });
  const index = readFileSync(join(out, "earlier/index.html"), "utf8");
  expect(index).toContain('href="/earlier/2026-11-08/"');
  const page = readFileSync(join(out, "earlier/2026-11-04/index.html"), "utf8");
  expect(page).toContain("More was said.");
  expect(page).not.toMatch(/<script(?! type="module" src="\/assets)|<img|<svg onload|<iframe|<style/);
  expect(page).toContain("&#60;script&#62;window.canary=1");
}, 120_000);
