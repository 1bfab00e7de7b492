// The program in a download: as it is, or the one file of its name in an archive.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { fileInTar, foreignPacking, isGzip, isTar, unfit } from "../core/program-file.ts";
import type { Platform } from "../core/release.ts";
import { outside } from "../errors.ts";

const most_program = 512 << 20;

/** Throws a Fault for what holds no program of that name for that platform. */
export async function unpacked(
  bytes: Uint8Array,
  runtime: string,
  source: string,
  { arch }: Platform,
): Promise<Uint8Array> {
  const wrong = (why: string) =>
    outside(`${source} cannot be used: ${why}`, "nothing was changed on any host; name another file or version");
  const packing = foreignPacking(bytes);
  if (packing) throw wrong(`it is packed with ${packing}; .tar.gz, .gz and plain programs are read`);
  let plain = bytes;
  if (isGzip(bytes))
    plain = await promisify(gunzip)(bytes, { maxOutputLength: most_program }).catch((thrown: Error) => {
      throw wrong(/larger than/.test(thrown.message) ? "it unpacks to more than 512 MiB" : "it is damaged");
    });
  const program = isTar(plain) ? fileInTar(plain, runtime) : plain;
  if (typeof program === "string") throw wrong(program);
  const why = unfit(program, arch);
  if (why) throw wrong(why);
  return program;
}
