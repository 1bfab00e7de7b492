// Golden ticks: before/ is a pack, script.json says what its machines answer, after/ is the ledger that a person finds, and
// log.txt the subjects of its commits.
// UPDATE_GOLDEN=1 rewrites after/. Read it then as a person would: is that what you want in your repository?
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { pathClass } from "../../src/core/schema.ts";
import { type FakeRun, machine, type Script } from "../fakes/fleet.ts";
import { testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

interface Step {
  now: string;
  /** Hosts that do not answer in this tick. */
  down?: string[];
  /** Files that a person pushes before it: the whole text, or `[from, to]` of the text that is there; null deletes. */
  edit?: Record<string, string | [string, string] | null>;
  /** What jobs come to from now on, before what `jobs` of the play says. */
  jobs?: Record<string, FakeRun>;
}

interface Play {
  /** Host → what it is besides a machine with a shell. */
  hosts: Record<string, { slots?: number; load?: number; runtimes?: string[] }>;
  /** Start of a job's id, or `start host` → what it prints and how it ends. */
  jobs: Record<string, FakeRun>;
  steps: Step[];
}

const update = process.env.UPDATE_GOLDEN === "1";
const cases = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((one) => one.isDirectory())
  .map((one) => one.name)
  .sort();

function read(root: string, at = ""): Record<string, string> {
  if (!existsSync(join(root, at))) return {};
  return Object.fromEntries(
    readdirSync(join(root, at), { withFileTypes: true }).flatMap((one) => {
      const path = at === "" ? one.name : `${at}/${one.name}`;
      return one.isDirectory() ? Object.entries(read(root, path)) : [[path, readFileSync(join(root, path), "utf8")]];
    }),
  );
}

function write(root: string, files: Record<string, string>): void {
  rmSync(root, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** The random end of a tick's id, and of the names of its files. */
const steady = (text: string) => text.replace(/(\d{8}t\d{6})-[0-9a-f]{8}/g, "$1-random");

async function play(dir: string): Promise<Record<string, string>> {
  const { hosts, steps, ...script } = JSON.parse(readFileSync(join(dir, "script.json"), "utf8")) as Play;
  let { jobs } = script;
  const machines = Object.fromEntries(
    Object.entries(hosts).map(([name, more]) => [name, machine({ ...more, runtimes: more.runtimes ?? ["shell"] })]),
  );
  const pack = testPack(read(join(dir, "before")));
  try {
    for (const { now, down = [], edit, jobs: other = {} } of steps) {
      jobs = { ...other, ...jobs, ...other };
      if (edit)
        pack.push(Object.fromEntries(Object.entries(edit).map(([path, to]) => [path, edited(pack.file, path, to)])));
      for (const [name, host] of Object.entries(machines)) host.down = down.includes(name);
      const answer: Script = (job, _, host) => {
        const found = Object.keys(jobs).find((key) =>
          key.includes(" ") ? job.startsWith(key.split(" ")[0] ?? "") && key.endsWith(` ${host}`) : job.startsWith(key),
        );
        return { at: now, ...(found === undefined ? { stdout: "fine\n" } : jobs[found]) };
      };
      await runTick(pack.clone, machines, answer, { now });
    }
    const paths = pack.at("ls-tree", "-r", "-z", "--name-only", "main").split("\0").filter(Boolean);
    const ledger = paths.filter((path) => pathClass(path) === "ledger");
    const log = pack.at("log", "--reverse", "--author=towline", "--format=%s", "main");
    return Object.fromEntries([["log.txt", log], ...ledger.map((path) => [steady(path), steady(pack.file(path))])]);
  } finally {
    pack.remove();
  }
}

function edited(file: (path: string) => string, path: string, to: string | [string, string] | null): string | null {
  if (to === null || typeof to === "string") return to;
  const text = file(path);
  expect(text).toContain(to[0]);
  return text.replace(to[0], to[1]);
}

describe("golden ticks", () => {
  test.each(cases)("%s", async (name) => {
    const dir = join(import.meta.dirname, name);
    const got = await play(dir);
    if (update) write(join(dir, "after"), got);
    const wanted = read(join(dir, "after"));
    expect(Object.keys(got).sort()).toEqual(Object.keys(wanted).sort());
    for (const [path, text] of Object.entries(got)) expect(`${path}\n${text}`).toBe(`${path}\n${wanted[path]}`);
  });
});
