// What a month of a pack comes to, from its history and its records.
import { type Forecast, forecastOf } from "../core/forecast.ts";
import { expensesIn } from "../core/spent.ts";
import type { State } from "../core/state.ts";
import type { Repo } from "../ports.ts";
import { historyOf } from "./history.ts";
import { spentSince } from "./spent.ts";

interface About {
  repo: Repo;
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The workflow that runs ticks, or null. */
  workflow: string | null;
  /** Minutes a month that cost nothing; null: none does. */
  included: number | null;
  now: Date;
}

/** The minutes that come with a private repository of an account that pays nothing. */
export const free_minutes = 2000;

export async function forecastFrom(
  { repo, dir, env, workflow, included, now }: About,
  state: State,
): Promise<Forecast> {
  const { tips, settings } = state;
  const history = await historyOf(dir, env, tips.ledger ?? tips.policy, now);
  const spent = await spentSince(repo, tips, new Date(now.getTime() - history.days * 86_400_000), now);
  const usd = expensesIn({ ...state, spent }).reduce((sum, one) => sum + one.spent.usd, 0);
  return forecastOf({ workflow, settings, lately: { ...history, usd }, included, now });
}
