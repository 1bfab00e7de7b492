// What the hands do for coding work: repositories are asked how they stand, a host gets what a job starts from, and
// worktrees go whose job is over.
import type { Findings } from "../core/absorb.ts";
import type { Start } from "../core/claim.ts";
import type { Entry } from "../core/entry.ts";
import { isOver } from "../core/jobs.ts";
import { answersFor } from "../core/known-hosts.ts";
import { authorOf, tree_days } from "../core/landed.ts";
import { most_trees } from "../core/place.ts";
import type { Settings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { unwanted } from "../core/withdraw.ts";
import { exit, Fault, messageOf } from "../errors.ts";
import type { ForgeFor } from "../forges/index.ts";
import type { CodeRequest, Forge, HostFacts, HostSession, Proposal, Repo } from "../ports.ts";
import type { Land } from "./land.ts";
import { addRecords, jobPaths } from "./read.ts";
import type { Targets } from "./target.ts";

/** Everything that coding work needs of the outside. */
export interface Code {
  targets: Targets;
  forge: ForgeFor;
  land: Land;
}

/** Bytes of the bundle that comes back. */
const most_back = 48 << 20;
/** A worktree of which the ledger knows nothing is left alone for so long, s: another tick may have just made it. */
const fresh = 3600;

/** Asks repositories where they are, and how work stands in them. Where one says nothing the words for it stand there. */
export async function lookAtRepos(
  { targets, forge: forgeFor }: Pick<Code, "targets" | "forge">,
  settings: Pick<Settings, "forge" | "owners">,
  repos: ReadonlySet<string>,
  waiting: readonly Entry<"job">[],
  findings: Pick<Findings, "repos" | "standing" | "remarks" | "forge">,
): Promise<void> {
  const forge = forgeFor(settings);
  findings.repos.clear();
  findings.standing.clear();
  delete findings.remarks;
  delete findings.forge;
  await Promise.all(
    [...repos].map(async (repo) => {
      try {
        findings.repos.set(repo, await targets.look(repo));
        for (const { id, data } of waiting) {
          const { code, branch } = data.run;
          if (code?.repo !== repo || code.head === undefined || branch === undefined) continue;
          const { head, tip, paths, sum } = code;
          const proposal = { repo, branch, head, tip, paths, sum, owners: settings.owners };
          if (forge.name === "git") findings.standing.set(id, await forge.stands(proposal));
          else await askForge(forge, findings, id, proposal);
        }
      } catch (thrown) {
        const person = thrown instanceof Fault && thrown.code !== exit.outside;
        findings.repos.set(repo, { fault: oneLine(messageOf(thrown), 300), person });
      }
    }),
  );
}

/** A forge that does not answer holds up what waits for it there, and no work on its repositories. */
async function askForge(
  forge: Forge,
  findings: Pick<Findings, "standing" | "remarks" | "forge">,
  id: string,
  proposal: Proposal,
): Promise<void> {
  try {
    const stands = await forge.stands(proposal);
    findings.standing.set(id, stands);
    const said = stands === "open" || stands === "conflict" ? await forge.remarks(proposal) : [];
    findings.remarks ??= new Map();
    if (!("notHere" in said)) findings.remarks.set(id, said);
    findings.forge ??= { name: forge.name, why: null };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    findings.forge = { name: forge.name, why: oneLine(messageOf(thrown), 300) };
  }
}

/** Brings what the job starts from to its host. `final`: it will not do another time either. */
export async function sendWork(
  { targets }: Code,
  session: HostSession,
  { assignment }: Start,
): Promise<CodeRequest | { why: string; final: boolean }> {
  const work = assignment?.code;
  if (!work || !assignment) return { why: "its record does not say where it starts", final: true };
  try {
    const target = await targets.fetch(work.repo, [work.branch]);
    const lacks = await target.lacks(work.base);
    if (lacks !== null) return { why: `work on ${work.repo} is not possible: ${lacks}`, final: true };
    // The default branch comes along, so that the agent can merge what people have done meanwhile.
    const commits = [...new Set([work.base, target.looked.tip])];
    const bundle = await target.bundle(commits, await session.code.tips(target.mirror));
    if (bundle !== null) await session.code.send(target.mirror, bundle);
    const { setup, verify } = assignment.task;
    return {
      mirror: target.mirror,
      base: work.base,
      branch: work.branch,
      ...(work.head === undefined ? {} : { pushed: work.head }),
      author: authorOf(work.agent),
      ...(setup === undefined ? {} : { setup }),
      ...(verify === undefined ? {} : { verify }),
      trees: most_trees,
      most: most_back,
    };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    // What hosts refuse, and what could not be read, may pass. What stands against the repository does not.
    return { why: oneLine(thrown.message, 300), final: thrown.code !== exit.outside };
  }
}

/**
 * Takes worktrees and sessions away whose job is over, and sessions that no next round will come to. One that a run is
 * open in stays, and one with work that is nowhere else.
 */
export async function closeTrees(
  session: HostSession,
  state: State,
  host: string,
  { trees = [], sessions = [], skew, identity }: HostFacts,
  { now, repo }: { now: Date; repo: Repo },
): Promise<void> {
  const idle = ({ used }: { used: number }) => now.getTime() / 1000 + skew - used;
  // A job that is over is not read by itself.
  const strange = trees.filter((one) => idle(one) > fresh && !state.jobs.has(one.job));
  if (strange.length > 0) {
    const ids = strange.map(({ job }) => job);
    const paths = await jobPaths(repo, state.tips, ids);
    const found = strange.flatMap(({ job }) => paths.get(job) ?? []);
    await addRecords(repo, state, found);
  }
  const unsaved = trees.filter((one) => {
    const known = state.jobs.get(one.job);
    return known !== undefined && isUnsaved(known) && idle(one) <= tree_days * 86_400;
  });
  const kept = new Set(unsaved.map(({ job }) => job));
  // What went on elsewhere goes on afresh, should it come back.
  const left = (job: Entry<"job">) =>
    !answersFor(state, job, host, identity) || (job.data.state === "asking" && unwanted(state, job) !== null);
  for (const one of [...trees, ...sessions]) {
    const known = state.jobs.get(one.job);
    if (kept.has(one.job)) continue;
    const ended = known?.data.run.result !== undefined || trees.some(({ job }) => job === one.job);
    const over = known ? isOver(known) && ended : idle(one) > fresh;
    if (over || (known && sessions.includes(one) && left(known))) await session.code.close(one.job);
  }
}

/** Work of it may be nowhere but in its worktree. */
const isUnsaved = (job: Entry<"job">) =>
  job.data.run.code?.unsaved === true || (isOver(job) && job.data.run.result === undefined);
