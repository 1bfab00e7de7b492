// What the fleet verbs have in common that change machines: which ones, several at once, a line for each, an exit code.
import type { Command } from "commander";
import { tabled } from "../core/columns.ts";
import type { Entry } from "../core/entry.ts";
import { nearest } from "../core/nearest.ts";
import { selectHosts } from "../core/select.ts";
import type { State } from "../core/state.ts";
import { exit, Fault, messageOf, usage } from "../errors.ts";
import { HostFault, type HostSession } from "../ports.ts";
import { remedies } from "../shell/enroll.ts";
import { createFleet, openOver } from "../shell/fleet.ts";
import { connectAsPerson } from "../shell/own-key.ts";
import { openLocal } from "../shell/pack.ts";
import { limiter, withoutName } from "../shell/pool.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { plugOf } from "./plug.ts";

export interface ManyFlags extends Common {
  all?: boolean;
  label?: string[];
  parallel?: string;
  ownKey?: boolean;
  identityFile?: string;
}

/** A row of the table and of `--json`. */
export interface Row {
  host: string;
  state: string;
  ok: boolean;
  version: string | null;
  before: string | null;
  arch: string | null;
  why: string | null;
  remedy: string | null;
  warnings: string[];
  removed?: string[];
  left?: string[];
}

export interface Fleeted {
  state: State;
  /** Folder of the pack's towline.yml. */
  top: string;
  hosts: Entry<"host">[];
}

export const manyOptions = (command: Command): Command =>
  command
    .option("--repo <dir>", "the pack repository", ".")
    .option("--all", "all machines that are not switched off")
    .option("--label <label>", "all machines with this label; may be said again", (one: string, all: string[] = []) => [
      ...all,
      one,
    ])
    .option("--parallel <n>", "so many machines at once", "8")
    .option("--own-key", "log in with your own key: towline's may be locked behind a gate there")
    .option("--identity-file <file>", "like --own-key, with this private key")
    .option("--json", "print the table as JSON");

/** The pack as it stands here, and the machines that are meant. Throws a usage Fault for names that are not there. */
export async function chosenHosts(
  wire: Wire,
  names: string[],
  flags: ManyFlags,
  { fresh = false } = {},
): Promise<Fleeted> {
  const { repo, tips: known_tips, top } = await openLocal(repoDir(wire, flags), wire);
  // What is open may have been claimed since the last fetch; where origin cannot be reached, the hosts know.
  const tips = fresh ? await repo.fetch().catch(() => known_tips) : known_tips;
  const state = await readWorkTree(repo, top, tips);
  for (const problem of state.problems)
    if (problem.path.startsWith("hosts/") || problem.path === "towline.yml")
      wire.report[problem.level](`${problem.message} (${problem.fix})`, problem);
  const known = [...state.hosts.keys()].sort();
  for (const name of names) {
    if (state.hosts.has(name)) continue;
    const near = nearest(name, known);
    throw usage(
      `there is no hosts/${name}.md`,
      near ? `did you mean ${near}?` : `hosts: ${known.join(", ") || "none yet"}`,
    );
  }
  const labels = (flags.label ?? []).map((label) => `label:${label}`);
  if (names.length + labels.length === 0 && !flags.all)
    throw usage("no machine is named", "name them, or say --all or --label LABEL");
  const { networks } = state.settings;
  const asked = flags.all
    ? [...state.hosts.values()].filter(({ data }) => !data.off && networks.includes(data.network))
    : selectHosts([...names, ...labels], state.hosts.values());
  const hosts = asked
    .filter((host) => names.includes(host.id) || !host.data.off)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (hosts.length === 0) throw usage("no machine matches", `hosts: ${known.join(", ") || "none yet"}`);
  return { state, top, hosts };
}

/** On a terminal: a line that is redrawn. */
export function live(wire: Wire, flags: Common): { say(line: string): void; clear(): void } {
  const shown = wire.terminal && !flags.json;
  return {
    say: (line) => {
      if (shown) wire.out(`\r\u001b[K${line.slice(0, 100)}`);
    },
    clear: () => {
      if (shown) wire.out("\r\u001b[K");
    },
  };
}

