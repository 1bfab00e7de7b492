import { expect, test } from "vitest";
import { holding } from "../../src/shell/repo-held.ts";

function counted(contents: Record<string, string | number>) {
  const asked: string[][] = [];
  const blobs = holding(async (ids, maxBytes) => {
    asked.push(ids);
    return new Map(
      ids.map((id) => {
        const bytes = Buffer.from(
          typeof contents[id] === "number" ? "x".repeat(contents[id]) : (contents[id] as string),
        );
        return [id, bytes.length > maxBytes ? null : bytes];
      }),
    );
  });
  return {
    asked,
    text: async (ids: string[], most = 1 << 20) => [...(await blobs(ids, most)).values()].map((one) => one && `${one}`),
  };
}

test("what was read once is not read again, whatever else is asked for with it", async () => {
  const { asked, text } = counted({ a: "one", b: "two", c: "three" });
  expect(await text(["a", "b"])).toEqual(["one", "two"]);
  expect(await text(["b"])).toEqual(["two"]);
  expect(await text(["b", "c"])).toEqual(["two", "three"]);
  expect(asked).toEqual([["a", "b"], ["c"]]);
});

test("the limit of each reader holds, for what is held as for what was left out", async () => {
  const { asked, text } = counted({ a: "12345" });
  expect(await text(["a"], 3)).toEqual([null]);
  expect(await text(["a"])).toEqual(["12345"]);
  expect(await text(["a"], 3)).toEqual([null]);
  expect(asked).toHaveLength(2);
});

test("large ones and floods are not held, and what came first goes first", async () => {
  const names = Array.from({ length: 200 }, (_, at) => `n${at}`);
  const { asked, text } = counted({ large: 70_000, ...Object.fromEntries(names.map((name) => [name, 60_000])) });
  for (const id of ["large", "large"]) await text([id]);
  for (const id of [...names, "n199", "n0"]) await text([id]);
  expect(asked.map(([id]) => id)).toEqual(["large", "large", ...names, "n0"]);

  const flood = Array.from({ length: 1001 }, (_, at) => `f${at}`);
  const many = counted(Object.fromEntries(flood.map((id) => [id, id])));
  for (let i = 0; i < 2; i++) await many.text(flood);
  expect(many.asked).toHaveLength(2);
});
