import type { Command } from "commander";
import type { Entry } from "../core/entry.ts";
import { everywhere } from "../core/errand.ts";
import { type HostRow, hostRows, hostTable, isAsked, type Look } from "../core/host-rows.ts";
import { nearest } from "../core/nearest.ts";
import { exit, messageOf, usage } from "../errors.ts";
import { HostFault } from "../ports.ts";
import { remedies } from "../shell/enroll.ts";
import { type FleetOptions, lookAt } from "../shell/fleet.ts";
import { openLocal } from "../shell/pack.ts";
import { limiter, withoutName } from "../shell/pool.ts";
import { readWorkTree } from "../shell/read.ts";
import { createWays } from "../shell/ways.ts";
import { type Common, inCi, repoDir, type Wire } from "../wire.ts";
import { plugOf } from "./plug.ts";

/** Adds `towline fleet status [HOST…]`. Starts nothing and writes nothing; asks all hosts at once. */
export function fleetStatus(group: Command, wire: Wire): void {
  group
    .command("status [hosts...]")
    .description(
      "how every machine stands: reachable, key, load, slots, runtimes, open jobs; exit code 1 if one is not well",
    )
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the table as JSON")
    .action(async (names: string[], flags: Common) => {
      const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
      const state = await readWorkTree(repo, top, tips);
      for (const problem of state.problems)
        if (problem.path.startsWith("hosts/") || problem.path === "towline.yml")
          wire.report[problem.level](`${problem.message} (${problem.fix})`, problem);
      const hosts = chosen(names, [...state.hosts.values()]);
      const { networks } = state.settings;
      const from = inCi(wire) ? networks : everywhere(state).settings.networks;
      const asked = hosts.filter((host) => isAsked(host, from));
      const { transports: offers } = plugOf(wire, repoDir(wire, flags));
      const keyring = { env: wire.env, home: wire.home, secrets: wire.secrets, ask: wire.ask, offers };
      const ways = createWays({ ...keyring, hosts: (name) => state.hosts.get(name)?.data });
      const looks = await lookAtAll(asked, state.pack, { ...keyring, ways }, counter(wire, flags, asked.length));
      ways.close();
      const now = wire.clock.now();
      const seen = { at: now.toISOString(), before: state.met };
      const rows = hostRows(hosts, looks, networks, seen, { zone: state.settings.zone, now });
      wire.out(flags.json ? `${JSON.stringify(rows, null, 2)}\n` : printed(rows, wire.columns));
      const broken = state.problems.some((one) => one.level === "error" && one.path.startsWith("hosts/"));
      if (broken || rows.some((row) => !row.healthy)) wire.exit(exit.findings);
    });
}

function chosen(names: string[], hosts: Entry<"host">[]): Entry<"host">[] {
  const sorted = hosts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const known = new Map(sorted.map((host) => [host.id, host]));
  for (const name of names) {
    if (known.has(name)) continue;
    const near = nearest(name, [...known.keys()]);
    throw usage(
      `there is no hosts/${name}.md`,
      near ? `did you mean ${near}?` : `hosts: ${[...known.keys()].join(", ")}`,
    );
  }
  return names.length === 0 ? sorted : sorted.filter((host) => names.includes(host.id));
}

async function lookAtAll(
  hosts: Entry<"host">[],
  pack: string,
  options: FleetOptions,
  done: (answered: number) => void,
): Promise<Map<string, Look>> {
  const looks = new Map<string, Look>();
  const gate = limiter(64);
  await Promise.all(
    hosts.map((host) =>
      gate(async () => {
        looks.set(host.id, await look(host, pack, options));
        done(looks.size);
      }),
    ),
  );
  return looks;
}

async function look(host: Entry<"host">, pack: string, options: FleetOptions): Promise<Look> {
  const from = performance.now();
  try {
    const facts = await lookAt(host.id, host.data, pack, options);
    return { facts, took: Math.round(performance.now() - from) };
  } catch (thrown) {
    const message = withoutName(host.id, messageOf(thrown));
    if (thrown instanceof HostFault) return { fault: thrown.kind, message, remedy: remedies(host.id)[thrown.kind] };
    const { advice } = thrown as { advice?: string };
    return { fault: "configuration", message, ...(advice ? { remedy: advice } : {}) };
  }
}

/** On a terminal: how many have answered, redrawn in place. */
function counter(wire: Wire, flags: Common, all: number): (answered: number) => void {
  if (!wire.terminal || flags.json || all < 2) return () => {};
  return (answered) => wire.out(answered < all ? `\r${answered} of ${all} hosts have answered` : "\r\u001b[K");
}

function printed(rows: HostRow[], columns: number | undefined): string {
  if (rows.length === 0)
    return "No hosts yet. Copy hosts/example.md, give it an address, then: towline fleet enroll NAME\n";
  const able = rows.filter((row) => row.state === "ready" || row.state === "busy");
  const free = able.reduce((sum, row) => sum + Math.max(0, row.slots.total - row.slots.used), 0);
  const sick = rows.filter((row) => !row.healthy).length;
  const last = `${able.length} of ${rows.length} take work, ${free} slots are free${sick > 0 ? `; ${sick} ${sick === 1 ? "needs" : "need"} you` : ""}`;
  return `${[...hostTable(rows, columns), last].join("\n")}\n`;
}
