// `npm run bench [name…]`: each measure beside its peer in one run, so that only ratios count.
import { parseArgs } from "node:util";

export interface Measured {
  name: string;
  seconds: number;
  /** What the number may be compared with, in this run. */
  note?: string;
}

const benches: Record<string, () => Promise<Measured[]>> = {
  dispatch: async () => (await import("./dispatch.ts")).dispatch(),
  read: async () => (await import("./read.ts")).read(),
  sync: async () => (await import("./sync.ts")).sync(),
};

const { positionals } = parseArgs({ allowPositionals: true });
const wanted = positionals.length > 0 ? positionals : Object.keys(benches);
for (const name of wanted) {
  const bench = benches[name];
  if (!bench) throw new Error(`no bench ${name}; there are ${Object.keys(benches).join(", ")}`);
  const rows = await bench();
  const first = rows[0]?.seconds ?? 1;
  const width = Math.max(...rows.map((row) => row.name.length));
  process.stdout.write(`\n${name}\n`);
  for (const row of rows)
    process.stdout.write(
      `  ${row.name.padEnd(width)}  ${row.seconds.toFixed(3).padStart(8)} s  ${(row.seconds / first).toFixed(2).padStart(6)} x${row.note ? `  ${row.note}` : ""}\n`,
    );
}
