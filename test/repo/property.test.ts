// What holds for any bytes, any way they are cut, and any name that is allowed.
import fc from "fast-check";
import { expect, test } from "vitest";
import { unsafePath } from "../../src/core/path.ts";
import { batchReader } from "../../src/shell/repo-read.ts";
import { clone, note, open, origin, tidy } from "./origin.ts";

const id = fc.stringMatching(/^[0-9a-f]{40}$/);

test("cat-file's stream reads the same however it is cut", () => {
  const object = fc.record({
    id,
    bytes: fc.uint8Array({ maxLength: 300 }),
    type: fc.constantFrom("blob", "blob", "tree", "missing"),
  });
  fc.assert(
    fc.property(
      fc.array(object, { maxLength: 12 }),
      fc.array(fc.nat(400), { minLength: 1 }),
      fc.nat(300),
      (objects, cuts, limit) => {
        const stream = Buffer.concat(
          objects.map(({ id, bytes, type }) =>
            type === "missing"
              ? Buffer.from(`${id} missing\n`)
              : Buffer.concat([Buffer.from(`${id} ${type} ${bytes.length}\n`), bytes, Buffer.from("\n")]),
          ),
        );
        const found: [string, string | null][] = [];
        const feed = batchReader(limit, (name, bytes) =>
          found.push([name, bytes && Buffer.from(bytes).toString("hex")]),
        );
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = (cuts[i % cuts.length] as number) + 1;
          feed(stream.subarray(at, at + size));
          at += size;
        }
        const wanted = objects.filter((one) => one.type === "blob");
        expect(found).toEqual(
          wanted.map(({ id, bytes }) => [id, bytes.length > limit ? null : Buffer.from(bytes).toString("hex")]),
        );
      },
    ),
  );
});

test("no name that is allowed leaves its folder", () => {
  const part = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("..", ".", "", ".git", "a", "\\", "~", "%2e%2e"),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const path = parts.join("/");
      if (unsafePath(path) !== null) return;
      const url = new URL(path.replaceAll("%", "%25").replaceAll("?", "%3F").replaceAll("#", "%23"), "file:///root/");
      expect(url.pathname.startsWith("/root/")).toBe(true);
      expect(path.split("/").every((one) => one !== "" && one !== ".." && !/^\.git$/i.test(one))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("hundreds of files of any allowed name and any bytes come back as they were", async () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
    .filter((text) => unsafePath(`jobs/${text}`) === null && !text.includes("/"));
  const [names] = fc.sample(fc.uniqueArray(name, { minLength: 250, maxLength: 250 }), { numRuns: 1, seed: 7 }) as [
    string[],
  ];
  const [contents] = fc.sample(fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 250, maxLength: 250 }), {
    numRuns: 1,
    seed: 7,
  }) as [Uint8Array[]];
  const changes = new Map(names.map((text, i) => [`jobs/${text}`, contents[i] as Uint8Array]));
  const o = origin();
  const dir = clone(o);
  const repo = await open(dir);
  const outcome = await repo.push(await repo.fetch(), changes, note);
  if (outcome.state !== "won") throw new Error(outcome.why);
  const items = await repo.tree(outcome.commit, ["jobs"]);
  const blobs = await repo.blobs(items.map((item) => item.blob));
  const back = new Map(items.map((item) => [item.path, Buffer.from(blobs.get(item.blob) ?? []).toString("hex")]));
  expect(back).toEqual(new Map([...changes].map(([path, bytes]) => [path, Buffer.from(bytes).toString("hex")])));
  expect(tidy(dir)).toEqual([]);
  expect(tidy(o.bare)).toEqual([]);
});
