// Coding work that came back: into quarantine, before the guard, and then onto its branch or aside. Doing it twice ends
// the same: a branch that stands where it should is left alone.
import { join } from "node:path";
import { asks } from "../core/asking.ts";
import type { Entry } from "../core/entry.ts";
import { agentOf } from "../core/gate.ts";
import { type Breach, caps, type Guard, judge } from "../core/guard.ts";
import { allPaths, authorOf, type Checked, type Kept, type Landed } from "../core/landed.ts";
import { addressOn, proposalOf, type Round } from "../core/proposal.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { messageOf } from "../errors.ts";
import type { CodeResult, Forge, Outcome, ScriptRun } from "../ports.ts";
import { gitEnv, runGit } from "./git.ts";
import { harmless, linesOf, type Searching, secretsIn } from "./land-text.ts";
import { type Arrived, quarantine } from "./quarantine.ts";
import { refusalOf } from "./refusal.ts";
import type { Target, Targets } from "./target.ts";
import { sumOf } from "./target-read.ts";

/** `later`: it cannot be told yet, and is not counted; the host keeps it. */
export type Land = (
  state: State,
  job: Entry<"job">,
  code: CodeResult | undefined,
  outcome: Outcome,
  /** Seconds. */
  took?: number,
) => Promise<Landed | { later: string }>;

export interface LandPorts extends Searching {
  targets: Targets;
  forge: Forge;
  env: Readonly<Record<string, string | undefined>>;
  /** Pages of the pack's repository on its forge, where it has any. */
  site?(): Promise<string | null>;
}

/** Attachments stay small: the ledger keeps them for good. */
const most = { patch: 256 << 10, bundle: 1 << 20 };

type Ran = Omit<Round, "landed">;

export function createLand(ports: LandPorts): Land {
  return async (state, job, code, outcome, took = 0) => {
    try {
      return await land(ports, state, job, code, { outcome, took });
    } catch (thrown) {
      // Not reached, or a fault of ours: the host still holds it all.
      return { later: oneLine(messageOf(thrown), 300) };
    }
  };
}

async function land(
  ports: LandPorts,
  state: State,
  job: Entry<"job">,
  code: CodeResult | undefined,
  run: Ran,
): Promise<Landed | { later: string }> {
  const { outcome } = run;
  // Whoever asks is not done: the work stays where it is, and comes with the next run.
  if (!code || asks(state, job, outcome) !== null) return { state: "aside", kept: new Map() };
  const [why = "", left = "", setup = "", said = ""] = await harmless(ports, [
    code.why ?? code.left ?? "",
    code.left ?? "",
    outputOf(code.setup),
    outputOf(code.verify),
  ]);
  if (code.state === "setup") return { state: "unmade", why: `setup ${endOf(code.setup)}`, said: setup };
  if (code.state === "unready")
    return {
      state: "unmade",
      why: `its worktree could not be made: ${oneLine(why) || "no reason was given"}`,
      said: "",
    };
  // Where something is left, `verify` saw more than what comes.
  const check =
    code.left !== undefined
      ? { left: oneLine(left) || "it was not said why" }
      : code.verify
        ? { check: { exit: code.verify.exit, said } }
        : {};
  const asked = outcome.messages?.some(({ verb }) => verb === "ask") ?? false;
  const good = !asked && (outcome.state === "finished" || outcome.state === "empty");
  if (code.commits === 0)
    return !good
      ? { state: "aside", kept: new Map(), ...(code.left === undefined ? { nothing: true } : {}) }
      : code.left === undefined
        ? nothingNew(ports, { state, job, run, check })
        : refused([`it could not be committed: ${oneLine(why)}`]);
  if (code.bundle === null) return refused([oneLine(why) || "its host brought none of its commits"]);
  return looked(ports, { state, job, run, bytes: code.bundle, head: code.head, push: good, check });
}

