// A real bare origin with a clone, filled with records.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TestPack {
  dir: string;
  origin: string;
  clone: string;
  git(...args: string[]): string;
  /** git in the bare origin. */
  at(...args: string[]): string;
  /** Writes files (null deletes), commits and pushes them as a person would. */
  push(files: Record<string, string | null>, message?: string): void;
  file(path: string, ref?: string): string;
  remove(): void;
}

const run = (cwd: string, args: string[]) =>
  execFileSync("git", ["-c", "user.name=person", "-c", "user.email=person@localhost", ...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/** An empty pair, made once a process and then copied: a suite makes dozens. Nothing cleans up in the middle of a test. */
const pairs = new Map<string, string>();
function emptyPair(branch: string): string {
  const made = pairs.get(branch);
  if (made !== undefined) return made;
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "clone"));
  for (const [cwd, ...how] of [
    [dir, "--bare", "origin.git"],
    [join(dir, "clone"), "."],
  ] as [string, ...string[]][])
    run(cwd, ["init", "-q", "--template=", `--initial-branch=${branch}`, ...how]);
  for (const git of ["origin.git", "clone/.git"]) mkdirSync(join(dir, git, "hooks"));
  run(join(dir, "origin.git"), ["config", "receive.autogc", "false"]);
  run(join(dir, "clone"), ["config", "maintenance.auto", "false"]);
  run(join(dir, "clone"), ["remote", "add", "origin", join(dir, "origin.git")]);
  pairs.set(branch, dir);
  return dir;
}

/** The first push, as it ends: to move a few files takes none of the six processes that git makes of it. */
function land(origin: string, git: string, branch: string): void {
  cpSync(join(git, "objects"), join(origin, "objects"), { recursive: true });
  const tip = readFileSync(join(git, "refs", "heads", branch));
  mkdirSync(dirname(join(git, "refs", "remotes", "origin", branch)), { recursive: true });
  mkdirSync(dirname(join(origin, "refs", "heads", branch)), { recursive: true });
  writeFileSync(join(origin, "refs", "heads", branch), tip);
  writeFileSync(join(git, "refs", "remotes", "origin", branch), tip);
}

export function testPack(files: Record<string, string>, branch = "main"): TestPack {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  const origin = join(dir, "origin.git");
  const clone = join(dir, "clone");
  const empty = emptyPair(branch);
  cpSync(empty, dir, { recursive: true });
  const config = join(clone, ".git", "config");
  writeFileSync(config, readFileSync(config, "utf8").replace(join(empty, "origin.git"), origin));
  let filled = false;
  const pack: TestPack = {
    dir,
    origin,
    clone,
    git: (...args) => run(clone, args),
    at: (...args) => run(origin, args),
    push(changes, message = "records") {
      if (filled) {
        run(clone, ["fetch", "-q", "origin"]);
        run(clone, ["reset", "-q", "--hard", `origin/${branch}`]);
      }
      for (const [path, text] of Object.entries(changes)) {
        if (text === null) rmSync(join(clone, path), { force: true });
        else {
          mkdirSync(dirname(join(clone, path)), { recursive: true });
          writeFileSync(join(clone, path), text);
        }
      }
      run(clone, ["add", "-A"]);
      run(clone, ["commit", "-q", "-m", message]);
      if (!filled) return land(origin, join(clone, ".git"), branch);
      for (let tries = 1; ; tries++) {
        try {
          run(clone, ["push", "-q", "origin", `HEAD:${branch}`]);
          break;
        } catch (thrown) {
          // A ledger commit came in between, as it may for any person: pull and push again.
          if (tries >= 5) throw thrown;
          run(clone, ["fetch", "-q", "origin"]);
          run(clone, ["rebase", "-q", `origin/${branch}`]);
        }
      }
    },
    file: (path, ref = branch) => run(origin, ["show", `${ref}:${path}`]),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
  pack.push(files);
  filled = true;
  return pack;
}

/** A record's text. */
export const md = (fields: string, body = "") => `---\n${fields.trim()}\n---\n\n${body}\n`;

/** Settings, one shell agent and the named hosts. */
export function basics(hosts: string[], settings = ""): Record<string, string> {
  return {
    "towline.yml": `id: test-pack\nname: test\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 1s}\n${settings}`,
    "agents/deckhand.md": md("runtime: shell"),
    ...Object.fromEntries(
      hosts.map((name) => [`hosts/${name}.md`, md(`address: 127.0.0.1\nslots: 4\nlabels: [${name}-label]`)]),
    ),
  };
}
