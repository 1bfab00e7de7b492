// When ticks were here, as far as records and heartbeat tell. A quiet tick leaves no commit: the page is not built for it.
import type { Exported } from "./exported.ts";

/** Less than this behind its time nobody calls late, s. */
const grace = 60;

/** When a tick began, by its id; null: that is no tick's id, or that of something else which wrote into the ledger. */
export function tickTime(id: string): string | null {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)-[0-9a-f]{8}$/.exec(id) ?? [];
  const at = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return year === undefined || Number.isNaN(Date.parse(at)) ? null : at;
}

/** The newest tick, and how much later it came than the one before it had promised. `every`: s. */
export function beatDocument(ids: readonly string[], every: number): Exported<"home">["beat"] {
  const [at, before] = [...new Set(ids.flatMap((id) => tickTime(id) ?? []))].sort().reverse();
  if (at === undefined) return undefined;
  const late = before === undefined ? 0 : (Date.parse(at) - Date.parse(before)) / 1000 - every;
  return { at, before, late: late >= grace ? late : undefined };
}
