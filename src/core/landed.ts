// What became of coding work once it was looked at, and what that makes of its job.
import type { Outcome } from "../ports.ts";
import type { Person } from "./guard.ts";
import { most_paths } from "./overlaps.ts";
import type { Job, JobState } from "./schema.ts";
import { clean, counted, excerpt, fenced, oneLine } from "./text.ts";

/** `verify` of a task, as it ended on the host. `exit` null: at its limit. */
export interface Checked {
  exit: number | null;
  said: string;
}

/** Days for which a worktree stays whose work may be nowhere else, after its last run began. */
export const tree_days = 14;
const kept_for = `its worktree stays on its host for ${tree_days} days`;

/** Files that are kept with the job's record, by name. */
export type Kept = ReadonlyMap<string, string | Uint8Array>;

export type Landed =
  /** Its branch stands at `head`. `left`: why something of it is in no commit. */
  | {
      state: "pushed";
      head: string;
      at: string;
      paths: string[];
      lines: number;
      sum?: string;
      check?: Checked;
      left?: string;
      /** All that its branch changes, for people to read; absent: it could not be made. */
      patch?: string;
    }
  /** Nothing was committed. */
  | { state: "nothing"; check?: Checked }
  /** It is not pushed, and these are the reasons. */
  | { state: "refused"; reasons: string[]; kept: Kept }
  /** People pushed to the branch while the agent was at work, and the two do not go together. */
  | { state: "moved"; kept: Kept }
  /** People took its branch away while the agent was at work. */
  | { state: "gone"; kept: Kept }
  /** The run did not end well: it is not pushed. `nothing`: there was nothing to push. */
  | { state: "aside"; kept: Kept; nothing?: true }
  /** The worktree could not be made ready: the agent was not started. */
  | { state: "unmade"; why: string; said: string };

/** How often a check may fail in a row before people look at it. */
export const most_checks = 3;
/** How often people's pushes may cross the agent's. */
const most_rounds = 50;

/** In whose name an agent's commits are. The address leads nowhere. */
export const authorOf = (agent: string): Person => ({
  name: `${agent} (towline)`,
  email: `${agent}@agents.towline.invalid`,
});

/** `taken`: a branch called `towline` is there, as many a ledger is; git lets none stand below it. */
export const branchOf = (job: string, taken: boolean) => `towline${taken ? "-work" : ""}/${job}`;

/** Lines of a failed check's output that are kept. */
const check_keep = 4000;

export interface Judged {
  state: JobState;
  outcome: Outcome["outcome"];
  why: string | undefined;
  pr?: string;
  code: NonNullable<Job["run"]["code"]>;
}

/** What a run of coding work came to. Merging the work is people's: no run makes its task done by itself. */
export function judgedWork(
  { data }: { data: Job },
  { state, outcome, why }: Pick<Outcome, "state" | "outcome" | "why">,
  landed: Landed,
): Judged {
  const { code: before, round } = data.run;
  const { telling = [], conflict: _, ...rest } = before as NonNullable<typeof before>;
  // A run that did not get to work on them has not settled them: the next one hears them again.
  const worked =
    (landed.state === "pushed" && landed.left === undefined) || landed.state === "nothing" || landed.state === "gone";
  const told = [...(rest.told ?? []), ...(worked ? telling : [])];
  const waiting = rest.said?.filter(({ id }) => !told.includes(id)) ?? [];
  const code = {
    ...rest,
    told: told.length > 0 ? told : undefined,
    said: waiting.length > 0 ? waiting : undefined,
    unsaved: isUnsaved(rest, landed),
  };
  const failed = (reason: string): Judged => ({ state: "failed", outcome: "failure", why: reason, code });
  if (landed.state === "unmade") return failed(landed.why);
  if (landed.state === "refused") return failed(`its work was not taken: ${landed.reasons.slice(0, 3).join("; ")}`);
  if (landed.state === "aside" && state !== "finished" && state !== "empty") return { state, outcome, why, code };
  if (landed.state === "aside") return failed(`it asked more than is answered: ${kept_for}`);
  if (landed.state === "moved")
    return round + (code.failed ?? 0) >= most_rounds
      ? failed("people's pushes to its branch crossed its work again and again")
      : { state: "reworking", outcome: "partial", why: crossed, code: { ...code, note: crossed } };
  // Whether that is a no or came with a merge is seen by whoever looks at it next.
  if (landed.state === "gone") return { state: "review", outcome: "partial", why: taken_away, pr: data.pr, code };
  const checkWhy = lackOf(landed);
  const count = checkWhy === undefined ? undefined : (code.failed ?? 0) + 1;
  const next = { ...code, failed: count, note: checkWhy };
  if (landed.state === "pushed")
    Object.assign(next, { head: landed.head, paths: allPaths(code.paths, landed.paths), sum: landed.sum });
  else if (code.head === undefined)
    return { state: "empty", outcome: "partial", why: "it changed no file", code: next };
  const pr = landed.state === "pushed" ? landed.at : data.pr;
  if (count !== undefined && count < most_checks)
    return { state: "reworking", outcome: "partial", why: `${checkWhy}; it goes back to its agent`, pr, code: next };
  next.note = undefined;
  const said = checkWhy === undefined ? why : `${checkWhy}, ${count} times in a row`;
  return { state: "review", outcome: count === undefined ? outcome : "partial", why: said, pr, code: next };
}

