// One atomic push with leases, and what its answer is worth. Only a porcelain line that names our commit as
// updated or new is a win; only a line that names it as rejected is a loss; everything else is unknown.
import type { PushOutcome } from "../ports.ts";
import { type Place, type Ran, runGit } from "./git.ts";

export interface Along {
  ref: string;
  /** null: the ref goes. */
  commit: string | null;
  old: string | null;
}

export interface PushPlan {
  remote: string;
  commit: string;
  /** Full name of the ref to move, and its expected value (null: it must not exist). */
  ref: string;
  old: string | null;
  /** A second ref that must stand where we read it. Its refspec is in the push, or git would ignore the lease. */
  guard?: { ref: string; at: string };
  /** Further refs that move along, or nothing moves. */
  along?: Along | readonly Along[] | undefined;
  /** Milliseconds. */
  deadline: number;
  env?: Record<string, string>;
}

export async function pushCommit(place: Place, plan: PushPlan): Promise<PushOutcome> {
  const { commit, ref, guard, along } = plan;
  const leases = [`--force-with-lease=${ref}:${plan.old ?? ""}`];
  const specs = [`${commit}:${ref}`];
  if (guard) {
    leases.push(`--force-with-lease=${guard.ref}:${guard.at}`);
    specs.push(`${guard.at}:${guard.ref}`);
  }
  for (const one of [along ?? []].flat()) {
    leases.push(`--force-with-lease=${one.ref}:${one.old ?? ""}`);
    specs.push(`${one.commit ?? ""}:${one.ref}`);
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
    return {
      state: "lost",
      why: reasonText(`${target} ${cause?.[2] ?? ""}`, ran.stderr),
      paths: pathsNamed(ran.stderr),
    };
  }
  if (ran.killed) return { state: "unknown", why: "the push was ended at its deadline", commit };
  const why = reasonText(summary, ran.stderr) || `git push ended with ${ran.code ?? "a signal"} and no answer`;
  const connected = !wordsOf(ran.stderr).some((line) => !/^(remote|error):/.test(line) && nothing_sent.test(line));
  return connected ? { state: "unknown", why, commit } : { state: "lost", why };
}

/** Puts a ref on this commit, whatever it was. Null, or why it was not done. */
export async function pushForced(
  place: Place,
  remote: string,
  commit: string,
  ref: string,
  deadline: number,
  env: Record<string, string>,
): Promise<string | null> {
  const ran = await runGit(place, ["push", "--porcelain", "--no-verify", remote, `+${commit}:${ref}`], {
    deadline,
    env,
  });
  const outcome = outcomeOf(ran, commit, ref);
  return outcome.state === "won" ? null : outcome.why;
}

/** Refused while connecting: then no command for a ref was ever sent. */
const nothing_sent =
  /requested URL returned error: 40[134]|Authentication failed for|could not read Username|Permission denied \(|repository '?[^']*'? not found|does not appear to be a git repository|Could not resolve host|Connection refused|Failed to connect|Couldn't connect|does not support --atomic|Host key verification failed/i;

/** `path: FILE:LINE`, as a forge names the places of secrets that it found. */
const pathsNamed = (stderr: string) => [
  ...new Set(
    [...stderr.matchAll(/^remote:.*\bpath: *(\S[^:\n]{0,500}?)(?::\d+)?\s*$/gm)].map((found) => found[1] as string),
  ),
];

/** git's lines that give a reason, without control characters. */
const wordsOf = (stderr: string) =>
  stderr
    .split("\n")
    .map((line) =>
      line
        .replace(/\x1b\[[0-9;]*[A-Za-z]/g, "")
        .replace(/[\x00-\x1f\x7f]/g, " ")
        .trim(),
    )
    .filter(
      (line) =>
        /^(remote: *\S|fatal:|error:|ssh:|\S+@\S+: |Host key)/.test(line) && !line.includes("failed to push some refs"),
    );

/** Why, in one line, without passwords in addresses. */
const reasonText = (summary: string, stderr: string) =>
  [summary.trim(), ...wordsOf(stderr).slice(0, 6)]
    .filter(Boolean)
    .join("; ")
    .replace(/(\w+:\/\/)[^/@\s]+@/g, "$1")
    .slice(0, 600);
