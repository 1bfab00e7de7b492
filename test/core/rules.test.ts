// Rules as predicates: what each operator means, how conditions nest, and that what is not understood never fires.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseEntry } from "../../src/core/entry.ts";
import { firing, firingKey } from "../../src/core/firing.ts";
import { fieldOf, fill, judge, matches, operators, unknownOperators } from "../../src/core/rules.ts";
import { globTest } from "../../src/core/text-glob.ts";

const pupdate = {
  id: "p1",
  kind: "pr.stale",
  source: "github",
  subject: "owner/repo#7",
  title: "Mend the lock",
  tags: ["reviewed", "infra"],
  data: { age: "4d", size: 12, at: "2026-11-20T10:00:00Z", nested: { deep: "yes" }, share: "80%" },
};
const ok = (when: Record<string, unknown>) => judge(when, pupdate).ok;
const rule = (fields: string) => {
  const { entry, problems } = parseEntry("rules/r.md", "rule", `---\n${fields}\n---\n`);
  if (!entry) throw new Error(problems[0]?.message);
  return entry;
};

describe("operators", () => {
  test.each<[string, Record<string, unknown>, boolean]>([
    ["a plain value equals", { kind: "pr.stale" }, true],
    ["another value does not", { kind: "pr.opened" }, false],
    ["a list means one of", { kind: ["pr.opened", "pr.stale"] }, true],
    ["a field that is not there equals nothing", { "data.nothing": "" }, false],
    ["fields nest by dots", { "data.nested.deep": "yes" }, true],
    ["numbers compare as numbers, not as text", { "data.size": { gt: "9" } }, true],
    ["durations compare by length", { "data.age": { gt: "90h" } }, true],
    ["a duration that is not long enough", { "data.age": { gt: "5d" } }, false],
    ["durations of any unit", { "data.age": { lte: "96h", gte: "4d" } }, true],
    ["times compare across zones", { "data.at": { gte: "2026-11-20T11:00:00+01:00" } }, true],
    ["times and numbers do not compare", { "data.at": { gt: 5 } }, false],
    ["text does not compare", { title: { gt: "A" } }, false],
    ["a missing field does not compare", { "data.nothing": { lt: 5 } }, false],
    ["percentages compare", { "data.share": { gte: "75%" } }, true],
    ["has: one", { tags: { has: "infra" } }, true],
    ["has: all of a list", { tags: { has: ["infra", "reviewed"] } }, true],
    ["has: not when one is missing", { tags: { has: ["infra", "other"] } }, false],
    ["has: of a field that is not there", { "data.nothing": { has: "x" } }, false],
    ["in", { source: { in: ["git", "github"] } }, true],
    ["prefix", { subject: { prefix: "owner/" } }, true],
    ["prefix of any", { subject: { prefix: ["other/", "owner/"] } }, true],
    ["contains, whatever the case", { title: { contains: "LOCK" } }, true],
    ["glob", { subject: { glob: "owner/*" } }, true],
    ["glob: all of it", { subject: { glob: "owner" } }, false],
    ["glob: a star stays between slashes", { subject: { glob: "*7" } }, false],
    ["glob: two stars cross them", { subject: { glob: "**7" } }, true],
    ["glob of any", { kind: { glob: ["job.*", "pr.st?le"] } }, true],
    ["glob of a field that is not there", { "data.nothing": { glob: "**" } }, false],
    ["exists", { "data.age": { exists: "true" } }, true],
    ["exists: a field that is not there", { "data.nothing": { exists: "true" } }, false],
    ["exists: wanted away", { "data.nothing": { exists: "false" } }, true],
    ["exists: of anything else means nothing", { "data.nothing": { exists: "maybe" } }, false],
    ["… below not, either", { not: { "data.age": { exists: "maybe" } } }, false],
    ["several operators of one field all hold", { "data.size": { gt: 10, lt: 12 } }, false],
  ])("%s", (_, when, expected) => expect(ok(when)).toBe(expected));

  test("an empty condition matches nothing", () => {
    expect(ok({})).toBe(false);
    expect(ok({ any: [] })).toBe(false);
    expect(ok({ all: [] })).toBe(false);
    expect(ok({ kind: {} })).toBe(false);
  });
});

