// A leak that got into the ledger is taken out of it again; the judge looks at every object of the bare repository.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { machine } from "../fakes/fleet.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { program } from "../integration/real.ts";
import { objectsOf } from "./objects.ts";

const leak = "Tr0ub4dor-and-3-more/words";
const files = (settings = "") => ({
  "towline.yml": `id: purge\nzone: UTC\ndefaults: {agent: deckhand}\n${settings}`,
  "agents/deckhand.md": md("runtime: shell"),
  "hosts/ann.md": md("address: 127.0.0.1\nhost_key: SHA256:x"),
  "tasks/good.md": md("title: Good", "echo good"),
  "tasks/leaky.md": md("title: Leaky", "cat key"),
  "tasks/broken.md": md("title: Broken", "cat key"),
});
const say = (job: string) =>
  job.startsWith("leaky")
    ? { stdout: `plain ${leak}\nbase64 ${Buffer.from(`:${leak}:`).toString("base64")}\n` }
    : job.startsWith("broken")
      ? { exit: 3, stderr: `no way in with ${leak}\n` }
      : { stdout: "all is well\n" };

let pack: TestPack | undefined;
afterEach(() => {
  pack?.remove();
  pack = undefined;
});

function towline(args: string[], input = ""): Promise<{ code: number; said: string }> {
  const clone = (pack as TestPack).clone;
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [program, ...args, "--repo", clone],
      { env: { PATH: process.env.PATH, HOME: clone, NO_COLOR: "1" } },
      (error, out, err) => done({ code: Number(error?.code ?? 0), said: out + err }),
    );
    child.stdin?.end(input);
  });
}

/** How many objects hold it, of those that these refs of origin reach. */
function holding(...refs: string[]): number {
  const base64 = Buffer.from(`:${leak}:`).toString("base64").slice(4, -4);
  return objectsOf((pack as TestPack).origin, ...refs).filter(
    ({ text }) => text.includes(leak) || text.includes(base64),
  ).length;
}