/** What it answered is read where people decide. That its words could not be changed there keeps no result back. */
async function nothingNew(ports: LandPorts, round: Omit<Looking, "bytes" | "head" | "push">): Promise<Landed> {
  const { branch, code } = round.job.data.run;
  const landed = { state: "nothing", ...round.check } as const;
  if (code?.head === undefined || branch === undefined) return landed;
  const words = await textOf(ports, round, landed);
  await ports.forge.propose({ repo: code.repo, branch, head: code.head, ...words }).catch(() => {});
  return landed;
}

const refused = (reasons: string[], kept: Kept = new Map()): Landed => ({ state: "refused", reasons, kept });
const endOf = (run: ScriptRun | undefined) =>
  run?.exit == null ? "did not end in time" : `ended with exit code ${run.exit}`;
const outputOf = (run: ScriptRun | undefined) => new TextDecoder("utf-8").decode(run?.output ?? new Uint8Array());

interface Looking {
  state: State;
  job: Entry<"job">;
  run: Ran;
  bytes: Uint8Array;
  /** Where its host says that the branch ends. */
  head: string;
  push: boolean;
  check: { check?: Checked; left?: string };
}

async function looked(ports: LandPorts, looking: Looking): Promise<Landed | { later: string }> {
  const { code, branch } = looking.job.data.run;
  if (!code || branch === undefined) return refused(["its record does not say where it belongs"]);
  // Where people took its branch away or put it back, nothing else leads to what the work builds on.
  const target = await ports.targets.fetch(code.repo, [branch], { commits: [code.base], anew: true });
  const there = target.looked.heads.get(branch) ?? null;
  const arrived = await quarantine(gitEnv(ports.env), {
    bytes: looking.bytes,
    branch,
    base: code.base,
    // Where it stands as it came it was pushed before, and is looked at in the same way again.
    known: [
      target.looked.tip,
      ...(code.tip === undefined ? [] : [code.tip]),
      ...(there === null || there === looking.head ? [] : [there]),
    ],
    objects: target.objects,
  });
  if ("refused" in arrived) return refused([arrived.refused]);
  try {
    return await judged(ports, looking, { target, arrived, branch, there });
  } finally {
    await arrived.drop();
  }
}

interface Found {
  target: Target;
  arrived: Arrived;
  branch: string;
  there: string | null;
}

async function judged(ports: LandPorts, looking: Looking, found: Found): Promise<Landed | { later: string }> {
  const { state, job, bytes, push, check } = looking;
  const { target, arrived } = found;
  const task = state.tasks.get(job.data.task);
  const agent = task && agentOf(state, task);
  const secrets = await secretsIn(ports, arrived.texts);
  const breaches: Breach[] = judge(
    { ...arrived.work, secrets },
    {
      // Without a record of its agent nothing is known of what it may do.
      guard: (agent?.data.guard as Guard | undefined) ?? {},
      identity: authorOf(job.data.agent ?? ""),
      pack: await target.isPack(target.looked.tip),
    },
  );
  const landed = breaches.length === 0 && push ? await onBranch(ports, looking, found) : null;
  if (landed?.state === "pushed") return { ...landed, ...check };
  if (landed && "later" in landed) return landed;
  const searched = secrets.size === 0 && arrived.work.changes.every((one) => one.size <= caps.size);
  const kept = await keptOf(ports, found, job, searched && bytes.length <= most.bundle);
  if (landed?.state === "gone") return { ...landed, kept };
  if (landed) return refused(landed.reasons, kept);
  if (breaches.length > 0) return refused(await linesOf(ports, breaches.slice(0, 50)), kept);
  return push ? { state: "moved", kept } : { state: "aside", kept };
}

type Settled =
  | Extract<Landed, { state: "pushed" }>
  | { state: "refused"; reasons: string[] }
  | { state: "gone" }
  | { later: string; state?: never };

/** A token or an address that does not fit is for a person to mend: the work waits for that. */
const mendable: ReadonlySet<string> = new Set(["permission", "missing"]);

