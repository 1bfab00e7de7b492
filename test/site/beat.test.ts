// When ticks were here, out of their ids alone.
import { expect, test } from "vitest";
import { beatDocument, tickTime } from "../../src/core/export-beat.ts";

const half_an_hour = 1800;
const id = (clock: string) => `20261121t${clock}-0a1b2c3d`;

test("the newest tick, and how late it came after the one before it, whatever the order", () => {
  expect(beatDocument([], half_an_hour)).toBeUndefined();
  expect(beatDocument([id("081000")], half_an_hour)).toEqual({ at: "2026-11-21T08:10:00Z" });
  const ids = [id("070000"), id("081000"), id("081000"), id("073000")];
  expect(beatDocument(ids, half_an_hour)).toEqual({
    at: "2026-11-21T08:10:00Z",
    before: "2026-11-21T07:30:00Z",
    late: 600,
  });
  expect(beatDocument([id("081000"), id("074030")], half_an_hour)).not.toHaveProperty("late", expect.anything());
  expect(beatDocument([id("081000"), id("080000")], half_an_hour)?.late).toBeUndefined();
});

test("only a tick's id is one: what else writes into the ledger is no tick", () => {
  expect(tickTime(id("235959"))).toBe("2026-11-21T23:59:59Z");
  for (const other of [`${id("081000")}-archive`, "purge-20261121t081000", "t1", id("991000"), "", `x${id("081000")}`])
    expect(tickTime(other)).toBeNull();
});
