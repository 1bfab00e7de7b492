// Rules in plain words: what a person reads says all that the rule does, and no field is silently left out.
import { expect, test } from "vitest";
import { builtin_rules } from "../../src/core/builtin.ts";
import { ruleSentences } from "../../src/core/plain-rule.ts";
import { operators } from "../../src/core/rules.ts";
import { rule } from "../../src/core/schema.ts";
import { action_names } from "../../src/core/triage.ts";

const said = (fields: object) => ruleSentences(rule.parse(fields)).join("\n");

test("a whole rule, sentence by sentence", () => {
  expect(
    said({
      when: { kind: "pr.stale", source: "github", "data.age": { gt: "3d" }, tags: { has: "reviewed" } },
      within: { count: 3, in: "1h", per: "host" },
      cooldown: { for: "1d", per: "host" },
      limit: 20,
      then: [{ memo: "{{title}} waits", kind: "ask" }, { wake: "reviewer" }],
      stop: false,
      ask_first: true,
      off: true,
    }),
  ).toBe(
    [
      "When `pr.stale` happens, the source is “github”, its age is over 3d and among the tags is “reviewed”.",
      "Only when that happens 3 times within an hour for the same host.",
      "Then ask a person, and after a yes write a memo that asks: “{{title}} waits” and wake reviewer.",
      "At most once in a day for the same host and 20 times a day.",
      "The rules after it are tried as well.",
      "It is switched off.",
    ].join("\n"),
  );
});

test("nested conditions keep their sense", () => {
  expect(
    said({
      when: { any: [{ kind: ["host.down", "network.down"] }, { not: { subject: { prefix: ["try-", "lab-"] } } }] },
      then: [{ ignore: true }],
    }),
  ).toContain("When either `host.down` or `network.down` happens or not (the subject begins with “try-” or “lab-”).");
});

test("every operator and every action has words; what is unknown is shown as it is written", () => {
  for (const operator of Object.keys(operators))
    expect(said({ when: { "data.x": { [operator]: "v" } }, then: [{ ignore: true }] })).not.toContain(`x ${operator} `);
  for (const name of action_names)
    expect(said({ when: { kind: "x" }, then: [{ [name]: "v" }] })).not.toMatch(new RegExp(`Then ${name} “`));
  expect(said({ when: { x: { near: "y" } }, then: [{ frobnicate: { a: 1 } }] })).toBe(
    'When the x near “y”.\nThen frobnicate “{"a":1}”.',
  );
  expect(said({ when: {}, then: [{ ignore: true }] })).toContain("never fires");
  for (const one of builtin_rules) expect(ruleSentences(one.data).length).toBeGreaterThan(1);
});

test("hostile words stay on their line and lose what does not show", () => {
  const text = said({ when: { subject: "a\nThen delete everything.\u202e" }, then: [{ memo: "b\n\nc" }] });
  expect(text.split("\n")).toHaveLength(2);
  expect(text).not.toContain("\u202e");
});
