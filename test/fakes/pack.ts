// A real bare origin with a clone, filled with records.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

export function testPack(files: Record<string, string>, branch = "main"): TestPack {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  const origin = join(dir, "origin.git");
  const clone = join(dir, "clone");
  const run = (cwd: string, args: string[]) =>
    execFileSync("git", ["-c", "user.name=person", "-c", "user.email=person@localhost", ...args], {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  mkdirSync(clone, { recursive: true });
  run(dir, ["init", "-q", "--bare", `--initial-branch=${branch}`, origin]);
  run(clone, ["init", "-q", `--initial-branch=${branch}`]);
  run(clone, ["remote", "add", "origin", origin]);
  const pack: TestPack = {
    dir,
    origin,
    clone,
    git: (...args) => run(clone, args),
    at: (...args) => run(origin, args),
    push(changes, message = "records") {
      if (run(origin, ["branch", "--list", branch]) !== "") {
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
