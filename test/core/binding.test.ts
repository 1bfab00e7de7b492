import { describe, expect, test } from "vitest";
import { formatFault, judge, type Mark, packId, readMark, renderMark, type Sighting } from "../../src/core/binding.ts";

const mark = (more: Partial<Mark> = {}): Mark => ({ format: 1, pack: "p-1", last: "t1", ...more });
const see = (more: Partial<Sighting>): Sighting => ({
  mark: mark(),
  ref: mark(),
  forge: undefined,
  written: true,
  ...more,
});
const hub = "github.com/1";

describe("whose ledger it is", () => {
  test.each<[string, Partial<Sighting>, string]>([
    ["nothing was ever written", { mark: null, ref: null, written: false }, "fresh"],
    ["ledger and ref agree", {}, "bound"],
    ["ledger, ref and forge agree", { mark: mark({ forge: hub }), ref: mark({ forge: hub }), forge: hub }, "bound"],
    ["a laptop does not know the forge's id", { mark: mark({ forge: hub }), ref: mark({ forge: hub }) }, "bound"],
    ["bound on a laptop, ticked by CI for the first time", { forge: hub }, "bound"],
    ["the ref was lost, the forge vouches", { mark: mark({ forge: hub }), ref: null, forge: hub }, "bound"],
    ["a plain copy", { ref: null }, "copy"],
    ["a fork on the forge", { mark: mark({ forge: hub }), ref: null, forge: "github.com/2" }, "copy"],
    ["a fork of a pack that no CI ever ticked", { ref: null, forge: hub }, "copy"],
    ["a mirror on the forge", { mark: mark({ forge: hub }), ref: mark({ forge: hub }), forge: "github.com/2" }, "copy"],
    ["a copy on a laptop", { mark: mark({ forge: hub }), ref: null }, "copy"],
    ["a ledger pushed over another pack's", { ref: mark({ pack: "p-2" }) }, "copy"],
    ["a ledger without a mark, and no ref", { mark: null, ref: null }, "copy"],
    ["a mark that cannot be read, and no ref", { mark: "broken", ref: null }, "copy"],
    ["a ref that cannot be read", { ref: "broken" }, "copy"],
    ["a mark that cannot be read", { mark: "broken" }, "rewritten"],
    ["an older ledger", { mark: mark({ last: "t0" }) }, "rewritten"],
    ["the ledger is gone", { mark: null, written: false }, "rewritten"],
    ["a clone into which nothing was fetched", { ref: undefined }, "unknown"],
  ])("%s", (_, seen, state) => expect(judge(see(seen)).state).toBe(state));

  test("no sighting without both marks, equal, or the forge's word is bound", () => {
    const marks = [mark(), mark({ last: "t0" }), mark({ pack: "p-2" }), mark({ forge: hub }), "broken", null] as const;
    for (const one of marks)
      for (const ref of marks)
        for (const forge of [undefined, hub, "github.com/2"])
          for (const written of [true, false]) {
            if (judge({ mark: one, ref, forge, written }).state !== "bound") continue;
            const [here, there] = [one, ref] as [Mark, Mark | null];
            expect(there === null ? [here.forge, forge] : [here.pack, here.last]).toEqual(
              there === null ? [forge, hub] : [there.pack, there.last],
            );
          }
  });

  test("a mark is read back as it was written, and nothing else is one", () => {
    expect(readMark(renderMark(mark({ forge: hub })))).toEqual(mark({ forge: hub }));
    for (const text of ["", "{}", "[]", '{"format":1}', renderMark(mark({ pack: "../x" })), "<<<<<<< a\n"])
      expect(readMark(text)).toBeNull();
    expect(packId("x".repeat(64), "0123456789abcdef")).toBe(`${"x".repeat(48)}-0123456789ab`);
  });
});

describe("the ledger's format", () => {
  test.each([
    [1, 1, null],
    [2, 2, null],
    [1, 2, null],
    [2, 1, /format 2.*knows 1/],
    [9, 2, /format 9/],
    [1, 3, /format 1.*reads 2 and 3/],
  ])("ledger %i, towline %i", (ledger, own, said) => {
    const fault = formatFault(ledger, own);
    if (said === null) expect(fault).toBeNull();
    else expect(fault?.message).toMatch(said);
    if (fault) expect(fault.advice).not.toBe("");
  });
});
