// `npm run bench [name…]`: each measure beside its peer in one run, so that only ratios count. bench/README.md says what.
import { parseArgs } from "node:util";
import { benchPackages, installPackages } from "../scripts/debian.mjs";

export interface Measured {
  name: string;
  /** One for each round; none where `note` says why it was not measured. */
  seconds: number[];
  note?: string;
  /** The row that the others are compared with, round by round; the first one where none says so. */
  peer?: boolean;
}

const benches: Record<string, { rounds: number; run: (rounds: number) => Promise<Measured[]> }> = {
  dispatch: { rounds: 7, run: async (rounds) => (await import("./dispatch.ts")).dispatch(rounds) },
  ...Object.fromEntries(
    [50, 200].flatMap((hosts) =>
      [1, 10].map((jobs) => [
        `peers-${hosts}x${jobs}`,
        {
          rounds: jobs === 1 ? 5 : 3,
          run: async (rounds: number) => (await import("./peers.ts")).besidePeers(rounds, hosts, jobs),
        },
      ]),
    ),
  ),
  read: { rounds: 7, run: async (rounds) => (await import("./read.ts")).read(rounds) },
  rules: { rounds: 5, run: async (rounds) => (await import("./rules.ts")).rules(rounds) },
  site: { rounds: 1, run: async (rounds) => (await import("./site.ts")).site(rounds) },
  sync: { rounds: 3, run: async (rounds) => (await import("./sync.ts")).sync(rounds) },
};

/** Least, median and most. */
function spread(values: number[]): [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN;
  return [at(0), at(0.5), at(1)];
}

function table(name: string, rounds: number, rows: Measured[]): string {
  const peer = rows.find((row) => row.peer) ?? rows[0];
  const width = Math.max(...rows.map((row) => row.name.length));
  const show = (values: number[], digits: number) =>
    values.length === 0
      ? "-".padStart(27)
      : spread(values)
          .map((value) => value.toFixed(digits).padStart(9))
          .join("");
  const lines = rows.map((row) => {
    const ratios = row.seconds.flatMap((seconds, at) => seconds / (peer?.seconds[at] ?? Number.NaN) || []);
    return `  ${row.name.padEnd(width)}${show(row.seconds, 3)}  ${show(ratios, 2)}  ${row.note ?? ""}`.trimEnd();
  });
  const heads = ["min s", "median", "max"].map((word) => word.padStart(9)).join("");
  const others = ["min x", "median", "max"].map((word) => word.padStart(9)).join("");
  return `\n${`${name}, ${rounds} rounds`.padEnd(width + 2)}${heads}  ${others}  x: ${peer?.name}\n${lines.join("\n")}\n`;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { install: { type: "boolean" }, rounds: { type: "string" } },
});
if (values.rounds !== undefined && !/^[1-9]\d{0,2}$/.test(values.rounds)) throw new Error("--rounds wants a number");
/** A name, or the word that several begin with: `peers`. */
const named = (word: string) => {
  const found = Object.keys(benches).filter((name) => name === word || name.startsWith(`${word}-`));
  if (found.length === 0) throw new Error(`no bench ${word}; there are ${Object.keys(benches).join(", ")}`);
  return found;
};
const wanted = positionals.length > 0 ? positionals.flatMap(named) : Object.keys(benches);
if (values.install) await installPackages(benchPackages);
for (const name of wanted) {
  const bench = benches[name];
  if (!bench) continue;
  const rounds = Number(values.rounds ?? bench.rounds);
  process.stdout.write(table(name, rounds, await bench.run(rounds)));
}
