// A host that lies about names, and a pack full of awkward ones, watched from outside the process: which files are touched?
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hostProgram } from "../../src/remote/program.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { program } from "../integration/real.ts";

const strace = (() => {
  try {
    execFileSync("strace", ["-o", "/dev/null", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** Answers each request as the program does, with names that lead elsewhere. `start` is believed once. */
const liar = (facts: string) => `
while read -r verb nonce rest; do
  while IFS= read -r line; do [ "$line" = "end $nonce" ] && break; done
  job=- epoch=-
  case $verb in
    hello) payload=$(cat ${facts}) ;;
    start) payload=started ;;
    ended) payload="../../../evil/1 $rest" ;;
    fetch) payload=../../../../evil job=../../../evil epoch=1 ;;
    *) payload="started ../../evil" ;;
  esac
  printf '\\ntowline1 %s %s %s %s %s -\\n%s\\ntowline1-end %s\\n' "$nonce" "$verb" "$job" "$epoch" "\${#payload}" "$payload" "$nonce"
done
`;

const names = [
  "../../../evil",
  "..",
  "/etc/evil",
  "evil/../../x",
  "-rf",
  "$(touch evil)",
  "a;touch evil",
  ".git",
  "x".repeat(300),
];
const held = names.flatMap((name) => [
  `held ${name} 1 2026/11/20 ended ${"0".repeat(64)}`,
  `held evil 1 ../../../../evil ended ${"0".repeat(64)}`,
  `held evil-${names.indexOf(name)} 1 2026/11/20 ended ${"0".repeat(64)}`,
  `runtime ${name} ${name}`,
]);
const facts = [
  `identity ${"a".repeat(32)}`,
  "boot b",
  `clock ${Math.floor(Date.now() / 1000)}`,
  "cores 1\nload 0\nmemory 9 9\ndisk 9 9\narch ../../evil",
  "system ../../evil $(touch evil)\nslots 0",
  ...held,
].join("\n");

let dir: string;
let pack: TestPack;

beforeEach(async () => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "towline-outside-")));
  const root = join(dir, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(dir, "home"));
  writeFileSync(join(dir, "facts"), facts);
  writeFileSync(join(root, "bin", hostProgram().sha256), liar(join(dir, "facts")));
  const task = (title: string) => md(`title: ${title}`, "echo hi");
  pack = testPack({
    "towline.yml": "id: outside\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 1s}\n",
    "agents/deckhand.md": md("runtime: shell"),
    "hosts/liar.md": md(`address: localhost\ntransport: local\nroot: ${root}`),
    "tasks/plain.md": task("Plain"),
    "tasks/-rf.md": task("Dash"),
    "tasks/..x.md": task("Dots"),
    "tasks/%2e%2e%2fx.md": task("Escaped"),
    "tasks/a b;c.md": task("Words"),
    "tasks/$(touch evil).md": task("Shell"),
    "tasks/CON.md": task("Device"),
    "tasks/deep/er/x.md": task("Deep"),
    [`tasks/${"x".repeat(200)}.md`]: task("Long"),
  });
  await run(["tick", "--no-site", "--no-sync"]); // makes it a pack
  pack.push({
    "jobs/2026/11/20/..evil.md": "no record\n",
    "state/open.ndjson": `${names.map((name) => JSON.stringify({ job: name, path: `jobs/${name}.md` })).join("\n")}\n`,
  });
  symlinkSync("/etc", join(pack.clone, "queue"));
  symlinkSync(join(dir, "..", "evil.md"), join(pack.clone, "tasks", "link.md"));
  pack.git("add", "-A");
  pack.git("commit", "-qm", "links");
  pack.git("push", "-q", "origin", "HEAD:main");
});
afterEach(() => {
  pack?.remove();
  rmSync(dir, { recursive: true, force: true });
});

const roots = () => [dir, pack.dir].map((root) => realpathSync(root));

function run(args: string[], trace?: string): Promise<{ code: number | null; said: string }> {
  const watch = ["-f", "-y", "-qq", "-s", "4096", "-e", "trace=%file,fchmodat,ftruncate", "-o", trace as string];
  const [first = "", ...rest] = [
    ...(trace ? ["strace", ...watch] : []),
    process.execPath,
    program,
    ...args,
    "--repo",
    pack.clone,
  ];
  const env = {
    PATH: process.env.PATH,
    HOME: join(dir, "home"),
    TMPDIR: dir,
    NODE_COMPILE_CACHE: join(dir, "cache"),
    NO_COLOR: "1",
  };
  return new Promise((done) => {
    const child = spawn(first, rest, { env, cwd: dir });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        said += chunk;
      });
    child.on("close", (code) => done({ code, said }));
  });
}

