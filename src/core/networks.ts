// Silence of hosts, told as what it is: one host that is down, or a network that is.
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { isMine } from "./part.ts";
import type { HostAnswer } from "./place.ts";
import { hostLevel, raise } from "./raise.ts";
import type { LevelRow } from "./state.ts";

/** Fewer hosts than this are never a network. */
const least = 3;
const silent_faults: ReadonlySet<string> = new Set(["unreachable", "lost"]);

const isSilent = (answer: HostAnswer | undefined) =>
  answer !== undefined && "fault" in answer && silent_faults.has(answer.fault);

const rowOf = (draft: Draft, family: string, subject: string): LevelRow | undefined =>
  draft.levels.find((row) => row.source === "fleet" && row.family === family && row.subject === subject);

/**
 * How the hosts that were asked stand. Over half of a network silent in one wave is one `network.down`, and no `host.down`
 * for each of them: they are noted without a word, and those that stay silent when the network is back get their own.
 */
export function raiseHosts(draft: Draft, answers: ReadonlyMap<string, HostAnswer>): void {
  const asked = [...draft.hosts.values()].filter((host) => answers.has(host.id));
  for (const [network, hosts] of Map.groupBy(asked, (host) => host.data.network)) {
    const down = judge(draft, network, answers);
    for (const host of hosts) raiseHost(draft, host.id, answers.get(host.id) as HostAnswer, down);
  }
}

/** Raises the network's own level. The pupdate that said that it is down, or null while it is not. */
function judge(draft: Draft, network: string, answers: ReadonlyMap<string, HostAnswer>): string | null {
  const members = [...draft.hosts.values()].filter((host) => host.data.network === network && isMember(host));
  const was = rowOf(draft, "network", network)?.kind === "network.down";
  // What is down stays so for hosts that were not asked in this wave; to go down takes the wave itself.
  // Hosts of other tickers stand as those left them: all tickers judge the same network.
  const silent = members.filter((host) => {
    const answer = answers.get(host.id);
    if (answer !== undefined || (!was && isMine(draft, host))) return isSilent(answer);
    return rowOf(draft, "host", host.id)?.kind === "host.down";
  });
  const down = silent.length * 2 > members.length && (was || silent.length >= least);
  const names = silent.map((host) => host.id).sort();
  const count = `${names.length} of ${members.length}`;
  raise(
    draft,
    down
      ? {
          source: "fleet",
          subject: network,
          family: "network",
          kind: "network.down",
          title: `network ${network} does not answer: ${count} hosts cannot be reached`,
          data: { network, hosts: names, count, detail: names.join(", ") },
        }
      : {
          source: "fleet",
          subject: network,
          family: "network",
          kind: "network.up",
          first: "calm",
          title: `network ${network} answers again`,
          data: { network, hosts: names, count },
        },
  );
  return down ? (rowOf(draft, "network", network)?.pupdate ?? "") : null;
}

const isMember = ({ data }: Entry<"host">) => !data.off && !data.cordon;

function raiseHost(draft: Draft, host: string, answer: HostAnswer, network: string | null): void {
  const row = rowOf(draft, "host", host);
  if (!isSilent(answer)) {
    // Nobody was told that it was down: nobody need be told that it is up.
    if (row?.quiet && "facts" in answer) draft.levels = draft.levels.filter((one) => one !== row);
    else raise(draft, hostLevel(host, answer));
    return;
  }
  if (network === null) raise(draft, hostLevel(host, answer));
  else if (row?.kind !== "host.down") {
    const { source, subject, family, kind, state } = hostLevel(host, answer);
    draft.levels = draft.levels.filter((one) => one !== row);
    draft.levels.push({ source, subject, family, kind, state, pupdate: network, quiet: true });
  }
}
