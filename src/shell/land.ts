// Coding work that came back: into quarantine, before the guard, and then onto its branch or aside. Doing it twice ends
// the same: a branch that stands where it should is left alone.
import { join } from "node:path";
import { asks } from "../core/asking.ts";
import type { Entry } from "../core/entry.ts";
import { agentOf } from "../core/gate.ts";
import { type Breach, breachLine, type Guard, judge } from "../core/guard.ts";
import { allPaths, authorOf, type Checked, type Kept, type Landed } from "../core/landed.ts";
import type { State } from "../core/state.ts";
import { clean, oneLine } from "../core/text.ts";
import { messageOf } from "../errors.ts";
import type { CodeResult, Forge, Outcome, ScriptRun } from "../ports.ts";
import { gitEnv, runGit } from "./git.ts";
import { type Arrived, quarantine } from "./quarantine.ts";
import { refusalOf } from "./refusal.ts";
import type { Scan, Sighting } from "./scan.ts";
import { without } from "./screen.ts";
import type { Secrets } from "./secrets.ts";
import type { Target, Targets } from "./target.ts";
import { sumOf } from "./target-read.ts";

/** `later`: it cannot be told yet, and is not counted; the host keeps it. */
export type Land = (
  state: State,
  job: Entry<"job">,
  code: CodeResult | undefined,
  outcome: Outcome,
) => Promise<Landed | { later: string }>;

export interface LandPorts {
  targets: Targets;
  forge: Forge;
  secrets: Secrets;
  scan: Scan;
  env: Readonly<Record<string, string | undefined>>;
}

/** Attachments stay small: the ledger keeps them for good. */
const most = { patch: 256 << 10, bundle: 1 << 20 };

export function createLand(ports: LandPorts): Land {
  return async (state, job, code, outcome) => {
    try {
      return await land(ports, state, job, code, outcome);
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
  outcome: Outcome,
): Promise<Landed | { later: string }> {
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
        ? { state: "nothing", ...check }
        : refused([`it could not be committed: ${oneLine(why)}`]);
  if (code.bundle === null) return refused([oneLine(why) || "its host brought none of its commits"]);
  return looked(ports, { state, job, bytes: code.bundle, head: code.head, push: good, check });
}

const refused = (reasons: string[], kept: Kept = new Map()): Landed => ({ state: "refused", reasons, kept });
const endOf = (run: ScriptRun | undefined) =>
  run?.exit == null ? "did not end in time" : `ended with exit code ${run.exit}`;
const outputOf = (run: ScriptRun | undefined) => new TextDecoder("utf-8").decode(run?.output ?? new Uint8Array());

interface Looking {
  state: State;
  job: Entry<"job">;
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
  const kept = await keptOf(ports, arrived, job, secrets.size > 0 ? null : bytes);
  if (landed?.state === "gone") return { ...landed, kept };
  if (landed) return refused(landed.reasons, kept);
  if (breaches.length > 0) return refused(breaches.slice(0, 50).map(breachLine), kept);
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
async function onBranch(ports: LandPorts, { job }: Looking, found: Found): Promise<Settled | null> {
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
  const at = await ports.forge.propose({ repo: code.repo, branch, head });
  const paths = [...new Set(work.changes.map((one) => one.path))];
  const sum = await sumOf(arrived.place, head, allPaths(code.paths, paths));
  return { state: "pushed", head, at, paths, lines: work.lines, sum };
}

/** Texts without secrets and without what is hidden. Where that cannot be told, without any. */
async function harmless({ secrets, scan }: LandPorts, texts: string[]): Promise<string[]> {
  const masked = texts.map((text) => secrets.mask(text, { start: true }));
  try {
    const found = await scan(masked);
    return masked.map((text, at) => clean(without(text, found[at])));
  } catch {
    return texts.map(() => "");
  }
}

/** Kinds of secrets by place. A search that failed counts as a find: nobody can tell what is there. */
async function secretsIn({ secrets, scan }: LandPorts, texts: ReadonlyMap<string, string>) {
  const found = new Map<string, string[]>();
  const places = [...texts.keys()];
  const words = [...texts.values()];
  let sightings: Sighting[][] | null;
  try {
    // The name of a place is pushed, too.
    sightings = await scan(words.map((text, at) => `${places[at]}\n${text}`));
  } catch {
    sightings = null;
  }
  for (const [at, place] of places.entries()) {
    const text = `${place}\n${words[at]}`;
    const masked = secrets.mask(text);
    const known = masked === text ? [] : [...masked.matchAll(/⟨redacted ([^⟩]*)⟩/g)].map(([, name]) => name as string);
    const kinds = [...known, ...(sightings?.[at] ?? []).map((one) => one.kind)];
    if (kinds.length > 0) found.set(place, kinds);
  }
  if (sightings === null) found.set("it", ["nobody can tell: the search did not end"]);
  return found;
}

/** The work as files beside the record. `bytes` null: it holds secrets, and only what is left of the text is kept. */
async function keptOf(ports: LandPorts, arrived: Arrived, job: Entry<"job">, bytes: Uint8Array | null): Promise<Kept> {
  const kept = new Map<string, string | Uint8Array>();
  const base = job.data.run.code?.base ?? "";
  const args = ["diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", base, arrived.head];
  const ran = await runGit(arrived.place, args, { deadline: 30_000, most: most.patch });
  const [patch = ""] = ran.code === 0 && !ran.killed ? await harmless(ports, [ran.stdout.toString()]) : [];
  if (patch !== "") kept.set("work.patch", patch);
  if (bytes !== null && bytes.length <= most.bundle) kept.set("work.bundle", bytes);
  return kept;
}
