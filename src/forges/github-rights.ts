// Whether what somebody did at a pull request moves the work: the table of rights decides, by rights as they are now.
import { type Act, type Condition, mayAll, type Target, type Verdict } from "../core/authority.ts";
import { oneLine } from "../core/text.ts";
import { actorOf, type Relation, type Right } from "../core/who.ts";
import type { Standing } from "../core/work.ts";
import type { Person } from "../ports.ts";
import { ApiFault } from "../shell/github-api.ts";
import { permissionOf, reviewsOf } from "./github-read.ts";
import type { At } from "./github-session.ts";
import { issue_end, type Pull, personOf } from "./github-shapes.ts";

/** What a word at the pull request of an agent's work is about. */
const touched: readonly Target[] = ["branch"];

export type May = (by: Person, act: Act, condition: Condition, relation?: Relation) => Promise<Verdict>;

/** Each person is looked up once; a fault of the forge itself is no answer, and is thrown. */
export function mayAt(at: At, owners: readonly string[] | undefined, touches: readonly Target[] = touched): May {
  const asked = new Map<string, Promise<Right>>();
  const rightOf = (by: Person): Promise<Right> => {
    if (by.bot) return Promise.resolve("none");
    const known = asked.get(by.id) ?? permissionOf(at, by).catch(nobodyThere);
    asked.set(by.id, known);
    return known;
  };
  return async (by, act, condition, relation = {}) => {
    const person = { ...by, permission: relation.own ? ("none" as const) : await rightOf(by) };
    return mayAll(actorOf(owners, person, act, relation), act, touches, condition);
  };
}

function nobodyThere(thrown: unknown): Right {
  if (thrown instanceof ApiFault && thrown.status === 404) return "none";
  throw thrown;
}

/**
 * A merge is a yes by whoever may merge. One by anybody else (a bot, a merge queue) counts where somebody who may has
 * approved exactly the commit that was merged: an approval before the last push is none.
 */
export async function mergedBy(at: At, one: Pull, may: May): Promise<Standing> {
  const by = personOf(one.merged_by);
  const verdict = by && (await may(by, "merged", "fresh"));
  if (verdict?.allow) return "merged";
  if (verdict?.later) return "open";
  const relation = { author: personOf(one.user)?.id };
  for (const review of (await reviewsOf(at, one.number)).toReversed()) {
    if (review.state !== "approved" || !review.author) continue;
    const condition = review.commit === one.head.sha ? "fresh" : "moved";
    if ((await may(review.author, "review.approved", condition, relation)).allow) return "merged";
  }
  return { refused: refusal("merged", by, verdict, "let somebody who may approve it as it is") };
}

/** Closing it unmerged is a no, by whoever may drop the work. */
export async function closedBy(at: At, one: Pull, may: May): Promise<Standing> {
  const { api, owner, repo } = at;
  const asked = api.get(
    `who closed ${owner}/${repo}#${one.number}`,
    ({ issues }) => issues.get({ owner, repo, issue_number: one.number }),
    issue_end,
  );
  // Where issues are switched off nobody says who it was.
  const end = await asked.catch((thrown) => {
    if (thrown instanceof ApiFault && (thrown.status === 404 || thrown.status === 410)) return null;
    throw thrown;
  });
  const by = personOf(end?.closed_by);
  const verdict = by && (await may(by, "drop", "fresh"));
  if (verdict?.allow) return "closed";
  return verdict?.later ? "open" : { refused: refusal("closed", by, verdict, "open it again") };
}

const refusal = (what: string, by: Person | null, verdict: Verdict | null, way: string) => {
  const who = by ? oneLine(by.login, 60) : "somebody who is not known";
  const why = verdict && !verdict.allow ? ` (${verdict.reason})` : "";
  return `its pull request was ${what} by ${who}, which moves nothing here${why}: ${way}`;
};
