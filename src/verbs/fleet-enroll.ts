import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { isAsked } from "../core/host-rows.ts";
import { ownerAllows } from "../core/owner.ts";
import { exit, usage } from "../errors.ts";
import type { Enrolled } from "../shell/enroll.ts";
import { type Enrolling, enrollMany } from "../shell/enroll-many.ts";
import type { OwnKey } from "../shell/own-key.ts";
import { checkAllowLines } from "../shell/owner-file.ts";
import { idIn, openLocal } from "../shell/pack.ts";
import { limiter, withoutName } from "../shell/pool.ts";
import type { Proposed } from "../shell/propose.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { plugOf } from "./plug.ts";

interface EnrollFlags extends Common {
  all?: boolean;
  pr?: boolean;
  yes?: boolean;
  replace?: boolean;
  ownKey?: boolean;
  identityFile?: string;
  lock?: boolean;
  allow?: string[];
  unlock?: boolean;
}

/** Adds `towline fleet enroll HOST…`. */
export function fleetEnroll(group: Command, wire: Wire): void {
  group
    .command("enroll [hosts...]")
    .description("pin machines' keys, install the host program, give them an identity and look at their tools")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--all", "every host that is not off and on a network that is reached from here")
    .option("--pr", "push the changed records to a branch, and leave the work tree as it is")
    .option("--yes", "pin what the machine shows without asking")
    .option("--own-key", "where the record's key is not accepted yet: log in with yours, and put the record's there")
    .option("--identity-file <file>", "like --own-key, with this private key")
    .option(
      "--lock",
      "put the record's key behind a gate: it can hold conversations with the host program, nothing else",
    )
    .option("--unlock", "take it out of there")
    .option(
      "--allow <line>",
      "a line of the owner's allow file, where there is none: `pack ID`, `runtime NAME`, `slots N`, `program SHA256`; repeat it",
      (line: string, lines: string[] = []) => [...lines, line],
    )
    .option("--replace", "it is another machine now, or was set up anew: what it had open is lost")
    .option("--json", "print what was found as JSON")
    .action((hosts: string[], flags: EnrollFlags) => enroll(wire, hosts, flags));
}

async function enroll(wire: Wire, hosts: string[], flags: EnrollFlags): Promise<void> {
  if (flags.lock && flags.unlock) throw usage("--lock and --unlock exclude each other");
  if (flags.allow) checkAllowLines(flags.allow);
  const dir = repoDir(wire, flags);
  const names = await chosen(wire, dir, hosts, flags);
  const asking = limiter(1);
  const count = counter(wire, flags, names.length);
  const { hosts: met, proposal } = await enrollMany(names, {
    dir,
    env: wire.env,
    home: wire.home,
    secrets: wire.secrets,
    ask: wire.ask,
    offers: plugOf(wire, dir).transports,
    pack: await idIn(dir, wire.env),
    clock: wire.clock,
    replace: flags.replace,
    pr: flags.pr,
    own: ownKey(flags),
    lock: flags.lock ? "lock" : flags.unlock ? "unlock" : undefined,
    allow: flags.allow,
    confirm: (question) => (flags.yes ? Promise.resolve(true) : asking(() => ask(wire, flags, question))),
    done: count,
  });
  const [first] = met;
  const single = hosts.length === 1 && met.length === 1;
  if (single && first && "fault" in first) throw first.fault;
  if (flags.json) wire.out(`${JSON.stringify(asJson(met, single, flags.pr ? proposal : undefined), null, 2)}\n`);
  else {
    wire.out(single && first && !("fault" in first) ? described(first, flags.pr === true) : listed(met));
    if (flags.pr) wire.out(said(proposal));
  }
  if (met.some((one) => "fault" in one || one.missing.length > 0)) wire.exit(exit.findings);
}

const ownKey = (flags: EnrollFlags): OwnKey | undefined =>
  flags.identityFile !== undefined ? { file: flags.identityFile } : flags.ownKey ? "own" : undefined;

async function chosen(wire: Wire, dir: string, hosts: string[], flags: EnrollFlags): Promise<string[]> {
  if (flags.all !== true) {
    if (hosts.length > 0) return [...new Set(hosts)];
    throw usage("which host is to be enrolled?", "towline fleet enroll NAME, or --all");
  }
  if (hosts.length > 0) throw usage("--all stands for every host: name none beside it");
  const { repo, tips, top } = await openLocal(dir, wire);
  const state = await readWorkTree(repo, top, tips);
  for (const problem of state.problems)
    if (problem.path.startsWith("hosts/")) wire.report[problem.level](`${problem.message} (${problem.fix})`, problem);
  if (state.problems.some((one) => one.level === "error" && one.path.startsWith("hosts/"))) wire.exit(exit.findings);
  const { networks } = state.settings;
  const names = [...state.hosts.values()].filter((host) => isAsked(host, networks)).map((host) => host.id);
  if (names.length === 0) throw usage("there is no host to enrol", "copy hosts/example.md, and give it an address");
  return names.sort();
}

