// The five questions of `towline init`, and what counts as an answer.

import manifest from "../../package.json" with { type: "json" };
import { idFor, ledger_branch, pagesOf } from "../core/init-choice.ts";
import { type Chosen, model_runtimes } from "../core/init-records.ts";
import { isZone } from "../core/scalar.ts";
import { usage } from "../errors.ts";
import { type GithubPlace, runtimeHere } from "../shell/init-look.ts";
import type { Questions } from "../shell/question.ts";
import type { Wire } from "../wire.ts";
import type { InitFlags } from "./init.ts";
import type { Scene } from "./init-make.ts";

type Ask = (given: string | undefined, words: string, own: string) => Promise<string>;

export const mayAsk = (wire: Wire, flags: InitFlags) => wire.terminal && !flags.json && !flags.yes;

/** Throws a usage Fault where nobody can be asked, and nobody said `--yes`. */
function asking(wire: Wire, flags: InitFlags, person: Questions): Ask {
  const asks = mayAsk(wire, flags);
  if (!asks && !flags.yes)
    throw usage(
      "nobody is there to be asked",
      "say --yes to take what is offered; `towline init --help` names the five answers",
    );
  return async (given, words, own) => given ?? (asks ? await person.ask(words, own) : own);
}

/** The first question, since all that is offered hangs on it. undefined: a bare repository beside the folder. */
export async function askOrigin(wire: Wire, flags: InitFlags, person: Questions): Promise<string | undefined> {
  const words = "1/5 Where does it live? An address, or `here` for a bare repository beside it";
  const answer = await asking(wire, flags, person)(flags.origin, words, "here");
  return answer === "here" ? undefined : answer;
}

/** The other four. Without a terminal the options answer, and `--yes` takes what is offered for the rest. */
export async function choose(
  wire: Wire,
  flags: InitFlags,
  { around, place, said, offered }: Scene,
  person: Questions,
): Promise<Chosen> {
  const ask = asking(wire, flags, person);
  const name = await ask(flags.name, "2/5 What is the pack called?", offered.name);
  const runtime = oneOf(
    "--runtime",
    await ask(
      flags.runtime,
      `3/5 What does an agent with a model run on? ${model_runtimes.join(", ")}`,
      runtimeHere(wire.env) ?? "claude",
    ),
    model_runtimes,
  );
  const ledger = oneOf(
    "--ledger",
    await ask(
      flags.ledger,
      `4/5 Where does towline keep its records? \`default\` branch, or a \`branch\` of their own (${offered.ledger_why})`,
      offered.ledger === null ? "default" : "branch",
    ),
    ["default", "branch"] as const,
  );
  const site = siteOf(
    await ask(
      flags.site,
      `5/5 A dashboard? none, pages or dir:PATH (${offered.site_why})`,
      offered.site?.publish ?? "none",
    ),
    place,
  );
  const zone = flags.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
  if (!isZone(zone))
    throw usage(`there is no time zone \`${zone.slice(0, 40)}\``, "write it like Europe/Berlin, or UTC");
  return {
    name,
    id: idFor(name),
    zone,
    version: manifest.version,
    runtime,
    ledger: ledger === "branch" ? ledger_branch : null,
    every: offered.every,
    cron: offered.cron,
    github: place !== null,
    local: place === null && around.origin === null && flags.origin === undefined,
    site,
    owner: said.owner ?? null,
    towline: selfOf(wire),
  };
}

/** How the command was called, so that what is printed can be pasted. */
export const selfOf = ({ env }: Wire) => (env.npm_lifecycle_event === "npx" ? "npx towline" : "towline");

function oneOf<T extends string>(flag: string, said: string, options: readonly T[]): T {
  const found = options.find((one) => one === said);
  if (found === undefined)
    throw usage(`\`${flag} ${said.slice(0, 40)}\` is none of them`, `write ${options.join(", ")}`);
  return found;
}

function siteOf(said: string, place: GithubPlace | null): Chosen["site"] {
  if (said === "none") return null;
  if (said === "pages" && place) return pagesOf(place.repository);
  if (said === "pages") throw usage("pages are GitHub's, and origin is not there", "write none, or dir:PATH");
  if (/^dir:./.test(said)) return { publish: said };
  throw usage(`\`--site ${said.slice(0, 40)}\` is none of them`, "write none, pages or dir:PATH");
}
