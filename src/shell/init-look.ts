// What a new pack finds: the folder, its repository, the forge behind it, and the programs of this machine.
import { existsSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { ForgeFacts } from "../core/doctor.ts";
import { type ModelRuntime, model_runtimes } from "../core/init-records.ts";
import { usage } from "../errors.ts";
import { gitEnv, runGit } from "./git.ts";
import { repositoryOf } from "./github-place.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface Around {
  /** `none`: no repository yet; `empty`: one without a commit. */
  repository: "none" | "empty" | "there";
  /** Top of the work tree; the folder itself where there is none. */
  top: string;
  /** Files that git knows of. */
  tracked: string[];
  /** HEAD is at a commit, and on no branch. */
  detached?: boolean;
  /** A towline.yml stands there. */
  pack: boolean;
  origin: string | null;
  /** Its address as it was configured: `origin` is what git makes of it. */
  configured: string | null;
}

/** `dir` may not exist yet: then what lies around it counts. */
export async function lookAround(dir: string, env: Env): Promise<Around> {
  const near = nearestFolder(dir);
  const git = (...args: string[]) => runGit({ cwd: near, env: gitEnv(env) }, args);
  const text = async (...args: string[]) => {
    const ran = await git(...args);
    return ran.code === 0 ? ran.stdout.toString().trim() : null;
  };
  const pack = existsSync(join(dir, "towline.yml"));
  const top = await text("rev-parse", "--show-toplevel");
  if (top === null) return { repository: "none", top: dir, tracked: [], pack, origin: null, configured: null };
  const at = near === realpathSync(near) ? top : top.replace(realpathSync(near), near);
  const origin = await text("remote", "get-url", "origin");
  const configured = await text("config", "remote.origin.url");
  if ((await text("rev-parse", "--verify", "--quiet", "HEAD")) === null)
    return { repository: "empty", top: at, tracked: [], pack, origin, configured };
  const tracked = ((await text("ls-files", "-z", "--full-name", "--", top)) ?? "").split("\0").filter(Boolean);
  const detached = (await text("symbolic-ref", "--quiet", "HEAD")) === null;
  return { repository: "there", top: at, tracked, detached, pack, origin, configured };
}

function nearestFolder(dir: string): string {
  if (!existsSync(dir)) return nearestFolder(dirname(dir));
  if (!statSync(dir).isDirectory()) throw usage(`${dir} is not a folder`, "name a folder, new or there already");
  return dir;
}

/** The first program that runs a model and is on the PATH here. */
export function runtimeHere(env: Env): ModelRuntime | null {
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  return model_runtimes.find((name) => folders.some((folder) => existsSync(join(folder, name)))) ?? null;
}

export interface GithubPlace {
  repository: string;
  web: string;
  url: string;
  /** Name of the variable that holds a token; null: there is none. */
  variable: string | null;
}

/** Where origin is on GitHub; null: it is somewhere else, as far as its address tells. */
export function githubPlace(origin: string | null, env: Env): GithubPlace | null {
  const found = repositoryOf(origin ?? "");
  const server = env.GITHUB_SERVER_URL ?? "https://github.com";
  if (!found || (found.host !== new URL(server).hostname && found.host !== "github.com")) return null;
  const web = found.host === "github.com" ? "https://github.com" : server;
  const url = env.GITHUB_API_URL ?? (web === "https://github.com" ? "https://api.github.com" : `${web}/api/v3`);
  const variable = env.GITHUB_TOKEN ? "GITHUB_TOKEN" : env.GH_TOKEN ? "GH_TOKEN" : null;
  return { repository: `${found.owner}/${found.name}`, web, url, variable };
}

export interface ForgeSaid {
  private?: ForgeFacts["private"];
  default_branch?: string;
  /** Pushes to the default branch are refused. */
  protected?: boolean;
  /** `login:number` of whose token it is. */
  owner?: string;
  /** Of the token's owner: `free`, `pro`, `team`, `enterprise`. */
  plan?: string;
  /** What was not told, in words. */
  untold: string[];
}
