import type { Command } from "commander";
import { rollBack } from "../shell/deploy-back.ts";
import type { Wire } from "../wire.ts";
import { writePin } from "./fleet-deploy.ts";
import { chosenHosts, failedRow, live, type ManyFlags, manyOptions, onEach, type Row, tell } from "./fleet-many.ts";

interface RollbackFlags extends ManyFlags {
  runtime: string;
  pin?: boolean;
}

/** Adds `towline fleet rollback HOST…`. */
export function fleetRollback(group: Command, wire: Wire): void {
  const command = group
    .command("rollback [hosts...]")
    .description("put the program that a deploy replaced back in its place; said twice, it goes forward again")
    .option("--runtime <name>", "which one", "picoclaw")
    .option("--no-pin", "do not write version and sha256 into the machines' records");
  manyOptions(command).action(async (names: string[], flags: RollbackFlags) => {
    const fleet = await chosenHosts(wire, names, flags);
    const screen = live(wire, flags);
    const results = await onEach(
      wire,
      fleet,
      flags,
      ({ files }) => rollBack(files, flags.runtime),
      (count) => screen.say(`${count} of ${fleet.hosts.length} done`),
    ).finally(screen.clear);
    const rows = await Promise.all(
      fleet.hosts.map(async (host): Promise<Row> => {
        const result = results.get(host.id);
        if (!result || "fault" in result) return failedRow(host.id, result?.fault);
        const { version, before, pin } = result.value;
        const pinned = flags.pin === false ? null : await writePin(fleet.top, host, flags.runtime, pin);
        const warnings = pinned === false ? [`write \`runtimes: {${flags.runtime}: "${pin}"}\` into its record`] : [];
        const row = { host: host.id, state: "rolled back", ok: true, version, before, arch: null };
        return { ...row, why: null, remedy: null, warnings };
      }),
    );
    const back = rows.filter((row) => row.ok).length;
    tell(
      wire,
      flags,
      rows,
      `${back} of ${rows.length} rolled back${back > 0 && flags.pin !== false ? "; commit the records" : ""}`,
    );
  });
}
