// What README and docs tell people to type is there: verbs and their options, by the program's own help.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verbs, verbsPage } from "../../scripts/docs.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const pages = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

test("docs/verbs.md is what the program says (`npm run docs`)", () => expect(read("docs/verbs.md")).toBe(verbsPage()));

/** Commands of the blocks in sh: the words behind `towline`, each with its line. */
function commands(page: string): { line: number; words: string[] }[] {
  const found: { line: number; words: string[] }[] = [];
  let inside = false;
  for (const [at, text] of read(page).split("\n").entries()) {
    if (/^\s*```/.test(text)) inside = /^\s*```(sh|bash|shell|console)\b/.test(text);
    // What the help of a verb gives as examples, up to the end of it.
    else if (/^Examples?:$/.test(text)) inside = true;
    else if (inside)
      for (const part of text.replace(/(^|\s)#.*$/, "").split(/&&|\|\||[|;]/)) {
        const words =
          part
            .trim()
            .replace(/^\$ /, "")
            .match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
        while (/^\w+=/.test(words[0] ?? "")) words.shift();
        if (words[0] === "npx") words.shift();
        if (/^(.*\/)?towline(@\S+)?$/.test(words.shift() ?? "")) found.push({ line: at + 1, words });
      }
  }
  return found;
}

const all = new Map(verbs().map(({ path, command }) => [path, command]));

/** What is wrong with it; null: nothing. */
function fault(words: string[]): string | null {
  if (words[0] === undefined || words[0].startsWith("-")) return null;
  let path = words[0];
  if (!all.has(path)) return `there is no verb ${path}`;
  for (const word of words.slice(1)) {
    if (!all.has(`${path} ${word}`)) break;
    path = `${path} ${word}`;
  }
  const command = all.get(path);
  const known = new Set([...(command?.options ?? []).flatMap(({ long, short }) => [long, short]), "--help", "-h"]);
  const end = words.indexOf("--");
  const options = words.slice(0, end < 0 ? undefined : end).filter((word) => /^--?[a-z]/.test(word));
  const strange = options.map((word) => word.split("=", 1)[0]).filter((word) => !known.has(word));
  return strange.length > 0 ? `towline ${path} has no ${strange.join(", ")}` : null;
}

describe("commands that pages show name verbs and options that there are", () => {
  test.each(pages)("%s", (page) => {
    const wrong = commands(page).flatMap(({ line, words }) => {
      const why = fault(words);
      return why === null ? [] : [`${page}:${line}: ${why}`];
    });
    expect(wrong).toEqual([]);
  });

  test("there are some, and a wrong one is seen", () => {
    expect(pages.flatMap(commands).length).toBeGreaterThan(40);
    expect(commands("docs/verbs.md").length).toBeGreaterThan(80);
    expect([fault(["tikc"]), fault(["tick", "--jsn"]), fault(["fleet", "add", "x", "--push"])]).toEqual([
      "there is no verb tikc",
      "towline tick has no --jsn",
      null,
    ]);
  });
});
