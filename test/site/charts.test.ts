// The geometry of the pictures: zero-based, within their box, no word on another, no day left out.
import { describe, expect, test } from "vitest";
import { box, calendar, calendar_box, columns, daily, lines } from "../../site/src/charts/shapes.ts";

const floor = box.height - box.bottom;
const day = (n: number) => new Date(Date.UTC(2026, 10, 1) + n * 86_400_000).toISOString().slice(0, 10);

describe("bars", () => {
  test("a day without a value is a zero, and only so many days are shown", () => {
    expect(
      daily([
        { day: day(4), value: 2 },
        { day: day(1), value: 1 },
      ]),
    ).toEqual([
      { day: day(1), value: 1 },
      { day: day(2), value: 0 },
      { day: day(3), value: 0 },
      { day: day(4), value: 2 },
    ]);
    expect(
      daily([
        { day: day(0), value: 1 },
        { day: day(400), value: 1 },
      ]),
    ).toHaveLength(30);
    expect(daily([])).toEqual([]);
    expect(daily([{ day: "nonsense", value: 1 }])).toEqual([]);
  });

  test("they stand on zero, keep their proportion, and stay in their box", () => {
    const { bars, lines: marks } = columns([0.02, 0.01, 0, 0.04].map((value, n) => ({ day: day(n), value })));
    for (const bar of bars) {
      expect(bar.y + bar.height).toBeCloseTo(floor, 0);
      expect(bar.x).toBeGreaterThanOrEqual(box.left);
      expect(bar.x + bar.width).toBeLessThanOrEqual(box.width);
      expect(bar.y).toBeGreaterThanOrEqual(box.top - 1);
    }
    expect((bars[3]?.height ?? 0) / (bars[0]?.height ?? 1)).toBeCloseTo(2, 1);
    expect(marks[0]).toEqual({ y: floor, value: 0 });
    expect(columns([{ day: day(0), value: 0 }]).bars[0]?.height).toBe(0);
  });

  test("the last value stands above every bar that its word reaches over", () => {
    const { bars, last } = columns([9, 9, 9, 9, 9, 9, 9, 9, 9, 1].map((value, n) => ({ day: day(n), value })));
    expect(last?.value).toBe(1);
    expect(last?.y).toBeLessThan(bars[8]?.y ?? 0);
  });

  test("of seconds the hairlines stand for whole minutes and hours", () => {
    for (const [most, all] of [
      [50, [0, 30]],
      [1900, [0, 900, 1800]],
      [7000, [0, 3600]],
      [200_000, [0, 86_400, 172_800]],
    ] as const)
      expect(columns([{ day: day(0), value: most }], true).lines.map(({ value }) => value)).toEqual(all);
  });
});

test("lines: zero-based, and what they are called does not overlap", () => {
  const points = (value: number) => [0, 1, 2].map((n) => ({ at: `${day(n)}T00:00:00Z`, value }));
  const drawn = lines([
    { name: "disk", points: points(80) },
    { name: "load", points: points(81) },
    { name: "none", points: [] },
  ]);
  expect(drawn.lines.map(({ name }) => name)).toEqual(["disk", "load"]);
  const [disk, load] = drawn.lines.map(({ last }) => last.y) as [number, number];
  expect(Math.abs(disk - load)).toBeGreaterThanOrEqual(13);
  expect(drawn.marks[0]).toEqual({ y: floor, value: 0 });
  expect(drawn.lines[0]?.path).toMatch(/^M[\d.]+,[\d.]+(L[\d.]+,[\d.]+){2}$/);
  expect(lines([{ name: "one", points: points(5).slice(0, 1) }]).lines[0]?.path).not.toContain("NaN");
});

test("the calendar: Monday on top, the newest day last, the busiest one darkest", () => {
  const { cells, months } = calendar([
    { day: "2026-11-21", value: 8 },
    { day: "2026-11-16", value: 1 },
  ]);
  const at = (name: string) => cells.find((cell) => cell.day === name);
  expect(cells.at(-1)?.day).toBe("2026-11-21");
  expect(at("2026-11-16")).toMatchObject({ y: at("2026-11-09")?.y, level: 1 });
  expect(at("2026-11-21")).toMatchObject({ level: 4, x: at("2026-11-16")?.x });
  expect(at("2026-11-20")?.level).toBe(0);
  for (const cell of cells) expect(cell.x + 11).toBeLessThanOrEqual(calendar_box.width);
  expect(months.length).toBeGreaterThan(4);
  expect(calendar([])).toEqual({ cells: [], months: [] });
});
