// Coding work on a host: commits come by bundles, each job has a worktree, and its work comes back as one bundle.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CodeRequest, type CodeResult, HostFault, type HostSession, type RawResult } from "../../src/ports.ts";
import { hostSource, programOf } from "../../src/remote/program.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { anyAssignment } from "../runtimes/runs.ts";
import { type Place, variants } from "../transports/places.ts";

const mirror = "0123456789abcdef";
const most = 4 << 20;
const author = { name: "towline wörker", email: "worker@towline.invalid" };
const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("utf8");

/** A repository on this side: what the ticker has fetched. */
function source(dir: string) {
  const git = (...args: string[]) =>
    execFileSync(
      "git",
      ["-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "core.compression=0", ...args],
      {
        cwd: dir,
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      },
    ).trim();
  mkdirSync(dir);
  git("init", "-q", "-b", "main");
  const self = {
    git,
    commit(files: Record<string, string>, message = "work"): string {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(join(dir, name, ".."), { recursive: true });
        writeFileSync(join(dir, name), content);
      }
      if (Object.keys(files).length > 0) git("add", "-A", "-f");
      git("commit", "-q", "-m", message);
      return git("rev-parse", "HEAD");
    },
    bundle(...what: string[]): Buffer {
      const file = join(dir, ".git", "out.bundle");
      git("bundle", "create", file, ...what);
      return readFileSync(file);
    },
    /** Takes what came back, as exactly one branch; answers what is in a file of it. */
    take(code: CodeResult | undefined, branch: string) {
      const file = join(dir, ".git", "in.bundle");
      writeFileSync(file, code?.bundle ?? "");
      expect(git("bundle", "list-heads", file)).toBe(`${code?.head} refs/heads/${branch}`);
      git("fetch", "-q", file, `+refs/heads/${branch}:refs/came/${branch}`);
      return (name: string) => git("show", `refs/came/${branch}:${name}`);
    },
  };
  return self;
}

async function ended(session: HostSession, job: string, epoch: number): Promise<RawResult> {
  for (const end = Date.now() + 60_000; Date.now() < end; )
    if ((await session.wait([{ job, epoch }], 5000)).length > 0) return session.fetch(job, epoch, most + (1 << 20));
  throw new Error(`${job} never ended`);
}

interface Run {
  epoch?: number;
  code?: Partial<CodeRequest>;
  files?: Record<string, string>;
  deadline?: number;
}

const requestOf = (job: string, base: string, script: string, { epoch = 1, code, files, deadline = 60 }: Run = {}) => ({
  job,
  epoch,
  day: "2026/11/28",
  deadline,
  keep: 16384,
  slots: 40,
  launch: { files: { script, ...files }, secret: [], command: 'job=$PWD; cd "$TOWLINE_TREE" && sh "$job/script"' },
  code: { mirror, base, branch: `towline/${job}`, author, trees: 40, most, ...code },
});

async function work(session: HostSession, ...given: Parameters<typeof requestOf>): Promise<RawResult> {
  const request = requestOf(...given);
  expect(await session.start(request)).toEqual({ state: "started" });
  const result = await ended(session, request.job, request.epoch);
  await session.ack([result]);
  return result;
}

const tried = ["this machine under sh", "this machine under bash", "this machine under busybox ash", "ssh to OpenSSH"];

