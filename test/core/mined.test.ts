// Old words as signals: each counts once, two about one thing are one witness, and what was decided stays so.
import { expect, test } from "vitest";
import type { Meanings } from "../../src/core/meaning.ts";
import { mined_paths, minedSignal, minedTexts, type PastWord, withMined } from "../../src/core/mined.ts";
import type { Signal } from "../../src/core/signals.ts";

const now = new Date("2026-11-20T10:00:00Z");
const rule = "Every migration needs a down step, or a rollback leaves the database behind.";
const word = (id: string, more: Partial<PastWord> = {}): Signal => {
  const said = {
    id,
    at: "2026-11-01T10:00:00Z",
    text: rule,
    origin: `pr a/b#${id}`,
    link: `https://x/${id}`,
    path: null,
  };
  return minedSignal({ ...said, ...more }) as Signal;
};
const ledger = (files: Record<string, object[]> = {}) => {
  const texts = new Map(
    Object.entries(files).map(([path, rows]) => [path, rows.map((row) => JSON.stringify(row)).join("\n")]),
  );
  return {
    with: (signals: Signal[], meanings?: Meanings | null) => {
      const made = withMined((path) => texts.get(path) ?? "", signals, now, meanings);
      for (const [path, text] of made.changes) texts.set(path, text);
      return made;
    },
    rows: (path: string) =>
      (texts.get(path) ?? "")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    drop: (path: string) => texts.delete(path),
  };
};

test("two things that were told the same are a candidate; the same once more is none, also when it is a rule by now", () => {
  const one = ledger();
  expect(one.with([word("1"), word("2", { origin: "pr a/b#1" })]).fresh).toEqual([]);
  expect(one.with([word("3"), word("3")])).toMatchObject({ kept: 1, fresh: [{ witnesses: 2 }] });
  expect(one.with([word("1"), word("3")]).changes.size).toBe(0);
  // Approved: its signals have left, and so have its candidates.
  one.drop(mined_paths.signals);
  one.drop(mined_paths.candidates);
  expect(one.with([word("1"), word("2"), word("3")])).toMatchObject({ kept: 0, fresh: [] });
});

test("what people turned down stays turned down, in the same words and in others", () => {
  const dismissed = { id: "x", text: rule, signals: [word("1").id], at: "2026-11-02T10:00:00Z" };
  const one = ledger({ [mined_paths.dismissed]: [dismissed] });
  expect(one.with([word("1"), word("2"), word("3")]).fresh).toEqual([]);
});

test("what a model finds alike is a candidate, too, and stays one where it cannot be asked", () => {
  const other = word("2", { text: "Jede Migration braucht auch den Weg zurück, sonst bleibt alles stehen." });
  const vectors = new Map([word("1"), other].map(({ text }) => [text, [1, 0.5]]));
  expect(minedTexts(() => "", [word("1"), other])).toEqual([...vectors.keys()]);
  const one = ledger();
  expect(one.with([word("1"), other]).fresh).toEqual([]);
  const two = ledger();
  expect(two.with([word("1"), other], { vectors, least: 60 }).fresh).toMatchObject([{ witnesses: 2 }]);
  const more = word("3", { text: "Name the unit of each duration, please." });
  expect(two.with([more], null).kept).toBe(1);
  expect(two.rows(mined_paths.candidates)).toMatchObject([{ witnesses: 2 }]);
});

test("what ticks have heard is not pushed out; of too many, those that others agree with come first", () => {
  const heard = Array.from({ length: 290 }, (_, at) =>
    word(`h${at}`, { text: `Thing${at} word${at} only${at} here${at}.` }),
  );
  for (const [at, row] of heard.entries()) row.id = `heard-${at}`;
  const one = ledger({ [mined_paths.signals]: heard });
  const lone = Array.from({ length: 9 }, (_, at) =>
    word(`l${at}`, { text: `Some${at} lone${at} remark${at} there${at}.`, at: "2026-11-19T10:00:00Z" }),
  );
  expect(one.with([...lone, word("1"), word("2")])).toMatchObject({ kept: 10, fresh: [{ witnesses: 2 }] });
  expect(one.rows(mined_paths.signals)).toHaveLength(300);
  expect(one.rows(mined_paths.signals).slice(-290)).toEqual(heard);
  // Those without company make room for those that have it.
  expect(one.with([word("3"), word("4"), word("5")])).toMatchObject({ kept: 3, fresh: [] });
  expect(one.rows(mined_paths.candidates)).toMatchObject([{ witnesses: 5 }]);
  expect(one.rows(mined_paths.signals)).toHaveLength(300);
});

test("quotes, code and a nod say nothing; hidden characters are seen", () => {
  const said = (text: string) =>
    minedSignal({ id: "1", at: now.toISOString(), text, origin: "o", link: "l", path: "a.ts" });
  expect(said("LGTM, thanks!")).toBeNull();
  expect(said(`> ${rule}\n\nyes`)).toBeNull();
  expect(said("```suggestion\nconst a = one(two, three, four);\n```")).toBeNull();
  expect(said("Name the unit\u202e of each duration.")?.text).toBe("Name the unit⟨U+202E⟩ of each duration.");
  expect(minedSignal({ id: "1", at: "soon", text: rule, origin: "o", link: "l", path: null })).toBeNull();
});
