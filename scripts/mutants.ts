// `npm run test:mutants [PATTERN]`: every guard (whose name fits) switched off, one at a time; says who noticed, row by
// row, and prints the table at the end, also after Ctrl-C. Ends with 1 when one survives. `TOWLINE_SHARD=1/2` before it
// takes every second row.
import { ofShard } from "../test/chaos/kit/sizes.ts";
import { mutants } from "../test/mutants/table.ts";
import { copyOfTree, removeCopy, row, type Verdict } from "../test/mutants/try.ts";

interface Tried {
  guard: string;
  verdict: Verdict;
  seconds: number;
}

const pattern = new RegExp(process.argv.slice(2).join(" "));
const chosen = ofShard(mutants.filter(({ guard }) => pattern.test(guard)));
// It is this table that is cut, not the suites that the rows start.
delete process.env.TOWLINE_SHARD;
const tried: Tried[] = [];
const started = Date.now();
const seconds = (from: number) => Math.round((Date.now() - from) / 1000);
const said = (verdict: Verdict) =>
  "caught" in verdict ? `caught by: ${verdict.caught}` : `SURVIVED: ${verdict.survived}`;

function table(): number {
  const survived = tried.filter(({ verdict }) => "survived" in verdict).length;
  const width = Math.max(0, ...tried.map(({ guard }) => guard.length));
  console.log(`\n${"guard".padEnd(width)}  seconds  what became of it`);
  for (const one of tried)
    console.log(`${one.guard.padEnd(width)}  ${String(one.seconds).padStart(7)}  ${said(one.verdict)}`);
  const left = chosen.length - tried.length;
  console.log(
    `${tried.length} guards in ${seconds(started)} s, ${tried.length - survived} caught, ${survived} survived${left > 0 ? `, ${left} not tried` : ""}`,
  );
  return survived === 0 && left === 0 ? 0 : 1;
}

const dir = copyOfTree();
process.once("exit", () => removeCopy(dir));
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => {
    table();
    process.exit(code);
  });

for (const [index, mutant] of chosen.entries()) {
  const from = Date.now();
  const waiting = setInterval(
    () => console.log(`${index + 1}/${chosen.length} ${mutant.guard}: ${seconds(from)} s so far`),
    60_000,
  );
  const verdict = await row(dir, mutant);
  clearInterval(waiting);
  tried.push({ guard: mutant.guard, verdict, seconds: seconds(from) });
  console.log(`${index + 1}/${chosen.length} ${mutant.guard} → ${said(verdict)} (${seconds(from)} s)`);
}
process.exit(table());
