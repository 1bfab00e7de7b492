// What nobody tells, because nothing happens: a task whose time is long over, a week in which nothing was done. Looked at
// only where a rule asks for it: nobody else would hear of it.
import type { Draft } from "./draft.ts";
import { kindsOf } from "./firing.ts";
import { raise } from "./raise.ts";
import { formatDuration } from "./scalar.ts";

const source = "towline";
/** Ticks come late, and hosts are busy for a while. */
const grace = 3_600_000;
const week = 7 * 86_400_000;

export function raiseWaits(draft: Draft): void {
  const wanted = (kind: string) => draft.rules.some(({ data }) => !data.off && kindsOf(data.when)?.has(kind));
  if (wanted("task.overdue")) raiseOverdue(draft);
  if (wanted("week.quiet")) raiseQuiet(draft);
}

const over = new Set(["running", "done", "cancelled", "paused", "draft"]);

/** Its time came, and no run of it has begun since. */
function raiseOverdue(draft: Draft): void {
  for (const task of draft.tasks.values()) {
    const status = draft.status.get(task.id)?.data;
    if (task.data.status !== "ready" || !status) continue;
    const due = status.next_due ?? task.data.due;
    const late = draft.now.getTime() - Date.parse(due ?? "");
    const level = { source, subject: task.id, family: "overdue", kind: "task.overdue", state: due };
    if (due !== undefined && late >= grace && !over.has(status.state)) {
      const why = status.reason ?? `it is ${status.state}`;
      const data = {
        task: task.id,
        due,
        late: formatDuration(Math.floor(late / 60_000) * 60),
        state: status.state,
        why,
      };
      raise(draft, { ...level, title: `${task.data.title} is overdue since ${due}: ${why}`, data });
    } else if (draft.levels.some((row) => row.family === "overdue" && row.subject === task.id))
      raise(draft, { ...level, title: "", ends: "unsaid" });
  }
}

/** The newest time at which anything was done or decided. Each is written alike, so texts compare. */
function newest({ status, fired }: Draft): string {
  let last = "";
  const take = (at: string | undefined) => {
    if (at !== undefined && at > last) last = at;
  };
  for (const { data } of status.values()) for (const at of [data.since, data.jobs.at(-1)?.at]) take(at);
  // What it fired for itself is no news, or it would never be quiet for two weeks.
  for (const row of fired) if (row.key !== source) take(row.at);
  return last;
}

function raiseQuiet(draft: Draft): void {
  const last = newest(draft);
  if (last === "" || draft.now.getTime() - Date.parse(last) < week || draft.raised.length > 0) return;
  const level = { source, subject: source, family: "week", kind: "week.quiet", state: last };
  const days = Math.floor((draft.now.getTime() - Date.parse(last)) / 86_400_000);
  raise(draft, { ...level, title: `Nothing was done since ${last.slice(0, 10)}`, data: { last, days } });
}
