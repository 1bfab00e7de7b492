import type { Command } from "commander";
import type { Wire } from "../wire.ts";
import { fleetCordon } from "./fleet-cordon.ts";
import { fleetDeploy } from "./fleet-deploy.ts";
import { fleetDrain } from "./fleet-drain.ts";
import { fleetEnroll } from "./fleet-enroll.ts";
import { fleetRollback } from "./fleet-rollback.ts";
import { fleetStatus } from "./fleet-status.ts";
import { fleetTeardown } from "./fleet-teardown.ts";

const verbs: ((group: Command, wire: Wire) => void)[] = [
  fleetCordon,
  fleetDeploy,
  fleetDrain,
  fleetEnroll,
  fleetRollback,
  fleetStatus,
  fleetTeardown,
];

/** Adds `towline fleet …`: a file a verb, in one table. */
export function fleet(program: Command, wire: Wire): void {
  const group = program.command("fleet").description("the machines that do the work");
  for (const register of verbs) register(group, wire);
}
