import { randomBytes } from "node:crypto";
import { packId } from "../core/binding.ts";
import { decideClose } from "../core/decide-close.ts";
import { isOver } from "../core/jobs.ts";
import type { Changes } from "../ports.ts";
import { bindingFault } from "../shell/binding.ts";
import { commitLedger } from "../shell/ledger-commit.ts";
import { openOrigin } from "../shell/pack.ts";
import { tickId } from "../shell/tick-run.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface Adopted {
  pack: string;
  /** The pack that the ledger belonged to. */
  from: string | null;
  /** Jobs of that pack that were open in this copy of its ledger. */
  closed: string[];
  /** null: nothing was to be done. */
  commit: string | null;
}

/** `towline init --adopt`: a copied repository becomes a pack of its own. */
export async function adoptPack(wire: Wire, flags: Common): Promise<void> {
  const done = await adopt(wire, repoDir(wire, flags));
  wire.out(flags.json ? `${JSON.stringify(done, null, 2)}\n` : described(done));
}

async function adopt(wire: Wire, dir: string): Promise<Adopted> {
  const { repo, tips } = await openOrigin(dir, wire);
  const tick = `${tickId(wire.clock.now())}-adopt`;
  const random = randomBytes(6).toString("hex");
  const done: Adopted = { pack: "", from: null, closed: [], commit: null };
  const subject = "this repository is a pack of its own";
  done.commit = await commitLedger({ repo, clock: wire.clock, tick, subject }, tips, (state, binding): Changes => {
    if (binding.state === "rewritten") throw bindingFault(binding);
    done.from = binding.state === "copy" && state.mark && state.mark !== "broken" ? state.mark.pack : null;
    done.pack = binding.state === "copy" ? packId(state.settings.id, random) : state.pack;
    // After an answer that got lost the second try finds its own work done.
    if (binding.state !== "copy") return new Map();
    state.pack = done.pack;
    done.closed = [...state.jobs.values()].filter((job) => !isOver(job)).map((job) => job.id);
    const why = `it belongs to ${done.from ?? "the pack"} that this repository was copied from`;
    return decideClose(state, { jobs: done.closed, as: "cancelled", why }, { now: wire.clock.now(), tick });
  });
  return done;
}

function described({ pack, from, closed, commit }: Adopted): string {
  if (commit === null) return `This repository is no copy: nothing was changed (${pack}).\n`;
  const open = closed.length === 0 ? "" : `\n  closed here, they are the original's: ${closed.join(", ")}`;
  return `● this repository is the pack ${pack} now${from ? `, no longer ${from}` : ""}${open}\n`;
}
