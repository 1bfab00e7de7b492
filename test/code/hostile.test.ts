// Results that want more than they may: nothing of them gets onto a branch, and nothing into a prompt but as data. Judged
// from outside: by what the repositories hold, and by what the next agents are given.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import { authorOf, type Landed } from "../../src/core/landed.ts";
import { pathClass } from "../../src/core/schema.ts";
import type { State } from "../../src/core/state.ts";
import { createForge } from "../../src/forges/index.ts";
import { type CodeResult, HostFault, type Outcome, type StartRequest, type Work } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { createLand } from "../../src/shell/land.ts";
import { prepare } from "../../src/shell/prepare.ts";
import { createScan, type Scan } from "../../src/shell/scan.ts";
import { createScreen } from "../../src/shell/screen.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { createTargets } from "../../src/shell/target.ts";
import { type FakeRun, machine, type Script } from "../fakes/fleet.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { clone, env, git, type Origin, origin, personPushes, tempDir } from "../repo/origin.ts";
import { bundle_rows, type Ground, stowaways } from "./hostile/bundles.ts";
import { commit_rows } from "./hostile/commits.ts";
import { unfenced } from "./hostile/fences.ts";
import { before, type FileRow, file_rows, type Leaf } from "./hostile/files.ts";
import { answers, frames } from "./hostile/frames.ts";
import { bundleOf, commitOf, packOf, type Thing, type Tree, thing, treesOf } from "./hostile/objects.ts";
import { encodings, secret, secret_binaries, secret_files } from "./hostile/secrets.ts";
import { injection_names, injections, odd_files } from "./hostile/words.ts";

