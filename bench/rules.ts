// 100,000 pupdates against 200 rules: judged by the index and compiled conditions, and one rule after the other.
import { type Entry, parseEntry } from "../src/core/entry.ts";
import { replay, type Told } from "../src/core/replay-rules.ts";
import { judge } from "../src/core/rules.ts";
import type { Measured } from "./run.ts";

const kinds = 40;

/** Rules of all sorts: most look at one kind, some at a source, with globs, nesting, windows and rests. */
export function manyRules(count: number): Entry<"rule">[] {
  return Array.from({ length: count }, (_, i) => {
    const when =
      i % 20 === 0
        ? `  subject: {glob: "host-${i % 7}*"}\n  data.load: {gt: ${i % 90}}`
        : i % 5 === 0
          ? `  any: [{kind: mine.k${i % kinds}}, {kind: mine.k${(i + 1) % kinds}, not: {data.load: {lt: 50}}}]`
          : `  kind: mine.k${i % kinds}\n  data.load: {gte: ${(i * 7) % 100}}\n  tags: {has: t${i % 3}}`;
    const more = i % 4 === 0 ? "cooldown: 1h\n" : i % 4 === 1 ? "within: {count: 3, in: 1h, per: host}\n" : "";
    const text = `---\nwhen:\n${when}\n${more}stop: ${i % 2 === 0}\nthen: [{memo: "{{title}}"}]\n---\n`;
    const { entry } = parseEntry(`rules/r${String(i).padStart(4, "0")}.md`, "rule", text);
    if (!entry) throw new Error(text);
    return entry;
  });
}

/** What happened, a second after the other. */
export function history(count: number): Told[] {
  const begin = Date.parse("2026-11-01T00:00:00Z");
  return Array.from({ length: count }, (_, i) => {
    const host = `host-${(i * 31) % 50}`;
    const now = new Date(begin + i * 1000);
    return {
      now,
      pupdate: {
        ...{ id: i.toString(16).padStart(16, "0"), at: now.toISOString(), source: "mine", subject: host },
        ...{ kind: `mine.k${(i * 13) % (kinds + 10)}`, title: `Event ${i}`, tags: [`t${i % 4}`] },
        data: { host, load: (i * 17) % 100 },
      },
    };
  });
}

export async function rules(rounds: number): Promise<Measured[]> {
  const [all, what] = [manyRules(200), history(100_000)];
  const rows: Measured[] = [
    { name: "replayed", seconds: [], peer: true },
    { name: "conditions alone, each of each", seconds: [] },
  ];
  const timed = (work: () => void) => {
    const began = performance.now();
    work();
    return (performance.now() - began) / 1000;
  };
  for (let round = 0; round < rounds; round++) {
    rows[0]?.seconds.push(timed(() => replay(all, what)));
    // A tenth of it, so that this ends today.
    const part = timed(() => {
      for (const { pupdate } of what.slice(0, 10_000)) for (const { data } of all) judge(data.when, pupdate);
    });
    rows[1]?.seconds.push(part * 10);
  }
  return rows;
}