describe("nesting", () => {
  const leaf = fc.constantFrom<Record<string, unknown>>(
    { kind: "pr.stale" },
    { kind: "pr.opened" },
    { "data.size": { gt: 10 } },
    { "data.size": { lt: 10 } },
    { tags: { has: "infra" } },
    { title: { contains: "nothing" } },
  );
  const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
      fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
      tie("tree").map((not) => ({ not })),
    ),
  }));

  test("not, any and all obey logic at every depth", () => {
    fc.assert(
      fc.property(tree, tree, (a, b) => {
        expect(ok({ not: a })).toBe(!ok(a));
        expect(ok({ any: [a, b] })).toBe(ok(a) || ok(b));
        expect(ok({ all: [a, b] })).toBe(ok(a) && ok(b));
        expect(ok({ not: { any: [a, b] } })).toBe(ok({ all: [{ not: a }, { not: b }] }));
      }),
    );
  });

  test("the fast answer is that of the explanation", () => {
    const odd = fc.oneof(tree, fc.dictionary(fc.constantFrom("kind", "any", "not", "all", "data.x"), fc.anything()));
    fc.assert(fc.property(odd, (when) => matches(when, pupdate) === ok(when)));
  });

  test("rules that a kind has no use for are left out, and no other", () => {
    const all = () => true;
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 5 }), (whens) => {
        const rules = whens.map((_, n) => ({ ...rule("when: {a: b}\nstop: false\nthen: [{memo: x}]"), id: `${n}` }));
        for (const [n, one] of rules.entries()) one.data = { ...one.data, when: whens[n] as Record<string, unknown> };
        const fits = rules.filter((one) => ok(one.data.when)).map(({ id }) => id);
        expect(firing(rules, pupdate, all).map(({ id }) => id)).toEqual(fits);
      }),
    );
  });

  test("the same pupdate always gets the same answer, and the input is not changed", () => {
    fc.assert(
      fc.property(tree, (when) => {
        const before = JSON.stringify([when, pupdate]);
        expect(judge(when, pupdate)).toEqual(judge(when, pupdate));
        expect(JSON.stringify([when, pupdate])).toBe(before);
      }),
    );
  });

  test("every leaf is judged, so that the answer can be explained", () => {
    const { leaves } = judge({ kind: "no", any: [{ source: "no" }, { title: "no" }], not: { subject: "no" } }, pupdate);
    expect(leaves.map((one) => one.field).sort()).toEqual(["kind", "source", "subject", "title"]);
  });

  test("an operator that does not exist never lets a rule fire, wherever it stands", () => {
    fc.assert(
      fc.property(tree, fc.constantFrom("regex", "matches", "__proto__", "constructor", "toString"), (when, name) => {
        const unknown = { title: JSON.parse(`{"${name}":"x"}`) };
        expect(ok(unknown)).toBe(false);
        expect(ok({ not: unknown })).toBe(false);
        expect(ok({ any: [unknown, when] })).toBe(false);
        expect(unknownOperators({ all: [{ not: unknown }] })).toEqual([{ field: "title", operator: name }]);
      }),
    );
  });

  test("a branch that is no condition never lets a rule fire", () => {
    for (const wrong of ["kind: pr.stale", 7, null, ["kind"]])
      for (const name of ["any", "all", "not"]) {
        expect([name, wrong, ok({ [name]: wrong })]).toEqual([name, wrong, false]);
        expect([name, wrong, ok({ kind: "pr.stale", [name]: [wrong] })]).toEqual([name, wrong, false]);
      }
  });
});

