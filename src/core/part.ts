// The part of a fleet that one of several tickers looks after. They know of each other by the ledger alone: a ticker
// calls, places on and collects from its own hosts, and leaves what it would say of the others as it stands.
import type { Entry } from "./entry.ts";
import { digest } from "./hash.ts";
import { nearest } from "./nearest.ts";
import { most_shards } from "./schema.ts";
import type { State } from "./state.ts";

export interface Part {
  /** Networks that this ticker reaches; absent: all that towline.yml names. */
  networks?: string[];
  /** Hosts by a hash of their name: the `index`-th (from 1) of so many. */
  shard?: { index: number; of: number };
  /** This one writes OVERVIEW.md, asks the pollers, and brings database and dashboard along. */
  lead: boolean;
}

/** Why a job of a run on many waits that its own ticker has not looked at yet. */
export const waits_for_ticker = "waits for the ticker that reaches it";

/** The same host is the same ticker's, whoever else comes or goes. */
export const shardOf = (host: string, of: number) => (Number.parseInt(digest(host).slice(0, 8), 16) % of) + 1;

/** Whether this ticker looks after a host. Without a part it looks after all. */
export function isMine({ part }: State, { id, data }: Pick<Entry<"host">, "id" | "data">): boolean {
  if (!part) return true;
  if (part.networks && !part.networks.includes(data.network)) return false;
  return part.shard === undefined || shardOf(id, part.shard.of) === part.shard.index;
}

export const isLead = ({ part }: State) => part?.lead ?? true;

/** Why a part cannot be, with a way out; or null. */
export function partFault(state: State, part: Part): { message: string; advice: string } | null {
  const { networks, tick } = state.settings;
  const unknown = part.networks?.find((name) => !networks.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, networks);
    return {
      message: `towline.yml does not name the network \`${unknown}\``,
      advice: near
        ? `did you mean \`${near}\`?`
        : "list there under `networks:` all that any ticker reaches, and give each ticker its own --networks",
    };
  }
  if ((part.shard?.of ?? 1) > tick.shards)
    return {
      message: `${part.shard?.of} shards are more than the ${tick.shards} tickers that may run at once`,
      advice: `GitHub's free plan runs 20 jobs at once, and the others wait. Where more do, say \`tick: {shards: ${Math.min(part.shard?.of ?? 1, most_shards)}}\` in towline.yml; a matrix has at most ${most_shards}`,
    };
  return null;
}
