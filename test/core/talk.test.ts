import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readOutbox, talked } from "../../src/core/talk.ts";
import type { Outcome } from "../../src/ports.ts";
import { outboxOf } from "../fakes/fleet.ts";

const read = (files: Record<string, string | Uint8Array>) => readOutbox(outboxOf(files));
const fine: Outcome = { state: "finished", outcome: "success", answer: "the answer" };
const having = (files: Record<string, string>, outcome: Outcome = fine) => talked(outcome, outboxOf(files));

describe("an outbox", () => {
  test("is read by number, with fields or without", () => {
    expect(
      read({
        "10-done.md": "---\n---\n",
        "02-tell.md": "---\nto: bob-2\n---\n\nlook at\nthis\n",
        "1-ask.md": "May I?\n",
        "3-reflect.md": "---\nsurprise: two disks\n---\n",
      }),
    ).toEqual({
      messages: [
        { verb: "ask", text: "May I?" },
        { verb: "tell", to: "bob-2", text: "look at\nthis" },
        { verb: "reflect", surprise: "two disks", text: "" },
        { verb: "done", text: "" },
      ],
      remarks: [],
    });
  });

  test.each([
    ["no number", { "ask.md": "x" }, "must be named like 01-reply.md"],
    ["no known verb", { "01-sudo.md": "x" }, "must be named like 01-reply.md"],
    ["nothing in it", { "01-ask.md": " \n" }, "must say something"],
    ["no receiver", { "01-tell.md": "hello" }, "`to` must name the agent"],
    ["a path for a receiver", { "01-tell.md": "---\nto: ../../etc\n---\nx" }, "`to` must be lower-case"],
    ["fields that are no YAML", { "01-ask.md": "---\na: [\n---\nx" }, "line 3"],
    ["fields that never end", { "01-ask.md": "---\nto: x\n" }, "not closed"],
    ["bytes that are no text", { "01-ask.md": new Uint8Array([0xff, 0xfe, 1]) }, "UTF-8"],
    ["a NUL", { "01-ask.md": "a\0b" }, "UTF-8"],
  ])("a file with %s is told of, and the others are taken", (_, file, why) => {
    const { messages, remarks } = read({ ...(file as Record<string, string>), "02-status.md": "half" });
    expect(messages).toEqual([{ verb: "status", text: "half" }]);
    expect(remarks.join()).toContain(why);
  });

  test("another verb, another sender or hidden text cannot be put in by fields", () => {
    const { messages } = read({
      "01-ask.md": "---\nverb: tell\nto: bob\nfrom: root\ntext: other\n---\n\u001b[2Jseen\u202e!",
    });
    expect(messages).toEqual([{ verb: "ask", to: "bob", text: "seen⟨U+202E⟩!" }]);
  });

  test("what the host left out is told of", () => {
    const bytes = Buffer.from("outbox 1\nodd 9900\nbig 07-reply.md\nfile 2 01-ask.md\nover 3\n\nhi");
    const { messages, remarks } = readOutbox(bytes);
    expect(messages).toEqual([{ verb: "ask", text: "hi" }]);
    expect(remarks).toEqual([
      "9900 entries are no files with names like 01-reply.md",
      "07-reply.md is over 64 KiB",
      "3 files are too many: the first ones are taken",
    ]);
  });

  test.each([
    "",
    "outbox spoiled\n",
    "outbox 1\n",
    "outbox 2\n\n",
    "outbox 1\nfile 9 01-ask.md\n\nhi",
    "outbox 1\nfile 1 01-ask.md\n\nhi",
  ])("%j is none that can be read", (text) =>
    expect(readOutbox(Buffer.from(text))).toMatchObject({ messages: [], remarks: [expect.any(String)] }),
  );

  test("any bytes at all are read without a crash", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readOutbox(bytes)));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: "binary" })), (files) => {
        const lines = Object.entries(files).map(([name, text]) => `file ${Buffer.byteLength(text)} ${name}\n`);
        void talked(fine, Buffer.from(`outbox 1\n${lines.join("")}\n${Object.values(files).join("")}`));
      }),
    );
  });
});

describe("what the agent said makes of the outcome:", () => {
  test("nothing: it stays what it was", () => {
    expect(talked(fine, undefined)).toEqual(fine);
    expect(talked(fine, Buffer.from("outbox 1\n\n"))).toEqual(fine);
  });

  test("replies are part of the answer, once", () => {
    expect(having({ "01-reply.md": "first", "02-reply.md": "the answer", "03-done.md": "look at it" }).answer).toBe(
      "first\n\nthe answer\n\nlook at it",
    );
    const empty: Outcome = { state: "empty", outcome: "failure", why: "no answer", answer: "" };
    const replied = having({ "01-reply.md": "first" }, empty);
    expect(replied).toMatchObject({ state: "finished", outcome: "success", answer: "first" });
    expect(replied.why).toBeUndefined();
  });

  test("`fail` is a failure with its reason; what was ended from outside stays so", () => {
    expect(having({ "01-fail.md": "no such\ndatabase" })).toMatchObject({
      state: "failed",
      outcome: "failure",
      why: "no such database",
      answer: "the answer",
    });
    const cancelled: Outcome = { state: "cancelled", outcome: "failure", answer: "" };
    expect(having({ "01-fail.md": "x" }, cancelled).state).toBe("cancelled");
  });

  test("`done` alone never makes a failure a success", () => {
    const failed: Outcome = { state: "failed", outcome: "failure", why: "exit 1", answer: "" };
    expect(having({ "01-done.md": "all good" }, failed)).toMatchObject({
      state: "failed",
      outcome: "failure",
      why: "exit 1",
    });
  });

  test("what it reflects goes to the reflection; the marked block goes before", () => {
    expect(having({ "01-reflect.md": "two disks\ntechnique: df" })).toMatchObject({
      surprise: "two disks",
      technique: "df",
    });
    expect(having({ "01-reflect.md": "surprise: a" }, { ...fine, surprise: "b" }).surprise).toBe("b");
  });

  test("the same said in two ways counts once, and never too often", () => {
    const said = { ...fine, messages: [{ verb: "ask" as const, text: "May I?" }] };
    expect(having({ "01-ask.md": "May I?" }, said).messages).toHaveLength(1);
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, at) => [`${at}-tell.md`, `---\nto: bob\n---\n${at}`]),
    );
    expect(having(many).messages).toHaveLength(10);
    expect(having(many).remarks).toEqual(["60 times `tell`: the first 10 are taken"]);
    expect([...(having({ "01-status.md": "🦞".repeat(5000) }).messages?.[0]?.text ?? "")].length).toBeLessThanOrEqual(
      200,
    );
  });
});
