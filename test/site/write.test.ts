// The export of a real repository, in both ledger modes.
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeExport } from "../../src/shell/export.ts";
import { openRepo } from "../../src/shell/repo.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "towline-export-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const env = {
  PATH: process.env.PATH,
  HOME: tmpdir(),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.org",
  GIT_COMMITTER_DATE: "2026-11-21T09:12:00+01:00",
};
const git = (...args: string[]) => execFileSync("git", args, { cwd: root, env, encoding: "utf8" }).trim();

function commit(branch: string, files: Record<string, string>): string {
  const mark = (name: string) =>
    `M 100644 inline ${name}\ndata ${Buffer.byteLength(files[name] as string)}\n${files[name]}\n`;
  const stream = `commit refs/heads/${branch}\ncommitter a <a@example.org> 1795248720 +0100\ndata 1\nx\n${Object.keys(files).map(mark).join("")}\n`;
  execFileSync("git", ["fast-import", "--quiet", "--force"], { cwd: root, env, input: stream });
  return git("rev-parse", branch);
}

const policy = {
  "towline.yml": "id: try\nname: try it\nzone: Europe/Berlin\n",
  "tasks/hello.md": "---\ntitle: Hello\n---\necho hello\n",
  "tasks/broken.md": "---\ntitle: Never closed\n",
  "hosts/darth.md": "---\naddress: 10.0.0.1\n---\n",
};
const ledger = {
  "OVERVIEW.md": "# try\n\n1 done. Nothing waits for you.\n",
  "status/hello.md":
    "---\ntitle: Hello\nstate: done\nsince: 2026-11-21T08:00:00Z\nseen: 2026-11-20T08:00:00Z\n---\n## Answer\n\n```text\nhello\n```\n",
  "reflections/2026/11/2026-11-21-hello.md":
    "---\ntimestamp: 2026-11-21T08:00:00Z\ntitle: Hello\noutcome: success\n---\nhello\n",
  "state/levels.ndjson": `${JSON.stringify({ source: "fleet", subject: "darth", family: "host", kind: "host.down", pupdate: "p" })}\n`,
  "pupdates/2026/11/21/t1.ndjson": `${JSON.stringify({ id: "p", at: "2026-11-21T07:00:00Z", source: "fleet", kind: "host.down", subject: "darth", title: "x" })}\nno json\n`,
};

async function exported(tips: { policy: string; ledger: string | null }) {
  const repo = await openRepo(root, { env });
  const dir = join(root, "out");
  const result = await writeExport(repo, tips, dir);
  const read = async (name: string) => JSON.parse(await readFile(join(dir, `${name}.json`), "utf8"));
  return { ...result, read };
}

beforeEach(() => {
  git("init", "-q", "-b", "main");
  git("remote", "add", "origin", "git@github.com:example/try.git");
});

test("ledger on the default branch", async () => {
  const tip = commit("main", { ...policy, ...ledger });
  const { read, changed, digest, dir, settings } = await exported({ policy: tip, ledger: tip });
  expect(changed).toBe(true);
  expect(settings.name).toBe("try it");
  expect(await read("meta")).toMatchObject({
    name: "try it",
    policy: tip,
    ledger: tip,
    at: "2026-11-21T08:12:00.000Z",
    forge: "https://github.com/example/try",
  });
  expect((await read("home")).headline).toBe("1 done. Nothing waits for you.");
  expect(await read("tasks")).toMatchObject([{ id: "hello", state: "done", answer: "```text\nhello\n```" }]);
  expect(await read("hosts")).toMatchObject([{ id: "darth", state: "down", since: "2026-11-21T07:00:00Z" }]);
  expect(await read("problems")).toMatchObject([{ path: "tasks/broken.md", line: 3 }]);
  expect(await read("pupdates")).toHaveLength(1);
  expect((await readdir(dir)).filter((name) => name.startsWith("."))).toEqual([]);
  const again = await exported({ policy: tip, ledger: tip });
  expect(again).toMatchObject({ changed: false, digest });
});

test("ledger on a branch of its own: each path is read where it belongs", async () => {
  const main = commit("main", { ...policy, "status/hello.md": "---\ntitle: stale\n---\n" });
  const own = commit("towline", { ...ledger, "tasks/stray.md": "---\ntitle: Stray\n---\n" });
  const { read } = await exported({ policy: main, ledger: own });
  expect((await read("tasks")).map((task: { id: string; state: string }) => [task.id, task.state])).toEqual([
    ["hello", "done"],
  ]);
  expect(await read("reflections")).toHaveLength(1);
});

test("no ledger yet", async () => {
  const tip = commit("main", policy);
  const { read } = await exported({ policy: tip, ledger: null });
  expect(await read("meta")).not.toHaveProperty("ledger");
  expect(await read("tasks")).toMatchObject([{ id: "hello", state: "new" }]);
});

test("a folder that is no pack is a fault with advice", async () => {
  const tip = commit("main", { "README.md": "x" });
  await expect(exported({ policy: tip, ledger: tip })).rejects.toThrow(/there is no towline\.yml/);
});

test("files beside the records: state, samples, a collection from the policy's side, and nothing else", async () => {
  const sample = { host: "darth", load: 0.5, memory_free: 1, memory_total: 2, disk_free: 1, disk_total: 4, slots: 1 };
  const day = (n: number) => `2026-11-${String(n).padStart(2, "0")}`;
  const samples = Array.from({ length: 20 }, (_, n) => [
    `state/hosts/${day(n + 1)}.ndjson`,
    `${JSON.stringify({ ...sample, at: `${day(n + 1)}T08:00:00Z` })}\n`,
  ]);
  const tips = {
    policy: commit("main", {
      ...policy,
      "towline.yml": `${policy["towline.yml"]}collections:\n  crm: {}\n`,
      "crm/schema.json": '{"type": "object", "properties": {"who": {"type": "string"}}}',
      "crm/a.md": "---\nwho: A\n---\n",
      "state/dismissed.ndjson": "",
    }),
    ledger: commit("towline", {
      ...ledger,
      ...Object.fromEntries(samples),
      "crm/b.md": "---\nwho: B\n---\n",
      "state/dismissed.ndjson": `${JSON.stringify({ id: "d", text: "no", signals: [], at: "2026-11-20T08:00:00Z" })}\n`,
    }),
  };
  git("update-ref", "refs/remotes/origin/main", tips.policy);
  git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
  const { read } = await exported(tips);
  expect((await read("collections"))[0].rows.map((row: { path: string }) => row.path)).toEqual(["crm/a.md"]);
  expect((await read("dismissed")).map((row: { id: string }) => row.id)).toEqual(["d"]);
  const [history] = await read("history");
  expect(history.points.map((point: { at: string }) => point.at.slice(0, 10))).toEqual(
    Array.from({ length: 14 }, (_, n) => day(n + 7)),
  );
  expect((await read("meta")).branch).toBe("main");
});
