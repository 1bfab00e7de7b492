// Every command that README and docs tell people to type is typed: page by page, in order, in a world of its own.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stripVTControlCharacters as plain } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { lacksSshd, needs } from "../integration/real.ts";
import { type Block, blocksOf, isCommand } from "./blocks.ts";
import { end, type World, worldOf } from "./world.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (page: string) => readFileSync(join(root, page), "utf8");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const blocks = new Map(pages.map((page) => [page, blocksOf(page, read(page))]));
const runs = (block: Block) => isCommand(block) && !block.notes["not run"] && !block.notes["run in"];
const where = ({ page, line }: Block) => `${page}:${line}`;

/** Lines of a script without what only explains them. */
const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.replace(/(^|\s+)#.*$/, "").trim())
    .filter(Boolean);

/** What a page says is in a file. */
function write(world: World, { notes, text }: Block): void {
  for (const [path, put] of [
    [notes.file, writeFileSync],
    [notes["adds to"], appendFileSync],
  ] as const) {
    if (path === undefined) continue;
    const file = join(world.cwd(), path);
    mkdirSync(dirname(file), { recursive: true });
    put(file, world.here(text));
  }
}

/** One block: what comes before it, then itself; what it prints is what the page says. */
async function play(world: World, block: Block): Promise<void> {
  const { notes, text } = block;
  if (notes.before !== undefined) {
    const { code, out } = await world.type(world.here(notes.before));
    expect.soft(code, `${where(block)}, before it:\n${out}`).toBe(0);
  }
  write(world, block);
  if (!runs(block)) return;
  let shown = "";
  const reached = async (out: string) => {
    const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(plain(out))?.[0];
    if (notes.shows !== undefined && address) shown = await (await fetch(address)).text();
  };
  const { code, out } = await world.type(world.here(text), { until: notes.until, types: notes.types, reached });
  const fine = notes.until === undefined ? [Number(notes.exit ?? 0)] : [0, 130];
  expect.soft(fine, `${where(block)} ended with ${code}:\n${text}\n${out}`).toContain(code);
  for (const said of [notes.until, ...(notes.prints?.split(" | ") ?? [])])
    if (said !== undefined) expect.soft(plain(out), where(block)).toContain(said);
  if (notes.shows !== undefined) expect.soft(shown, where(block)).toContain(notes.shows);
}

afterAll(end);

/** The others take a minute of the processor more, which a whole run has not: `npm run test:long -- docs/run`. */
const short = ["README.md", "docs/start.md"];
const long = process.env.TOWLINE_LONG !== undefined;
const played = pages.filter((page) => (long || short.includes(page)) && blocks.get(page)?.some(runs));

describe.skipIf(lacksSshd)(`commands of the pages, typed; ${needs}`, () => {
  test.each(played)("%s", { timeout: 900_000 }, async (page) => {
    const own = blocks.get(page) ?? [];
    // A page that makes a pack starts with none.
    const makes = own.some((block) => runs(block) && /\btowline init\b/.test(block.text));
    const world = await worldOf(read(page), !makes);
    try {
      for (const block of own) await play(world, block);
      // What an hour with towline begins with: at most six commands, and two minutes of the machine's time.
      if (page !== "docs/start.md") return;
      expect(own.filter(runs).flatMap(({ text }) => lines(text)).length).toBeLessThanOrEqual(6);
      expect(world.spent()).toBeGreaterThan(1);
      expect(world.spent()).toBeLessThan(120);
    } finally {
      await world.down();
    }
  });
});

test("a block that is not typed says why, or where it is", () => {
  const all = [...blocks.values()].flat().filter(isCommand);
  const typedOn = (page: string) => (blocks.get(page) ?? []).filter(runs).flatMap(({ text }) => lines(text));
  for (const block of all) {
    const { "run in": other, "not run": why } = block.notes;
    if (other !== undefined) expect(typedOn(other), where(block)).toEqual(expect.arrayContaining(lines(block.text)));
    if (why !== undefined) expect(why.length, where(block)).toBeGreaterThan(8);
  }
  expect(all.length).toBeGreaterThan(30);
});