/** Puts the branch where the work is. null: people have gone on from elsewhere. */
async function onBranch(ports: LandPorts, looking: Looking, found: Found): Promise<Settled | null> {
  const { job } = looking;
  const { target, arrived, branch, there } = found;
  const { head, work } = arrived;
  const code = job.data.run.code as NonNullable<typeof job.data.run.code>;
  if (there === null && code.head !== undefined) return { state: "gone" };
  if (there !== null && there !== head) {
    const behind = await runGit(arrived.place, ["merge-base", "--is-ancestor", there, head]);
    if (behind.code !== 0) return null;
    // People have put it back: what they dropped is not pushed again.
    if (code.head !== undefined && !(await target.contains(there, code.base))) return null;
  }
  if (there !== head) {
    const pushed = await target.push(join(arrived.place.cwd, "objects"), head, branch, there);
    if (pushed.state !== "won") {
      const refusal = refusalOf(pushed.why);
      if (pushed.state === "lost" && refusal.configuration && !mendable.has(refusal.kind))
        return { state: "refused", reasons: [`the server refused it: ${pushed.why} (${refusal.advice})`] };
      return { later: oneLine(pushed.why, 200) };
    }
  }
  const paths = [...new Set(work.changes.map((one) => one.path))];
  const sum = await sumOf(arrived.place, head, allPaths(code.paths, paths));
  const landed = { state: "pushed", head, at: branch, paths, lines: work.lines, sum } as const;
  const at = await ports.forge.propose({ repo: code.repo, branch, head, ...(await textOf(ports, looking, landed)) });
  const patch = await patchOf(ports, found, (await leftAt(found)) ?? code.base);
  return { ...landed, at, patch: patch === "" ? no_diff : patch };
}

/** In the place of an earlier round's: that one would pass for the work as it is. */
const no_diff = "It changes nothing in all, or its diff is too long to be kept here: look at the branch.\n";

/** Where its branch left the default one: a diff from there holds the work of all rounds. */
async function leftAt({ target, arrived }: Found): Promise<string | null> {
  const ran = await runGit(arrived.place, ["merge-base", target.looked.tip, arrived.head]);
  return ran.code === 0 ? ran.stdout.toString().trim() : null;
}

/** What people are to read of it there. */
async function textOf(
  { site, secrets }: LandPorts,
  { state, job, run, check }: Pick<Looking, "state" | "job" | "run" | "check">,
  landed: Round["landed"],
) {
  const pages = (await site?.()) ?? null;
  const address = pages === null ? () => null : addressOn(pages, state.settings.ledger.branch);
  const { title, body } = proposalOf(state, job, { ...run, landed: { ...landed, ...check } }, address);
  return { title: secrets.mask(title), body: secrets.mask(body) };
}

/** The work as files beside the record. `whole`: all of it was looked at and holds no secret; else only what is left of its text. */
async function keptOf(ports: LandPorts, found: Found, job: Entry<"job">, whole: boolean): Promise<Kept> {
  const kept = new Map<string, string | Uint8Array>();
  const base = job.data.run.code?.base ?? "";
  const patch = await patchOf(ports, found, base);
  if (patch !== "") kept.set("work.patch", patch);
  const bundle = whole ? await packed(found, base) : null;
  if (bundle !== null) kept.set("work.bundle", bundle);
  return kept;
}

/** The diff without secrets; "": it is empty, or too long to be kept. */
async function patchOf(ports: LandPorts, { arrived }: Found, base: string): Promise<string> {
  const args = ["diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", base, arrived.head];
  const ran = await runGit(arrived.place, args, { deadline: 30_000, most: most.patch });
  const [patch = ""] = ran.code === 0 && !ran.killed ? await harmless(ports, [ran.stdout.toString()]) : [];
  return patch;
}

/** Made anew of what was looked at: the one that came may hold words and objects besides, which nobody has seen. */
async function packed({ arrived, branch }: Found, base: string): Promise<Uint8Array | null> {
  const { head, place } = arrived;
  const ran = await runGit(place, ["pack-objects", "--revs", "--thin", "--stdout", "--delta-base-offset", "-q"], {
    input: [Buffer.from(`${head}\n^${base}\n`)],
    deadline: 30_000,
    most: most.bundle,
  });
  if (ran.code !== 0 || ran.killed) return null;
  return Buffer.concat([Buffer.from(`# v2 git bundle\n-${base}\n${head} refs/heads/${branch}\n\n`), ran.stdout]);
}
