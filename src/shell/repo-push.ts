// One atomic push with leases, and what its answer is worth. Only a porcelain line that names our commit as
// updated or new is a win; only a line that names it as rejected is a loss; everything else is unknown.
import type { PushOutcome } from "../ports.ts";
import { type Place, type Ran, runGit } from "./git.ts";
import { beat_ref } from "./repo-remote.ts";

export interface PushPlan {
  remote: string;
  commit: string;
  /** Full name of the ref to move, and its expected value (null: it must not exist). */
  ref: string;
  old: string | null;
  /** A second ref that must stand where we read it. Its refspec is in the push, or git would ignore the lease. */
  guard?: { ref: string; at: string };
  /** Milliseconds. */
  deadline: number;
  env?: Record<string, string>;
}

export async function pushCommit(place: Place, plan: PushPlan): Promise<PushOutcome> {
  const { commit, ref, guard } = plan;
  const leases = [`--force-with-lease=${ref}:${plan.old ?? ""}`];
  const specs = [`${commit}:${ref}`];
  if (guard) {
    leases.push(`--force-with-lease=${guard.ref}:${guard.at}`);
    specs.push(`${guard.at}:${guard.ref}`);
  }
  const ran = await runGit(
    place,
    ["push", "--atomic", "--porcelain", "--no-verify", ...leases, plan.remote, ...specs],
    {
      deadline: plan.deadline,
      env: plan.env,
    },
  );
  return outcomeOf(ran, commit, ref);
}

/** Reads `<flag> TAB <from>:<to> TAB <summary> (<reason>)` lines. */
export function outcomeOf(ran: Ran, commit: string, ref: string): PushOutcome {
  const lines = ran.stdout
    .toString()
    .split("\n")
    .map((line) => line.split("\t"));
  const ours = lines.find((line) => line[1] === `${commit}:${ref}`);
  const flag = ours?.[0];
  const summary = ours?.[2] ?? "";
  // `=` (up to date) is no win: another writer may have made the very same commit.
  if (flag === " " || flag === "*" || flag === "+") return { state: "won", commit };
  if (flag === "=" || (flag === "!" && /^\[(remote )?rejected\]/.test(summary))) {
    const cause = lines.find((line) => line[0] === "!" && !/atomic/.test(line[2] ?? "")) ?? ours;
    const target = cause?.[1]?.replace(/^.*:/, "") ?? ref;
    return { state: "lost", why: reasonText(`${target} ${cause?.[2] ?? ""}`, ran.stderr) };
  }
  if (ran.killed) return { state: "unknown", why: "the push was ended at its deadline", commit };
  const why = reasonText(summary, ran.stderr) || `git push ended with ${ran.code ?? "a signal"} and no answer`;
  return nothing_sent.test(why) ? { state: "lost", why } : { state: "unknown", why, commit };
}

/** Puts the beat's ref on this commit, whatever it was. Null, or why it was not done. */
export async function pushBeat(
  place: Place,
  remote: string,
  commit: string,
  deadline: number,
  env: Record<string, string>,
): Promise<string | null> {
  const ran = await runGit(place, ["push", "--porcelain", "--no-verify", remote, `+${commit}:${beat_ref}`], {
    deadline,
    env,
  });
  const outcome = outcomeOf(ran, commit, beat_ref);
  return outcome.state === "won" ? null : outcome.why;
}

/** Refused while connecting: then no command for a ref was ever sent. */
const nothing_sent =
  /requested URL returned error: 40[134]|Authentication failed for|could not read Username|Permission denied \(|repository '?[^']*'? not found|does not appear to be a git repository|Could not resolve host|Connection refused|does not support --atomic|Host key verification failed/i;

/** The part of git's words that says why, in one line, without control characters and passwords in addresses. */
function reasonText(summary: string, stderr: string): string {
  const said = stderr
    .split("\n")
    .map((line) =>
      line
        .replace(/\x1b\[[0-9;]*[A-Za-z]/g, "")
        .replace(/[\x00-\x1f\x7f]/g, " ")
        .trim(),
    )
    .filter((line) => /^(remote: .*\S|fatal:|error:|ssh:)/.test(line) && !/failed to push some refs/.test(line))
    .slice(0, 6);
  return [summary.trim(), ...said]
    .filter(Boolean)
    .join("; ")
    .replace(/(\w+:\/\/)[^/@\s]+@/g, "$1")
    .slice(0, 600);
}

export type RefusalKind =
  | "race"
  | "lock"
  | "protected"
  | "workflow"
  | "content"
  | "permission"
  | "missing"
  | "old-server"
  | "disk"
  | "hook"
  | "network"
  | "other";

export interface Refusal {
  kind: RefusalKind;
  /** A person must change a setting: trying again is of no use. */
  configuration: boolean;
  advice: string;
}

const refusals: [RefusalKind, RegExp, boolean, string][] = [
  [
    "workflow",
    /refusing to allow .* (create|update) workflow/i,
    true,
    "a ledger commit must not hold workflow files: report this fault",
  ],
  [
    "content",
    /GH009|push protection|secret[- ]scanning|contains? secrets?/i,
    true,
    "the host found a secret in a record: remove it at its source and change the secret",
  ],
  [
    "protected",
    /GH006|GH013|protected branch|repository rule violations|not allowed to (force )?push/i,
    true,
    "the branch is protected: let the workflow's account push to it, or set `ledger: {branch: towline}` in towline.yml",
  ],
  [
    "old-server",
    /does not support --atomic/i,
    true,
    "the git server cannot push atomically: use one with git 2.4 or newer",
  ],
  [
    "permission",
    /error: 40[13]|Permission denied|Permission to .* denied|Authentication failed|could not read Username|access denied|Host key verification|write access/i,
    true,
    "give the token or key write access (`permissions: contents: write` in the workflow)",
  ],
  [
    "missing",
    /error: 404|repository '?[^']*'? not found|does not appear to be a git repository/i,
    true,
    "check the address of the remote `origin`",
  ],
  [
    "race",
    /stale info|non-fast-forward|fetch first|but expected|reference already exists|incorrect old value|atomic (push|transaction) fail/i,
    false,
    "another writer was faster: read again and decide again",
  ],
  [
    "lock",
    /failed to update ref|cannot lock ref|\.lock'|unable to lock/i,
    false,
    "another push is under way, or the server keeps a stale lock: try later",
  ],
  ["disk", /unpack|No space left|disk quota/i, false, "the server could not store the objects: look at its disk"],
  ["hook", /hook declined/i, true, "a hook on the server refused the push: its words say why"],
  [
    "network",
    /Could not resolve host|Connection (refused|reset|timed out|closed)|early EOF|hung up|unable to access|deadline|timed out/i,
    false,
    "the server could not be reached: the next tick tries again",
  ],
];

/** What kind of refusal a lost or unknown push met, by the words in its `why`. */
export function refusalOf(why: string): Refusal {
  const found = refusals.find(([, words]) => words.test(why));
  return found
    ? { kind: found[0], configuration: found[2], advice: found[3] }
    : { kind: "other", configuration: false, advice: "read git's words" };
}
