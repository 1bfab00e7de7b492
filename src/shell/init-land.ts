// Puts the files of a new pack where they belong: into a fresh repository, beside code that is there, or onto a branch that
// people merge. Nothing that stands somewhere is written over, and nothing of a person's goes along.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { unsafePath } from "../core/path.ts";
import { configuration, messageOf, outside } from "../errors.ts";
import { gitEnv, type Place, runGit } from "./git.ts";
import { refusalOf } from "./refusal.ts";
import { findRepo } from "./repo-open.ts";
import { pushCommit } from "./repo-push.ts";
import { askDefaultBranch, askTip, branchCopy, noDefault, remote_name } from "./repo-remote.ts";
import { deadlines } from "./repo-tips.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface Written {
  written: string[];
  /** Stood there already, and say something else. */
  kept: string[];
}

/** Writes what is not there. */
export async function writeMissing(top: string, files: ReadonlyMap<string, string>): Promise<Written> {
  const done: Written = { written: [], kept: [] };
  for (const [path, text] of files) {
    const fault = unsafePath(path);
    if (fault) throw new Error(`refused to write ${path}: ${fault}`);
    const failed = (thrown: unknown) =>
      configuration(`${path} cannot be written: ${messageOf(thrown)}`, "look at the folder, its owner and mode");
    await mkdir(dirname(join(top, path)), { recursive: true }).catch((thrown) => {
      throw failed(thrown);
    });
    const fresh = await writeFile(join(top, path), text, { flag: "wx" }).then(
      () => true,
      (thrown) => {
        if (thrown.code !== "EEXIST") throw failed(thrown);
        return false;
      },
    );
    if (fresh) done.written.push(path);
    else if ((await readFile(join(top, path), "utf8").catch(() => null)) !== text) done.kept.push(path);
  }
  return done;
}

const branch = "main";

/** Where the origin of a pack without an address stands. */
const besideOf = (dir: string) => `${dir}.git`;

/** Before the first file is written. Throws a Fault where something stands there. */
export function refuseBeside(dir: string): void {
  if (existsSync(besideOf(dir)))
    throw configuration(`${besideOf(dir)} is there already`, "name the repository with --origin, or move it away");
}

/** A repository with one commit. `origin`: null makes a bare one beside the folder. Answers where it lives. */
export async function begin(dir: string, env: Env, origin: string | null, paths: string[], message: string) {
  const git = gitIn(dir, env);
  if (!existsSync(join(dir, ".git"))) await git("init", "--quiet", `--initial-branch=${branch}`);
  const has = await git.try("remote", "get-url", "origin");
  const beside = besideOf(dir);
  const address = has ?? origin ?? beside;
  if (has === null && origin === null)
    await gitIn(dirname(dir), env)("init", "--quiet", "--bare", `--initial-branch=${branch}`, beside);
  if (has === null) await git("remote", "add", "origin", address);
  await git("add", "--", ...paths);
  const called = await introduce(git);
  await git("commit", "--quiet", "--message", message);
  const head = (await git("symbolic-ref", "--short", "HEAD")).trim();
  const pushed = await runGit(git.place, ["push", "--quiet", "--set-upstream", "origin", head], {
    deadline: deadlines.push,
  });
  const why = pushed.code === 0 ? null : firstLine(pushed.stderr);
  return { origin: address, why, branch: head, commit: (await git("rev-parse", "HEAD")).trim(), called };
}

/** Who has told git nothing about themselves gets a name in this one repository. Answers it, or null. */
async function introduce(git: ReturnType<typeof gitIn>): Promise<string | null> {
  // `git var` fails, or guesses an address out of the machine's name, which is nobody's.
  const known = (await git.try("config", "user.email")) ?? git.place.env.EMAIL;
  if (known) return null;
  const { username } = userInfo();
  await git("config", "user.name", username);
  await git("config", "user.email", `${username}@localhost`);
  return username;
}

/** Where git tells of its own fault first, and gives general advice after it. */
const firstLine = (text: string) => /^(?:fatal|error): (.+)/m.exec(text)?.[1] ?? lastLine(text);
const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? "";