/** How the note begins of a round that is to commit the rest. */
export const not_all = "what its agent did is not all committed";

/** What keeps it from being done. */
function lackOf(landed: Extract<Landed, { state: "pushed" | "nothing" }>): string | undefined {
  if (landed.state === "pushed" && landed.left !== undefined) return `${not_all} (${landed.left})`;
  return landed.check && landed.check.exit !== 0 ? `verify ${endOf(landed.check)}` : undefined;
}

/** Until its work is on its branch, or whole beside its record, its worktree is all that there is. */
function isUnsaved({ unsaved, note }: Judged["code"], landed: Landed): boolean | undefined {
  if ("kept" in landed)
    return (landed.state === "aside" && landed.nothing) || landed.kept.has("work.bundle") ? unsaved : true;
  // What people's pushes crossed is on no branch, however the next round ended.
  if (landed.state === "pushed" && landed.left !== undefined) return true;
  return landed.state === "unmade" || note === crossed ? unsaved : undefined;
}

/** Of all rounds. */
export const allPaths = (before: readonly string[] = [], now: readonly string[]) =>
  [...new Set([...before, ...now])].sort().slice(0, most_paths);

const taken_away = "its branch was taken away while the agent was at work";
const crossed =
  "people pushed to its branch meanwhile: it starts again from theirs, and its own commits are kept in refs/towline/kept";

const endOf = ({ exit }: Checked) => (exit === null ? "did not end in time" : `failed with exit code ${exit}`);

/** Sections of the record's body. */
export function workText(landed: Landed, branch: string): string[] {
  if (landed.state === "unmade")
    return landed.said.trim() === "" ? [] : [`## Setup\n\n${fenced(excerpt(clean(landed.said).trim(), check_keep))}`];
  if (landed.state === "refused")
    return [`## Not taken\n\n${landed.reasons.map((reason) => `- ${plain(reason)}`).join("\n")}${kept(landed.kept)}`];
  if (landed.state === "moved" || landed.state === "gone" || landed.state === "aside")
    return landed.state === "aside" && landed.nothing
      ? []
      : [`## Work\n\nIt is not on its branch.${kept(landed.kept)}`];
  const size =
    landed.state === "pushed"
      ? ` at ${landed.head.slice(0, 12)}: ${counted(landed.paths.length, "file")}, ${counted(landed.lines, "line")} changed`
      : ": nothing new";
  const { check } = landed;
  const ran = check ? ` \`verify\` ${check.exit === 0 ? "passed" : endOf(check)}.` : "";
  const left = landed.state === "pushed" && landed.left !== undefined ? ` Not all of it: ${plain(landed.left)}.` : "";
  const work = `## Work\n\nBranch \`${branch}\`${size}.${left}${ran}`;
  return check && check.exit !== 0 && check.said.trim() !== ""
    ? [work, `${check_head}\n\n${fenced(excerpt(clean(check.said).trim(), check_keep))}`]
    : [work];
}

const check_head = "## Check";

function kept(files: Kept): string {
  const names = [...files.keys()].map((name) => `\`${name}\``).join(", ");
  const beside = names === "" ? "" : `\n\nKept beside this record: ${names}.`;
  return files.has("work.bundle") ? beside : `${beside}\n\nNot all of it is kept here: ${kept_for}.`;
}

/** What the last check said, out of the record's body. */
export function checkIn(body: string): string {
  const lines = body.split("\n");
  let head = "";
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.startsWith("## ")) head = line;
    const mark = /^`{3,}/.exec(line)?.[0];
    if (mark === undefined) continue;
    // What stands in a fence is an agent's, and may look like a heading of ours.
    const end = lines.indexOf(mark, at + 1);
    if (head === check_head || end < 0) return end < 0 ? "" : lines.slice(at + 1, end).join("\n");
    at = end;
  }
  return "";
}

const plain = (text: string) => oneLine(text, 300).replace(/[\\`*_[\]<>|]/g, (c) => `\\${c}`);
