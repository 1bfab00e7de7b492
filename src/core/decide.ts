// One pass as a value: state and findings in, a plan and the texts of the next commit out. The same input gives the same answer.
import type { Changes } from "../ports.ts";
import { absorb, type Findings } from "./absorb.ts";
import { endUnanswered } from "./asking.ts";
import { raiseBudgets } from "./budget-levels.ts";
import { settleCampfire } from "./campfire-settle.ts";
import { deliver } from "./deliver.ts";
import { changesOf, type Draft, draftOf, isoNow } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { fold } from "./fold.ts";
import { pupdatesPath } from "./ids.ts";
import { callForNew } from "./inbox.ts";
import { knowledge_path, knowledgeText } from "./knowledge-rows.ts";
import { learn, raiseReverted } from "./lessons.ts";
import { closeMemos, takeAnswers } from "./memos.ts";
import { narrate } from "./narrate.ts";
import { takeNotices } from "./notices.ts";
import { obey } from "./obey.ts";
import { raiseOverlaps } from "./overlaps.ts";
import { isLead } from "./part.ts";
import { type Known, type Plan, plan } from "./plan.ts";
import { bringPages } from "./plugin-pages.ts";
import { prose_path } from "./prose.ts";
import { ndjson } from "./render.ts";
import { bring } from "./samples.ts";
import type { State } from "./state.ts";
import { stopRollouts } from "./stop-rollout.ts";
import { triage } from "./triage.ts";
import { raiseWaits } from "./waits.ts";
import { takeStarts } from "./workflow-calls.ts";

export interface Decision {
  draft: Draft;
  plan: Plan;
  changes: Changes;
  subject: string;
  /** A person asked for work, or for another round, and that came up only now: no host was looked at for it yet. */
  again: boolean;
}

export interface Pass {
  now: Date;
  tick: string;
  /** Name of this pass's pupdate file. */
  file: string;
  /** False in a pass that only records. */
  start: boolean;
  /** What becomes of a text on its way out. */
  mask?: ((text: string) => string) | undefined;
}

const at_rest: Plan = { starts: [], holds: new Map(), spent: new Map(), unread: false };

export function decide(
  state: State,
  findings: Findings,
  known: Omit<Known, "answers" | "absent" | "repos">,
  pass: Pass,
): Decision {
  const draft = draftOf(state, pass.now, pass.tick);
  const base = { jobs: new Map(draft.jobs), status: draft.status, memos: new Map(draft.memos) };
  draft.posted = findings.posted;
  draft.web = findings.web;
  draft.prose = findings.prose;
  obey(draft, findings.said, { runtimes: known.runtimes, web: findings.web });
  const settled = settleCampfire(draft, findings.campfire);
  absorb(draft, findings);
  raiseReverted(draft);
  stopRollouts(draft);
  raiseOverlaps(draft);
  endUnanswered(draft);
  takeAnswers(draft);
  draft.status = new Map(draft.status);
  fold(draft, at_rest, base, false);
  triage(draft);
  // A pass that only records plans on a copy: it keeps what holds tasks back, and claims nothing.
  const planned = pass.start ? draft : { ...draft, jobs: new Map(draft.jobs), written: new Map(), raised: [] };
  const made = plan(planned, {
    ...known,
    answers: findings.answers,
    absent: findings.absent,
    repos: findings.repos,
    before: base.status,
  });
  const kept = pass.start ? made : { ...made, starts: [], tells: 0 };
  raiseBudgets(draft, made.holds);
  fold(draft, kept, base, true);
  if (isLead(draft)) raiseWaits(draft);
  triage(draft);
  takeNotices(draft);
  takeStarts(draft);
  learn(draft, settled, findings.meanings);
  closeMemos(draft);
  if (findings.talks) {
    deliver(draft, base, findings.web);
    callForNew(draft, findings.web);
  }
  const overview = isLead(draft) ? narrate(draft) : null;
  const changes = changesOf(
    draft,
    overview,
    pass.file,
    bringPages(draft.texts, findings.pages, bring(draft, findings.samples)),
    pass.mask,
  );
  const knowledge = knowledgeText(draft, base.jobs, findings.knowledge);
  if (knowledge !== null) changes.set(knowledge_path, knowledge);
  // It comes along with what it is about.
  if (findings.prose && changes.size > 0) changes.set(prose_path, ndjson([findings.prose]));
  if (draft.pupdates.length > 0) changes.set(pupdatesPath(isoNow(draft), pass.file), ndjson(draft.pupdates));
  const again =
    [...draft.tasks.values()].some(({ id, data }) => data.issue !== undefined && !state.tasks.has(id)) ||
    [...draft.jobs.values()].some(
      ({ id, data }) => data.state === "reworking" && state.jobs.get(id)?.data.state === "review",
    );
  return { draft, plan: kept, changes, subject: subjectOf(draft, kept, base.jobs), again };
}

/** `2 done, 1 failed: backup, nginx` */
function subjectOf(draft: Draft, made: Plan, before: ReadonlyMap<string, Entry<"job">>): string {
  const ended = [...draft.jobs.values()].filter(
    (job) =>
      before.get(job.id) !== job &&
      job.data.run.ended_at &&
      job.data.run.ended_at !== before.get(job.id)?.data.run.ended_at,
  );
  const done = ended.filter((job) => job.data.state === "finished");
  const asking = ended.filter((job) => job.data.state === "asking");
  const review = ended.filter((job) => job.data.state === "review");
  const back = ended.filter((job) => job.data.state === "reworking");
  const failed = ended.length - done.length - asking.length - review.length - back.length;
  const said = [
    done.length > 0 ? `${done.length} done` : "",
    failed > 0 ? `${failed} failed` : "",
    asking.length > 0 ? `${asking.length} asking` : "",
    review.length > 0 ? `${review.length} for review` : "",
    back.length > 0 ? `${back.length} back to work` : "",
    made.starts.length > 0 ? `${made.starts.length} claimed` : "",
  ].filter(Boolean);
  const names = [
    ...new Set([
      ...ended.map((job) => job.data.task),
      ...made.starts.map((start) => draft.jobs.get(start.job)?.data.task ?? start.job),
    ]),
  ].sort();
  if (said.length === 0) return "status brought up to date";
  return `${said.join(", ")}: ${names.slice(0, 4).join(", ")}${names.length > 4 ? ` and ${names.length - 4} more` : ""}`;
}
