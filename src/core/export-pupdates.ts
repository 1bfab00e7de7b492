// The newest pupdates, and why each got its verdict: in the words of `towline why`.

import { explainPupdate, leafLine, type RuleAnswer } from "./explain.ts";
import { dayOf, of, type World } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import type { Pupdate } from "./schema.ts";

const most_rules = 6;
const most_leaves = 12;

export function pupdateRows(world: World, most: number): Exported<"pupdates">[] {
  const rules = of(world.entries, "rule");
  return world.pupdates.slice(0, most).map((pupdate) => ({
    ...pupdate,
    day: dayOf(world, pupdate.at),
    why: close(explainPupdate(rules, pupdate), pupdate).map(({ rule, path, matches, skipped, leaves }) => ({
      rule,
      path,
      matches,
      skipped,
      leaves: leaves.slice(0, most_leaves).map(leafLine),
    })),
  }));
}

/** What fired, what matches, and what looked at this very kind and went by something else: the rest is no news to anybody. */
function close(answers: RuleAnswer[], { rule }: Pupdate): RuleAnswer[] {
  const rank = (one: RuleAnswer) => (one.rule === rule ? 0 : one.matches ? 1 : 2);
  return answers
    .filter((one) => one.rule === rule || one.matches || one.leaves.some((leaf) => leaf.field === "kind" && leaf.ok))
    .map((one, order) => ({ one, order }))
    .sort((a, b) => rank(a.one) - rank(b.one) || a.order - b.order)
    .slice(0, most_rules)
    .map(({ one }) => one);
}