function copies(): string {
  const place = join((pack as TestPack).clone, ".git", "towline");
  if (!existsSync(place)) return "";
  const names = readdirSync(place, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  return names.map((item) => readFileSync(join(item.parentPath, item.name), "latin1")).join("\n");
}

async function leaked(settings?: string): Promise<TestPack> {
  pack = testPack(files(settings));
  await runTick(pack.clone, { ann: machine() }, say);
  const env = { PATH: process.env.PATH, HOME: pack.clone };
  for (const verb of ["sync", "export"]) expect(await cli(pack.clone, [verb], env)).toMatchObject({ code: 0 });
  expect(copies()).toContain(leak);
  return pack;
}

describe("a leaked text", () => {
  test("on the default branch: the tip, the database and the dashboard are clean; people are told the rest", async () => {
    const { at } = await leaked();
    const before = at("rev-parse", "main");
    expect(holding("main^{tree}")).toBeGreaterThan(3);

    const dry = await towline(["purge", "-", "--dry-run"], leak);
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.said).toMatch(/^Would change:\n {2}cleaned /);
    expect(at("rev-parse", "main")).toBe(before);

    const { code, said } = await towline(["purge", "-"], `${leak}\n`);
    expect(code).toBe(1); // older commits hold it
    expect(said).toContain("git filter-repo --replace-text");
    expect(dry.said + said).not.toContain(leak);
    expect(holding("main^{tree}")).toBe(0);
    expect(holding("main")).toBeGreaterThan(3);
    expect(copies()).not.toContain(leak);
    expect(at("grep", "-l", "⟨redacted purged⟩", "main", "--", "jobs").trim().split("\n")).toHaveLength(2);
    expect(at("log", "-1", "--format=%s", "main").trim()).toMatch(/^purged \d+ files \[skip ci\]$/);
    expect(await towline(["check"])).toMatchObject({ code: 0 });
  });

  test("on a branch of its own: no object that any ref of origin reaches holds it any more", async () => {
    const { at, git, clone } = await leaked("ledger: {branch: towline}\n");
    const old = at("rev-parse", "towline").trim();
    const elsewhere = join((pack as TestPack).dir, "elsewhere");
    await runTick(clone, { ann: machine() }, say);
    git("clone", "-q", (pack as TestPack).origin, elsewhere);
    await runTick(elsewhere, { ann: machine() }, say);
    const policy = at("rev-parse", "main").trim();
    const kept = await towline(["purge", "-", "--json"], leak);
    expect(kept.code).toBe(1);
    expect(JSON.parse(kept.said)).toMatchObject({ history: { state: "kept" }, people: [], database: "clean" });

    const { code, said } = await towline(["purge", "-", "--rewrite-history", "--json"], leak);
    expect(code).toBe(0);
    const { history } = JSON.parse(said);
    expect(history).toMatchObject({ state: "rewritten", commit: at("rev-parse", "towline").trim() });
    expect(holding("--all")).toBe(0);
    expect(at("rev-list", "--count", "towline").trim()).toBe("1");
    expect(at("rev-parse", "main").trim()).toBe(policy);
    expect(git("merge-base", "--is-ancestor", old, history.backup)).toBe("");
    expect(at("for-each-ref", "refs/towline/backup")).toBe("");
    expect(kept.said + said).not.toContain(leak);
    expect(copies()).not.toContain(leak);

    // The pack goes on, from this clone and from one that only knows the old line.
    for (const dir of [clone, elsewhere]) expect((await runTick(dir, { ann: machine() }, say)).starts).toEqual([]);
    expect((await towline(["purge", "-", "--json"], leak)).code).toBe(0);
  });

  test("by its shape; a file of a person is named and left alone", async () => {
    const { at, push } = await leaked();
    push({ "tasks/mine.md": md("title: Mine", `echo ${leak}`) });
    const { code, said } = await towline(["purge", "/Tr0ub4dor[-a-z0-9]+/", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(said).people).toEqual(["tasks/mine.md"]);
    expect(at("show", "main:tasks/mine.md")).toContain(leak);
    expect(() => at("grep", "-l", "Tr0ub4dor", "main", "--", "jobs", "status", "memos")).toThrow();
    expect(said).not.toContain("Tr0ub4dor-and");
  });
});

describe("a job", () => {
  test.each(["leaky", "broken"])("%s: its words go everywhere, what happened stays", async (task) => {
    const { at } = await leaked();
    const path = at("ls-tree", "-r", "--name-only", "main", "jobs")
      .trim()
      .split("\n")
      .find((one) => one.includes(`/${task}-`)) as string;
    const other = task === "leaky" ? "broken" : "leaky";
    const { code, said } = await towline(["purge", path.replace(/^.*\/|\.md$/g, "")]);
    expect(code).toBe(1);
    expect(said).not.toContain(leak);
    const held = at("grep", "-l", "-e", leak, "main")
      .trim()
      .split("\n")
      .map((line) => line.slice("main:".length));
    expect(held.length).toBeGreaterThan(0);
    for (const one of held) expect(one).not.toContain(`/${task}`);
    expect(at("show", `main:${path}`)).toMatch(/state: (finished|failed)[\s\S]*⟨redacted purged⟩/);
    expect(at("show", `main:jobs/${held.find((one) => one.includes(other))?.slice(5)}`)).toContain(leak);
    expect(copies()).toContain(leak); // of the other job
    expect(await towline(["check"])).toMatchObject({ code: 0 });
    const again = await runTick((pack as TestPack).clone, { ann: machine() }, say);
    expect(again.starts).toEqual([]);
  });
});

describe("what is not understood", () => {
  test.each([
    [["purge", leak], "", /there is no job with that id/],
    [["purge", "-"], "short", /fewer than 8 characters/],
    [["purge", "-"], "", /fewer than 8 characters/],
    [["purge", "/(/"], "", /no regular expression/],
  ])("%j is refused, and not repeated", async (args, input, why) => {
    pack = testPack(files());
    const { code, said } = await towline(args as string[], input as string);
    expect(code).toBe(2);
    expect(said).toMatch(why as RegExp);
    expect(said).not.toContain(leak);
  });
});