/** Asks the person at the terminal; no when there is none. */
export async function ask(wire: Wire, flags: Common, question: string): Promise<boolean> {
  if (!wire.terminal || flags.json || process.stdin.isTTY !== true) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`\r\u001b[K${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** On a terminal, redrawn in place. */
function counter(wire: Wire, flags: EnrollFlags, all: number): (done: number) => void {
  if (!wire.terminal || flags.json) return () => {};
  const show = (done: number) =>
    wire.out(done < all ? `\r${all === 1 ? "enrolling…" : `${done} of ${all} hosts are done`}` : "\r\u001b[K");
  show(0);
  return show;
}

function asJson(met: Enrolling[], single: boolean, proposal: Proposed | null | undefined) {
  const hosts = met.map((one) =>
    "fault" in one ? { host: one.host, error: one.fault.message, advice: one.fault.advice ?? null } : one,
  );
  if (proposal !== undefined) return { hosts, proposal };
  return single ? hosts[0] : hosts;
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

const keyWords = ({ host_key, key, locked }: Enrolled) =>
  [
    host_key ?? "none (this machine)",
    ...(key === "added" ? ["towline's key was put there"] : []),
    ...(locked ? ["towline's key is behind the gate"] : []),
  ].join(", ");

function below({ facts, missing, install, warnings, closed }: Enrolled): string[] {
  return [
    ...closed.map((job) => `? ${job} is lost with the machine that it ran on`),
    ...(missing.length > 0 ? [`✕ it lacks ${missing.join(", ")}: no work can start there until: ${install}`] : []),
    ...(facts.allow ? [`‖ its owner allows ${ownerAllows(facts.allow)}`] : []),
    ...warnings.map((warning) => `△ ${warning}`),
  ];
}

function described(enrolled: Enrolled, pr: boolean): string {
  const { host, identity, facts, written } = enrolled;
  const record = written && !pr ? `: hosts/${host}.md was written, commit it` : "";
  return [
    `● ${host} is enrolled${record || (written ? "" : "; its record needed no change")}`,
    `  key       ${keyWords(enrolled)}`,
    `  identity  ${identity}`,
    `  machine   ${facts.system} ${facts.arch}, ${facts.cores} cores, ${gib(facts.memory.free)} memory and ${gib(facts.disk.free)} disk free`,
    ...(enrolled.run_as === null ? [] : [`  agents    run as ${enrolled.run_as}`]),
    `  runtimes  ${Object.keys(facts.runtimes).join(", ")}`,
    ...below(enrolled),
    "",
  ].join("\n");
}

function listed(met: Enrolling[]): string {
  const width = Math.max(...met.map((one) => one.host.length));
  const lines = met.flatMap((one) => {
    const name = one.host.padEnd(width);
    if ("fault" in one)
      return [
        `✕ ${name}  ${withoutName(one.host, one.fault.message)}`,
        ...(one.fault.advice ? [`    → ${one.fault.advice}`] : []),
      ];
    const { facts, missing, written } = one;
    const how = missing.length > 0 ? "cannot work yet" : written ? "enrolled" : "as it was";
    return [
      `${missing.length > 0 ? "✕" : "✓"} ${name}  ${how.padEnd(15)}  ${facts.system} ${facts.arch}, ${facts.cores} cores, ${gib(facts.disk.free)} disk free, ${keyWords(one)}`,
      ...below(one).map((line) => `    ${line}`),
    ];
  });
  const sick = met.filter((one) => "fault" in one || one.missing.length > 0).length;
  const written = met.some((one) => !("fault" in one) && one.written);
  const rest = `${sick > 0 ? `; ${sick} ${sick === 1 ? "needs" : "need"} you` : ""}${written ? "; records were changed" : ""}`;
  return `${[...lines, `${met.length - sick} of ${met.length} are enrolled${rest}`].join("\n")}\n`;
}

function said(proposal: Proposed | null): string {
  if (proposal === null) return "The records on the default branch need no change: there is nothing to propose.\n";
  const { branch, url, commit } = proposal;
  const where = url ? `open the pull request: ${url}` : `merge branch ${branch}`;
  return `${commit ? "Pushed" : "Waits already"}: ${branch}; ${where}\n`;
}