for (const variant of variants.filter(({ name }) => tried.includes(name)))
  describe.skipIf(variant.missing !== null)(`${variant.name}${variant.missing ? ` [${variant.missing}]` : ""}`, () => {
    let place: Place;
    let dir: string;
    beforeAll(async () => {
      place = await variant.up();
      dir = mkdtempSync(join(tmpdir(), "towline-test-"));
    });
    afterAll(async () => {
      await place.down();
      rmSync(dir, { recursive: true, force: true });
    });

    test("brings commits there, keeps a worktree over rounds, and brings the work back", async () => {
      const repo = source(join(dir, "repo"));
      const base = repo.commit({ a: "1\n", "AGENTS.md": "theirs\n" });
      const session = await place.fleet().open("one", place.host, "pack-a");
      expect(await session.code.tips(mirror)).toEqual([]);
      await session.code.send(mirror, repo.bundle("main"));
      expect(await session.code.tips(mirror)).toEqual([base]);

      const files = {
        ".towline/TASK.md": "do it\n",
        ".towline/root/CLAUDE.md": "ours\n",
        ".towline/root/AGENTS.md": "ours\n",
      };
      const scripts = {
        setup: "pwd\necho $((1 + 1)) >built\necho changed >a\nmkdir deps && echo x >deps/y\n",
        verify: "git status --short\ncat a; echo junk >junk; echo junk >a; exit 4\n",
      };
      const script = [
        "cat .towline/TASK.md CLAUDE.md AGENTS.md a deps/y; git status --short",
        "echo 2 >a; git commit -qam mine; git log -1 --format='%an %ae %cn'",
        "echo new >b; pwd; mkdir .towline/outbox; echo said >.towline/outbox/01-status.md",
      ].join("\n");
      const first = await work(session, "job", base, script, { files, code: scripts });
      expect(first).toMatchObject({ exit: 0, end: "exited" });
      const tree = join(place.home, ".towline", "pack-a", "trees", "job");
      expect(text(first.stdout.head)).toBe(
        `do it\nours\ntheirs\n1\nx\n${author.name} ${author.email} ${author.name}\n${tree}\n`,
      );
      expect(first.code).toMatchObject({ state: "done", base, commits: 2, setup: { exit: 0 }, verify: { exit: 4 } });
      expect(text(first.code?.setup?.output)).toBe(`${tree}\n`);
      expect(text(first.code?.verify?.output)).toBe("2\n");
      expect(text(first.parts?.get("outbox"))).toContain("file 5 01-status.md");
      const got = repo.take(first.code, "towline/job");
      expect([got("a"), got("b")]).toEqual(["2", "new"]);
      expect(repo.git("ls-tree", "--name-only", "-r", "refs/came/towline/job")).toBe("AGENTS.md\na\nb");
      expect(repo.git("log", "--format=%an %s", `${base}..refs/came/towline/job`)).toBe(
        `${author.name} Work of job\n${author.name} mine`,
      );
      expect(existsSync(join(tree, "junk"))).toBe(false);
      expect((await session.probe()).trees).toMatchObject([{ job: "job", mirror }]);

      // A person pushed to the branch: the second round starts there, by an incremental bundle, in the same worktree.
      repo.git("checkout", "-q", "-B", "towline/job", "refs/came/towline/job");
      const pushed = repo.commit({ c: "person\n" });
      const tips = await session.code.tips(mirror);
      expect(tips).toEqual([base]);
      await session.code.send(mirror, repo.bundle("towline/job", ...tips.map((tip) => `^${tip}`)));
      const again = await work(session, "job", pushed, "cat a b c deps/y; echo 3 >a", {
        epoch: 2,
        files,
        code: scripts,
      });
      expect(text(again.stdout.head)).toBe("2\nnew\nperson\nx\n");
      expect(again.code).toMatchObject({ state: "done", base: pushed, commits: 1 });
      expect(again.code?.setup).toBeUndefined();
      expect(repo.take(again.code, "towline/job")("a")).toBe("3");

      const kept = join(tree, "..", "..", "sessions", "job");
      mkdirSync(kept, { recursive: true });
      expect(await session.code.close("job")).toBe(true);
      expect([existsSync(tree), existsSync(kept)]).toEqual([false, false]);
      expect((await session.probe()).trees).toBeUndefined();
      expect(await session.code.close("job")).toBe(true);
      session.close();
    });
  });