describe("names that every object has", () => {
  test.each(["__proto__", "constructor", "constructor.name", "toString", "__proto__.polluted", "data.__proto__.x"])(
    "%s is no field",
    (path) => {
      expect(fieldOf(pupdate, path)).toBeUndefined();
      expect(ok({ [path]: "function Object() { [native code] }" })).toBe(false);
      expect(fill(`{{${path}}}`, pupdate)).toBe("(unknown)");
    },
  );
  test("a rule and a pupdate with own `__proto__` keys do no harm", () => {
    const when = JSON.parse('{"__proto__": {"equals": "x"}, "kind": "pr.stale"}');
    expect(judge(when, pupdate).ok).toBe(false);
    expect(judge({ kind: "pr.stale" }, JSON.parse('{"__proto__": {"kind": "pr.stale"}}')).ok).toBe(false);
    expect(({} as Record<string, unknown>).equals).toBeUndefined();
  });
});

describe("firing", () => {
  const all = () => true;
  test("in order, up to the first that stops", () => {
    const rules = [
      rule("when: {kind: pr.stale}\nstop: false\nthen: [{memo: one}]"),
      rule("when: {kind: other}\nthen: [{memo: two}]"),
      rule("when: {source: github}\nthen: [{memo: three}]"),
      rule("when: {kind: pr.stale}\nthen: [{memo: four}]"),
    ];
    expect(firing(rules, pupdate, all).map((one) => one.data.then[0]?.memo)).toEqual(["one", "three"]);
  });
  test("a rule that is off, or not allowed now, does not keep later ones from firing", () => {
    const rules = [
      rule("when: {kind: pr.stale}\noff: true\nthen: [{memo: one}]"),
      rule("when: {kind: pr.stale}\nlimit: 1\nthen: [{memo: two}]"),
      rule("when: {kind: pr.stale}\nthen: [{memo: three}]"),
    ];
    const fired = firing(rules, pupdate, (one) => one.data.limit !== 1);
    expect(fired.map((one) => one.data.then[0]?.memo)).toEqual(["three"]);
  });
  test("a cooldown counts by subject, or by what `per` names", () => {
    expect(firingKey(rule("when: {kind: x}\ncooldown: 1d\nthen: [{memo: x}]"), pupdate)).toBe("owner/repo#7");
    const per = rule("when: {kind: x}\ncooldown: {for: 1d, per: size}\nthen: [{memo: x}]");
    expect(firingKey(per, pupdate)).toBe("12");
  });
});

test("templates take values only", () => {
  expect(fill("{{ title }} ({{data.size}}): {{data.nested}} {{1+1}} {{nope}}", pupdate)).toBe(
    'Mend the lock (12): {"deep":"yes"} (unknown) (unknown)'.replace("(unknown) (unknown)", "{{1+1}} (unknown)"),
  );
  expect(fill("{{title}}", { title: "{{subject}}" })).toBe("{{subject}}");
});

test("no operator throws, whatever it is given", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(operators)), fc.anything(), fc.anything(), (name, got, wanted) => {
      expect(typeof judge({ "data.x": { [name]: wanted } }, { data: { x: got } }).ok).toBe("boolean");
    }),
  );
});

test("a glob means what an expression of the same means", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "/", "*", "?", "**"), { maxLength: 8 }).map((all) => all.join(""));
  const words = fc.array(fc.constantFrom("a", "b", "/"), { maxLength: 8 }).map((all) => all.join(""));
  fc.assert(
    fc.property(letters, words, (glob, word) => {
      const source = glob.replace(/\*+|\?/g, (one) => (one === "?" ? "[^/]" : one === "*" ? "[^/]*" : ".*"));
      expect([glob, word, globTest(glob)(word)]).toEqual([glob, word, new RegExp(`^${source}$`, "s").test(word)]);
    }),
    { numRuns: 500 },
  );
});

test("no glob takes long, whatever it is and whatever it looks at", () => {
  const text = "a".repeat(20_000);
  for (const glob of ["*a".repeat(99), "**a".repeat(66), `${"a*".repeat(90)}b`, "*?".repeat(99)])
    expect(judge({ title: { glob: `${glob}b` } }, { title: text }).ok).toBe(false);
  expect(matches({ title: { glob: "*".repeat(201) } }, { title: text })).toBe(false);
  expect(matches({ not: { title: { glob: "a".repeat(201) } } }, { title: text })).toBe(false);
});
