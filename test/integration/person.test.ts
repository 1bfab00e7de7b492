// A person pushes to the default branch again and again while ticks run. Nothing of theirs is lost, nothing runs twice.
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { pathClass } from "../../src/core/schema.ts";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const run = promisify(execFile);
const say: Script = (job) => ({ stdout: `answer of ${job}\n` });
/** Ticks in each mode, walked by two tickers at a time. */
const ticks = 30;

interface Person {
  /** Path → last content pushed; null: removed. */
  pushed: Map<string, string | null>;
  subjects: string[];
  rejected: number;
}

/** Edits tasks, notes and settings as fast as git lets one; rebases when a push is rejected, as people do. */
async function person(pack: TestPack, done: () => boolean, pause: () => number): Promise<Person> {
  const dir = join(pack.dir, "person");
  const git = (...args: string[]) =>
    run("git", ["-C", dir, "-c", "user.name=person", "-c", "user.email=person@localhost", ...args]);
  await run("git", ["clone", "-q", pack.origin, dir]);
  const log: Person = { pushed: new Map(), subjects: [], rejected: 0 };
  for (let n = 0; !done(); n++) {
    const edit: [string, string | null][] = [
      [`tasks/p${n}.md`, md(`title: Task ${n} of a person`, `echo ${n}`)],
      [`tasks/edited.md`, md(`title: Edited ${n} times\nrun: ${Math.floor(n / 8) + 1}`, `echo ${n}`)],
      [`notes/day ${n % 3}.txt`, `line ${n}\n`],
      ["README.md", `# Edited ${n} times\n`],
    ];
    if (n >= 6) edit.push([`tasks/p${n - 6}.md`, null]);
    for (const [path, text] of edit.slice(n % 2 === 0 ? 0 : 1)) {
      if (text === null) await rm(join(dir, path), { force: true });
      else {
        await mkdir(dirname(join(dir, path)), { recursive: true });
        await writeFile(join(dir, path), text);
      }
      log.pushed.set(path, text);
    }
    const subject = `person's edit ${n}`;
    await git("add", "-A");
    await git("commit", "-q", "-m", subject);
    while (
      !(await git("push", "-q", "origin", "HEAD:main").then(
        () => true,
        () => false,
      ))
    ) {
      log.rejected++;
      await git("pull", "-q", "--rebase", "origin", "main");
    }
    log.subjects.push(subject);
    await new Promise((resolve) => setTimeout(resolve, pause()));
  }
  return log;
}

describe.each([
  ["default", "main", ""],
  ["own", "towline", "ledger: {branch: towline}\n"],
])("ledger on the %s branch", (_, ledger, settings) => {
  test(`a person pushes during ${ticks} ticks`, async () => {
    const machines = { ann: machine({ slots: 8 }), bob: machine({ slots: 8 }) };
    const pack = testPack({
      ...basics(["ann", "bob"], settings),
      "tasks/first.md": md("title: First\nevery: 1h", "x"),
    });
    try {
      const second = join(pack.dir, "clone2");
      pack.git("clone", "-q", pack.origin, second);
      let left = ticks;
      let contended = 0;
      let over = false;
      let took = 0;
      const began = Date.parse("2026-11-20T10:00:00Z");
      const ticker = async (dir: string) => {
        while (left > 0) {
          left--;
          const now = new Date(began + (ticks - left) * 360_000).toISOString();
          const from = performance.now();
          const outcome = await runTick(dir, machines, say, { now });
          took = performance.now() - from;
          if (outcome.contended) contended++;
        }
      };
      // On a busy machine all goes slower, and so does the person: else no tick would ever win.
      const typing = person(
        pack,
        () => over,
        () => 250 + took / 2,
      );
      await Promise.all([ticker(pack.clone), ticker(second)]).finally(() => {
        over = true;
      });
      const log = await typing;
      // Nothing of the person's is lost: every edit is in the history once, every file is as it was last pushed.
      const history = pack.at("log", "--author=person", "--format=%s", "main").trim().split("\n");
      expect(log.subjects.length).toBeGreaterThan(5);
      expect(history.filter((one) => one.startsWith("person's edit")).sort()).toEqual([...log.subjects].sort());
      const files = pack.at("ls-tree", "-r", "-z", "--name-only", "main").split("\0");
      for (const [path, text] of log.pushed)
        expect([path, files.includes(path) ? pack.file(path) : null]).toEqual([path, text]);
      // No commit of towline's touches a path of theirs, and none of theirs a path of towline's.
      const touched = (author: string, ref: string) =>
        new Set(
          pack.at("log", `--author=${author}`, "--format=", "--name-only", "-z", ref).split("\0").filter(Boolean),
        );
      expect([...touched("towline", ledger)].filter((path) => pathClass(path.trim()) !== "ledger")).toEqual([]);
      expect([...touched("person", "main")].filter((path) => pathClass(path.trim()) === "ledger")).toEqual([]);
      if (ledger !== "main") expect(touched("towline", "main").size).toBe(0);
      // No job was started twice.
      const journal = [...machines.ann.journal, ...machines.bob.journal].map((key) => key.split("/")[0]);
      expect(journal.length).toBeGreaterThan(5);
      expect(new Set(journal).size).toBe(journal.length);
      expect(pack.at("fsck", "--strict", "--no-dangling")).toBe("");
      // Once the person rests, so does the line.
      const now = new Date(began + (ticks + 1) * 360_000).toISOString();
      for (let more = 0; more < 4; more++) await runTick(pack.clone, machines, say, { now });
      expect((await runTick(pack.clone, machines, say, { now })).commits).toEqual([]);
      for (const path of log.pushed.keys())
        if (path.startsWith("tasks/") && log.pushed.get(path) !== null)
          expect([path, pack.file(`status/${path.slice(6)}`, ledger)]).toEqual([
            path,
            expect.stringMatching(/^state: done$/m),
          ]);
      console.log(
        `${log.subjects.length} edits of a person, ${log.rejected} of their pushes rejected, ${contended} ticks gave way`,
      );
    } finally {
      pack.remove();
    }
  }, 600_000);
});
