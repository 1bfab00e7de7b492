// What the ledger comes to in this clone.
import { type LedgerSize, sizeOf } from "../core/doctor-size.ts";
import { runGit } from "./git.ts";
import { findRepo } from "./repo-open.ts";
import { objectId } from "./repo-read.ts";

type Env = Readonly<Record<string, string | undefined>>;

export async function ledgerSize(dir: string, env: Env, tip: string): Promise<LedgerSize> {
  const { place } = await findRepo(dir, env);
  const ran = await runGit(place, ["ls-tree", "-r", "-l", "-z", "--full-tree", objectId(tip)]);
  const files = ran.stdout
    .toString()
    .split("\0")
    .flatMap((line) => {
      const [, bytes, path] = /^\d+ blob \w+ +(\d+)\t(.+)$/s.exec(line) ?? [];
      return bytes && path ? [{ path, bytes: Number(bytes) }] : [];
    });
  const counted = (await runGit(place, ["count-objects", "-v"])).stdout.toString();
  const kib = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(counted)?.[1] ?? 0);
  return sizeOf(files, (kib("size") + kib("size-pack")) * 1024);
}
