// Texts that a record reader meets one day: good records with faults, YAML's odd corners, and bytes of any sort.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";

const root = join(import.meta.dirname, "..", "..");

/** Path in its pack and text of every record of this repository and of the golden packs. */
export function corpus(): { path: string; text: string }[] {
  const found: { path: string; text: string }[] = [];
  const add = (base: string, dir: string) => {
    for (const item of readdirSync(join(base, dir), { withFileTypes: true, recursive: true })) {
      if (!item.isFile() || !/\.(md|ndjson|yml)$/.test(item.name)) continue;
      const file = join(item.parentPath, item.name);
      found.push({ path: file.slice(base.length + 1), text: readFileSync(file, "utf8") });
    }
  };
  for (const dir of ["agents", "hosts", "insights", "reflections", "rules", "tasks"]) add(root, dir);
  for (const pack of readdirSync(join(root, "test", "golden"), { withFileTypes: true }))
    if (pack.isDirectory())
      for (const side of ["before", "after"]) add(join(root, "test", "golden", pack.name, side), ".");
  return found.filter(({ text }) => text.length < 20_000);
}

const odd = [
  ...["---", "---\n", "---js\n", "---json\n", "\n---\n", "...", "\ufeff", "\r", "\r\n", "\0", "\u2028", "\u0085", "\t"],
  ...["&a ", "*a", "*a *a", "<<: *a", "!!js/function 'x'", "!<tag:x> ", "%YAML 1.1\n", "? ", "- - - ", ": ", "|", ">-"],
  ...["{", "}", "[", "]", "{a: ", "'", '"', "\\", "\\x00", "#", "`", "@", "$" + "{{ x }}", "$(x)", "{{", "<script>"],
  ...[
    "__proto__: {polluted: yes}\n",
    "constructor: {prototype: {polluted: yes}}\n",
    "toString: x\n",
    "hasOwnProperty: 1\n",
  ],
  ...[
    "007",
    "1e999",
    "-0",
    ".nan",
    "0x1F",
    "NO",
    "~",
    "null",
    "99999999999999999999",
    "2026-02-30T25:61:61Z",
    "12:30:45",
  ],
  ...["<<<<<<< HEAD\n", "=======\n", ">>>>>>> x\n", "title: a\ntitle: b\n", "status: ready\n", "x".repeat(3000)],
  "globalThis.towline_canary = 1",
  "---js\nglobalThis.towline_canary = 1\n---\n",
  "---javascript\nmodule.exports = (globalThis.towline_canary = 1)\n---\n",
  "---coffee\nglobalThis.towline_canary = 1\n---\n",
  "!!js/function 'globalThis.towline_canary = 1'",
];

type Change =
  | { kind: "put"; at: number; text: string }
  | { kind: "over"; at: number; text: string }
  | { kind: "cut"; at: number; length: number }
  | { kind: "copy"; at: number; length: number; to: number }
  | { kind: "flip"; at: number; bit: number };

const place = fc.nat(10_000);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), at: place, text: fc.constantFrom(...odd) }),
  fc.record({ kind: fc.constant("over" as const), at: place, text: fc.constantFrom(...odd) }),
  fc.record({ kind: fc.constant("cut" as const), at: place, length: fc.nat(200) }),
  fc.record({ kind: fc.constant("copy" as const), at: place, length: fc.nat(200), to: place }),
  fc.record({ kind: fc.constant("flip" as const), at: place, bit: fc.nat(7) }),
);

/** One change to the bytes; places count round the end, and half of them lie in the frontmatter. */
function changed(bytes: Buffer, one: Change): Buffer {
  const size = bytes.length + 1;
  const at = (one.at % 2 ? one.at : one.at % 400) % size;
  const rest = (from: number) => bytes.subarray(Math.min(from, bytes.length));
  if (one.kind === "put") return Buffer.concat([bytes.subarray(0, at), Buffer.from(one.text), rest(at)]);
  if (one.kind === "over")
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(one.text), rest(at + one.text.length)]);
  if (one.kind === "cut") return Buffer.concat([bytes.subarray(0, at), rest(at + one.length)]);
  if (one.kind === "copy") {
    const piece = bytes.subarray(at, at + one.length);
    return Buffer.concat([bytes.subarray(0, one.to % size), piece, rest(one.to % size)]);
  }
  const flipped = Buffer.from(bytes);
  if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << one.bit);
  return flipped;
}

