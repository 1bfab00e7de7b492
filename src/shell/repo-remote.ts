// What is asked of `origin`: its tips and its default branch. Never touches a branch of the user's.
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type SimpleGit, simpleGit } from "simple-git";
import { configuration, type Fault, outside } from "../errors.ts";
import type { Place } from "./git.ts";

/** Our own copies of the remote's refs. */
export const copies = "refs/towline/remote";
export const beat_ref = "refs/towline/beat";
export const branchCopy = (branch: string) => `${copies}/heads/${branch}`;
export const beat_copy = `${copies}/beat`;
/** What towline wrote last, as a commit without history. A plain clone does not copy it, so a copied pack lacks it. */
export const pack_ref = "refs/towline/pack";
export const pack_copy = `${copies}/pack`;
/** Our name for origin: same address, but nothing configured that would move the user's refs on the side. */
export const remote_name = "towline-origin";

// simple-git guards callers that pass on what strangers wrote. Here every argument is ours; what it would refuse
// is our own settings (hooks off, …) and the credentials that the user's environment brings.
const unsafe_kinds =
  "Alias AskPass CommandBinaries ConfigEnvCount ConfigPaths CredentialHelper DiffExternal DiffTextConv Editor Exec Filter FsMonitor GitProxy GpgProgram HooksPath Include MergeDriver Pack Pager ProtocolOverride SshCommand Submodule TemplateDir UrlRewrite";
const allowed = Object.fromEntries(unsafe_kinds.split(" ").map((kind) => [`allowUnsafe${kind}`, true]));

/** simple-git in our environment; it ends its process when the deadline (milliseconds) has passed. */
export function gitAt(place: Place, deadline?: number): SimpleGit {
  return simpleGit({
    baseDir: place.cwd,
    // It refuses names that people's shells set for reasons of their own, too: PREFIX is there under Termux.
    allowEnvironment: Object.keys(place.env),
    unsafe: allowed,
    ...(deadline === undefined ? {} : { abort: AbortSignal.timeout(deadline) }),
  }).env(place.env);
}

/** The remote's default branch, by its HEAD; null when it has none yet. */
export async function askDefaultBranch(place: Place, deadline: number): Promise<string | null> {
  const answer = await answered(place, deadline, ["ls-remote", "--symref", remote_name, "HEAD"]);
  return /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer)?.[1] ?? null;
}

/** Why there is no default branch: nothing was pushed yet, or what is there has another name than its HEAD says. */
export async function noDefault(place: Place, deadline: number): Promise<Fault> {
  const heads = await answered(place, deadline, ["ls-remote", "--heads", remote_name]);
  const [first] = [...heads.matchAll(/\trefs\/heads\/(\S+)$/gm)].map(([, name]) => name);
  return first === undefined
    ? configuration("`origin` has no default branch yet", "push a first commit to it")
    : configuration(
        `the default branch of \`origin\` is not there: it has \`${first}\`, but its HEAD names another one`,
        `set it at the forge; in a bare repository: git symbolic-ref HEAD refs/heads/${first}`,
      );
}

export async function askTip(place: Place, branch: string, deadline: number): Promise<string | null> {
  const ref = `refs/heads/${branch}`;
  const answer = await answered(place, deadline, ["ls-remote", remote_name, ref]);
  const line = answer.split("\n").find((l) => l.endsWith(`\t${ref}`));
  return line ? line.slice(0, line.indexOf("\t")) : null;
}

export interface FetchPlan {
  branches: string[];
  /** Branches of which this clone has our copy already. */
  known: Set<string>;
  /** Path of git's `shallow` file. */
  shallowFile: string;
  /** The commit that is checked out. */
  head: () => Promise<string | null>;
  deadline: number;
}

/** Brings the branches, the beat and the pack's mark over. Answers the branch that the remote does not have, or null. */
export async function fetchRefs(place: Place, plan: FetchPlan): Promise<string | null> {
  const shallow = await readFile(plan.shallowFile, "utf8").catch(() => "");
  const head = shallow === "" ? null : await plan.head();
  const depthOne = head !== null && shallow.includes(head);
  // A shallow clone gets only the tip of what it lacks, unless it has history of its own there. Later fetches add
  // what came since, so that a commit of ours is found again.
  const groups = Map.groupBy(
    plan.branches,
    (branch) => shallow !== "" && !plan.known.has(branch) && (depthOne || branch !== plan.branches[0]),
  );
  for (const [tipOnly, branches] of groups) {
    const missing = await fetchOnce(place, branches, tipOnly, plan.deadline);
    if (missing !== null) return missing;
  }
  return null;
}

async function fetchOnce(place: Place, branches: string[], tipOnly: boolean, deadline: number): Promise<string | null> {
  // The pattern stands for one name; a plain name that the remote lacks would fail the whole fetch.
  const specs = [
    ...branches.map((b) => `+refs/heads/${b}:${branchCopy(b)}`),
    `+${beat_ref}*:${beat_copy}*`,
    `+${pack_ref}*:${pack_copy}*`,
  ];
  const depth = tipOnly ? ["--depth=1"] : [];
  for (let tries = 1; ; tries++) {
    const answer = await ask(place, deadline, ["fetch", ...fetch_flags, ...depth, remote_name, ...specs]);
    if (answer.fault === null) return null;
    const missing = /couldn't find remote ref refs\/heads\/(\S+)/.exec(answer.fault)?.[1];
    if (missing !== undefined) return missing;
    // Another tick in the same clone holds the ref or the shallow file for a moment.
    if (tries >= 6 || !/cannot lock ref|\.lock'|shallow file has changed/.test(answer.fault))
      throw faultOf(answer.fault);
    await delay((20 + Math.random() * 50) * tries);
  }
}

const fetch_flags = ["--quiet", "--no-tags", "--no-write-fetch-head", "--prune", "--force"];

/** git's answer, or its words on stderr. Never waits much longer than the deadline. */
async function ask(place: Place, deadline: number, args: string[]): Promise<{ text: string; fault: string | null }> {
  const late = new AbortController();
  const silence = delay(deadline + 1000, silent, { signal: late.signal }).catch(() => silent);
  const answer = gitAt(place, deadline)
    .raw(args)
    .then(
      (text) => ({ text, fault: null }),
      (thrown: Error) => ({ text: "", fault: /^Abort signal/.test(thrown.message) ? silent : thrown.message }),
    );
  const first = await Promise.race([answer, silence]);
  late.abort();
  return typeof first === "string" ? { text: "", fault: first } : first;
}

const silent = "it did not answer in time";
/** What git says of our own disk: nobody should look for that at origin. */
const full = /No space left on device|Disk quota exceeded|Read-only file system/;

async function answered(place: Place, deadline: number, args: string[]): Promise<string> {
  const { text, fault } = await ask(place, deadline, args);
  if (fault !== null) throw faultOf(fault);
  return text;
}

function faultOf(said: string) {
  const lines = said
    .replace(/(\w+:\/\/)[^/@\s]+@/g, "$1")
    .trim()
    .split("\n");
  const line = lines.find((l) => /^(fatal|error|ssh|remote):/.test(l)) ?? (lines[0] as string);
  const disk = lines.find((l) => !l.startsWith("remote:") && full.test(l));
  if (disk)
    return outside(
      `this clone cannot be written: ${disk}`,
      "make room there, or use another disk; origin is as it was",
    );
  return outside(`\`origin\` cannot be read: ${line}`, "check its address, the network and the credentials");
}
