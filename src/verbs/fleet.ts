import type { Command } from "commander";
import { Fault } from "../errors.ts";
import { exampleWhenNone } from "../shell/example-host.ts";
import { openWorkTree } from "../shell/pack-files.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { fleetAdd } from "./fleet-add.ts";
import { fleetCordon } from "./fleet-cordon.ts";
import { fleetDeploy } from "./fleet-deploy.ts";
import { fleetDrain } from "./fleet-drain.ts";
import { fleetEnroll } from "./fleet-enroll.ts";
import { fleetExport } from "./fleet-export.ts";
import { fleetImport } from "./fleet-import.ts";
import { fleetKeygen } from "./fleet-keygen.ts";
import { fleetRollback } from "./fleet-rollback.ts";
import { fleetStatus } from "./fleet-status.ts";
import { fleetTeardown } from "./fleet-teardown.ts";

const verbs: ((group: Command, wire: Wire) => void)[] = [
  fleetAdd,
  fleetCordon,
  fleetDeploy,
  fleetDrain,
  fleetEnroll,
  fleetExport,
  fleetImport,
  fleetKeygen,
  fleetRollback,
  fleetStatus,
  fleetTeardown,
];

/** These bring machines in, or need none. */
const without_hosts = new Set(["add", "export", "import", "keygen"]);

/** Adds `towline fleet …`: a file a verb, in one table. */
export function fleet(program: Command, wire: Wire): void {
  const group = program.command("fleet").description("the machines that do the work");
  for (const register of verbs) register(group, wire);
  group.hook("preAction", async (_group, verb) => {
    if (!without_hosts.has(verb.name())) await offerExample(wire, verb.opts());
  });
}

async function offerExample(wire: Wire, flags: Common): Promise<void> {
  // Where there is no pack, or nothing can be written, the verb itself says what is wrong, if anything.
  const none = (thrown: unknown) => {
    if (thrown instanceof Fault) return null;
    throw thrown;
  };
  const place = await openWorkTree(repoDir(wire, flags), wire.env).catch(none);
  if (place === null || !(await exampleWhenNone(place.cwd).catch(none))) return;
  wire.report.note("There is no machine yet: hosts/example.md was written, cordoned, to start from.");
  wire.report.note(
    "  Or let it be done for you: towline fleet add USER@HOST; from other tools: towline fleet import FILE",
  );
}