export const mutated = (all: { path: string; text: string }[]) =>
  fc
    .tuple(fc.constantFrom(...all), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([{ path, text }, changes]) => ({ path, bytes: changes.reduce(changed, Buffer.from(text)) }));

const scalar = fc.oneof(
  fc.constantFrom(...odd),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.stringMatching(/^[a-z]{1,9}$/),
);

/** Lines, lists and maps, nested by chance and indented as they should be or not. */
const yaml = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(fc.tuple(scalar, tie("value")), { maxLength: 4 })
      .map((pairs) => `{${pairs.map((p) => p.join(": ")).join(", ")}}`),
    fc
      .tuple(fc.nat(6), fc.array(tie("value"), { maxLength: 4 }))
      .map(([n, items]) => items.map((i) => `\n${" ".repeat(n)}- ${i}`).join("")),
    fc
      .tuple(fc.nat(6), fc.array(fc.tuple(scalar, tie("value")), { maxLength: 4 }))
      .map(([n, pairs]) => pairs.map((p) => `\n${" ".repeat(n)}${p.join(": ")}`).join("")),
  ),
})).value;

const field = fc.constantFrom(
  "title",
  "status",
  "every",
  "after",
  "hosts",
  "run",
  "timeout",
  "task",
  "state",
  "when",
  "then",
  "address",
  "slots",
  "runtime",
  "__proto__",
  "constructor",
  "x",
);

export const generated = (paths: string[]) =>
  fc
    .tuple(
      fc.constantFrom(...paths),
      fc.constantFrom("\n", "\n", "\n", "\r\n", "\r"),
      fc.array(fc.tuple(field, yaml), { maxLength: 8 }),
      fc.oneof(fc.constant("---"), fc.constantFrom("----", "--- ", "---js", "--- !x", "")),
      fc.string({ unit: "binary", maxLength: 40 }),
    )
    .map(([path, end, fields, close, body]) => ({
      path,
      bytes: Buffer.from(
        `---\n${fields.map(([name, value]) => `${name}: ${value}`).join("\n")}\n${close}\n${body}`.replaceAll(
          "\n",
          end,
        ),
      ),
    }));

const rows = (count: number, row: (i: number) => string) => Array.from({ length: count }, (_, i) => row(i)).join("");
const doc = (header: string) => `---\n${header}\n---\n`;

/** Texts that are hard by their size or their shape. */
export const hard: [string, string][] = [
  ["a million items", doc(`a:\n${"- x\n".repeat(1_000_000)}`)],
  ["as many items as fit", doc(`a:\n${"- x\n".repeat(16_000)}`)],
  ["thousands of unknown fields", doc(rows(5000, (i) => `k${i}: 1\n`))],
  ["thousands of anchors", doc(rows(3000, (i) => `a${i}: &a${i} [x]\n`))],
  ["an alias bomb", doc(`a0: &a0 x\n${rows(30, (i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`)}`)],
  ["thousands of wrong items", doc(`title: x\nafter:\n${"- [a]\n".repeat(9000)}`)],
  ["deep brackets", doc(`a: ${"[".repeat(60_000)}`)],
  ["deep braces", doc(`a: ${"{a: ".repeat(15_000)}`)],
  ["deep dashes", doc("- ".repeat(30_000))],
  ["deep questions", doc("? ".repeat(30_000))],
  ["deep indentation", doc(rows(300, (i) => `${" ".repeat(i)}a:\n`))],
  ["a long key", doc(`${"k".repeat(60_000)}: 1`)],
  ["one field very often", doc("a: 1\n".repeat(12_000))],
  ["quotes that never close", doc(`title: "${'\\"'.repeat(30_000)}`)],
  ["a megabyte of fence", `---${" ".repeat(1_000_000)}x\n`],
  ["frontmatter without an end", `---\n${"- x\n".repeat(260_000)}`],
  ["a body of a megabyte", `${doc("title: x")}${"- x\n".repeat(260_000)}`],
  ["four megabytes", "x".repeat(4 << 20)],
];
