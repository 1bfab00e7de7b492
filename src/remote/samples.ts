// What a host noted of itself, checked. A line that says nothing sensible is left out: the next one will.
import type { Sample } from "../ports.ts";

const most = 3000;
const form = /^(\d{1,11}) (\d{1,7}(?:\.\d{1,6})?) (\d{1,5}) (\d{1,12}) (\d{1,12}) (\d{1,12}) (\d{1,12}) (\d{1,6})$/;

/** Program → its version, out of whatever it says of itself. */
export function readVersions(payload: Uint8Array, asked: string[]): Record<string, string> {
  const lines = Buffer.from(payload).toString("latin1").split("\n", 100);
  const found = lines.flatMap((line) => {
    const [, name = "", version] =
      /^version (\S+) .*?\bv?(\d+\.\d+(?:\.\d+)*[a-z]?(?:[-+][0-9A-Za-z.-]{1,40})?)/.exec(line) ?? [];
    return version !== undefined && asked.includes(name) ? [[name, version]] : [];
  });
  return Object.fromEntries(found);
}

/** The samples after a moment (seconds since 1970), in the order in which they were noted. */
export function readSamples(payload: Uint8Array, since: number): Sample[] {
  const lines = Buffer.from(payload).toString("latin1").split("\n").slice(-most);
  return lines.flatMap((line) => {
    const [at = 0, load = 0, cores = 0, memory = 0, memories = 0, disk = 0, disks = 0, slots = 0] =
      form.exec(line)?.slice(1).map(Number) ?? [];
    if (at <= since) return [];
    const bytes = (free: number, total: number) => ({ free: free * 1024, total: total * 1024 });
    return [{ at, load, cores, memory: bytes(memory, memories), disk: bytes(disk, disks), slots }];
  });
}