describe("under sh", () => {
  let place: Place;
  let dir: string;
  let repo: ReturnType<typeof source>;
  let session: HostSession;
  let base: string;
  const root = () => join(place.home, ".towline", "pack-a");
  const repository = () => join(root(), "repos", `${mirror}.git`);
  const tree = (job: string) => join(root(), "trees", job);
  beforeAll(async () => {
    place = await (variants[0] as (typeof variants)[0]).up();
    dir = mkdtempSync(join(tmpdir(), "towline-test-"));
    repo = source(join(dir, "repo"));
    base = repo.commit({ a: "1\n", ".gitattributes": "*.x filter=evil\n", "s.x": "x\n" });
    session = await place.fleet().open("one", place.host, "pack-a");
    await session.code.send(mirror, repo.bundle("main"));
  });
  afterAll(async () => {
    session.close();
    await place.down();
    rmSync(dir, { recursive: true, force: true });
  });

  test("no commit: no bundle; the same base is sent again without harm", async () => {
    await session.code.send(mirror, repo.bundle("main"));
    const { code } = await work(session, "idle", base, "true");
    expect(code).toEqual({ state: "done", base, head: base, commits: 0, bundle: null });
  });

  test("a setup that fails keeps the agent from starting, and is tried again in the next round", async () => {
    const setup = "echo why; [ -e ../go ]";
    const failed = await work(session, "unset", base, "echo ran", { code: { setup } });
    expect(failed).toMatchObject({ exit: 1, end: "exited", code: { state: "setup", why: "setup failed", head: base } });
    expect(text(failed.code?.setup?.output)).toBe("why\n");
    expect(failed.stdout.bytes).toBe(0);
    writeFileSync(join(root(), "trees", "go"), "");
    const passed = await work(session, "unset", base, "echo ran", { epoch: 2, code: { setup } });
    expect(text(passed.stdout.head)).toBe("ran\n");
  });

  test("a script at its limit says so, and what it started is gone", async () => {
    const setup = "sleep 60 & echo begun; sleep 60";
    const { code } = await work(session, "slow", base, "echo ran", { deadline: 1, code: { setup } });
    expect(code).toMatchObject({ state: "setup", setup: { exit: null } });
    expect(text(code?.setup?.output)).toBe("begun\n");
  });

  test("a cancelled run brings what it did, and is not verified", async () => {
    const request = requestOf("cut", base, "echo 2 >a; sleep 60", { code: { verify: "echo no" } });
    expect(await session.start(request)).toEqual({ state: "started" });
    const read = () => (existsSync(join(tree("cut"), "a")) ? readFileSync(join(tree("cut"), "a"), "utf8") : "");
    while (read() !== "2\n") await new Promise((done) => setTimeout(done, 20));
    expect(await session.code.close("cut")).toBe(false);
    await session.cancel("cut", 1);
    const result = await ended(session, "cut", 1);
    expect(result).toMatchObject({ end: "cancelled", code: { state: "done", commits: 1 } });
    expect(result.code?.verify).toBeUndefined();
    expect(await session.fetch("cut", 1, most)).toEqual(result);
    await session.ack([result]);
  });

  test("a run whose supervisor was killed is gone on with in its worktree", async () => {
    const request = requestOf("killed", base, "");
    request.launch.command = 'job=$PWD; export job; cd "$TOWLINE_TREE" && sh "$job/script"';
    request.launch.files.script = [
      "echo 2 >a; git commit -qam half; : >late",
      ': >"$(git rev-parse --git-dir)/index.lock"', // as a killed git leaves it
      `kill -s KILL "$(tail -n 1 "$job.owner" | cut -d ' ' -f 1)"; sleep 60`,
    ].join("\n");
    expect(await session.start(request)).toEqual({ state: "started" });
    const died = await ended(session, "killed", 1);
    expect(died).toMatchObject({ end: "died" });
    expect(died.code).toBeUndefined();
    await session.ack([died]);
    const { code } = await work(session, "killed", base, "cat a; ls", { epoch: 2 });
    expect(code).toMatchObject({ state: "done", base, commits: 2 });
    const got = repo.take(code, "towline/killed");
    expect([got("a"), got("late")]).toEqual(["2", ""]);
  });

  test("a branch that went another way is followed, and what stood there is kept", async () => {
    const { code } = await work(session, "parted", base, "echo mine >a");
    const other = repo.commit({ a: "theirs\n" });
    await session.code.send(mirror, repo.bundle("main", `^${base}`));
    const again = await work(session, "parted", other, "cat a; git status --short", { epoch: 2 });
    expect(text(again.stdout.head)).toBe("theirs\n");
    expect(again.code).toMatchObject({ base: other, head: other, commits: 0 });
    expect(existsSync(join(repository(), "refs", "towline", "kept", "parted", code?.head ?? "-"))).toBe(true);
  });

  test("a branch that people put back stays back: what they dropped is kept aside", async () => {
    const script = "echo mine >a; git commit -qam one; echo more >a; git commit -qam two";
    const { code } = await work(session, "put-back", base, script);
    const head = code?.head ?? "";
    const look = "cat a; git rev-parse HEAD";
    const again = (epoch: number, at: string) => work(session, "put-back", at, look, { epoch, code: { pushed: head } });
    // Where it still is where it was pushed to, it goes on.
    expect(text((await again(2, head)).stdout.head)).toBe(`more\n${head}\n`);
    expect(text((await again(3, base)).stdout.head)).toBe(`1\n${base}\n`);
    expect(existsSync(join(repository(), "refs", "towline", "kept", "put-back", head))).toBe(true);
  });

  test("a worktree that is gone is made again where the ticker says", async () => {
    const { code } = await work(session, "gone", base, "echo mine >a");
    rmSync(tree("gone"), { recursive: true });
    const head = code?.head ?? "";
    const again = await work(session, "gone", head, "cat a", { epoch: 2 });
    expect(text(again.stdout.head)).toBe("mine\n");
  });

  test("the head counts, wherever the agent left it; a conflict is not committed", async () => {
    const detached = await work(session, "loose", base, "git checkout -q --detach; echo 2 >a; git commit -qam loose");
    expect(repo.take(detached.code, "towline/loose")("a")).toBe("2");
    const script =
      "git branch x; echo 2 >a; git commit -qam two; git checkout -q x; echo 3 >a; git commit -qam three; git merge towline/torn";
    const torn = await work(session, "torn", base, script);
    expect(torn.code).toMatchObject({ commits: 1, left: "a merge is not finished" });
    expect(repo.take(torn.code, "towline/torn")("a")).toBe("3");
    const away = await work(session, "away", base, "git checkout -q --orphan new; git commit -qm new");
    expect(away.code).toMatchObject({ bundle: null, head: base });
    expect(away.code?.why).toMatch(/does not come from/);
    const lost = await work(session, "lost", base, 'rm -rf "$(git rev-parse --git-dir)"');
    expect(lost.code).toMatchObject({ state: "done", bundle: null });
  });

  test("settings, hooks and filters that a run leaves run in no git of ours", async () => {
    const evil = `echo caught >>"${dir}/caught"`;
    const script = [
      `for key in core.fsmonitor core.sshCommand filter.evil.clean filter.evil.smudge diff.external core.editor gpg.program; do`,
      `  git config "$key" '${evil}; cat'; done`,
      `git config core.hooksPath "$PWD/hooks"; git config commit.gpgSign true; git config alias.status '!${evil}'; mkdir hooks`,
      `for hook in pre-commit post-checkout post-index-change reference-transaction; do printf '%s\\n' '#!/bin/sh' '${evil}' >hooks/$hook; done`,
      "chmod +x hooks/*; echo new >t.x; rm -f ../../../caught",
    ].join("\n");
    const { code } = await work(session, "evil", base, script, { code: { verify: "true" } });
    expect(code).toMatchObject({ state: "done", commits: 1 });
    const again = await work(session, "evil", base, "true", { epoch: 2 });
    expect(again.code).toMatchObject({ state: "done", commits: 1 });
    expect(existsSync(join(dir, "caught"))).toBe(false);
  });

  test("agents work in the worktree, and what they keep there of themselves is no work", async () => {
    const bin = join(place.home, ".local", "bin");
    mkdirSync(bin, { recursive: true });
    const stand_ins = {
      picoclaw:
        'cd "$PICOCLAW_AGENTS_DEFAULTS_WORKSPACE" && cat AGENT.md .towline/TASK.md && mkdir -p memory && : >memory/note',
      claude: "cat >/dev/null; cat .towline/TASK.md",
    };
    for (const [name, script] of Object.entries(stand_ins))
      writeFileSync(join(bin, name), `#!/bin/sh\n${script} && echo done >work\n`, { mode: 0o755 });
    mkdirSync(join(place.home, ".picoclaw"));
    writeFileSync(join(place.home, ".picoclaw", "config.json"), "{}");
    const told = { ".towline/TASK.md": "the task\n" };
    for (const name of ["picoclaw", "claude", "shell"] as const) {
      const launch = runtimes[name].launch(
        anyAssignment({ prompt: "cat .towline/TASK.md; echo done >work", character: "terse" }),
      );
      const request = { ...requestOf(name, base, ""), launch: { ...launch, files: { ...launch.files, ...told } } };
      expect(await session.start(request)).toEqual({ state: "started" });
      const { code, stdout, stderr } = await ended(session, name, 1);
      expect(text(stdout.head), text(stderr.head)).toContain("the task");
      if (name === "picoclaw") expect(text(stdout.head)).toContain("terse");
      repo.take(code, `towline/${name}`);
      expect(repo.git("diff", "--name-only", base, `refs/came/towline/${name}`)).toBe("work");
    }
  });

  test("the owner's file says which packs may bring code", async () => {
    writeFileSync(join(root(), "..", "allow"), "pack other\nruntime any\n");
    await expect(session.code.tips(mirror)).rejects.toThrow(/has no line `pack pack-a`/);
    await expect(session.code.send(mirror, repo.bundle("main"))).rejects.toThrow(/has no line/);
    await expect(session.code.close("idle")).rejects.toThrow(/has no line/);
    rmSync(join(root(), "..", "allow"));
    expect(await session.code.tips(mirror)).toContain(base);
  });

  test("a look at the host takes away what a run left there, and no bundle that is being made", async () => {
    expect(await session.start(requestOf("packing", base, "sleep 60"))).toEqual({ state: "started" });
    const run = (name: string) => join(root(), "jobs", "packing", name);
    const names = ["1.new.bundle.lock", "1.new.bundle", "1.left"];
    for (const name of names) writeFileSync(run(name), Buffer.alloc(3 << 19));
    await session.probe();
    expect(names.filter((name) => existsSync(run(name)))).toEqual(names.slice(0, 2));
    await session.cancel("packing", 1);
    await session.ack([await ended(session, "packing", 1)]);
  });

  test("what is too big is refused; a worktree too many waits", async () => {
    const big = await work(session, "big", base, "head -c 300000 /dev/urandom >big", { code: { most: 100_000 } });
    expect(big.code).toMatchObject({ commits: 1, bundle: null, why: "the work has over 100000 bytes" });
    expect(await session.start(requestOf("more", base, "true", { code: { trees: 1 } }))).toMatchObject({
      state: "later",
      why: expect.stringMatching(/holds all the worktrees that are allowed, \d+ of 1: merge or close/),
    });
    const { stand, trees, git } = await session.probe();
    expect([stand, git]).toEqual([trees?.length, undefined]);
    expect(await work(session, "more", base, "true")).toMatchObject({ exit: 0 });
  });

  test("what is not there, submodules, LFS and a .towline of its own are refused before anything starts", async () => {
    const refused = async (commit: string, why: RegExp, state = "refused") =>
      expect(await session.start(requestOf("unfit", commit, "true"))).toMatchObject({
        state,
        why: expect.stringMatching(why),
      });
    const side = async (name: string, files: Record<string, string>, more = () => {}) => {
      repo.git("checkout", "-q", "-B", name, base);
      more();
      const commit = repo.commit(files);
      await session.code.send(mirror, repo.bundle(name, `^${base}`));
      return commit;
    };
    await refused("f".repeat(40), /is not in the mirror/, "later");
    expect(await session.code.tips(mirror)).toEqual([]);
    await session.code.send(mirror, repo.bundle("main"));
    await refused(await side("lfs", { "sub/.gitattributes": "*.bin filter=lfs diff=lfs\n" }), /Git LFS \(sub\/.git/);
    const linked = () => repo.git("update-index", "--add", "--cacheinfo", `160000,${base},sub/mod`);
    await refused(await side("sub", {}, linked), /submodules \(sub\/mod\)/);
    await refused(await side("own", { ".towline/x": "x" }), /\.towline of its own/);
    expect(readdirSync(join(root(), "jobs", "unfit"))).toEqual([]);
    expect(existsSync(join(root(), "trees", "unfit"))).toBe(false);
  });

  test("what is no bundle, altered, or builds on what is not there changes nothing", async () => {
    const tips = await session.code.tips(mirror);
    await expect(session.code.send(mirror, Buffer.from("no bundle"))).rejects.toThrow(/it is no bundle/);
    const bytes = repo.bundle("main");
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] as number) ^ 1;
    await expect(session.code.send(mirror, bytes)).rejects.toThrow(/cannot be unpacked/);
    expect(await session.code.tips(mirror)).toEqual(tips);
    repo.git("checkout", "-q", "-B", "later", base);
    repo.commit({ a: "later\n" });
    const later = repo.bundle("later", `^${base}`);
    await expect(session.code.send("f".repeat(16), later)).rejects.toThrow(/builds on .* not here/);
    await expect(session.code.send("../x", bytes)).rejects.toThrow(/bad request/);
    expect(await session.code.tips("f".repeat(16))).toEqual([]);
  });

  test("a mirror whose making was ended half-way mends itself", async () => {
    const other = "ab".repeat(8);
    const half = join(root(), "repos", `${other}.git.999999`);
    mkdirSync(half, { recursive: true });
    writeFileSync(join(root(), "repos", `${other}.in.999999`), "half");
    await session.code.send(other, repo.bundle("main"));
    expect(readdirSync(join(root(), "repos")).filter((name) => name.startsWith(other))).toEqual([`${other}.git`]);
    appendFileSync(join(root(), "repos", `${other}.git`, "config"), "[broken");
    const { code } = await work(session, "mended", base, "echo 2 >a", { code: { mirror: other } });
    expect(code).toMatchObject({ state: "done", commits: 1 });
  });

  test("a mirror goes when no worktree needs it and nothing came for long", async () => {
    const [old, used] = ["cd".repeat(8), "de".repeat(8)];
    for (const name of [old, used]) await session.code.send(name, repo.bundle("main"));
    await work(session, "user", base, "true", { code: { mirror: used } });
    const long_ago = new Date(Date.now() - 70 * 86_400_000);
    for (const name of [old, used, mirror])
      utimesSync(join(root(), "repos", `${name}.git`, "refs", "sent"), long_ago, long_ago);
    await work(session, "closed", base, "true");
    await work(session, "stays", base, "true");
    await session.code.close("closed");
    const left = readdirSync(join(root(), "repos"));
    expect(left).not.toContain(`${old}.git`);
    expect(left).toEqual(expect.arrayContaining([`${used}.git`, `${mirror}.git`]));
  });

  test("whenever the host program is killed, the next try comes to the same end", async () => {
    // Steps of coding work alone are marked in its text by `code: NAME`.
    const die = (_: string, step: string) => `if rm "$HOME/crash.${step}" 2>/dev/null; then kill -s KILL "$$"; fi`;
    const marked = hostSource()
      .join("")
      .replace(/^\s*# code: ([a-z]+)$/gm, die);
    const lines = marked.split("\n").filter((line) => line.trim() !== "" && !/^\s*#/.test(line));
    const program = programOf(`${lines.join("\n")}\n`);
    const open = () =>
      createFleet({ env: { PATH: system }, home: place.home, program }).open("one", place.host, "pack-k");
    const arm = (step: string) => writeFileSync(join(place.home, `crash.${step}`), "");
    for (const step of ["unpack", "unpacked"]) {
      arm(step);
      const dying = await open();
      await expect(dying.code.send(mirror, repo.bundle("main"))).rejects.toThrow(HostFault);
      const next = await open();
      expect(await next.code.tips(mirror)).toEqual([]);
      next.close();
    }
    const whole = await open();
    await whole.code.send(mirror, repo.bundle("main"));
    for (const step of ["plant", "planted", "commit"]) {
      arm(step);
      expect(await whole.start(requestOf(step, base, "echo 2 >a"))).toEqual({ state: "started" });
      const died = await ended(whole, step, 1);
      expect([died.end, died.code]).toEqual(["died", undefined]);
      expect(existsSync(join(place.home, `crash.${step}`))).toBe(false);
      await whole.ack([died]);
      const { code } = await work(whole, step, base, "cat a; echo 2 >a", { epoch: 2 });
      expect(code).toMatchObject({ state: "done", base, commits: 1 });
      expect(repo.take(code, `towline/${step}`)("a")).toBe("2");
    }
    whole.close();
  });

  test("carries 30 MB", async () => {
    repo.git("checkout", "-q", "-B", "load", base);
    writeFileSync(join(dir, "repo", "heavy"), randomBytes(30 << 20));
    repo.git("add", "heavy");
    const heavy = repo.commit({});
    let arrived = 0;
    const bytes = repo.bundle("load", `^${base}`);
    await session.code.send(mirror, bytes, { sent: (count) => (arrived = count) });
    expect(arrived).toBe(bytes.length);
    const { stdout } = await work(session, "heavy", heavy, "wc -c <heavy");
    expect(text(stdout.head).trim()).toBe(String(30 << 20));
  });

  test("a host without git says so, and coding work waits for it", async () => {
    const bin = join(place.home, "..", "bare");
    mkdirSync(bin);
    const tools =
      "sh setsid sha256sum mkfifo dd ln od grep sed tail wc tee df cat rm mkdir mv sleep date uname timeout find chmod head tr cut sync rmdir";
    for (const tool of tools.split(" ")) {
      const path = execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim();
      execFileSync("ln", ["-s", path, join(bin, tool)]);
    }
    const bare = await createFleet({ env: { PATH: bin }, home: place.home }).open("one", place.host, "pack-a");
    await expect(bare.code.send(mirror, repo.bundle("main"))).rejects.toThrow(/git is not installed on this host/);
    expect(bare.facts.git).toBe(false);
    expect(await bare.start(requestOf("plain", base, "true"))).toEqual({
      state: "later",
      why: "git is not installed on this host",
    });
    bare.close();
  });
});
