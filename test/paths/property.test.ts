// Ids and paths from anywhere, 100,000 of them: what is not refused stays below its root, on every kind of system.
import { posix, win32 } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { jobDay, jobPath, memoPath, queuePath, reflectionPath, slugOf, statusPath } from "../../src/core/ids.ts";
import { unsafePath } from "../../src/core/path.ts";
import { readFacts } from "../../src/remote/answers.ts";
import { rootPath } from "../../src/remote/program.ts";
import { encodeLaunch, encodeRequest } from "../../src/remote/request.ts";
import { checkPaths } from "../../src/shell/repo-build.ts";

const runs = Number(process.env.TOWLINE_PATH_RUNS ?? 100_000);

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("..", ".", "/", "//", "\\", "..\\", "../", "a", "jobs", "x.md") },
  fc.constantFrom(
    "%2e%2e",
    "%2F",
    "\0",
    "\n",
    "\r",
    "\t",
    " ",
    "~",
    "~/",
    "$HOME",
    "$(id)",
    "`id`",
    ";",
    "|",
    "*",
    "?",
  ),
  fc.constantFrom(
    ".git",
    ".GIT",
    "git~1",
    ".g\u200cit",
    ".git ",
    "CON",
    "nul.md",
    "com1",
    "C:",
    "-rf",
    "--",
    "é",
    "\u202e",
  ),
  fc.constantFrom("x".repeat(300), "．．", "․․", "\ud800", "\u2215", ":", "::$DATA", "."),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const hostile = fc.array(piece, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(""));

const below = (at: typeof posix, root: string, path: string) => at.resolve(root, path).startsWith(root + at.sep);

/** Below the root and not the root itself, however a system reads slashes, and in no folder of git's. */
function inside(path: string): boolean {
  const folded = path.toLowerCase().replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, "");
  const git = /(^|[/\\])(\.git|git~\d)[. ]*($|[/\\])/.test(folded);
  return below(posix, "/pack/x", path) && below(win32, "C:\\pack\\x", path) && !git;
}

const holds = (check: (text: string) => void) =>
  fc.assert(
    fc.property(hostile, (text) => void check(text)),
    { numRuns: runs },
  );

test("a path that may be written", () => {
  let kept = 0;
  holds((path) => {
    const changes = new Map([[path, "x"]]);
    if (unsafePath(path) !== null) {
      expect(() => checkPaths(changes, () => true)).toThrow(/^refused to write/);
      return;
    }
    kept++;
    if (!inside(path)) throw new Error(`${JSON.stringify(path)} leaves its root`);
  });
  expect(kept).toBeGreaterThan(runs / 100);
});

test("paths that ids, titles and times are made into", () => {
  const at = "2026-11-20T10:00:00Z";
  holds((text) => {
    const made = [
      jobPath(at, text),
      statusPath(text),
      memoPath(at, text),
      reflectionPath(at, text),
      queuePath(text, text),
    ];
    for (const path of made)
      if (unsafePath(path) === null && !inside(path)) throw new Error(`${JSON.stringify(path)} leaves its root`);
    if (!/^[a-z0-9-]+$/.test(slugOf(text))) throw new Error(`${JSON.stringify(slugOf(text))} is no slug`);
    jobDay(text);
  });
});

test("what a host says that it holds", () => {
  const facts = "identity a\nboot b\nclock 1000\ncores 1\nload 0\nmemory 1 1\ndisk 1 1\narch x\nsystem L\nslots 0";
  holds((text) => {
    const lines = [
      `held ${text} 1 2026/11/20 ended -`,
      `held job 1 ${text} ended -`,
      `held job ${text} - running -`,
      `runtime ${text} ${text}`,
    ];
    let read: ReturnType<typeof readFacts>;
    try {
      read = readFacts(Buffer.from(`${facts}\n${lines.join("\n")}\n`), { runtimes: [], slots: 1, before: 0, after: 0 });
    } catch (thrown) {
      if ((thrown as Error).name === "HostFault") return;
      throw thrown;
    }
    for (const { job, day, epoch } of read.held)
      if (!/^\w[\w.-]*$/.test(job) || !/^(\d{4}\/\d\d\/\d\d)?$/.test(day) || !Number.isSafeInteger(epoch))
        throw new Error(`${JSON.stringify([job, day, epoch])} was believed`);
  });
});

test("what a host is told: one word stays one word, one line one line, and files stay in the job's folder", () => {
  holds((text) => {
    let sent = "";
    try {
      sent = encodeRequest({ nonce: "n", verb: "start", args: [text, 1], body: ["command x"] });
    } catch {
      // refused
    }
    if (sent !== "" && (sent.split("\n").length !== 4 || sent.split("\n")[0]?.split(" ").length !== 4))
      throw new Error(`${JSON.stringify(text)} became more than a word`);
    try {
      encodeLaunch({ launch: { files: { [text]: "" }, secret: [], command: "" } });
    } catch {
      return;
    }
    if (!below(posix, "/job", text)) throw new Error(`${JSON.stringify(text)} leaves the job's folder`);
  });
});

test("the root on a host: no `..`, nothing that a shell reads as more than a word", () => {
  holds((text) => {
    let root: string;
    try {
      root = rootPath(text);
    } catch {
      return;
    }
    if (!/^[\w./-]+$/.test(root) || root.split("/").includes(".."))
      throw new Error(`${JSON.stringify(root)} was taken`);
  });
});
