import { type CampfireFinding, campfirePlan } from "../core/campfire.ts";
import { siteAddress } from "../core/compare.ts";
import type { Settings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { forgesOf, talkOf } from "../forges/index.ts";
import type { Clock, Conversations, Repo } from "../ports.ts";
import { createLand } from "../shell/land.ts";
import { originUrl } from "../shell/repo-open.ts";
import type { Code } from "../shell/repos.ts";
import type { Scan } from "../shell/scan.ts";
import { createTargets } from "../shell/target.ts";
import { cacheDir, type Wire } from "../wire.ts";
import { plugOf } from "./plug.ts";

/** What coding work needs of the outside, for a pack in this folder. */
export function codeOf(wire: Wire, dir: string, scan: Scan): Code {
  const targets = createTargets({ dir, env: wire.env, cache: cacheDir(wire) });
  const forge = forgesOf(targets, reachOf(wire, dir));
  const site = () => siteOf(wire, dir);
  const ports = { targets, secrets: wire.secrets, scan, env: wire.env, site };
  return {
    targets,
    forge,
    // The forge is the pack's, and known only where its settings are.
    land: (state, ...result) => createLand({ ...ports, forge: forge(state.settings) })(state, ...result),
  };
}

/** Whoever looks after the campfire of the pack in this folder. It is loaded where there is something to do. */
export const campfireOf =
  (wire: Wire, dir: string, { repo, code, clock }: { repo: Repo; code: Code; clock: Clock }) =>
  async (state: State, now: Date, asked = false): Promise<CampfireFinding | null> => {
    if (campfirePlan(state, now, asked) === null) return null;
    return (await campfirePorts(wire, dir, { repo, code, clock }, state)).tend(now, asked);
  };

export async function campfirePorts(
  wire: Wire,
  dir: string,
  { repo, code, clock }: { repo: Repo; code: Pick<Code, "targets" | "forge">; clock: Clock },
  state: State,
) {
  const [{ tendCampfire }, { propose }] = await Promise.all([
    import("../shell/campfire.ts"),
    import("../shell/propose.ts"),
  ]);
  const { env, secrets } = wire;
  const forge = code.forge(state.settings);
  const ports = {
    repo,
    targets: code.targets,
    forge,
    talks: forge.name !== "git",
    site: () => siteOf(wire, dir),
    mask: (text: string) => secrets.mask(text),
    propose: (branch: string) => propose({ dir, env, clock, secrets }, branch, proposable),
  };
  return { ports, tend: (now: Date, asked: boolean) => tendCampfire(ports, state, now, asked) };
}

const proposable = /^(?:insights|learnings)\/[a-z0-9-]{1,80}\.md$/;

const reachOf = (wire: Wire, dir: string) => ({
  env: wire.env,
  origin: () => originUrl(dir, wire.env),
  offers: (name: string) => plugOf(wire, dir).forges(name),
  keep: (name: string, value: string) => wire.secrets.add(name, value),
});

async function siteOf({ env }: Wire, dir: string): Promise<string | null> {
  const origin = await originUrl(dir, env);
  return origin && siteAddress(origin, env.GITHUB_SERVER_URL);
}

/** Talk with people on the forge that these settings name; undefined: there is none. */
export async function talkWith(
  wire: Wire,
  dir: string,
  settings: Settings | undefined,
): Promise<Conversations | undefined> {
  if (settings?.forge?.name !== "github") return undefined;
  const site = await siteOf(wire, dir);
  const { branch = "HEAD" } = settings.ledger;
  const web = site === null ? {} : { web: { policy: `${site}/blob/HEAD/`, ledger: `${site}/blob/${branch}/` } };
  return talkOf(settings.forge, { ...reachOf(wire, dir), ...web });
}
