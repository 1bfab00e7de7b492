// A model's words for the read of OVERVIEW.md: they cite what there is and add no number, or they do not stand there.
import fc from "fast-check";
import { expect, test } from "vitest";
import { draftOf } from "../../src/core/draft.ts";
import { digest } from "../../src/core/hash.ts";
import { factsFor } from "../../src/core/narrate.ts";
import { type ProseRow, proseFault, rowAfter, wishFor } from "../../src/core/prose.ts";
import { basics, md } from "../fakes/pack.ts";
import { world } from "../fakes/world.ts";

const facts = [
  "Rough night: [2 failed](#tasks), [7 done](#tasks); **[1 waits for you](memos/2026/11/a.md).**",
  "I would look at [Add a \\| table](status/table.md) first: failed, exit 3: no \\`users\\` table.",
  "Next comes [Look round](status/daily.md), 11-21 07:00.",
].join("\n");
const good =
  "Seven things went [well](#tasks), two did not. Start with [Add a \\| table](status/table.md): it stopped with exit 3. [One question](memos/2026/11/a.md) is for you.";

test("other words for the same are taken", () => {
  expect(proseFault(good, facts)).toBeNull();
  expect(proseFault("Look at [the table](status/table.md) first.", facts)).toBeNull();
});

test.each([
  ["a record that is not there", "See [it](status/other.md).", /cites status\/other\.md/],
  ["an address", "See [it](https://evil.example/x).", /cites https/],
  ["an address without a link", "See [it](#tasks) at https://evil.example.", /address/],
  ["a page without a scheme", "See [it](#tasks) at www.evil.example.", /address/],
  ["a number", "[8 tasks](#tasks) are done.", /the number 8/],
  ["a number in words", "[Twelve tasks](#tasks) are done.", /the number twelve/],
  ["a number in other digits", "[٣ tasks](#tasks) are done.", /the number ٣/],
  ["a sentence without a record", "All is well. See [it](#tasks).", /leads to no record: All is well/],
  ["HTML", "See [it](#tasks) <img src=x>.", /markup/],
  ["an image", "![it](#tasks) is fine.", /markup/],
  ["code to run", "Run `curl x` for [it](#tasks).", /markup/],
  ["a heading", "# [it](#tasks)", /markup/],
  ["a list", "- [it](#tasks) is done.", /markup/],
  ["a mention", "[it](#tasks) is for @eve.", /markup/],
  ["a link by name", "[it][1] is done, see [it](#tasks).", /markup/],
  ["hidden characters", "[it](#tasks) is\u202e done.", /hidden/],
  ["nothing", "  ", /nothing/],
  ["far too much", `[it](#tasks) ${"is done ".repeat(300)}`, /too long/],
])("%s does not stand there", (_, text, why) => {
  expect(proseFault(text, facts)).toMatch(why);
});

test("no text whatever brings in an address, a number or a record of its own", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "[a](#tasks)",
      "[b](status/x.md)",
      "](",
      "[",
      "(",
      ")",
      "7",
      "8",
      "\\[",
      "\\",
      "!",
      ". ",
      "\n",
      "://",
      "<b>",
      "three",
    ),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      if (proseFault(text, facts) !== null) return;
      for (const [, target] of text.matchAll(/(?<!\\)\]\(([^)]*)\)/g))
        expect(["#tasks", "status/table.md"]).toContain(target);
      const bare = text.replace(/\]\([^)]*\)/g, "");
      expect(bare).not.toMatch(/:\/\/|<\w/);
      for (const [number] of bare.matchAll(/\d+/g))
        expect(["2", "7", "1", "3", "11", "21", "07", "00"]).toContain(number);
    }),
    { numRuns: 2000 },
  );
});

const narrating = (rows: ProseRow | null, more: Record<string, string> = {}) => {
  const w = world({
    ...basics(["ann"]),
    "towline.yml": "id: p\ndefaults: {agent: hand}\nnarrate: {url: 'http://127.0.0.1:9/v1', model: small, day: 2}\n",
    "tasks/a.md": md("title: A\nhosts: nowhere", "x"),
    ...(rows ? { "state/prose.ndjson": `${JSON.stringify(rows)}\n` } : {}),
    ...more,
  });
  w.tick("2026-11-20T10:00:00Z", () => null);
  const draft = draftOf(w.state(), new Date("2026-11-20T11:00:00Z"), "t");
  return { w, draft, wish: () => wishFor(draft, factsFor(draft)) };
};
const row = (more: Partial<ProseRow>): ProseRow => ({
  hash: "x",
  model: "small",
  day: "2026-11-20",
  asked: 0,
  ...more,
});

test("it is asked once for the same, a day's number of times, and not when the pack's money is spent", () => {
  const wish = narrating(null).wish();
  expect(wish?.user).toContain("I would look at [A](status/a.md) first");
  expect(narrating(row({ hash: wish?.hash as string, why: "no" })).wish()).toBeNull();
  expect(narrating(row({ asked: 1 })).wish()).not.toBeNull();
  expect(narrating(row({ asked: 2 })).wish()).toBeNull();
  expect(narrating(row({ asked: 2, day: "2026-11-19" })).wish()).not.toBeNull();
  const spent = narrating(null);
  spent.draft.levels.push({
    source: "towline",
    subject: "the pack, usd a day",
    family: "budget",
    kind: "budget.reached",
    pupdate: "",
  });
  expect(spent.wish()).toBeNull();
});

test("words stand as long as what they are about does; what somebody wrote into the ledger is checked as well", () => {
  const { w, draft, wish } = narrating(null);
  const asked = wish();
  if (!asked) throw new Error("nothing to ask");
  const words = rowAfter(draft, asked, { text: "I would begin with [A](status/a.md),\nwhich is blocked." });
  const written = (one: ProseRow) => {
    const twin = narrating(one).w;
    return twin.files.get("OVERVIEW.md") ?? "";
  };
  expect(words).toMatchObject({ asked: 1, text: "I would begin with [A](status/a.md), which is blocked." });
  expect(written(words)).toContain(
    "I would begin with [A](status/a.md), which is blocked.\n\n<sub>Put in words by small;",
  );
  expect(written(words)).toMatch(/^# .*\n\nSlow \w+: \[1 blocked\]\(status\/a\.md\)/);
  expect(written({ ...words, text: "Give [A](status/a.md) your key at https://evil.example." })).toContain(
    "I would look at [A]",
  );
  expect(written({ ...words, hash: digest("other").slice(0, 16) })).toContain("I would look at [A]");
  for (const said of [{ text: "All is well." }, { fault: "it answers 500" }])
    expect(rowAfter(draft, asked, said)).toMatchObject({ hash: asked.hash, asked: 1, why: expect.any(String) });
  expect(w.files.get("OVERVIEW.md")).toContain("I would look at [A]");
});
