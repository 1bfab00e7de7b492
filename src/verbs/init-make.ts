// `towline init`: looks, asks, writes, commits, checks.
import { mkdir } from "node:fs/promises";
import { basename, relative, resolve } from "node:path";
import { type Offered, offer } from "../core/init-choice.ts";
import { type Chosen, peopleFiles } from "../core/init-records.ts";
import { configuration, messageOf, usage } from "../errors.ts";
import { begin, land, refuseBeside, writeMissing } from "../shell/init-land.ts";
import { type Around, type ForgeSaid, type GithubPlace, githubPlace, lookAround } from "../shell/init-look.ts";
import { freshFiles, withManifest } from "../shell/pack-made.ts";
import { nobody, type Questions, questions } from "../shell/question.ts";
import { repoDir, type Wire } from "../wire.ts";
import type { InitFlags } from "./init.ts";
import { askOrigin, choose, mayAsk, selfOf } from "./init-ask.ts";

export interface Made {
  dir: string;
  id: string;
  name: string;
  version: string;
  origin: string | null;
  ledger: string | null;
  every: number;
  site: string | null;
  /** Paths that were written, and those that stood there and were left. */
  written: string[];
  kept: string[];
  /** `here`: in the folder, to be committed. */
  where: "pushed" | "here" | "proposed";
  branch: string | null;
  url: string | null;
  commit: string | null;
  /** Why origin does not have it; null: it has, or was not to. */
  pushed_why: string | null;
  check: { errors: number; warnings: number; first: string | null };
  why: { ledger: string; site: string };
  notes: string[];
  next: { does: string; say: string }[];
}

export interface Scene {
  dir: string;
  around: Around;
  place: GithubPlace | null;
  said: ForgeSaid;
  offered: Offered;
}

const message = "A towline pack";
export const environment = "towline";

export async function makePack(wire: Wire, flags: InitFlags): Promise<Made> {
  if (flags.push && flags.pr)
    throw usage("--push and --pr are given", "give one of them: --pr leaves the yes to a merge");
  const person = mayAsk(wire, flags) ? questions() : nobody;
  try {
    const scene = await sceneOf(wire, flags, person);
    const chosen = await choose(wire, flags, scene, person);
    person.close();
    return await made(wire, flags, scene, chosen);
  } finally {
    person.close();
  }
}

async function made(wire: Wire, flags: InitFlags, scene: Scene, chosen: Chosen): Promise<Made> {
  const limited = await environmentFor(wire, scene);
  const bare = scene.around.repository !== "there";
  const fresh = await freshFiles({
    version: chosen.version,
    cron: chosen.cron,
    pages: chosen.site?.publish === "pages",
    github: chosen.github,
    environment: limited === null ? environment : null,
    workflows: scene.place !== null || scene.around.origin === null,
    people: peopleFiles(chosen, bare),
  });
  const files = new Map([...peopleFiles(chosen, bare), ...withManifest(fresh, chosen.version)]);
  const landed = bare ? await inFresh(wire, flags, scene, files) : await inOld(wire, flags, scene, files);
  const check = await checked(wire, bare || landed.commit === null ? {} : { at: landed.commit }, scene.dir);
  const { called, ...rest } = landed;
  return {
    dir: scene.dir,
    id: chosen.id,
    name: chosen.name,
    version: chosen.version,
    ledger: chosen.ledger,
    every: chosen.every,
    site: chosen.site?.publish ?? null,
    ...rest,
    check,
    why: {
      ledger: chosen.ledger === scene.offered.ledger ? scene.offered.ledger_why : "as you said",
      site: scene.offered.site_why,
    },
    notes: [
      ...(called
        ? [`git did not know you: in this repository you are ${called}. Another name: git config user.name, user.email`]
        : []),
      ...notesOf(scene, limited),
    ],
    next: nextOf(wire, scene, chosen, landed),
  };
}

async function sceneOf(wire: Wire, flags: InitFlags, person: Questions): Promise<Scene> {
  const dir = repoDir(wire, flags);
  const around = await lookAround(dir, wire.env);
  if (around.top !== dir && resolve(around.top) !== dir)
    throw usage(
      `${dir} lies in the repository ${around.top}, and a pack is a whole repository`,
      `towline init ${around.top}, or name a folder outside of it`,
    );
  if (around.pack && around.repository === "there")
    throw usage(`${dir} is a pack already`, "`towline upgrade` brings what towline wrote into it up to date");
  flags.origin = around.origin === null ? await askOrigin(wire, flags, person) : undefined;
  const address = around.origin ?? flags.origin ?? null;
  const place = githubPlace(address, wire.env) ?? githubPlace(around.configured, wire.env);
  const token = place?.variable ? wire.env[place.variable] : undefined;
  const said: ForgeSaid =
    place && token ? await (await import("../shell/init-forge.ts")).askForge({ ...place, token }) : { untold: [] };
  const offered = offer({
    folder: basename(dir),
    tracked: around.tracked,
    github: address === null ? undefined : place,
    private: said.private,
    protected: said.protected,
    plan: said.plan,
  });
  return { dir, around, place, said, offered };
}

/** null: there is such an environment now; else why not, or undefined where nobody could be asked. */
async function environmentFor(wire: Wire, { place, said }: Scene): Promise<string | null | undefined> {
  const token = place?.variable ? wire.env[place.variable] : undefined;
  if (!place || !token || said.default_branch === undefined) return undefined;
  const { limitEnvironment } = await import("../shell/init-forge.ts");
  return limitEnvironment({ ...place, token }, environment, said.default_branch);
}

