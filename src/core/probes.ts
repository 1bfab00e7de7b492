// Which hosts are asked how they are although there is no work for them, and what their answers are worth.
import type { HostFacts, Level } from "../ports.ts";
import type { Probed } from "./beat.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { slotsOf } from "./owner.ts";
import { isMine } from "./part.ts";
import { closed } from "./place.ts";
import { raise } from "./raise.ts";
import type { State } from "./state.ts";

/** Part of a disk in use from which on a person hears of it, and below which it is well again. */
const full_disk = 0.9;
const roomy_disk = 0.85;

/**
 * Hosts in rotation that nobody asked for the time of `fleet.probe`: by what the heartbeat remembers, or by their newest
 * sample in the ledger. None: no host is called. Time counts, not ticks.
 */
export function dueProbes(state: State, probed: Probed, now: Date): string[] {
  const { fleet, networks } = state.settings;
  if (fleet.probe === 0) return [];
  const at = now.getTime() / 1000;
  return [...state.hosts.values()]
    .filter((host) => isMine(state, host) && !closed(host, networks))
    .map((host) => host.id)
    .filter((name) => {
      const seen = Date.parse(state.met.get(name)?.seen ?? "") / 1000 || 0;
      const last = Math.max(probed[name] ?? 0, seen);
      // A time from the future is a clock that was wrong.
      return last > at + fleet.probe || at - last >= fleet.probe;
    });
}

/** Levels of a host that was probed. Between probes nobody looks: a slot that is taken for a minute is no news. */
export function raiseProbed(draft: Draft, host: Entry<"host">, facts: HostFacts): void {
  raise(draft, diskLevel(draft, host.id, facts));
  raise(draft, slotLevel(host, facts));
  raise(draft, recordLevel(host, facts));
}

const level = (host: string, family: string, kind: string, more: Partial<Level>): Level => ({
  source: "fleet",
  subject: host,
  family,
  kind,
  title: "",
  ...more,
});

function diskLevel(draft: Draft, host: string, { disk }: HostFacts): Level {
  const used = disk.total > 0 ? 1 - disk.free / disk.total : 0;
  const was = draft.levels.some((row) => row.subject === host && row.kind === "host.disk");
  const percent = `${Math.floor(used * 100)} %`;
  const why = `its disk is ${percent} full`;
  return used > (was ? roomy_disk : full_disk)
    ? level(host, "disk", "host.disk", {
        title: `${host}: ${why}`,
        data: { host, why, used: percent, free: disk.free, total: disk.total },
      })
    : level(host, "disk", "host.disk_ok", {
        first: "calm",
        title: `${host} has room on its disk again`,
        data: { host },
      });
}

function slotLevel({ id, data }: Entry<"host">, { slots, allow }: HostFacts): Level {
  const all = slotsOf(data.slots, allow);
  return slots.used >= all
    ? level(id, "slots", "host.full", {
        title: `${id} has no free slot (${slots.used} of ${all} in use)`,
        data: { host: id, used: slots.used, slots: all },
      })
    : level(id, "slots", "host.free", { first: "calm", title: `${id} has a free slot again`, data: { host: id } });
}

const same_arch: Record<string, string> = { x86_64: "amd64", aarch64: "arm64", armv7l: "armv7" };
const arch = (name: string) => same_arch[name] ?? name;

/** What the record says of the machine and what the machine says of itself. */
function recordLevel({ id, data }: Entry<"host">, facts: HostFacts): Level {
  const pinned = Array.isArray(data.runtimes) ? [] : Object.entries(data.runtimes ?? {});
  const wrong = [
    data.arch !== undefined && arch(data.arch) !== arch(facts.arch)
      ? `its record says \`arch: ${data.arch}\`, the machine is ${facts.arch}`
      : "",
    ...pinned.map(([name, version]) => {
      const found = facts.runtimes[name];
      if (found === undefined) return `its record pins ${name} ${version}, which is not there`;
      return found !== "" && !found.includes(version) ? `its record pins ${name} ${version}, it has ${found}` : "";
    }),
  ].filter(Boolean);
  const why = wrong.join("; ");
  return wrong.length > 0
    ? level(id, "record", "host.drifted", { state: why, title: `${id}: ${why}`, data: { host: id, why } })
    : level(id, "record", "host.matches", {
        first: "calm",
        title: `${id} is again as its record says`,
        data: { host: id },
      });
}
