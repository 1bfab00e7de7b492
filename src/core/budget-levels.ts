// People hear of a limit once when little of it is left, and once when it is reached.
import { bounds, type Limit, limitsOf, periodName, purseOf } from "./budget.ts";
import type { Draft } from "./draft.ts";
import type { Hold } from "./gate.ts";
import { raise } from "./raise.ts";
import { amount, part } from "./spent.ts";
import type { LevelRow } from "./state.ts";

const near = 0.8;
const family = "budget";

const isRow = (row: LevelRow) => row.source === "towline" && row.family === family;

/** The period that a level is about, and the limit as it was: when either changes, what comes after is news. */
const stateOf = ({ period, most }: Limit, { settings, now }: Draft) =>
  `${periodName(period, settings.zone, now)} of ${most}`;

/** Whether a level's period is the one that is going on. */
export const isGoingOn = ({ settings: { zone }, now }: Draft, { state }: LevelRow): boolean =>
  state !== undefined &&
  (["day", "month"] as const).some((one) => state.startsWith(`${periodName(one, zone, now)} of `));

/** Levels of all limits of which it is known what was spent. `holds`: what they held back. */
export function raiseBudgets(draft: Draft, holds: ReadonlyMap<string, Hold>): void {
  const held = new Map([...holds].flatMap(([task, { limit }]) => (limit ? [[limit.id, task] as const] : [])));
  for (const { limit, spent, reserved } of purseOf(draft).totals()) {
    const state = stateOf(limit, draft);
    const known = draft.levels.find((row) => isRow(row) && row.subject === limit.id && row.state === state);
    const reached = held.has(limit.id) || (spent >= limit.most && limit.most > 0);
    const kind = reached ? "budget.reached" : spent >= near * limit.most && limit.most > 0 ? "budget.near" : null;
    // Said is said: in this period nothing is taken back, or every run that ends would be news.
    if (kind === null || known?.kind === kind || known?.kind === "budget.reached") continue;
    raiseOne(draft, { limit, spent, reserved, kind, state, task: held.get(limit.id) });
  }
  forget(draft);
}

interface Telling {
  limit: Limit;
  spent: number;
  reserved: number;
  kind: "budget.near" | "budget.reached";
  state: string;
  task: string | undefined;
}

function raiseOne(draft: Draft, { limit, spent, reserved, kind, state, task }: Telling): void {
  const { id, scope, name, period, unit, most, path } = limit;
  const frees = bounds(period, draft.settings.zone, draft.now).to.toISOString();
  const held = reserved > 0 ? `, ${amount(unit, reserved)} reserved` : "";
  const why = `${part(unit, spent, most)} spent${held}`;
  raise(draft, {
    source: "towline",
    subject: id,
    family,
    kind,
    state,
    title: `${id}: ${why}`,
    data: { scope, name, period, unit, limit: most, spent, reserved, why, frees, path, task },
  });
}

/** Levels of limits that are gone, or are others now. Those of a time that is over stay until there are new ones. */
function forget(draft: Draft): void {
  if (!draft.levels.some(isRow)) return;
  const states = new Map(limitsOf(draft).map((limit) => [limit.id, stateOf(limit, draft)]));
  const stale = (row: LevelRow) => isRow(row) && isGoingOn(draft, row) && states.get(row.subject) !== row.state;
  if (draft.levels.some(stale)) draft.levels = draft.levels.filter((row) => !stale(row));
}
