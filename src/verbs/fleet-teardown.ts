import type { Command } from "commander";
import type { Entry } from "../core/entry.ts";
import { isOver } from "../core/jobs.ts";
import { usage } from "../errors.ts";
import { resolveKey } from "../shell/fleet-key.ts";
import { tearDown } from "../shell/teardown.ts";
import { unlock } from "../transports/key.ts";
import type { Wire } from "../wire.ts";
import { ask } from "./fleet-enroll.ts";
import { chosenHosts, failedRow, live, type ManyFlags, manyOptions, onEach, type Row, tell } from "./fleet-many.ts";

interface TeardownFlags extends ManyFlags {
  runtime: string;
  hostProgram?: boolean;
  login?: boolean;
  force?: boolean;
  yes?: boolean;
  dryRun?: boolean;
}

/** Adds `towline fleet teardown HOST…`. */
export function fleetTeardown(group: Command, wire: Wire): void {
  const command = group
    .command("teardown [hosts...]")
    .description(
      "take away what towline deployed: the program, its settings, keys and sessions; nothing of anybody else's",
    )
    .option("--runtime <name>", "which one", "picoclaw")
    .option("--host-program", "also the host program, with its identity and its journal")
    .option("--login", "also the line of towline's key in authorized_keys: nobody gets in with it afterwards")
    .option("--force", "even with open jobs")
    .option("--yes", "without asking")
    .option("--dry-run", "only say what would be removed");
  manyOptions(command).action(async (names: string[], flags: TeardownFlags) => {
    const fleet = await chosenHosts(wire, names, flags, { fresh: true });
    const { hosts, state } = fleet;
    if (flags.login) refuseOthers(hosts);
    if (!flags.dryRun && !flags.yes && !(await agreed(wire, flags, hosts)))
      throw usage("nothing was removed: nobody said yes", "say --yes, or look first with --dry-run");
    const open = (host: string) =>
      [...state.jobs.values()].filter((job) => job.data.host === host && !isOver(job)).map((job) => job.id);
    const early = state.settings.id;
    const screen = live(wire, flags);
    const results = await onEach(
      wire,
      fleet,
      flags,
      async (session, host, reopen) =>
        tearDown(session, {
          runtime: flags.runtime,
          open: open(host.id),
          force: flags.force,
          hostProgram: flags.hostProgram,
          early: early === state.pack ? undefined : { name: early, open: () => reopen(early) },
          login: flags.login ? await loginOf(wire, host, state.pack) : undefined,
          dry: flags.dryRun,
        }),
      (count) => screen.say(`${count} of ${hosts.length} done`),
    ).finally(screen.clear);
    const rows = hosts.map((host): Row => {
      const result = results.get(host.id);
      if (!result || "fault" in result) return failedRow(host.id, result?.fault);
      const { removed, left, version } = result.value;
      const nothing = removed.length === 0;
      const state = nothing ? "nothing to do" : flags.dryRun ? "would be torn down" : "torn down";
      const row = {
        host: host.id,
        state,
        ok: true,
        version: null,
        before: version,
        arch: null,
        why: null,
        remedy: null,
      };
      return { ...row, warnings: [], removed, left };
    });
    const done = rows.filter((row) => row.ok && row.state !== "nothing to do").length;
    tell(wire, flags, rows, `${done} of ${rows.length} ${flags.dryRun ? "would be torn down" : "torn down"}`);
  });
}

async function agreed(wire: Wire, flags: TeardownFlags, hosts: Entry<"host">[]): Promise<boolean> {
  const more = [flags.hostProgram ? ", the host program" : "", flags.login ? ", towline's login" : ""].join("");
  const where = hosts.length > 5 ? `${hosts.length} machines` : hosts.map((host) => host.id).join(", ");
  return ask(wire, flags, `Remove ${flags.runtime}, its settings, keys and sessions${more} from ${where}?`);
}

/** Where the host program is another user, it cannot see the login user's file: silence would read as done. */
function refuseOthers(hosts: Entry<"host">[]): void {
  const other = hosts.find((host) => host.data.run_as !== undefined);
  if (!other) return;
  throw usage(
    `${other.id}: towline works as ${other.data.run_as} there, and its line of authorized_keys is the login user's`,
    "leave --login out, and remove the line by hand",
  );
}

/** The public half of the key that this host is reached with, as it stands in authorized_keys. */
async function loginOf(wire: Wire, host: Entry<"host">, pack: string): Promise<string> {
  const { key, passphrase } = await resolveKey(host.id, host.data.key, { ...wire, pack }, host.data.key_passphrase);
  if (key === undefined)
    throw usage(
      `which line of ${host.id}'s authorized_keys is towline's cannot be told: its key is in an agent`,
      "leave --login out, and remove the line by hand",
    );
  return unlock(host.id, key, passphrase).getPublicSSH().toString("base64");
}
