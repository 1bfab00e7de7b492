// The forges, in one table. None but bare git is loaded before something is asked of it.
import type { OwnForge } from "../core/plugin-offers.ts";
import type { ForgeSettings, Settings } from "../core/schema.ts";
import type { Web } from "../core/web-links.ts";
import { configuration } from "../errors.ts";
import type { Conversations, Forge } from "../ports.ts";
import type { Targets } from "../shell/target.ts";
import { git } from "./git.ts";
import type { ForgeCalls } from "./offered.ts";

export interface ForgeOptions {
  /** Where tokens are looked up, by the name that the settings give. */
  env: Readonly<Record<string, string | undefined>>;
  /** Address of the pack's `origin`, or null. */
  origin(): Promise<string | null>;
  /** Takes a secret in, so that it is masked from then on. */
  keep?(name: string, value: string): void;
  /** Forges that plugins offer, by name; absent: there are none. Throws a Fault. */
  offers?(name: string): Promise<ForgeCalls>;
  /** false: what is written is not spread over time, as for a server of one's own. */
  paced?: boolean;
}

type Load = (settings: ForgeSettings, targets: Targets, options: ForgeOptions) => Promise<Forge>;

const variants = {
  git: async (_, targets) => git(targets),
  github: async (settings, targets, options) => (await import("./github.ts")).github(settings, targets, options),
} satisfies Record<OwnForge, Load>;

/** One of ours, or a plugin's: ours go first. */
async function load(settings: ForgeSettings, targets: Targets, options: ForgeOptions): Promise<Forge> {
  const { name } = settings;
  if (Object.hasOwn(variants, name)) return variants[name as keyof typeof variants](settings, targets, options);
  if (!options.offers)
    throw configuration(`there is no forge \`${name}\``, "write `forge: github` or `git` in towline.yml");
  const [{ offered }, calls] = await Promise.all([import("./offered.ts"), options.offers(name)]);
  return offered(name, calls, targets);
}

export type ForgeFor = (settings: Pick<Settings, "forge">) => Forge;

/** The forge of a pack, made once for as long as its settings stay: it remembers when it may ask again. */
export function forgesOf(targets: Targets, options: ForgeOptions): ForgeFor {
  let made: { by: string; forge: Forge } | undefined;
  return ({ forge }) => {
    const by = JSON.stringify(forge ?? null);
    if (made?.by !== by) made = { by, forge: createForge(forge, targets, options) };
    return made.forge;
  };
}

const nowhere: ForgeOptions = { env: {}, origin: async () => null };

/** The forge that towline.yml names; without a word, git by itself. */
export function createForge(settings: Settings["forge"], targets: Targets, options: ForgeOptions = nowhere): Forge {
  const name = settings?.name ?? "git";
  if (!settings || name === "git") return git(targets);
  let made: Promise<Forge> | undefined;
  const forge = () => {
    made ??= load(settings, targets, options);
    return made;
  };
  return {
    name,
    propose: async (...given) => (await forge()).propose(...given),
    retract: async (...given) => (await forge()).retract(...given),
    stands: async (...given) => (await forge()).stands(...given),
    show: async (...given) => (await forge()).show(...given),
    reviews: async (...given) => (await forge()).reviews(...given),
    threads: async (...given) => (await forge()).threads(...given),
    checks: async (...given) => (await forge()).checks(...given),
    remarks: async (...given) => (await forge()).remarks(...given),
    comments: async (...given) => (await forge()).comments(...given),
    history: async (...given) => (await forge()).history(...given),
    permission: async (...given) => (await forge()).permission(...given),
    comment: async (...given) => (await forge()).comment(...given),
    label: async (...given) => (await forge()).label(...given),
    status: async (...given) => (await forge()).status(...given),
    dispatch: async (...given) => (await forge()).dispatch(...given),
  };
}

/** Talk with people on the pack's forge; undefined: there is none on which people write. */
export function talkOf(settings: Settings["forge"], options: ForgeOptions & { web?: Web }): Conversations | undefined {
  if (settings?.name !== "github") return undefined;
  let made: Promise<Conversations> | undefined;
  const talk = () => {
    made ??= import("./github-talk.ts").then(({ githubTalk }) => githubTalk(settings, options));
    return made;
  };
  return {
    web: options.web,
    hear: async (...given) => (await talk()).hear(...given),
    permission: async (...given) => (await talk()).permission(...given),
    post: async (...given) => (await talk()).post(...given),
    inbox: async (...given) => (await talk()).inbox(...given),
    proposals: async () => (await talk()).proposals(),
  };
}
