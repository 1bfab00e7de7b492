// Which server and which repository are meant.
import type { GithubSettings } from "../core/schema.ts";
import { configuration } from "../errors.ts";
import type { PollerOptions } from "./index.ts";

type Env = PollerOptions["env"];

/** The settings' address, else the one that the CI service gives (a company's own server), else github.com's. */
export const apiUrl = (config: GithubSettings, env: Env) =>
  (config.url ?? (env.GITHUB_API_URL || "https://api.github.com")).replace(/\/+$/, "");

/** `owner/name` of the pack itself. An origin on another server than the API's is somebody else's namesake. */
export async function ownRepository(env: Env, url: string, origin: PollerOptions["origin"]): Promise<string> {
  const named = env.GITHUB_REPOSITORY ?? "";
  if (/^[\w.-]+\/[\w.-]+$/.test(named)) return named;
  const found = repositoryOf((await origin()) ?? "");
  const host = new URL(url).hostname;
  if (found && (found.host === host || (found.host === "github.com" && host === "api.github.com")))
    return `${found.owner}/${found.name}`;
  throw configuration(
    `the pack's own repository is not known: its origin is not on ${host === "api.github.com" ? "github.com" : host}`,
    "name it in `pollers.github.repos`, like [owner/name]",
  );
}

/** Host, owner and name of a git address: `https://…`, `ssh://…` or `git@host:owner/name.git`. */
export function repositoryOf(remote: string): { host: string; owner: string; name: string } | null {
  const found =
    /^(?:https?|ssh|git):\/\/(?:[^@/\s]*@)?([\w.-]+)(?::\d+)?\/([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(remote) ??
    /^(?:[\w.-]+@)?([\w.-]+):([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(remote);
  const [, host, owner, name] = found ?? [];
  return host && owner && name ? { host: host.toLowerCase(), owner, name } : null;
}
