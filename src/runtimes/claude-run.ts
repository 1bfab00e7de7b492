// What each run of Claude Code needs, headless or in a pane: its surroundings, its files, the name of its session.
import { digest } from "../core/hash.ts";
import type { Assignment } from "../ports.ts";
import { modeOf } from "./mode.ts";
import { export_secrets } from "./secrets.ts";
import { characterText, talk_tool } from "./task-text.ts";

/**
 * POSIX sh, after `session_folder`. With a key of its own the run gets a home of its own, so that no login, setting or
 * memory of the host's owner is in it. Retries are few: by itself it would go on for minutes.
 */
export const surroundings = `unset CLAUDECODE CLAUDE_CODE_ENTRYPOINT
if [ -s own-home ]; then
  unset ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN ANTHROPIC_BASE_URL ANTHROPIC_MODEL
  unset CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX CLAUDE_CODE_USE_FOUNDRY
  unset CLAUDE_CONFIG_DIR XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME
  HOME=$session/home
  export HOME
fi
${export_secrets}
CLAUDE_CODE_MAX_RETRIES=2
CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
DISABLE_AUTOUPDATER=1
export CLAUDE_CODE_MAX_RETRIES CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC DISABLE_AUTOUPDATER`;

/** The session of one epoch of one job: known before it starts, so that a run that says nothing has one, too. A UUID. */
export function sessionOf(job: string, epoch: number): string {
  const hex = digest("session", job, String(epoch));
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

export const lines = (list: readonly (string | number)[] | undefined) => (list ?? []).map((one) => `${one}\n`).join("");

/** The files by which its settings reach it; the prompt and the secrets are the runtime's. */
export function settingFiles(assignment: Assignment): Record<string, string> {
  const { agent, job, epoch, resume } = assignment;
  return {
    "character.md": characterText(assignment),
    session: `${sessionOf(job, epoch)}\n`,
    resume: lines(resume ? [resume.session] : []),
    model: lines(agent.model ? [agent.model] : []),
    url: lines(agent.url ? [agent.url] : []),
    "own-home": agent.auth === "env" ? "yes\n" : "",
    mode: `${modeOf(assignment)}\n`,
    tools: lines([talk_tool, ...(agent.guard?.tools ?? [])]),
    "no-tools": lines(agent.guard?.no_tools),
  };
}
