import { readFile, rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { idOf } from "../core/entry.ts";
import { stopped } from "../core/gate.ts";
import { parseTarget } from "../core/machine-address.ts";
import { newHost, type Wanted } from "../core/new-host.ts";
import { tick_workflow } from "../core/tick-env.ts";
import { exit, Fault, usage } from "../errors.ts";
import { hearSignals, heed, Interrupted } from "../interrupt.ts";
import { type Ask, confirm } from "../shell/confirm.ts";
import { type Added, addHost } from "../shell/fleet-add.ts";
import { openLocal } from "../shell/pack.ts";
import { editedLine, editRecord, type Where, whereOf } from "../shell/person-edit.ts";
import { knownToGit, pushHere } from "../shell/person-push.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { commitLines, secretCommand } from "./next-steps.ts";

interface AddFlags extends Common, Wanted {
  hostKey?: string;
  push?: boolean;
  pr?: boolean;
  yes?: boolean;
}

const each = (one: string, all: string[] = []) => [...all, one];

/** Adds `towline fleet add user@host`. */
export function fleetAdd(group: Command, wire: Wire): void {
  group
    .command("add <machine>")
    .description(
      "bring a machine into the fleet: its key pinned, ours brought there, its record written, its first word heard",
    )
    .option("--name <name>", "what it is called here (default: what it calls itself)")
    .option("--label <label>", "a label; may be given several times", each)
    .option("--slots <n>", "jobs that may run on it at once")
    .option("--jump <host>", "the host of the fleet that it is reached over")
    .option("--network <name>", "the network that it is in (default: public)")
    .option("--key <place>", "the key that ticks log in with: env:NAME, file:PATH or agent", "env:TOWLINE_SSH_KEY")
    .option("--host-key <key>", "the host key that it must show: SHA256:… or a key line")
    .option("--yes", "pin the host key that it shows without asking")
    .option("--push", "its record goes to origin at once, that file and nothing else")
    .option("--pr", "propose its record as a branch to merge")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was done as JSON")
    .action(async (machine: string, flags: AddFlags) => {
      const { added, notes, silent } = await add(wire, machine, flags);
      wire.out(flags.json ? `${JSON.stringify(published(added), null, 2)}\n` : described(added, notes));
      if (added.hello === null && !silent) wire.exit(added.enrolled.missing.length > 0 ? exit.findings : exit.outside);
    });
}

async function add(wire: Wire, machine: string, flags: AddFlags) {
  const target = parseTarget(machine);
  if (typeof target === "string") throw usage(target, "write user@host, user@host:port or user@[IPv6]:port");
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  const state = await readWorkTree(repo, top, tips);
  const workflow = await readFile(join(top, tick_workflow), "utf8").catch(() => null);
  const broken = state.problems.filter((one) => one.path.startsWith("hosts/") && one.level === "error");
  const around = {
    hosts: state.hosts,
    broken: new Set(broken.map((one) => idOf(one.path))),
    workflow,
    networks: state.settings.networks,
    user: userInfo().username,
  };
  const wanted = newHost(target, flags, around);
  if ("refused" in wanted) throw usage(wanted.refused, wanted.advice);
  const { fields, notes } = wanted;
  const where = whereOf(flags);
  if (where === "push") await knownToGit(top, wire);
  const signals = hearSignals();
  const silent = stopped(state, wire.clock.now());
  const talks = wire.terminal && !flags.json;
  try {
    const { env, home, secrets, report } = wire;
    const options = { top, state, fields, name: flags.name, hostKey: flags.hostKey, env, home, secrets, silent };
    const asks = wire.terminal && !flags.json;
    const ask: Ask = {
      confirm: (question) => (asks ? confirm(question) : Promise.resolve(false)),
      hidden: async (question) => {
        const typed = asks && wire.ask ? await wire.ask(question) : null;
        if (typed === null && asks) await wire.clock.sleep(100); // Ctrl-C is on its way to us
        return typed;
      },
    };
    const step = (line: string) => talks && report.progress(`● ${line}`);
    const work = addHost({ ...options, ask, step, yes: flags.yes === true, signal: signals.signal });
    const added = await heed(signals.signal, work);
    const landed = await land(wire, top, where, added);
    return { added, notes: [...notes, ...secretSteps(added, workflow), ...landed], silent };
  } catch (thrown) {
    if (!(thrown instanceof Interrupted)) throw thrown;
    throw new Fault(
      exit.interrupted,
      "interrupted: no record was written",
      "run it again when you are ready; a key that was brought onto the machine already is found there",
    );
  } finally {
    signals.release();
  }
}

const secretSteps = ({ key }: Added, workflow: string | null): string[] =>
  workflow === null || !key.name ? [] : secretCommand(key.name, { workflow, file: key.file });

/** Brings the record where ticks read it, or says how. A proposed one leaves the folder: its merge brings it back. */
async function land(wire: Wire, top: string, where: Where, { path, host }: Added): Promise<string[]> {
  const message = `${host} joins the fleet`;
  if (where === "here") return commitLines([path], message);
  if (where === "push") {
    await pushHere(top, wire, path, message);
    return [`Ticks know it: ${path} is on origin.`];
  }
  const file = join(top, path);
  const text = await readFile(file, "utf8");
  const made = await editRecord(top, wire, "pr", { path, message, edit: () => text });
  await rm(file);
  return [
    `Ticks know it once that is merged, and git pull brings ${path} into this folder:`,
    editedLine(made, message),
  ];
}

/** Without the private key. */
function published({ key, ...rest }: Added) {
  const { private: _never, ...shown } = key;
  return { ...rest, key: shown };
}

function described({ host, path, fingerprint, key, enrolled, hello, why }: Added, notes: string[]): string {
  const { facts, missing, install, warnings } = enrolled;
  const word = hello
    ? [`✓ ${host} is in the fleet (${path})`, `  “${hello.said}”`]
    : [`◐ ${host} is in the fleet (${path}), but said no word: ${why}`];
  return [
    ...word,
    `  key       ${fingerprint}, pinned`,
    `  login     ${key.file ?? key.word}${key.made ? ", made just now" : ""}`,
    `  machine   ${facts.system} ${facts.arch}, ${facts.cores} cores; runtimes: ${Object.keys(facts.runtimes).join(", ")}`,
    ...missing.map((tool) => `✕ ${tool} is missing on it: no work can start there`),
    ...(install ? [`  ${install}`] : []),
    ...warnings.map((warning) => `△ ${warning}`),
    "",
    ...notes,
    "",
  ].join("\n");
}
