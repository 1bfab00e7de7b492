// Days of a pack with two agents of a model, by the verb's own ticks on a fixed clock. Machines are in memory: what an
// agent is told is read where it starts, and what it says is given by the test.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { main } from "../../src/cli.ts";
import type { Campfire } from "../../src/core/campfire.ts";
import type { Dismissed } from "../../src/core/candidates.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { createPool } from "../../src/shell/pool.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { tickOnce } from "../../src/verbs/tick.ts";
import { quiet, type Wire } from "../../src/wire.ts";
import { fakeFleet, machine } from "../fakes/fleet.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";

/** Days count from today: the stand-in of a forge stamps what is said there by the real clock. */
const today = Date.parse(`${new Date().toISOString().slice(0, 10)}T00:00:00Z`);
/** Five past six in the evening of a day. */
export const evening = (day: number) => new Date(today + day * 86_400_000 + 18 * 3_600_000 + 300_000);
export const dateOf = (day: number) => evening(day).toISOString().slice(0, 10);

export interface Camp {
  pack: TestPack;
  env: Record<string, string | undefined>;
  wire: Wire;
  /** A tick that ends before its first ledger commit is there. */
  dies(day: number): Promise<void>;
  /** A verb on the evening of a day; what it prints. */
  verb(day: number, ...args: string[]): Promise<string>;
  /** What the next jobs of both agents confess. */
  confess: string[];
  /** One tick on the evening of a day. Answers what agents were told, and how many commits it made. */
  day(day: number): Promise<{ told: string[]; commits: number; degraded: string[] }>;
  rows(): Campfire[];
  open(): Campfire | undefined;
  outcomes(): Record<string, string | undefined>;
  dismissed(): Dismissed[];
  pupdates(): { kind: string; subject: string }[];
  /** A person's change of a branch, pushed. */
  change(branch: string, files: Record<string, string | null>): void;
  remove(): void;
}

export const settings = "id: camp\nzone: UTC\ncampfire: {at: '18:00', min: 1}\n";

export function camp(more: Record<string, string> = {}, env: Camp["env"] = {}): Camp {
  const home = mkdtempSync(join(tmpdir(), "towline-camp-"));
  const task = (agent: string) =>
    md(`title: Work of ${agent}\nagent: ${agent}\nevery: "0 9 * * *"`, "Look at the till.");
  const pack = testPack({
    "towline.yml": settings,
    "agents/ann.md": md("runtime: picoclaw", "You are Ann."),
    "agents/bob.md": md("runtime: picoclaw", "You are Bob."),
    "hosts/one.md": md("address: 127.0.0.1\nslots: 4"),
    "tasks/till.md": task("ann"),
    "tasks/log.md": task("bob"),
    ...more,
  });
  const all = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1", ...env };
  const wire: Wire = {
    env: all,
    cwd: pack.clone,
    home,
    clock: systemClock(),
    report: quiet,
    secrets: createSecrets(all),
    terminal: false,
    out() {},
    exit() {},
  };
  const machines = { one: machine({ runtimes: ["picoclaw"] }) };
  const rowsOf = <T>(path: string): T[] => {
    const there = pack.at("ls-tree", "--name-only", "main", path).trim() !== "";
    const lines = there ? pack.file(path).trim().split("\n") : [];
    return lines.filter(Boolean).map((line) => JSON.parse(line) as T);
  };
  const made: Camp = {
    pack,
    env: all,
    wire,
    confess: [],
    async day(day) {
      const now = evening(day).toISOString();
      const told: string[] = [];
      const words = made.confess;
      const fleet = () =>
        fakeFleet(machines, (_job, { launch }) => {
          told.push(Object.values(launch.told ?? {}).join("\n"));
          const outbox = Object.fromEntries(words.map((text, at) => [`0${at + 1}-confess.md`, text]));
          return { stdout: "\n🦞 Done.\n", at: now, outbox };
        });
      const around: NonNullable<Parameters<typeof tickOnce>[2]>["around"] = (ports) => ({
        ...ports,
        connect: (id) => createPool(fleet(), id),
      });
      const { commits, degraded } = await tickOnce(wire, { sync: false, site: false, now }, { around });
      made.confess = [];
      return { told, commits: commits.length, degraded };
    },
    async dies(day) {
      const push = () => Promise.reject(new Error("the end of this process"));
      const around: NonNullable<Parameters<typeof tickOnce>[2]>["around"] = (ports) => ({
        ...ports,
        repo: { ...ports.repo, push },
        connect: (id) =>
          createPool(
            fakeFleet(machines, () => ({})),
            id,
          ),
      });
      const flags = { sync: false, site: false, now: evening(day).toISOString() };
      await expect(tickOnce(wire, flags, { around })).rejects.toThrow("the end of this process");
    },
    async verb(day, ...args) {
      let said = "";
      const clock = systemClock(evening(day).toISOString());
      const out = (text: string) => {
        said += text;
      };
      await main([...args, "--repo", pack.clone], { ...wire, clock, out });
      return said;
    },
    rows: () => rowsOf<Campfire>("state/campfire.ndjson"),
    open: () => made.rows().find(({ state }) => state === "open"),
    outcomes: () =>
      Object.fromEntries(made.rows().flatMap((row) => row.candidates.map((one) => [one.title, one.outcome]))),
    dismissed: () => rowsOf<Dismissed>("state/dismissed.ndjson"),
    pupdates: () =>
      pack
        .at("ls-tree", "-r", "--name-only", "main", "pupdates/")
        .split("\n")
        .filter(Boolean)
        .flatMap((path) => rowsOf<{ kind: string; subject: string }>(path)),
    change(branch, files) {
      const { git, clone } = pack;
      git("fetch", "-q", "origin", `+refs/heads/${branch}:refs/heads/work`);
      git("checkout", "-q", "work");
      for (const [path, text] of Object.entries(files)) {
        if (text === null) git("rm", "-q", path);
        else {
          rmSync(join(clone, path), { force: true });
          git(
            "-c",
            "core.autocrlf=false",
            "update-index",
            "--add",
            "--cacheinfo",
            `100644,${blobOf(pack, text)},${path}`,
          );
        }
      }
      git("commit", "-qm", "As I would say it");
      git("push", "-q", "origin", `HEAD:${branch}`);
      git("checkout", "-qf", "main");
      git("branch", "-qD", "work");
    },
    remove() {
      pack.remove();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return made;
}

function blobOf({ git, clone }: TestPack, text: string): string {
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  void git;
  return execFileSync("git", ["hash-object", "-w", "--stdin"], { cwd: clone, input: text, encoding: "utf8" }).trim();
}

/** Merges a branch into the default branch as a person does who has nothing but git. */
export function mergeBranch({ git }: TestPack, branch: string): void {
  git("fetch", "-q", "origin");
  git("checkout", "-q", "-B", "main", "origin/main");
  git("merge", "-q", "--no-ff", "--no-edit", `origin/${branch}`);
  git("push", "-q", "origin", "HEAD:main");
}

export const nothingOf = (told: readonly string[], words: string) => {
  for (const text of told) expect(text).not.toContain(words);
};
export const allOf = (told: readonly string[], words: string) => {
  expect(told.length).toBe(2);
  for (const text of told) expect(text).toContain(words);
};
