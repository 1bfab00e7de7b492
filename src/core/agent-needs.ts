// What an agent's record must say for its runtime, what it may not ask for, and what its runtime must find on a host.
import type { Entry } from "./entry.ts";
import { pollerKeys } from "./poller-keys.ts";
import type { Agent, Settings } from "./schema.ts";

/** A field that keeps the agent from working: what is wrong, what to write instead. `at`: which of the field's list. */
export interface Lack {
  field: "model" | "env" | "auth" | "api_key_env";
  at?: number;
  message: string;
  advice: string;
}

const claude = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];
/** Of runtimes that log in by themselves: any of these is a login. */
const logins: Readonly<Record<string, string[]>> = { claude, tmux: claude, codex: ["CODEX_API_KEY", "OPENAI_API_KEY"] };

// What the ticker lives by, and what would change how a host runs things: an agent never gets these.
const reserved =
  /^(PATH|HOME|PWD|SHELL|IFS|ENV|BASH_ENV|USER|NODE_OPTIONS|(LD|DYLD|GIT|SSH|TOWLINE|GITHUB|ACTIONS|RUNNER|TURSO)_.*)$/;

/**
 * The first thing that keeps the agent from working, or null. `kept`: names of variables that hold the pack's own keys.
 */
export function agentLack(agent: Agent, kept: ReadonlySet<string>): Lack | null {
  if (agent.runtime === "ollama" && !agent.model)
    return {
      field: "model",
      message: "`runtime: ollama` needs a `model`",
      advice: "write `model:` and a name that `ollama list` shows on the host, like `model: llama3.2`",
    };
  if (agent.runtime === "ollama" && agent.env?.length)
    return {
      field: "env",
      at: 0,
      message: "`runtime: ollama` runs no tools, so there is nobody to use a secret",
      advice: "take `env` out",
    };
  if (agent.api_key_env !== undefined && isKept(agent.api_key_env, kept))
    return { field: "api_key_env", ...keptWords(agent.api_key_env) };
  return envLack(agent.env ?? [], kept) ?? authLack(agent);
}

/** Whether that variable is what the pack lives by: it leaves the ticker for nobody. */
export const isKept = (name: string, kept: ReadonlySet<string>) => reserved.test(name) || kept.has(name);

export const keptWords = (name: string) => ({
  message: `\`${name}\` is the pack's own or the machine's and is given to no agent`,
  advice: "take it out, or give the agent a secret of its own under another name",
});

function envLack(names: string[], kept: ReadonlySet<string>): Lack | null {
  for (const [at, name] of names.entries()) {
    if (!/^[A-Z_][A-Z0-9_]{0,63}$/.test(name))
      return {
        field: "env",
        at,
        message: `\`${name}\` is no name of a variable`,
        advice: "write it in capitals, digits and _, like `env: [ANTHROPIC_API_KEY]`; never a key itself",
      };
    if (isKept(name, kept)) return { field: "env", at, ...keptWords(name) };
  }
  return null;
}

function authLack({ runtime, auth, env = [] }: Agent): Lack | null {
  const names = Object.hasOwn(logins, runtime) ? logins[runtime] : undefined;
  if (names === undefined) return null;
  const own = env.filter((name) => names.includes(name));
  if (auth === "env" && own.length === 0)
    return {
      field: "auth",
      message: "`auth: env` needs the name of a key",
      advice: `write \`env: [${names[0]}]\`, or \`auth: host\` for the login of the machine`,
    };
  if (auth !== "env" && own.length > 0)
    return {
      field: "env",
      at: env.indexOf(own[0] as string),
      message: `\`${own[0]}\` is named, but the login of the machine is used`,
      advice: "write `auth: env` to use the key, or take it out of `env`",
    };
  return null;
}

/** Variables that hold the keys of the pack's machines, its database and its sources. `settings`: null when unreadable. */
export const packKeys = (hosts: Iterable<Entry<"host">>, settings: Settings | null): Set<string> =>
  new Set([
    ...(settings ? [settings.database.url, settings.database.token] : []),
    ...Object.values(settings?.releases ?? {}).flatMap(({ token }) => token ?? []),
    ...(settings ? pollerKeys(settings).map(({ variable }) => variable) : []),
    ...(settings?.forge?.name === "github" ? [settings.forge.app?.key ?? settings.forge.token] : []),
    ...[...hosts].flatMap(({ data }) =>
      [data.key, data.key_passphrase].flatMap((place) => (place?.startsWith("env:") ? [place.slice(4)] : [])),
    ),
  ]);

/** The runtime that a host must have for this agent; `shell`, which every host has, where the agent says where its model is. */
export const neededOnHost = ({ runtime, url }: Agent): string =>
  runtime === "ollama" && url !== undefined ? "shell" : runtime;
