// `npm run test:mutants [PATTERN]`: every guard (whose name fits) switched off, one at a time; prints who noticed. Ends
// with 1 when one survives.
import { mutants } from "../test/mutants/table.ts";
import { baseline, copyOfTree, misfit, removeCopy, tryMutant } from "../test/mutants/try.ts";

const pattern = new RegExp(process.argv.slice(2).join(" "));
const chosen = mutants.filter(({ guard }) => pattern.test(guard));
const dir = copyOfTree();
let survived = 0;
try {
  for (const mutant of chosen) {
    const started = Date.now();
    const wrong = misfit(mutant) ?? baseline(dir, mutant);
    const verdict = wrong === null ? tryMutant(dir, mutant) : { survived: wrong };
    const took = `${((Date.now() - started) / 1000).toFixed(0)} s`;
    if ("survived" in verdict) survived++;
    const said = "caught" in verdict ? `caught by: ${verdict.caught}` : `SURVIVED: ${verdict.survived}`;
    console.log(`${mutant.guard} → ${said} (${took})`);
  }
} finally {
  removeCopy(dir);
}
console.log(`${chosen.length} guards, ${chosen.length - survived} caught, ${survived} survived`);
process.exit(survived === 0 ? 0 : 1);