/** Runs this on each machine, some at once; one that fails leaves the others going. */
export async function onEach<T>(
  wire: Wire,
  { state, hosts }: Fleeted,
  flags: ManyFlags,
  run: (session: HostSession, host: Entry<"host">, reopen: (pack: string) => Promise<HostSession>) => Promise<T>,
  done: (finished: number) => void,
): Promise<Map<string, { value: T } | { fault: unknown }>> {
  const most = Number(flags.parallel ?? 8);
  if (!Number.isInteger(most) || most < 1 || most > 256) throw usage("--parallel is no number from 1 to 256");
  const { env, home, secrets, ask } = wire;
  const { transports: offers } = plugOf(wire, repoDir(wire, flags));
  const hostsOf = (name: string) => state.hosts.get(name)?.data;
  const options = { env, home, secrets, ask, offers, pack: state.pack, hosts: hostsOf };
  const fleet = createFleet(options);
  const own = flags.identityFile !== undefined ? { file: flags.identityFile } : flags.ownKey ? ("own" as const) : null;
  const open = async ({ id, data }: Entry<"host">, pack = state.pack) =>
    own === null
      ? fleet.open(id, data, pack)
      : openOver(await connectAsPerson(id, data, options, own), id, data, pack, options);
  const gate = limiter(most);
  const results = new Map<string, { value: T } | { fault: unknown }>();
  const one = async (host: Entry<"host">) => {
    let session: HostSession | undefined;
    try {
      session = await open(host);
      results.set(host.id, { value: await run(session, host, (pack) => open(host, pack)) });
    } catch (fault) {
      if (!(fault instanceof Fault) && !(fault instanceof HostFault)) throw fault;
      results.set(host.id, { fault });
    } finally {
      session?.close();
      done(results.size);
    }
  };
  await Promise.all(hosts.map((host) => gate(() => one(host)))).finally(() => fleet.close?.());
  throwShared(results);
  return results;
}

/** What stood in the way of all of them alike, like a release that cannot be had, is said once, with its own exit code. */
function throwShared(results: ReadonlyMap<string, { value: unknown } | { fault: unknown }>): void {
  const faults = [...results.values()].map((one) => ("fault" in one ? one.fault : null));
  const [first] = faults;
  if (first instanceof Fault && faults.every((fault) => fault instanceof Fault && fault.message === first.message))
    throw first;
}

export function failedRow(host: string, fault: unknown): Row {
  const remedy =
    fault instanceof HostFault
      ? (remedies(host)[fault.kind] ?? null)
      : fault instanceof Fault
        ? (fault.advice ?? null)
        : null;
  const why = withoutName(host, messageOf(fault));
  return { host, state: "failed", ok: false, version: null, before: null, arch: null, why, remedy, warnings: [] };
}

/** Prints the rows, with what to do about each, and sets the exit code. */
export function tell(wire: Wire, flags: Common, rows: Row[], last: string): void {
  const sorted = rows.toSorted((a, b) => (a.host < b.host ? -1 : 1));
  wire.out(
    flags.json ? `${JSON.stringify(sorted, null, 2)}\n` : `${[...table(sorted, wire.columns), last].join("\n")}\n`,
  );
  if (sorted.some((row) => !row.ok)) wire.exit(exit.findings);
}

const mark = ({ ok, state, warnings }: Row) =>
  !ok ? "✕" : warnings.length > 0 ? "◐" : state.startsWith("would") ? "●" : "✓";

function table(rows: Row[], columns: number | undefined): string[] {
  const head = ["  HOST", "STATE", "VERSION", "WAS", "ARCH"];
  const cells = rows.map((row) => [
    `${mark(row)} ${row.host}`,
    row.state,
    row.version ?? "-",
    row.before ?? "-",
    row.arch ?? "-",
  ]);
  const [top = "", ...lines] = tabled([head, ...cells], columns);
  return [
    top,
    ...rows.flatMap((row, index) => [
      lines[index] as string,
      ...(row.why ? [`    ${row.why}`] : []),
      ...(row.remedy ? [`    → ${row.remedy}`] : []),
      ...(row.removed ?? []).map((what) => `    − ${what}`),
      ...(row.left ?? []).map((what) => `    left: ${what}`),
      ...row.warnings.map((warning) => `    △ ${warning}`),
    ]),
  ];
}
