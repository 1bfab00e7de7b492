// The options by which several tickers share a fleet.
import type { Command } from "commander";
import type { Part } from "../core/part.ts";
import { most_shards } from "../core/schema.ts";
import { usage } from "../errors.ts";

export interface PartFlags {
  networks?: string;
  shard?: string;
  lead?: boolean;
}

export const withPart = (command: Command): Command =>
  command
    .option("--networks <names>", "look after the hosts of these networks only (a,b); others are another ticker's")
    .option("--shard <i/n>", "look after the i-th of n parts of the hosts, by a hash of their names")
    .option("--lead", "write OVERVIEW.md, database and dashboard, too, although another shard than the first")
    .option("--no-lead", "leave OVERVIEW.md, pollers, database and dashboard to another ticker");

/** What the options say; undefined: one ticker looks after all. The first shard leads unless it is told otherwise. */
export function partOf({ networks, shard, lead }: PartFlags): Part | undefined {
  const names = networks?.split(",").map((name) => name.trim());
  if (names?.some((name) => name === ""))
    throw usage(`--networks ${networks} names no network`, "write the names with commas between them: lan,vpn");
  const part = shard === undefined ? undefined : readShard(shard);
  if (!names && !part && lead === undefined) return undefined;
  return { networks: names, shard: part, lead: lead ?? (part?.index ?? 1) === 1 };
}

function readShard(text: string): { index: number; of: number } {
  const found = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const [index, of] = [Number(found?.[1]), Number(found?.[2])];
  if (!found || of < 1 || index < 1 || index > of)
    throw usage(`--shard ${text} is no part`, "write the number of this ticker and of all, like 3/8");
  if (of > most_shards)
    throw usage(
      `--shard ${text}: a matrix of GitHub Actions has at most ${most_shards} jobs`,
      "let each ticker look after more hosts: one calls hundreds of them at once",
    );
  return { index, of };
}
