// The host program as it is sent: its text, its hash, and the two commands that a login shell must understand.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { configuration } from "../errors.ts";

export interface Program {
  text: string;
  sha256: string;
}

/** Full-line comments stay on our side: the host parses the program twice for each job. */
const strip = (text: string) =>
  text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line) && line.trim() !== "")
    .join("\n")
    .concat("\n");

/** In this order they are one program; a supervisor reads no further than `run`. */
const parts = [
  "base",
  "streams",
  "tree",
  "work",
  "outbox",
  "run",
  "conversation",
  "allow",
  "kit",
  "start",
  "collect",
  "peek",
  "tell",
  "samples",
  "versions",
  "put",
  "take",
  "code",
  "serve",
];

let loaded: Program | undefined;

export function hostProgram(): Program {
  loaded ??= programOf(hostSource().map(strip).join(""));
  return loaded;
}

/** The parts of the program in their order, with their comments. One of them carries the command for agents. */
export const hostSource = (): string[] =>
  parts.map((part) => source(`host/${part}`).replace("@agent@\n", () => source("agent/towline")));

const source = (name: string) => readFileSync(new URL(`./${name}.sh`, import.meta.url), "utf8");

/** How a host finds what applies, for a job that brings weights. It is of the same version as they are. */
export const rankProgram = () => strip(readFileSync(new URL("./agent/rank.awk", import.meta.url), "utf8"));

export const programOf = (text: string): Program => ({
  text,
  sha256: createHash("sha256").update(text).digest("hex"),
});

/** The root as a word for any shell, relative to HOME unless absolute. Throws a configuration Fault. */
export function rootPath(root: string | undefined): string {
  const path = (root ?? "~/.towline").replace(/^~\//, "").replace(/\/+$/, "");
  if (
    !/^\/?[A-Za-z0-9._][A-Za-z0-9._-]*(\/[A-Za-z0-9._][A-Za-z0-9._-]*)*$/.test(path) ||
    path.split("/").includes("..")
  )
    throw configuration(
      `\`root: ${root}\` cannot be used`,
      "write an absolute path or one that starts with ~/, of letters, digits, dots and dashes",
    );
  return path;
}

/** Where the host program is, and as whom it runs: the login user when absent. */
export interface Seat {
  root: string;
  user?: string;
}

/** Throws a configuration Fault. */
export function seatOf({ root, run_as }: { root?: string; run_as?: string }): Seat {
  if (run_as !== undefined && !/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(run_as))
    throw configuration(
      `\`run_as: ${run_as}\` is no name of a user`,
      "write the name of a user of that machine, like `run_as: agents`",
    );
  return { root: rootPath(root), ...(run_as === undefined ? {} : { user: run_as }) };
}

const quoted = (text: string) => `'${text.replace(/'/g, "'\\''")}'`;

/**
 * The command as that user, for whom root needs nothing and others `sudo` without a password. Where that is not granted
 * it fails: nothing is ever run as the login user instead.
 */
export function asUser(user: string | undefined, command: string): string {
  if (user === undefined) return command;
  const become =
    'case $(id -u) in 0) exec su -s /bin/sh "$1" -c "$2";; *) exec sudo -n -H -u "$1" -- /bin/sh -c "$2";; esac';
  return `exec sh -c ${quoted(become)} become ${user} ${quoted(command)}`;
}

// sh, csh and fish read these alike: plain words, and single quotes without `!`. The gates of hosts know these two by
// heart: whoever changes a byte of them locks those hosts out until each is enrolled with `--lock` again.
export const serveCommand = ({ root, user }: Seat, program: Pick<Program, "sha256">, how = "serve") =>
  asUser(user, `cd && exec sh ${root}/bin/${program.sha256} ${how}`);

/** Takes the program on stdin; only a whole one gets its name. Prints `installed` on a line of its own, whatever a login script left open. */
export function installCommand({ root, user }: Seat, program: Pick<Program, "sha256">): string {
  const steps = [
    "umask 077",
    `d=${root}/bin`,
    `t=$d/.${program.sha256}.$$`,
    "mkdir -p $d && cat >$t && set -- $(sha256sum $t)",
    `if [ "$1" = ${program.sha256} ]`,
    `then sync $t 2>/dev/null || sync`,
    `chmod 500 $t && mv -f $t $d/${program.sha256} && echo && echo installed`,
    "else rm -f $t",
    "exit 9",
    "fi",
  ];
  const script = steps
    .join("; ")
    .replace(/then; /g, "then ")
    .replace(/else; /g, "else ");
  return asUser(user, `cd && exec sh -c ${quoted(script)}`);
}
