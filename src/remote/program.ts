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
const parts = ["base", "streams", "run", "conversation", "allow", "start", "collect", "samples", "serve"];

let loaded: Program | undefined;

export function hostProgram(): Program {
  loaded ??= programOf(hostSource().map(strip).join(""));
  return loaded;
}

/** The parts of the program in their order, with their comments. */
export const hostSource = (): string[] =>
  parts.map((part) => readFileSync(new URL(`./host/${part}.sh`, import.meta.url), "utf8"));

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

// sh, csh and fish read these alike: plain words, and single quotes without `!`.
export const serveCommand = (root: string, program: Program) => `cd && exec sh ${root}/bin/${program.sha256} serve`;

/** Takes the program on stdin; only a whole one gets its name. Prints `installed` on a line of its own, whatever a login script left open. */
export function installCommand(root: string, program: Program): string {
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
  return `cd && exec sh -c '${steps
    .join("; ")
    .replace(/then; /g, "then ")
    .replace(/else; /g, "else ")}'`;
}
