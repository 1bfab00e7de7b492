// Which server and which repository are meant.
import { configuration } from "../errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The settings' address, else the one that the CI service gives (a company's own server), else github.com's. */
export const apiUrl = (config: { url?: string | undefined }, env: Env) =>
  (config.url ?? (env.GITHUB_API_URL || "https://api.github.com")).replace(/\/+$/, "");

/** `owner/name` of the pack itself. An origin on another server than the API's is somebody else's namesake. */
export async function ownRepository(
  env: Env,
  url: string,
  origin: () => Promise<string | null>,
  advice = "name it in `pollers.github.repos`, like [owner/name]",
): Promise<string> {
  const named = env.GITHUB_REPOSITORY ?? "";
  if (/^[\w.-]+\/[\w.-]+$/.test(named)) return named;
  const found = repositoryAt(url, (await origin()) ?? "");
  if (found !== null) return found;
  const host = new URL(url).hostname;
  throw configuration(
    `the pack's own repository is not known: its origin is not on ${host === "api.github.com" ? "github.com" : host}`,
    advice,
  );
}

/** `owner/name` of a git address on the API's own server; null: it is on another one. */
export function repositoryAt(url: string, remote: string): string | null {
  const found = repositoryOf(remote);
  const host = new URL(url).hostname;
  const same = found?.host.replace(/^ssh\.github\.com$/, "github.com");
  if (found && (same === host || `api.${same}` === host)) return `${found.owner}/${found.name}`;
  return null;
}

/** Host, owner and name of a git address: `https://…`, `ssh://…` or `git@host:owner/name.git`. */
export function repositoryOf(remote: string): { host: string; owner: string; name: string } | null {
  const found =
    /^(?:https?|ssh|git):\/\/(?:[^@/\s]*@)?([\w.-]+)(?::\d+)?\/([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(remote) ??
    /^(?:[\w.-]+@)?([\w.-]+):([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(remote);
  const [, host, owner, name] = found ?? [];
  return host && owner && name ? { host: host.toLowerCase(), owner, name } : null;
}
