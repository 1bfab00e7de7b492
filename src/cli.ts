// The verbs, in one table. Each is a file in verbs/ that adds itself to the program.
import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { exit, Fault, messageOf, refused } from "./errors.ts";
import { maskedReport } from "./shell/masked.ts";
import { handedOver } from "./shell/pinned.ts";
import { archive } from "./verbs/archive.ts";
import { atWork } from "./verbs/at-work.ts";
import { campfire } from "./verbs/campfire.ts";
import { check } from "./verbs/check.ts";
import { ci } from "./verbs/ci.ts";
import { completion } from "./verbs/completion.ts";
import { costs } from "./verbs/costs.ts";
import { demo } from "./verbs/demo.ts";
import { dispatching } from "./verbs/dispatch.ts";
import { doctor } from "./verbs/doctor.ts";
import { dress } from "./verbs/examples.ts";
import { exporting } from "./verbs/export.ts";
import { fleet } from "./verbs/fleet.ts";
import { forge } from "./verbs/forge.ts";
import { importing } from "./verbs/import.ts";
import { init } from "./verbs/init.ts";
import { issueForms } from "./verbs/issue-form.ts";
import { job } from "./verbs/job.ts";
import { learn } from "./verbs/learn.ts";
import { learnings } from "./verbs/learnings.ts";
import { leave } from "./verbs/leave.ts";
import { ledger } from "./verbs/ledger.ts";
import { memo } from "./verbs/memo.ts";
import { now } from "./verbs/now.ts";
import { plan } from "./verbs/plan.ts";
import { playbook } from "./verbs/playbook.ts";
import { plugin } from "./verbs/plugin.ts";
import { purge } from "./verbs/purge.ts";
import { reflections } from "./verbs/reflections.ts";
import { replay } from "./verbs/replay.ts";
import { review } from "./verbs/review.ts";
import { secrets } from "./verbs/secrets.ts";
import { site } from "./verbs/site.ts";
import { stopping } from "./verbs/stop.ts";
import { sync } from "./verbs/sync.ts";
import { task } from "./verbs/task.ts";
import { tick } from "./verbs/tick.ts";
import { trying } from "./verbs/try.ts";
import { upgrade } from "./verbs/upgrade.ts";
import { watch } from "./verbs/watch.ts";
import { why } from "./verbs/why.ts";
import { type Wire, wireUp } from "./wire.ts";

type Register = (program: Command, wire: Wire) => void;
const verbs: Register[] = [
  archive,
  campfire,
  check,
  ci,
  completion,
  costs,
  demo,
  dispatching,
  doctor,
  fleet,
  forge,
  importing,
  init,
  issueForms,
  job,
  learn,
  leave,
  learnings,
  ledger,
  memo,
  now,
  plan,
  playbook,
  plugin,
  purge,
  review,
  secrets,
  stopping,
  task,
  tick,
  trying,
  upgrade,
  watch,
  why,
  replay,
  exporting,
  site,
  sync,
  reflections,
];

/** All verbs. */
export function program(wire: Wire): Command {
  const towline = new Command("towline")
    .description("A fleet of AI agents run from a git repository.")
    .version(manifest.version, "-V, --version", "print which version this is")
    // `fleet deploy --version X` is another one.
    .enablePositionalOptions()
    .configureHelp({ sortSubcommands: true })
    .showHelpAfterError("`towline --help` lists all verbs, `--help` after a verb what it takes")
    .exitOverride();
  for (const register of verbs) register(towline, wire);
  dress(towline);
  return towline;
}

export async function main(argv: string[], outer: Wire): Promise<void> {
  const { secrets } = outer;
  secrets.learn(outer.env);
  const { wire, done } = atWork(
    { ...outer, report: maskedReport(outer.report, secrets), out: (text) => outer.out(secrets.mask(text)) },
    argv,
  );
  try {
    await program(wire).parseAsync(alone(argv) ? ["now", ...argv] : argv, { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError) return wire.exit(thrown.exitCode === 0 ? exit.ok : exit.usage);
    const fault = thrown instanceof Fault ? thrown : refused(thrown);
    if (fault === null) throw thrown;
    wire.report.error(fault.message);
    if (fault.advice) wire.report.note(`  ${fault.advice}`);
    wire.exit(fault.code);
  } finally {
    done();
  }
}

/** No verb is named: only options of `now`, or nothing. */
const alone = ([first]: string[]) => first === undefined || first === "--json" || first.startsWith("--repo");

/** Entry of the process: anything but a Fault is ours, and says so. */
export async function run(): Promise<void> {
  const wire = wireUp();
  const argv = process.argv.slice(2);
  if (await handedOver(argv, wire, manifest.version)) return;
  await main(argv, wire).catch((thrown) => {
    const said = `${messageOf(thrown)}\n${(thrown as Error).stack ?? ""}`;
    process.stderr.write(`towline: this is a fault of ours, please report it: ${wire.secrets.mask(said)}\n`);
    process.exitCode = 70;
  });
}

if (import.meta.main) await run();
