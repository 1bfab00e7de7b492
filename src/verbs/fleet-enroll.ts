import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { exit } from "../errors.ts";
import { type Enrolled, enrollHost } from "../shell/enroll.ts";
import { replaceHost } from "../shell/replace-host.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface EnrollFlags extends Common {
  yes?: boolean;
  replace?: boolean;
}

/** Adds `towline fleet enroll HOST`. */
export function fleetEnroll(group: Command, wire: Wire): void {
  group
    .command("enroll <host>")
    .description("pin a machine's key, install the host program, give it an identity and look at its tools")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--yes", "pin what the machine shows without asking")
    .option("--replace", "it is another machine now, or was set up anew: what it had open is lost")
    .option("--json", "print what was found as JSON")
    .action(async (host: string, flags: EnrollFlags) => {
      const confirm = (question: string) => (flags.yes ? Promise.resolve(true) : ask(wire, flags, question));
      const keyring = { env: wire.env, home: wire.home, secrets: wire.secrets, ask: wire.ask };
      const dir = repoDir(wire, flags);
      const at = { dir, env: wire.env, clock: wire.clock, secrets: wire.secrets };
      const replace = flags.replace ? (identity: string) => replaceHost(at, host, identity) : undefined;
      const enrolled = await enrollHost({ dir, host, ...keyring, confirm, replace });
      wire.out(flags.json ? `${JSON.stringify(enrolled, null, 2)}\n` : described(enrolled));
      if (enrolled.missing.length > 0) wire.exit(exit.findings);
    });
}

/** Asks the person at the terminal; no when there is none. */
export async function ask(wire: Wire, flags: Common, question: string): Promise<boolean> {
  if (!wire.terminal || flags.json || process.stdin.isTTY !== true) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function described({ host, host_key, identity, facts, missing, warnings, written, closed }: Enrolled): string {
  const found = Object.keys(facts.runtimes).join(", ");
  return [
    `● ${host} is enrolled${written ? `: hosts/${host}.md was written, commit it` : "; its record needed no change"}`,
    `  key       ${host_key ?? "none (this machine)"}`,
    `  identity  ${identity}`,
    `  machine   ${facts.system} ${facts.arch}, ${facts.cores} cores, ${gib(facts.memory.free)} memory and ${gib(facts.disk.free)} disk free`,
    `  runtimes  ${found}`,
    ...closed.map((job) => `? ${job} is lost with the machine that it ran on`),
    ...missing.map((tool) => `✗ ${tool} is missing on it: install it, no work can start there`),
    ...warnings.map((warning) => `△ ${warning}`),
    "",
  ].join("\n");
}
