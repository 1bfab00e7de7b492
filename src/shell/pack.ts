// Opens a pack repository with the ledger mode that its own settings name.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pollerKeys } from "../core/poller-keys.ts";
import type { Settings } from "../core/schema.ts";
import { readSettings } from "../core/state.ts";
import type { Clock, Repo, Tips } from "../ports.ts";
import { masking } from "./masked.ts";
import { openRepo } from "./repo.ts";
import { findRepo } from "./repo-open.ts";
import type { Secrets } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface PackOptions {
  env: Env;
  clock: Clock;
}

/** What a commit holds never changes, and opening a pack asks for the same one three times. */
let last: { commit: string; settings: Settings } | undefined;

async function settingsIn(repo: Repo, commit: string): Promise<Settings | undefined> {
  if (last?.commit === commit) return last.settings;
  const settings = await readIn(repo, commit);
  if (settings) last = { commit, settings };
  return settings;
}

async function readIn(repo: Repo, commit: string): Promise<Settings | undefined> {
  const [item] = await repo.tree(commit, ["towline.yml"]);
  const bytes = item && (await repo.blobs([item.blob])).get(item.blob);
  return (bytes && readSettings(new TextDecoder().decode(bytes)).settings) || undefined;
}

const branchIn = async (repo: Repo, commit: string) => (await settingsIn(repo, commit))?.ledger.branch;

/** Variables that the settings name for a token: of the database, of pollers and of releases. */
function tokensOf(settings: Settings): string[] {
  const named = Object.values(settings.releases).flatMap(({ token }) => token ?? []);
  return [settings.database.token, ...pollerKeys(settings).map(({ variable }) => variable), ...named];
}

/**
 * For verbs that read the tips of `origin`: fetches, and opens again when the fetched settings name another ledger.
 * What is pushed with it is masked. `settings`: absent where they cannot be read.
 */
export async function openOrigin(dir: string, options: PackOptions & { secrets: Secrets }) {
  const { repo, tips } = await openTips(dir, options);
  const settings = await settingsIn(repo, tips.policy);
  for (const name of settings ? tokensOf(settings) : []) options.secrets.add(name, options.env[name] ?? "");
  return { repo: masking(repo, options.secrets), tips, settings };
}

async function openTips(dir: string, { env, clock }: PackOptions): Promise<{ repo: Repo; tips: Tips }> {
  const plain = await openRepo(dir, { env, clock });
  const guess = await plain.local().then(
    (tips) => branchIn(plain, tips.policy),
    () => undefined, // nothing is checked out here; the fetch below says more
  );
  const repo = guess === undefined ? plain : await openRepo(dir, { env, clock, ledgerBranch: guess });
  const tips = await repo.fetch();
  const found = await branchIn(repo, tips.policy);
  if (found === guess) return { repo, tips };
  const other = await openRepo(dir, { env, clock, ledgerBranch: found });
  return { repo: other, tips: await other.fetch() };
}

/**
 * For verbs that read the work tree (or `ref`) and the last fetched ledger. No network.
 * `top` is the folder of the pack's towline.yml: the work tree that holds `dir`.
 */
export async function openLocal(
  dir: string,
  { env, clock }: PackOptions,
  ref?: string,
): Promise<{ repo: Repo; tips: Tips; top: string }> {
  const { place } = await findRepo(dir, env);
  const text =
    ref === undefined ? await readFile(join(place.cwd, "towline.yml"), "utf8").catch(() => undefined) : undefined;
  const plain = await openRepo(dir, { env, clock });
  const ledgerBranch =
    ref === undefined
      ? readSettings(text).settings?.ledger.branch
      : await branchIn(plain, (await plain.local(ref)).policy);
  const repo = ledgerBranch === undefined ? plain : await openRepo(dir, { env, clock, ledgerBranch });
  return { repo, tips: await repo.local(ref), top: place.cwd };
}

/** The `id` in the towline.yml of the work tree that holds `dir`, without a look at the ledger; undefined where there is none. */
export async function idIn(dir: string, env: Env): Promise<string | undefined> {
  const { place } = await findRepo(dir, env);
  return readSettings(await readFile(join(place.cwd, "towline.yml"), "utf8").catch(() => undefined)).settings?.id;
}