type Landing = Pick<Made, "written" | "kept" | "where" | "branch" | "url" | "commit" | "pushed_why" | "origin"> & {
  called?: string | null;
};

async function inFresh(
  wire: Wire,
  flags: InitFlags,
  { dir, around }: Scene,
  files: Map<string, string>,
): Promise<Landing> {
  if (around.origin === null && flags.origin === undefined) refuseBeside(dir);
  await mkdir(dir, { recursive: true }).catch((thrown) => {
    throw configuration(
      `${dir} cannot be made: ${messageOf(thrown)}`,
      "look at the folder around it, its owner and mode",
    );
  });
  const { written, kept } = await writeMissing(dir, files);
  const paths = [...files.keys()];
  const { origin, why, commit, branch, called } = await begin(dir, wire.env, flags.origin ?? null, paths, message);
  return {
    written,
    kept,
    where: why === null ? "pushed" : "here",
    branch,
    url: null,
    commit,
    pushed_why: why,
    origin,
    called,
  };
}

async function inOld(wire: Wire, flags: InitFlags, scene: Scene, files: Map<string, string>): Promise<Landing> {
  const { around, place, said, dir } = scene;
  const { origin } = around;
  const proposes = flags.pr === true || (said.protected === true && !flags.push);
  if (!flags.push && !proposes) {
    if (around.detached)
      throw configuration(
        `HEAD of ${dir} is on no branch (detached), so what is written there could be pushed to none`,
        "git switch main (or git switch -c NAME), and then again; or let --push or --pr put it on origin",
      );
    const { written, kept } = await writeMissing(dir, files);
    return { written, kept, where: "here", branch: null, url: null, commit: null, pushed_why: null, origin };
  }
  if (origin === null)
    throw configuration("the repository has no remote called `origin`", "git remote add origin ADDRESS");
  const landed = await land(dir, wire.env, files, { message, propose: proposes });
  const { written, kept, commit, branch, base } = landed;
  const done = { written, kept, branch, commit, pushed_why: null, origin };
  if (!landed.proposed) {
    const { followOrigin } = await import("../shell/person-push.ts");
    await followOrigin(dir, wire.env);
    return { ...done, where: "pushed", url: null };
  }
  const { compareAddress } = await import("../core/compare.ts");
  const url = compareAddress(origin, branch, wire.env.GITHUB_SERVER_URL);
  const token = place?.variable ? wire.env[place.variable] : undefined;
  if (!place || !token) return { ...done, where: "proposed", url };
  const { openPull } = await import("../shell/init-forge.ts");
  const opened = await openPull({ ...place, token }, branch, base, message);
  return { ...done, where: "proposed", url: typeof opened === "string" ? opened : url };
}

/** As `towline check` judges it. */
async function checked(wire: Wire, { at }: { at?: string }, dir: string): Promise<Made["check"]> {
  const { main } = await import("../cli.ts");
  let said = "";
  const out = (text: string) => {
    said += text;
  };
  await main(["check", "--json", "--repo", dir, ...(at === undefined ? [] : ["--at", at])], {
    ...wire,
    out,
    exit() {},
  });
  const { problems } = JSON.parse(said) as {
    problems: { level: string; path: string; line: number; message: string }[];
  };
  const errors = problems.filter(({ level }) => level === "error");
  const [first] = [...errors, ...problems];
  return {
    errors: errors.length,
    warnings: problems.length - errors.length,
    first: first ? `${first.path}:${first.line}: ${first.message}` : null,
  };
}

function notesOf({ place, said }: Scene, limited: string | null | undefined): string[] {
  if (!place) return [];
  return [
    ...(limited === null
      ? [
          `The environment \`${environment}\` is for the default branch only: keep the secrets there (gh secret set NAME --env ${environment}).`,
        ]
      : [
          `Whoever may push a branch could read the secrets of the ticks. Make an environment \`${environment}\` that only the default branch may use, and add \`environment: ${environment}\` to the tick job${limited ? ` (it could not be made: ${limited})` : ""}.`,
        ]),
    ...said.untold.map((one) => `Not looked at: ${one}`),
  ];
}

function nextOf(
  wire: Wire,
  { dir, place }: Scene,
  { site }: Chosen,
  { where, branch, url, commit }: Landing,
): Made["next"] {
  const towline = selfOf(wire);
  const at = relative(wire.cwd, dir);
  const go = at === "" ? "" : `cd ${at.startsWith("..") ? dir : at} && `;
  const first =
    where === "proposed"
      ? { does: "Merge it", say: url ?? `git merge origin/${branch}` }
      : where === "here"
        ? commit !== null
          ? { does: "Push it", say: `${go}git push -u origin HEAD` }
          : { does: "Push it", say: `${go}git add -A && git commit -m "${message}" && git push` }
        : null;
  const more = [
    { does: "Bring a machine in", say: `${first ? "" : go}${towline} fleet add USER@ADDRESS --push` },
    place
      ? {
          does: "Give the ticks its key",
          say: "gh secret set TOWLINE_SSH_KEY (the line before prints the whole command)",
        }
      : { does: "Do what is due there", say: `${towline} tick` },
    site?.publish === "pages"
      ? { does: "Open the dashboard", say: "Settings → Pages → Source: GitHub Actions, then gh workflow run tick.yml" }
      : { does: "See what came of it", say: `${towline} site serve` },
  ];
  return [...(first ? [first] : []), ...more].slice(0, 3);
}
