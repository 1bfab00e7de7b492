// The geometry of small pictures: zero-based, with room for the words that stand in them. Drawn when the site is built.
import { scaleBand, scaleLinear, scaleUtc } from "d3-scale";
import { line } from "d3-shape";

/** In the picture's own units; text in it is 11 high, so that it can be read on a phone. */
export const box = { width: 360, height: 132, left: 44, right: 2, top: 20, bottom: 20 };

export interface Datum {
  /** A day like 2026-11-21. */
  day: string;
  value: number;
}

const round = (value: number) => Math.round(value * 10) / 10;
const day_ms = 86_400_000;

/** One datum a day from the first to the last, at most so many: a day without one is a zero, not a gap that closes. */
export function daily(rows: readonly Datum[], most = 30): Datum[] {
  const byDay = new Map(rows.map((row) => [row.day, row.value]));
  const sorted = [...byDay.keys()].sort();
  const [first, last] = [Date.parse(sorted[0] ?? ""), Date.parse(sorted.at(-1) ?? "")];
  if (Number.isNaN(first) || Number.isNaN(last)) return [];
  const from = Math.max(first, last - (most - 1) * day_ms);
  return Array.from({ length: Math.round((last - from) / day_ms) + 1 }, (_, n) => {
    const day = new Date(from + n * day_ms).toISOString().slice(0, 10);
    return { day, value: byDay.get(day) ?? 0 };
  });
}

export interface Columns {
  bars: { x: number; y: number; width: number; height: number; day: string; value: number }[];
  /** Hairlines with their value, zero first. */
  lines: { y: number; value: number }[];
  /** Where the last value is written. */
  last: { x: number; y: number; value: number; anchor: "middle" | "end" } | undefined;
}

/** Hairlines that stand for whole minutes, hours or days: seconds make no round numbers by themselves. */
const time_steps = [10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800];

/** A bar a day. `time`: the values are seconds. */
export function columns(rows: readonly Datum[], time = false): Columns {
  const most = Math.max(...rows.map((row) => row.value)) || 1;
  const step = time ? time_steps.find((one) => most / one <= 2.5) : undefined;
  const y = scaleLinear().range([box.height - box.bottom, box.top]);
  if (step === undefined) y.domain([0, most]).nice(2);
  else y.domain([0, Math.max(step, most)]);
  const ticks =
    step === undefined ? y.ticks(2) : [0, 1, 2].map((n) => n * step).filter((value) => value <= most * 1.02);
  const x = scaleBand<string>()
    .domain(rows.map((row) => row.day))
    .range([box.left, box.width - box.right])
    .padding(0.2);
  // Few days make no walls.
  const width = Math.min(x.bandwidth(), 24);
  const bars = rows.map(({ day, value }) => {
    const top = y(value);
    const left = (x(day) ?? 0) + (x.bandwidth() - width) / 2;
    return { x: round(left), y: round(top), width: round(width), height: round(y(0) - top), day, value };
  });
  return { bars, lines: ticks.map((value) => ({ y: round(y(value)), value })), last: named(bars) };
}

/** The last value stands above its bar, and above those that its word reaches over. */
function named(bars: Columns["bars"]): Columns["last"] {
  const end = bars.at(-1);
  if (!end) return undefined;
  const middle = end.x + end.width / 2;
  const half = 28;
  const anchor = middle > box.width - half ? "end" : "middle";
  const x = anchor === "end" ? box.width - box.right : middle;
  const [from, to] = anchor === "end" ? [x - 2 * half, x] : [x - half, x + half];
  const below = bars.filter((bar) => bar.height > 0 && bar.x + bar.width >= from && bar.x <= to);
  return { x: round(x), y: round(Math.min(end.y, ...below.map((bar) => bar.y)) - 5), value: end.value, anchor };
}

export interface Line {
  name: string;
  path: string;
  last: { x: number; y: number; value: number };
}

/** Lines over time on one scale, zero-based; what they are called stands at their ends, and those do not overlap. */
export function lines(
  series: readonly { name: string; points: readonly { at: string; value: number }[] }[],
  least = 100,
  room = 84,
): { lines: Line[]; marks: { y: number; value: number }[]; from: string; to: string } {
  const all = series.flatMap((one) => one.points);
  const times = all.map((point) => Date.parse(point.at));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const y = scaleLinear()
    .domain([0, Math.max(least, ...all.map((point) => point.value))])
    .nice(3)
    .range([box.height - box.bottom, box.top]);
  const x = scaleUtc()
    .domain([from, to === from ? from + 1 : to])
    .range([box.left, box.width - room]);
  const draw = line<{ at: string; value: number }>()
    .x((point) => round(x(Date.parse(point.at))))
    .y((point) => round(y(point.value)));
  const drawn = series.flatMap(({ name, points }): Line[] => {
    const end = points.at(-1);
    if (!end) return [];
    return [
      {
        name,
        path: draw([...points]) ?? "",
        last: { x: round(x(Date.parse(end.at))), y: round(y(end.value)), value: end.value },
      },
    ];
  });
  const marks = y.ticks(2).map((value) => ({ y: round(y(value)), value }));
  return { lines: apart(drawn), marks, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** Labels that would lie on one another are moved down in order. */
function apart(drawn: Line[]): Line[] {
  const gap = 13;
  let below = Number.NEGATIVE_INFINITY;
  const moved = new Map<Line, number>();
  for (const one of drawn.toSorted((a, b) => a.last.y - b.last.y)) {
    below = Math.max(one.last.y, below + gap);
    moved.set(one, below);
  }
  return drawn.map((one) => ({ ...one, last: { ...one.last, y: moved.get(one) ?? one.last.y } }));
}

export interface Cell {
  x: number;
  y: number;
  day: string;
  value: number;
  /** 0: nothing; 1 to 4: the quarter of the busiest day. */
  level: number;
}

/** Weeks from left to right, Monday on top, the last one being that of the newest day. */
export function calendar(rows: readonly Datum[], weeks = 26): { cells: Cell[]; months: { x: number; name: string }[] } {
  const newest = rows
    .map((row) => row.day)
    .sort()
    .at(-1);
  if (newest === undefined) return { cells: [], months: [] };
  const byDay = new Map(rows.map((row) => [row.day, row.value]));
  const most = Math.max(1, ...rows.map((row) => row.value));
  const end = Date.parse(newest);
  const monday = end - ((new Date(end).getUTCDay() + 6) % 7) * day_ms;
  const cells: Cell[] = [];
  const months: { x: number; name: string }[] = [];
  for (let week = 0; week < weeks; week++)
    for (let day = 0; day < 7; day++) {
      const at = monday - (weeks - 1 - week) * 7 * day_ms + day * day_ms;
      if (at > end) continue;
      const key = new Date(at).toISOString().slice(0, 10);
      const value = byDay.get(key) ?? 0;
      const x = week * cell_step;
      cells.push({
        x,
        y: month_height + day * cell_step,
        day: key,
        value,
        level: value === 0 ? 0 : Math.ceil((value / most) * 4),
      });
      if (key.endsWith("-01") && week < weeks - 1) months.push({ x, name: month.format(new Date(at)) });
    }
  return { cells, months };
}

const month = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });
const month_height = 16;
export const cell_step = 13;
export const calendar_box = { width: 26 * cell_step, height: month_height + 7 * cell_step };
