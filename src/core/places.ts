// Where towline listens: the inbox, issues whose work is not done, and proposals that are open.

import { openCampfire } from "./campfire.ts";
import { isOver } from "./jobs.ts";
import type { Place } from "./obey.ts";
import type { State } from "./state.ts";

/** Without what only the forge knows of a proposal. */
export type Spot = Pick<Place, "subject" | "kind" | "branch" | "candidates">;

const most = 100;
const pull_form = /^https?:\/\/[^/\s]+\/([\w.-]+\/[\w.-]+)\/pulls?\/(\d+)$/;

export function spotsOf(state: State): Spot[] {
  const { tasks, status, jobs } = state;
  const issues = [...tasks.values()].flatMap(({ id, data }): Spot[] => {
    const state = status.get(id)?.data.state;
    return data.issue === undefined || state === "done" || state === "cancelled"
      ? []
      : [{ subject: data.issue, kind: "issue" }];
  });
  const proposals = [...jobs.values()].flatMap((job): Spot[] => {
    const found = pull_form.exec(job.data.pr ?? "");
    const { branch } = job.data.run;
    return isOver(job) || !found || branch === undefined
      ? []
      : [{ subject: `${found[1]}#${found[2]}`, kind: "proposal", branch }];
  });
  return [{ subject: "inbox", kind: "inbox" }, ...campfireSpots(state), ...issues, ...proposals].slice(
    0,
    most,
  ) as Spot[];
}

function campfireSpots(state: State): Spot[] {
  const row = openCampfire(state);
  const found = pull_form.exec(row?.proposal.url ?? "");
  if (!row || !found) return [];
  const candidates = row.candidates.map(({ name }) => name);
  return [{ subject: `${found[1]}#${found[2]}`, kind: "proposal", branch: row.proposal.branch, candidates }];
}