// Other suites have quarantines of their own.
const outer = process.env.TMPDIR;
beforeAll(() => {
  process.env.TMPDIR = mkdtempSync(join(tmpdir(), "towline-hostile-"));
});
afterAll(() => {
  rmSync(process.env.TMPDIR as string, { recursive: true, force: true });
  if (outer === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = outer;
});

/** Every object of a repository, reachable or not, as one text. */
const held = (bare: string) =>
  git(bare, "cat-file", "--batch", "--batch-all-objects", "--buffer", "--unordered").replaceAll("\0", "");
const refs = (bare: string) => git(bare, "for-each-ref", "--format=%(refname)", "refs/heads").split("\n");
const treeAt = (bare: string, commit: string): Tree =>
  new Map(
    git(bare, "ls-tree", "-r", commit)
      .split("\n")
      .map((row) => row.split("\t") as [string, string])
      .map(([left, path]) => [path, { mode: left.slice(0, 6), id: left.slice(12) }]),
  );
/** What is left of a text where nothing between its characters counts. */
const leaks = (text: string) =>
  Object.entries(encodings).flatMap(([name, form]) => (form !== "" && text.includes(form) ? [name] : []));

const who = authorOf("scout");
const done: Outcome = { state: "finished", outcome: "success", answer: "counted" };
const quick: Scan = async (texts) => texts.map(() => []);

describe("bundles", () => {
  let one: Origin;
  let ground: Omit<Ground, "branch">;
  beforeAll(() => {
    one = origin({ "README.md": "# Things\n" });
    const older = git(one.bare, "rev-parse", "main");
    const base = personPushes(one, before);
    ground = { base, older, tree: treeAt(one.bare, base), who };
  });

  /** `once`: the repository is asked where it is a single time. */
  function landing(once = true) {
    const real = createTargets({ dir: clone(one), env, cache: tempDir("cache") });
    let fetched: ReturnType<typeof real.fetch> | undefined;
    const fetch: typeof real.fetch = (...asked) => (fetched ??= real.fetch(...asked));
    const targets = once ? { ...real, fetch } : real;
    const secrets = createSecrets({ DEPLOY_TOKEN: secret });
    const land = createLand({ targets, forge: createForge(undefined, targets), secrets, scan: quick, env });
    const task = { id: "count", data: { agent: "scout", status: "ready" } };
    const agents = new Map([["scout", { id: "scout", data: { runtime: "claude" } }]]);
    const state = {
      tasks: new Map([["count", task]]),
      agents,
      reviews: new Map(),
      settings: { defaults: {} },
    } as unknown as State;
    return (
      branch: string,
      bundle: Uint8Array | null,
      code: Partial<CodeResult> = {},
      outcome: Partial<Outcome> = {},
    ) => {
      const run = { branch, code: { repo: ".", base: ground.base } };
      const job = { id: "count-1", path: "jobs/x/count-1.md", data: { task: "count", agent: "scout", run } };
      const came: CodeResult = { state: "done", base: ground.base, head: "b".repeat(40), commits: 1, bundle, ...code };
      return land(state, job as unknown as Entry<"job">, came, { ...done, ...outcome });
    };
  }
  const told = (landed: Landed | { later: string }) =>
    "reasons" in landed ? landed.reasons.join("\n") : JSON.stringify(landed);

  test(`${bundle_rows.length} of them bring nothing to a branch, each for its own reason; a good one beside them lands`, async () => {
    const land = landing();
    const wrong: string[] = [];
    for (const [n, row] of bundle_rows.entries()) {
      const branch = `towline/h-${n}`;
      const bytes = row.make({ ...ground, branch }, `canary-bundle-${n}-x9q`);
      const said = told(await land(branch, bytes, row.more, row.outcome));
      if (!row.says.test(said) || leaks(said).length > 0) wrong.push(`${row.name}: ${said}`);
    }
    expect(wrong).toEqual([]);
    const leaf = thing("blob", "control\n");
    const trees = treesOf(new Map([...ground.tree, ["good.txt", { mode: "100644", id: leaf.id }]]));
    const head = commitOf(trees.at(-1)?.id as string, [ground.base], who);
    const bytes = bundleOf(packOf([leaf, ...trees, head]), [`-${ground.base}`, `${head.id} refs/heads/towline/good`]);
    expect(await landing(false)("towline/good", bytes)).toMatchObject({ state: "pushed", head: head.id });
    expect(refs(one.bare)).toEqual(["refs/heads/main", "refs/heads/towline/good"]);
    const objects = held(one.bare);
    expect(objects).toContain("control\n");
    expect([objects.match(/canary-[\w-]+/g), leaks(objects)]).toEqual([null, []]);
  });

  test(`${stowaways.length} that hide something beside their branch: nor does it stay with what is kept`, async () => {
    const land = landing();
    for (const [n, { name, make }] of stowaways.entries()) {
      const branch = `towline/s-${n}`;
      const { bytes, id } = make({ ...ground, branch }, `canary-stow-${n}-x9q`);
      const landed = await land(branch, bytes);
      expect(told(landed), name).toMatch(/CLAUDE\.md is protected/);
      const kept = Buffer.from(("kept" in landed && landed.kept.get("work.bundle")) || "");
      expect([kept.length > 0, kept.includes("canary")], name).toEqual([true, false]);
      if (id === undefined) continue;
      const there = clone(one);
      const file = join(tempDir("kept"), "b");
      writeFileSync(file, kept);
      git(there, "bundle", "unbundle", file);
      expect(() => git(there, "cat-file", "-e", id), name).toThrow();
    }
  });
});

describe("frames and answers", () => {
  test.each([
    ["frames", frames],
    ["answers", answers],
  ])("forged %s are refused, or nothing of them is taken", (_, rows) => {
    const taken = Object.entries(rows).flatMap(([name, read], n) => {
      const canary = `canary-frame-${n}-x9q`;
      try {
        return (JSON.stringify(read(canary)) ?? "").includes(canary) ? [name] : [];
      } catch (thrown) {
        return thrown instanceof HostFault ? [] : [`${name}: ${thrown}`];
      }
    });
    expect(taken).toEqual([]);
  });
});

/** Of a result that is not taken at most fifty reasons are told. */
const size = 40;
const slices = <T>(all: T[], most = size) =>
  Array.from({ length: Math.ceil(all.length / most) }, (_, n) => all.slice(n * most, n * most + most));
/** What a run answers, as claude says it. */
const says = (result: string) =>
  `${JSON.stringify({ type: "result", subtype: "success", is_error: false, result, total_cost_usd: 0.01 })}\n`;
const tell = (to: string, text: string) => `---\nto: ${to}\n---\n${text}`;

describe("results that a tick brings in", () => {
  let pack: TestPack;
  let target: Origin;
  const runs = new Map<string, (request: StartRequest) => FakeRun>();
  const expected = new Map<string, { rows: string; says: RegExp }[]>();
  const fields = new Map<string, string>();
  const canaries: Record<string, string[]> = { told: [], asked: [], checked: [], left: [], failed: [] };

  /** Work on top of what the job was given: these files in one commit, or these commits. */
  function work({ code }: StartRequest, leaves: Leaf[], hows: Parameters<typeof commitOf>[3][] = [{}]) {
    const { base, branch, author } = code as NonNullable<StartRequest["code"]>;
    const bare = branch.startsWith("towline/record") ? pack.origin : target.bare;
    const tree = new Map(treeAt(bare, base));
    const things: Thing[] = [];
    for (const { path, raw = path, mode = "100644", data } of leaves) {
      if (data === null) tree.delete(raw);
      else if (mode === "160000") tree.set(raw, { mode, id: String(data) });
      else {
        const blob = thing("blob", data);
        things.push(blob);
        tree.set(raw, { mode, id: blob.id });
      }
    }
    const trees = treesOf(tree);
    let head = base;
    const ids: string[] = [];
    for (const how of hows) {
      const commit = commitOf(trees.at(-1)?.id as string, [head], author, how);
      things.push(commit);
      head = commit.id;
      ids.push(head);
    }
    const bundle = bundleOf(packOf([...things, ...trees]), [`-${base}`, `${head} refs/heads/${branch}`]);
    return { state: "done" as const, base, head, commits: hows.length, bundle, ids };
  }

  function plan() {
    const add = (task: string, field: string, run: (request: StartRequest) => FakeRun) => {
      fields.set(task, field);
      runs.set(task, run);
    };
    const branch = (name: string, rows: FileRow[], field: string) => {
      for (const [n, some] of slices(rows).entries()) {
        add(`${name}-${n}`, field, (request) => ({
          stdout: says("ok"),
          code: work(
            request,
            some.flatMap((row) => row.leaves),
          ),
        }));
        expected.set(
          `${name}-${n}`,
          some.map((row) => ({ rows: `${row.kind}: ${row.name}`, says: row.says })),
        );
      }
    };
    const repo = `agent: scout\nrepo: ${target.bare}`;
    branch("files", [...file_rows.filter((row) => !row.pack), ...secret_files], repo);
    branch(
      "record",
      file_rows.filter((row) => row.pack),
      "agent: scout\nrepo: .",
    );
    branch("binary", secret_binaries, `agent: packer\nrepo: ${target.bare}`);
    for (const [n, some] of slices(commit_rows).entries())
      add(`commits-${n}`, repo, (request) => {
        const made = work(
          request,
          [{ path: `c${n}.txt`, data: "x\n" }],
          some.map((row) => row.how),
        );
        // Each row must be told of its own commit.
        const about = (id: string, { source, flags }: RegExp) =>
          new RegExp(`commit ${id.slice(0, 12)} .*${source}`, flags);
        expected.set(
          `commits-${n}`,
          some.map((row, at) => ({ rows: `${row.kind}: ${row.name}`, says: about(made.ids[at] as string, row.says) })),
        );
        return { stdout: says("ok"), code: made };
      });
    add("good", repo, (request) => ({
      stdout: says("ok"),
      code: work(request, [{ path: "good.txt", data: "control\n" }]),
    }));
    words(add, repo);
  }

  function words(add: (task: string, field: string, run: (request: StartRequest) => FakeRun) => void, repo: string) {
    const canary = (kind: string, name: string) => {
      const made = `canary-${kind}-${injection_names.indexOf(name)}-x9q`;
      // A message with an empty byte is none.
      if (!(injections[name] as (canary: string) => string)("").includes("\0")) canaries[kind]?.push(made);
      return (injections[name] as (canary: string) => string)(made);
    };
    for (const [n, some] of slices(injection_names, 10).entries()) {
      const ten = some.map((name) => canary("told", name));
      const outbox = Object.fromEntries(ten.map((text, at) => [`${at + 1}-tell.md`, tell("mate", text)]));
      add(`tell-${n}`, "agent: scout", () => ({ stdout: says(ten.join("\n\n")), stderr: ten.join("\n"), outbox }));
    }
    const odd = Object.values(odd_files).map((make, n) => make(`canary-odd-${n}-x9q`));
    add("odd", "agent: scout", () => ({ stdout: says("ok"), outbox: Object.fromEntries(odd) }));
    for (const n of [0, 1]) {
      const five = injection_names.slice(n * 5 + 1, n * 5 + 6).map((name) => canary("asked", name));
      const outbox = Object.fromEntries(five.map((text, at) => [`${at + 1}-ask.md`, text]));
      add(`ask-${n}`, "agent: scout", (request) => ({
        stdout: says("ok"),
        ...(request.epoch === 1 ? { outbox } : {}),
      }));
    }
    const check = ["a longer fence", "a heading under a rule", "one of our headings", "a fence of tildes", "an order"];
    const output = Buffer.from(check.map((name) => canary("checked", name)).join("\n"));
    const verify = { exit: 1, took: 1, output };
    add("checked", `${repo}\nverify: npm test`, (request) => ({
      stdout: says(request.epoch === 1 ? `# x\n\n## Check\n\n\`\`\`\ncanary-answer-0-x9q\n\`\`\`` : "ok"),
      code: {
        ...work(request, [{ path: "v.txt", data: `${request.epoch}\n` }]),
        ...(request.epoch === 1 ? { verify } : {}),
      },
    }));
    const left = canary("left", "an order");
    add("left", repo, (request) => ({
      stdout: says("ok"),
      code: {
        ...work(request, [{ path: "l.txt", data: `${request.epoch}\n` }]),
        ...(request.epoch === 1 ? { left } : {}),
      },
    }));
    for (const name of ["an order", "an order after a closed fence", "a command for a shell", "an expression"]) {
      const text = canary("failed", name);
      const outbox = { "01-fail.md": text, "02-confess.md": text };
      add(`fail-${canaries.failed?.length}`, "agent: scout", () => ({ stdout: says(text), stderr: text, outbox }));
    }
    const forms = Object.values(encodings);
    for (const half of [0, 1]) {
      const some = forms.slice(half * 8, half * 8 + 8);
      const outbox = Object.fromEntries(some.map((text, at) => [`${at + 1}-tell.md`, tell("scout", `key ${text} .`)]));
      add(`secret-${half}`, "agent: scout", () => ({
        stdout: says(some.map((text) => `key "${text}" .`).join("\n\n")),
        stderr: some.join("\n\n"),
        outbox,
      }));
    }
  }

  const said = (task: string) =>
    pack.file(
      pack
        .at("ls-tree", "-r", "--name-only", "main", "jobs")
        .split("\n")
        .find((path) => path.includes(`/${task}-`) && /-[0-9a-f]{10}\.md$/.test(path)) as string,
    );

  beforeAll(() => {
    target = origin({ ...before, "README.md": "# Things\n" });
    git(target.person, "update-index", "--chmod=+x", "run.sh");
    git(target.person, "commit", "-q", "-m", "a program");
    git(target.person, "push", "-q");
    plan();
    const agent = (more = "") => md(`runtime: claude${more}`, "You count.");
    pack = testPack({
      "towline.yml": "id: test-pack\nzone: UTC\ntick: {patience: 1s}\n",
      "agents/scout.md": agent(),
      "agents/mate.md": agent(),
      "agents/packer.md": agent("\nguard: {permit: [binaries]}"),
      "agents/sheller.md": md("runtime: shell"),
      "hosts/ann.md": md("address: 127.0.0.1\nslots: 99\nruntimes: [claude, shell]"),
      "rules/a.md": md(
        'when: {kind: job.failed}\nstop: false\nlimit: 99\nthen:\n  - task: {title: "See {{data.why}}", prompt: "{{title}} {{data.detail}}", agent: mate}',
      ),
      "rules/b.md": md(
        'when: {kind: job.failed}\nstop: false\nlimit: 99\nthen:\n  - task: {title: Run it, prompt: "echo {{data.why}}", agent: sheller}',
      ),
      "rules/c.md": md(
        'when: {kind: job.confessed}\nstop: false\nlimit: 99\nthen:\n  - task: {title: "{{title}}", prompt: "{{data.text}}", agent: mate}',
      ),
      ...Object.fromEntries(
        [...fields].map(([task, field]) => [`tasks/${task}.md`, md(`title: ${task}\n${field}`, "Do it.")]),
      ),
    });
  });
  afterAll(() => pack?.remove());

  test("nothing reaches a branch, a record that is not towline's to write, or another prompt", async () => {
    const machines = { ann: machine({ slots: 99, runtimes: ["claude", "shell"] }) };
    const script: Script = (job, request) =>
      runs.get(job.replace(/-[0-9a-f]{10}$/, ""))?.(request) ?? { stdout: says("ok") };
    const secrets = createSecrets({ DEPLOY_TOKEN: secret });
    const scan = createScan();
    const targets = createTargets({ dir: pack.clone, env, cache: tempDir("cache") });
    const forge = createForge(undefined, targets);
    const code = { targets, forge: () => forge, land: createLand({ targets, forge, secrets, scan, env }) };
    const options = { secrets, screen: createScreen(secrets, scan), code };
    const first = await runTick(pack.clone, machines, script, { ...options, now: "2026-11-20T10:00:00Z" });
    expect(first.state.problems).toEqual([]);
    // Each row by itself is a reason.
    const missing = [...expected].flatMap(([task, rows]) => {
      const lines = said(task).replaceAll("\\", "").split("\n");
      return rows.filter((row) => !lines.some((line) => row.says.test(line))).map((row) => `${task}: ${row.rows}`);
    });
    expect(missing).toEqual([]);
    // What agents hear next: letters, answers of people, the check of their work, tasks that rules made of it all.
    const memos = pack.at("ls-tree", "-r", "--name-only", "main", "memos").split("\n").filter(Boolean);
    const answered = memos
      .map((path) => [path, pack.file(path)] as const)
      .filter(([, text]) => text.includes("event: job.asked"));
    pack.push({
      ...Object.fromEntries(
        answered.map(([path, text]) => [path, text.replace("status: open", "status: answered\nanswer: yes")]),
      ),
      "tasks/next-mate.md": md("title: Next\nagent: mate", "Go on."),
      "tasks/next-scout.md": md("title: Next\nagent: scout", "Go on."),
    });
    const second = await runTick(pack.clone, machines, script, { ...options, now: "2026-11-20T11:00:00Z" });
    expect(second.state.problems).toEqual([]);
    const prompts = [...machines.ann.runs].flatMap(([key, { request }]) =>
      Object.entries(request.launch.files).map(([name, text]) => ({ at: `${key} ${name}`, text })),
    );
    expect(
      prompts
        .filter(({ text }) => /canary-|ghp_/.test(unfenced(text)))
        .map(({ at, text }) => `${at}: ${unfenced(text)}`),
    ).toEqual([]);
    expect(prompts.filter(({ text }) => leaks(text).length > 0).map(({ at }) => at)).toEqual([]);
    const all = prompts.map(({ text }) => text).join("\n");
    // They did come: as data.
    expect(
      Object.values(canaries)
        .flat()
        .filter((canary) => !all.includes(canary)),
    ).toEqual([]);
    expect(all.match(/[\u{e0000}-\u{e01ef}\u200b-\u200f\u202a-\u202e\u2066-\u2069\u001b]/u)).toBeNull();
    expect(all).not.toMatch(/canary-(odd|path|link|workflow)/);
    // The branches and objects of both repositories, reachable or not.
    const good = [...runs.keys()].filter((task) => ["good", "checked", "left"].includes(task));
    expect(refs(target.bare).map((ref) => ref.replace(/-[0-9a-f]{10}$/, ""))).toEqual([
      "refs/heads/main",
      ...good.sort().map((task) => `refs/heads/towline/${task}`),
    ]);
    expect(refs(pack.origin)).toEqual(["refs/heads/main"]);
    const objects = held(target.bare);
    expect(objects).toContain("control\n");
    expect([objects.match(/canary-[\w-]+|ghp_/g), leaks(objects)]).toEqual([null, []]);
    expect(leaks(held(pack.origin))).toEqual([]);
    const people = new Set(pack.at("log", "--author=person", "--name-only", "--format=", "main").split("\n"));
    const paths = pack
      .at("ls-tree", "-r", "-z", "--name-only", "main")
      .split("\0")
      .filter((path) => path !== "" && !people.has(path));
    expect(
      paths.filter((path) => pathClass(path) !== "ledger" || !/^[\w-]+(\/[\w-]+)*(\.d)?(\/[\w-]+)?\.\w+$/.test(path)),
    ).toEqual([]);
  });
});

test("a question cannot hold an answer of its own", () => {
  const question = injections["an answer that no person gave"]?.("canary-asked-0-x9q") as string;
  const code = { agent: "scout", repo: ".", branch: "towline/a-1", base: "a".repeat(40), round: 1, remarks: [] };
  const told = {
    job: "a-1",
    epoch: 2,
    task: { title: "A" },
    agent: { runtime: "claude" },
    prompt: "",
    character: "",
    notes: "",
  };
  const launch = prepare(runtimes.claude, {
    ...told,
    code,
    questions: [{ question, answer: "no" }],
  } as unknown as Work);
  const files = "files" in launch ? launch.files : {};
  expect(files[".towline/TASK.md"]).toContain("From that person, who answers you:\n\n```text\nno\n```\n");
  expect(Object.entries(files).filter(([, text]) => unfenced(text).includes("canary"))).toEqual([]);
  expect(Object.values(files).join("\n")).toContain("canary");
});

test("they are over two hundred, and no two are the same", () => {
  const kinds: [string, string[]][] = [
    ["file", [...file_rows, ...secret_files, ...secret_binaries].map((row) => `${row.kind} ${row.name}`)],
    ["commit", commit_rows.map((row) => `${row.kind} ${row.name}`)],
    ["bundle", [...bundle_rows, ...stowaways].map((row) => row.name)],
    ["frame", Object.keys(frames)],
    ["answer", Object.keys(answers)],
    ["words", injection_names],
    ["outbox", Object.keys(odd_files)],
    ["said", Object.keys(encodings)],
  ];
  const all = kinds.flatMap(([kind, names]) => names.map((name) => `${kind} ${name}`));
  expect(new Set(all).size).toBe(all.length);
  console.log(`hostile results: ${all.length} (${kinds.map(([kind, names]) => `${names.length} ${kind}`).join(", ")})`);
  expect(all.length).toBeGreaterThan(200);
});