function gitIn(cwd: string, env: Env) {
  const place: Place = { cwd, env: gitEnv(env) };
  const run = async (...args: string[]) => {
    const ran = await runGit(place, args);
    if (ran.code === 0) return ran.stdout.toString();
    const verb = args.find((one) => /^[a-z]+$/.test(one)) ?? args[0];
    throw configuration(`git ${verb} said no: ${lastLine(ran.stderr)}`, "look at the folder with `git status`");
  };
  return Object.assign(run, {
    place,
    try: async (...args: string[]) => {
      const ran = await runGit(place, args);
      return ran.code === 0 ? ran.stdout.toString().trim() : null;
    },
  });
}

export interface Landed extends Written {
  /** `refused`: the default branch is protected, so it went onto the other branch. */
  branch: string;
  proposed: boolean;
  base: string;
  commit: string | null;
}

export const init_branch = "towline/init";

/**
 * One commit on top of origin's default branch with what it lacks of these files, in the person's name. Pushed there, or,
 * where that is refused or not wanted, as a branch to merge.
 */
export async function land(
  dir: string,
  env: Env,
  files: ReadonlyMap<string, string>,
  { message, propose }: { message: string; propose: boolean },
): Promise<Landed> {
  const { place } = await findRepo(dir, env);
  const base = await askDefaultBranch(place, deadlines.ask);
  const tip = base === null ? null : await askTip(place, base, deadlines.ask);
  if (base === null || tip === null) throw await noDefault(place, deadlines.ask);
  const spec = `+refs/heads/${base}:${branchCopy(base)}`;
  const fetched = await runGit(place, ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote_name, spec], {
    deadline: deadlines.fetch,
  });
  if (fetched.code !== 0) throw outside(`origin cannot be read: ${lastLine(fetched.stderr)}`, "check its address");
  const { commit, written, kept } = await commitOn(place, tip, files, message);
  const done = { written, kept, base, branch: base, proposed: false, commit };
  if (commit === null) return done;
  const push = (ref: string, old: string | null) =>
    pushCommit(place, { remote: remote_name, commit, ref: `refs/heads/${ref}`, old, deadline: deadlines.push });
  if (!propose) {
    const pushed = await push(base, tip);
    if (pushed.state === "won") return done;
    if (!refusalOf(pushed.why).configuration)
      throw outside(`origin did not take it: ${pushed.why}`, "run the same command again");
  }
  const waits = await askTip(place, init_branch, deadlines.ask);
  if (waits !== null)
    throw configuration(
      `origin has a branch ${init_branch} already`,
      `merge it, or remove it: git push origin --delete ${init_branch}`,
    );
  const pushed = await push(init_branch, null);
  if (pushed.state !== "won")
    throw outside(`branch ${init_branch} was not pushed: ${pushed.why}`, refusalOf(pushed.why).advice);
  return { ...done, branch: init_branch, proposed: true };
}

async function commitOn(place: Place, tip: string, files: ReadonlyMap<string, string>, message: string) {
  const git = async (at: Place, args: string[], input = "") => {
    const ran = await runGit(at, args, { input: [Buffer.from(input)], deadline: deadlines.ask });
    if (ran.code === 0) return ran.stdout.toString();
    throw configuration(
      `git ${args[0]} said no: ${lastLine(ran.stderr)}`,
      "git config user.name and user.email may be missing",
    );
  };
  const there = new Set((await git(place, ["ls-tree", "-r", "-z", "--name-only", "--full-tree", tip])).split("\0"));
  const written = [...files.keys()].filter((path) => !there.has(path));
  const kept = [...files.keys()].filter((path) => there.has(path));
  if (written.length === 0) return { commit: null, written, kept };
  const folder = await mkdtemp(join(tmpdir(), "towline-index-"));
  try {
    const own = { ...place, env: { ...place.env, GIT_INDEX_FILE: join(folder, "index") } };
    await git(own, ["read-tree", tip]);
    for (const path of written) {
      const blob = (await git(own, ["hash-object", "-w", "--stdin"], files.get(path))).trim();
      await git(own, ["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`]);
    }
    const tree = (await git(own, ["write-tree"])).trim();
    return { commit: (await git(own, ["commit-tree", tree, "-p", tip], message)).trim(), written, kept };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