const changing =
  /^\d+ +(?:open(?:at2?)?\(.*O_(?:WRONLY|RDWR|CREAT|TRUNC)|(?:creat|mkdir|rmdir|unlink|rename|link|symlink|truncate|chmod|fchmodat|chown|utime|mknod)\w*\()/;

/**
 * The paths that calls name which change a file. A relative one counts from where the call or the process says that it
 * is; a process begins where its parent was, and all begin in our folder.
 */
function touched(trace: string): string[] {
  const places = new Map<string, string>();
  return readFileSync(trace, "latin1")
    .split("\n")
    .flatMap((line) => {
      const pid = line.slice(0, line.indexOf(" "));
      const went = /^\d+ +chdir\("([^"]*)"\) += 0/.exec(line)?.[1];
      if (went !== undefined) places.set(pid, resolve(places.get(pid) ?? dir, went));
      if (!changing.test(line) || / = -1 /.test(line)) return [];
      const from = /AT_FDCWD<([^>]*)>|\(\d+<([^>]*)>/.exec(line);
      const base = from?.[1] ?? from?.[2] ?? places.get(pid) ?? dir;
      return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = ""]) => resolve(base, path));
    });
}

describe("a host that lies and a pack with awkward names", () => {
  test("nothing is believed that leads elsewhere; every path in the ledger is where it belongs", async () => {
    for (let tick = 0; tick < 2; tick++) {
      const { code, said } = await run(["tick", "--no-site"]);
      expect(said).not.toMatch(/fault of ours/);
      expect([code, said]).toEqual([0, said]);
    }
    const paths = pack.at("ls-tree", "-r", "-z", "--name-only", "main").split("\0").filter(Boolean);
    const planted = ["jobs/2026/11/20/..evil.md", "state/open.ndjson"];
    const ours = paths.filter(
      (path) => !/^(tasks|agents|hosts|queue$|towline\.yml)/.test(path) && !planted.includes(path),
    );
    expect(ours.length).toBeGreaterThan(3);
    for (const path of ours) {
      expect(path).toMatch(/^(jobs|status|memos|pupdates|reflections|state)\/[A-Za-z0-9_./-]+$|^OVERVIEW\.md$/);
      expect(path).not.toMatch(/evil|\.\.|(^|\/)-/);
    }
  });

  test.skipIf(!strace)(
    `no file outside the roots is changed by any verb, ${strace ? "by strace" : "needs strace"}`,
    async () => {
      const verbs = [
        ["tick", "--no-site"],
        ["check"],
        ["export"],
        ["sync"],
        ["plan", "--probe"],
        ["purge", "/evil/", "--dry-run"],
      ];
      for (const [at, verb] of verbs.entries()) {
        const trace = join(dir, `trace-${at}`);
        const { said } = await run(verb, trace);
        expect(said).not.toMatch(/fault of ours/);
        const all = touched(trace);
        expect(all.length).toBeGreaterThan(0);
        const fine = (path: string) =>
          /^\/dev\/(null|tty)$|^\/proc\/self\//.test(path) ||
          roots().some((root) => path === root || path.startsWith(`${root}/`));
        expect([verb[0], all.filter((path) => !fine(path))]).toEqual([verb[0], []]);
      }
      expect(dirname(dir)).toBe(realpathSync(tmpdir()));
    },
  );
});
