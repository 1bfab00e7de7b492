// Joins the ports to the real world. The only reader of process.env.
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { text as textOf } from "node:stream/consumers";
import type { Clock, Report } from "./ports.ts";
import { askHidden } from "./shell/ask.ts";
import { systemClock } from "./shell/clock.ts";
import { terminalReport } from "./shell/report.ts";
import { createSecrets, type Secrets } from "./shell/secrets.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** What every verb gets. Tests pass their own. */
export interface Wire {
  env: Env;
  cwd: string;
  /** The user's home folder: `~` in a host record's `key`. */
  home: string;
  clock: Clock;
  report: Report;
  /** What must not be seen in anything that leaves. `main` adds what `env` holds and masks `report` and `out` with it. */
  secrets: Secrets;
  /** A person can be asked and lines can be redrawn. */
  terminal: boolean;
  /** Of the terminal that standard output is, where it is one: lines are made to fit. */
  columns?: number | undefined;
  /** Asks for something that must not be seen, like a passphrase; null when nobody can be asked. */
  ask?(question: string): Promise<string | null>;
  /** All of standard input. */
  input?(): Promise<string>;
  out(text: string): void;
  /** Sets the exit code of the process. */
  exit(code: number): void;
}

/** Options that every verb takes. */
export interface Common {
  repo?: string;
  json?: boolean;
}

export function wireUp(): Wire {
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    clock: systemClock(),
    report: terminalReport(process.stderr),
    secrets: createSecrets(process.env),
    terminal: process.stdout.isTTY === true,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    ask: (question) => askHidden(question, process.stdin, process.stderr),
    input: () => textOf(process.stdin),
    out: (text) => void process.stdout.write(text),
    exit: (code) => {
      process.exitCode = code;
    },
  };
}

/** What agents and settings name is read from the environment, and masked from then on. */
export const secretOf = (wire: Wire) => (name: string) => {
  wire.secrets.add(name, wire.env[name] ?? "");
  return wire.env[name];
};

/** Whether this is a run of a CI service, and nobody looks on. */
export const inCi = ({ env }: Pick<Wire, "env">) => env.GITHUB_ACTIONS === "true" || /^(1|true)$/i.test(env.CI ?? "");

/** Whether what goes to standard output may be coloured: a terminal, unless NO_COLOR or FORCE_COLOR says otherwise. */
export function colours({ env, terminal }: Pick<Wire, "env" | "terminal">): boolean {
  if (env.FORCE_COLOR !== undefined) return !/^(0|false)$/.test(env.FORCE_COLOR);
  return terminal && !env.NO_COLOR && env.TERM !== "dumb";
}

export const repoDir = (wire: Wire, options: Common) => resolve(wire.cwd, options.repo ?? ".");

/** Where the runner keeps what it can fetch again. */
export const cacheDir = ({ env, home }: Pick<Wire, "env" | "home">) =>
  join(env.XDG_CACHE_HOME || join(home, ".cache"), "towline");

/** A report that says nothing: for ticks whose outcome is shown in another way. */
export const quiet: Report = { progress() {}, note() {}, warning() {}, error() {}, summary: async () => {} };
