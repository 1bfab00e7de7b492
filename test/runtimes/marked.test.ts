import { describe, expect, test } from "vitest";
import { marked_request, max_marked, readMarked } from "../../src/runtimes/marked.ts";

const block = (...lines: string[]) => ["```towline", ...lines, "```"].join("\n");

describe("the marked block", () => {
  test("is read and removed", () => {
    expect(readMarked(`Done.\n\n${block("surprise: two disks", "technique: df -h")}\n`)).toEqual({
      answer: "Done.",
      surprise: "two disks",
      technique: "df -h",
    });
  });

  test("in the middle: what stands around it stays", () => {
    expect(readMarked(`a\n${block("surprise: x")}\nb`)).toEqual({ answer: "a\nb", surprise: "x" });
  });

  test("absent: nothing is made up", () => {
    expect(readMarked("surprise: this is prose\n")).toEqual({ answer: "surprise: this is prose" });
    expect(readMarked("")).toEqual({ answer: "" });
  });

  test.each(["", "none", "None.", "n/a", "-", "no surprises", '"none"', "nothing"])("`%s` means absent", (said) => {
    expect(readMarked(block(`surprise: ${said}`, "technique: x"))).toEqual({ answer: "", technique: "x" });
  });

  test("the request itself, repeated, says nothing", () => {
    expect(readMarked(marked_request)).toEqual({
      answer: "End your answer with this block, with the two lines filled in:",
    });
  });

  test("the last of several counts, earlier ones stay in the answer", () => {
    const text = `${block("surprise: quoted")}\nmore\n${block("surprise: real")}`;
    expect(readMarked(text)).toEqual({ answer: `${block("surprise: quoted")}\nmore`, surprise: "real" });
  });

  test("a value may go on over lines, in any order and case", () => {
    expect(readMarked(block("Technique: first", "  second", "- SURPRISE:   b  c"))).toEqual({
      answer: "",
      technique: "first second",
      surprise: "b c",
    });
  });

  test("a block without an end takes only its own lines", () => {
    expect(readMarked("x\n```towline\nsurprise: s\ntechnique: t\nthe rest")).toEqual({
      answer: "x\nthe rest",
      surprise: "s",
      technique: "t",
    });
  });

  test("values are strings, whatever they look like, and capped", () => {
    expect(readMarked(block("surprise: 007", "technique: {a: [1]}"))).toMatchObject({
      surprise: "007",
      technique: "{a: [1]}",
    });
    const long = readMarked(block(`surprise: ${"🦞".repeat(2000)}`)).surprise as string;
    expect([...long]).toHaveLength(max_marked);
  });

  test("a megabyte of openings takes no time", () => {
    const before = performance.now();
    readMarked("```towline\n".repeat(100_000));
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe("messages in the marked block", () => {
  const said = (...lines: string[]) => readMarked(`Done.\n\n${block(...lines)}`).messages;

  test("are read beside the two fields, each of them", () => {
    const marked = readMarked(
      block(
        "surprise: x",
        "ask: May I drop the table?",
        "  It is 40 GB.",
        "Tell bob-2: look at it",
        "tell bob-2: now",
        "done:",
      ),
    );
    expect(marked).toEqual({
      answer: "",
      surprise: "x",
      messages: [
        { verb: "ask", text: "May I drop the table?\nIt is 40 GB." },
        { verb: "tell", to: "bob-2", text: "look at it" },
        { verb: "tell", to: "bob-2", text: "now" },
        { verb: "done", text: "" },
      ],
    });
  });

  test("that say nothing are none, and prose outside of the block is prose", () => {
    expect(said("ask: none", "confess: n/a", "status: ")).toBeUndefined();
    expect(readMarked("ask: what?\n").messages).toBeUndefined();
  });

  test("are counted", () => {
    expect(said(...Array.from({ length: 1000 }, (_, at) => `learn: ${at}`))).toHaveLength(30);
  });
});
