// The owner's `allow` file on a host, written at an enrolment on wish: once, and never over one that is there.
import { allowLineFault } from "../core/owner.ts";
import type { Host } from "../core/schema.ts";
import { configuration, outside, usage } from "../errors.ts";
import type { Connection } from "../ports.ts";
import { allowScript, gateRoot } from "../remote/enrolment.ts";
import { seatOf } from "../remote/program.ts";
import { behindTheGate } from "./authorized.ts";
import { runScript } from "./host-script.ts";

/** Throws a usage Fault for a line that the host would not understand: there, it would allow nothing. */
export function checkAllowLines(lines: string[]): void {
  for (const line of lines) {
    const fault = allowLineFault(line);
    if (fault !== null)
      throw usage(
        fault,
        "write `pack ID`, `runtime NAME`, `slots N` or `program SHA256`; `any` stands for all of them",
      );
  }
}

/** With `run_as` there are two places: the host program reads one, as that user, and the gate the other. */
export async function writeAllow(name: string, host: Host, connection: Connection, lines: string[]): Promise<void> {
  const seat = seatOf(host);
  await put(name, connection, seat.root, lines, seat.user);
  if (seat.user !== undefined) await put(name, connection, gateRoot(seat), lines);
}

async function put(name: string, connection: Connection, root: string, lines: string[], user?: string): Promise<void> {
  const ran = await runScript(connection, allowScript(root, lines), user);
  if (ran.gated) throw behindTheGate(name);
  const said = /(?:^|\n)towline-allow (\w+)/.exec(ran.out)?.[1];
  if (said === "other")
    throw configuration(
      `${name} has another ${root}/allow already: it is its owner's, and stays as it is`,
      "edit it there by hand",
    );
  if (said === undefined)
    throw outside(`${name}: ${root}/allow could not be written: ${ran.err || `it ended with ${ran.code}`}`);
}
