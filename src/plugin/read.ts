// What a plugin is given to work on: the texts that it wants read, with keys that it never sees, and data of the ledger.
import { isSettled, type Wish } from "../core/plugin-options.ts";
import { readSample, type SampleRow, samplesPath } from "../core/samples.ts";
import { oneLine } from "../core/text.ts";
import { readSource, type Source } from "../pollers/fetch.ts";
import type { PollContext } from "../ports.ts";
import { PluginFault } from "./sandbox.ts";

type Env = Readonly<Record<string, string | undefined>>;

const sample_days = 10;
const max_day = 4 << 20;
const wall = 10;

/** All of it, or a fault: half of what is there would say that the rest is gone. */
export async function readAll(
  wishes: Readonly<Record<string, Wish>>,
  env: Env,
  signal: AbortSignal | undefined,
): Promise<Record<string, string>> {
  const read = Object.entries(wishes).map(async ([name, wish]) => {
    const source: Source = {
      name,
      url: addressOf(wish, env),
      token: wish.token,
      headers: wish.headers,
      wall,
      every: 0,
    };
    const { text } = await readSource(source, { env, accept: wish.accept ?? "application/json", signal });
    return [name, text ?? ""] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** Never repeats an address that came out of a variable. */
export function addressOf({ url, path = "" }: Pick<Wish, "url" | "path">, env: Env): string {
  const variable = /^env:(\w+)$/.exec(url)?.[1];
  const whole = `${(variable === undefined ? url : (env[variable] ?? "")).trim().replace(/\/+$/, "")}${path}`;
  if (isSettled(whole)) return path === "" && variable === undefined ? url : whole;
  throw new PluginFault(
    variable === undefined
      ? `\`${oneLine(url, 120)}\` is no https address`
      : `the variable ${variable} holds no https address: give it one, and hand it over in the workflow of the ticks`,
  );
}

/** How hosts fared in the last days, oldest first. */
export async function samplesOf({ own }: Pick<PollContext, "own">, now: Date): Promise<SampleRow[]> {
  const ledger = own?.tips.ledger;
  if (!own || !ledger) return [];
  const days = Array.from({ length: sample_days }, (_, back) =>
    samplesPath(new Date(now.getTime() - back * 86_400_000).toISOString()),
  );
  const items = await own.repo.tree(ledger, days);
  const blobs = await own.repo.blobs([...new Set(items.map(({ blob }) => blob))], max_day);
  const texts = items
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ blob }) => new TextDecoder().decode(blobs.get(blob) ?? new Uint8Array()));
  return texts.flatMap((text) => text.split("\n").flatMap((line) => readSample(line) ?? []));
}
