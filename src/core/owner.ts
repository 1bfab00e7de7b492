// What the owner of a machine allows on it: their `allow` file, as the host program read it.
import type { HostAllow } from "../ports.ts";

/** Words for a job that the owner's file stands against. */
export const ownerSays = (host: string, why: string) => `${host}: refused by the host's owner: ${why}`;

/** Why a run of this runtime for this pack is not allowed there, or null. The host program judges the same again at the start. */
export function ownerRefuses(allow: HostAllow | undefined, pack: string, runtime: string): string | null {
  if (!allow) return null;
  const listed = (list: string[], word: string) => list.includes(word) || list.includes("any");
  if (allow.amiss !== null) return allow.amiss;
  if (!listed(allow.packs, pack)) return `its allow file has no line \`pack ${pack}\``;
  if (!listed(allow.runtimes, runtime)) return `its allow file has no line \`runtime ${runtime}\``;
  return allow.slots === 0 ? "its allow file says `slots 0`" : null;
}

/** What is wrong with a line that is to go into such a file, or null. */
export function allowLineFault(line: string): string | null {
  const [key = "", value = "", ...rest] = line.trim().split(/\s+/);
  const name = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(value);
  const fine =
    rest.length === 0 &&
    ((key === "slots" && /^\d{1,6}$/.test(value)) ||
      ((key === "pack" || key === "runtime") && name) ||
      (key === "program" && (value === "any" || /^[0-9a-f]{64}$/.test(value))));
  return fine ? null : `\`${line}\` is no line of an allow file`;
}

/** Slots that may be used at once: what the record gives, and no more than the owner does. */
export const slotsOf = (slots: number, allow: HostAllow | undefined) => Math.min(slots, allow?.slots ?? slots);

/** In a line for people: what the file allows. */
export function ownerAllows({ packs, runtimes, slots, amiss }: HostAllow): string {
  if (amiss !== null) return `nothing: ${amiss}`;
  const said = (what: string, list: string[]) =>
    list.includes("any") ? `any ${what}` : list.length === 0 ? `no ${what}` : `${what}s ${list.join(", ")}`;
  return `${said("pack", packs)}; ${said("runtime", runtimes)}${slots === null ? "" : `; ${slots} ${slots === 1 ? "slot" : "slots"}`}`;
}
