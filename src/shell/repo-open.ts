// Finds the repository of a folder: its git directory, object store and remote, whatever kind of clone it is.
import { join } from "node:path";
import { configuration } from "../errors.ts";
import { gitEnv, type Place, runGit, withSettings } from "./git.ts";
import { ourSettings, readSettings } from "./repo-config.ts";

export interface Found {
  place: Place;
  gitDir: string;
  /** The object store, and the file that names the commits a shallow clone ends at. */
  objects: string;
  shallowFile: string;
  remote: boolean;
  /** The forge's own id of origin's repository, where it is known. */
  forge: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

const patient_ssh = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=5 -o ServerAliveCountMax=3";

export async function findRepo(dir: string, base: Env | undefined): Promise<Found> {
  const env = gitEnv(base);
  const asked = [
    "--path-format=absolute",
    "--absolute-git-dir",
    "--git-path",
    "objects",
    "--git-path",
    "shallow",
    "--is-inside-work-tree",
    "--show-cdup",
  ];
  const ran = await runGit({ cwd: dir, env }, ["rev-parse", ...asked]);
  if (ran.code !== 0) throw notARepo(dir, ran.stderr);
  const [gitDir, objects, shallowFile, inside, up] = ran.stdout.toString().split("\n") as [
    string,
    string,
    string,
    string,
    string,
  ];
  // Relative addresses of remotes count from the top of the work tree.
  const cwd = inside === "true" ? join(dir, up) : gitDir;
  const settings = await readSettings({ cwd, env });
  const ours = ourSettings(settings);
  const place: Place = { cwd, env: { ...withSettings(env, ours.settings), ...ours.env, GIT_DIR: gitDir } };
  const ssh_chosen = env.GIT_SSH_COMMAND ?? env.GIT_SSH ?? settings.find(([key]) => key === "core.sshcommand");
  if (ssh_chosen === undefined) place.env.GIT_SSH_COMMAND = patient_ssh;
  const address = settings.find(([key]) => key === "remote.origin.url")?.[1];
  return { place, gitDir, objects, shallowFile, remote: address !== undefined, forge: forgeId(address, base) };
}

/** Address of `origin` as git would use it, or null. */
export async function originUrl(dir: string, base: Env | undefined): Promise<string | null> {
  const ran = await runGit({ cwd: dir, env: gitEnv(base) }, ["remote", "get-url", "origin"]);
  return ran.code === 0 ? ran.stdout.toString().trim() : null;
}

function notARepo(dir: string, said: string) {
  if (said.includes("dubious ownership"))
    return configuration(
      `git does not trust ${dir}: it belongs to another user`,
      `git config --global --add safe.directory ${JSON.stringify(dir)}`,
    );
  return configuration(
    `${dir} is not a git repository`,
    "name one with --repo, or make a pack here with `towline init`",
  );
}

/**
 * The forge's own id of origin's repository, like `github.com/123`: where the CI service names one, and its words are
 * about this very origin.
 */
export function forgeId(address: string | undefined, env: Env = {}): string | undefined {
  const { GITHUB_REPOSITORY_ID: id, GITHUB_REPOSITORY: name, GITHUB_SERVER_URL: server } = env;
  if (address === undefined || !id || !/^\d+$/.test(id) || !name || !server) return undefined;
  const host = server
    .replace(/^\w+:\/\//, "")
    .replace(/\/+$/, "")
    .toLowerCase();
  const [, at = "", path = ""] =
    /^\w+:\/\/(?:[^@/]*@)?([^/]+)\/+(.+)$/.exec(address) ?? /^(?:[^@/]*@)?([^:/]+):\/*(.+)$/.exec(address) ?? [];
  const named = `${at}/${path.replace(/\/+$/, "").replace(/\.git$/, "")}`;
  return named.toLowerCase() === `${host}/${name.toLowerCase()}` ? `${host}/${id}` : undefined;
}
