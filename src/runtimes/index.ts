// The runtimes, in one table.
import type { OwnRuntime } from "../core/plugin-offers.ts";
import type { State } from "../core/state.ts";
import { configuration } from "../errors.ts";
import type { Runtime } from "../ports.ts";
import { claude } from "./claude.ts";
import { codex } from "./codex.ts";
import { offered } from "./offered.ts";
import { ollama } from "./ollama.ts";
import { picoclaw } from "./picoclaw.ts";
import { shell } from "./shell.ts";
import { tmux } from "./tmux.ts";

export const runtimes = {
  shell: shell(),
  picoclaw: picoclaw(),
  ollama: ollama(),
  claude: claude(),
  tmux: tmux(),
  codex: codex(),
} satisfies Record<OwnRuntime, Runtime>;

/** One of these, or what a plugin offers as far as it was looked at; ours go first. */
export function runtimeOf(
  own: Readonly<Record<string, Runtime>>,
  { plugged }: Pick<State, "plugged">,
  name = "",
): Runtime | undefined {
  if (Object.hasOwn(own, name)) return own[name];
  const found = plugged?.get(name);
  return found && "offer" in found ? offered(name, found.offer) : undefined;
}

/** The runtime of that name; an unknown one is an error, never another one in its place. */
export function runtimeNamed(name: string): Runtime {
  if (Object.hasOwn(runtimes, name)) return runtimes[name as keyof typeof runtimes];
  throw configuration(
    `there is no runtime \`${name}\``,
    `write one of these as the agent's \`runtime\`: ${Object.keys(runtimes).join(", ")}`,
  );
}
