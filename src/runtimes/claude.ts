// `claude`: one headless run of Claude Code, with the host's own login or with a key that the agent's record names.
import { digest } from "../core/hash.ts";
import type { Assignment, Launch, Runtime } from "../ports.ts";
import { claudeOutcome } from "./claude-result.ts";
import { modeOf } from "./mode.ts";
import { export_secrets, secretFiles } from "./secrets.ts";
import { goes_on, session_folder } from "./session.ts";
import { characterText, talk_tool, taskText } from "./task-text.ts";

// Constant: what belongs to a task reaches it by files. With a key of its own the run gets a home of its own, so that no
// login, setting or memory of the host's owner is in it. Retries are few: by itself it would go on for minutes.
const command = `umask 077
PATH=$PATH:$HOME/.local/bin
export PATH
if ! command -v claude >/dev/null 2>&1; then
  echo 'claude is not installed on this host (looked on PATH and in ~/.local/bin)' >&2
  exit 127
fi
${session_folder}
unset CLAUDECODE CLAUDE_CODE_ENTRYPOINT
if [ -s own-home ]; then
  unset ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN ANTHROPIC_BASE_URL ANTHROPIC_MODEL
  unset CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX CLAUDE_CODE_USE_FOUNDRY
  unset CLAUDE_CONFIG_DIR XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME
  HOME=$session/home
  export HOME
fi
${export_secrets}
if [ -s url ]; then ANTHROPIC_BASE_URL=$(cat url) && export ANTHROPIC_BASE_URL; fi
if [ -s model ]; then ANTHROPIC_MODEL=$(cat model) && export ANTHROPIC_MODEL; fi
CLAUDE_CODE_MAX_RETRIES=2
CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
DISABLE_AUTOUPDATER=1
NO_COLOR=1
TERM=dumb
export CLAUDE_CODE_MAX_RETRIES CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC DISABLE_AUTOUPDATER NO_COLOR TERM
set -- --session-id "$(cat session)"
if [ -s resume ]; then
  for file in "\${CLAUDE_CONFIG_DIR:-$HOME/.claude}"/projects/*/"$(cat resume)".jsonl; do
    if [ -f "$file" ]; then set -- --resume "$(cat resume)"; fi
  done
  [ "$1" = --resume ] || echo 'the session of the earlier round is not here any more: a new one was started' >&2
fi
set -- --print --output-format json --strict-mcp-config "$@" \\
  --append-system-prompt-file "$PWD/character.md" --permission-mode "$(cat mode)"
if [ -s turns ]; then set -- "$@" --max-turns "$(cat turns)"; fi
if [ -s usd ]; then set -- "$@" --max-budget-usd "$(cat usd)"; fi
while IFS= read -r tool; do set -- "$@" --allowedTools "$tool"; done <tools
while IFS= read -r tool; do set -- "$@" --disallowedTools "$tool"; done <no-tools
here=$PWD
exec <prompt.md || exit 73
cd "\${TOWLINE_TREE:-$session/work}" || exit 73
trap 'late=1' TERM
claude "$@" >"$here/said"
code=$?
cat "$here/said"
[ -z "$late" ] || code=143
${goes_on}
if [ "$code" = 0 ] && goes_on "$here" "$here/said"; then keep_session "$here"; fi
exit "$code"`;

/** The session of one epoch of one job: known before it starts, so that a run that says nothing has one, too. A UUID. */
export function sessionOf(job: string, epoch: number): string {
  const hex = digest("session", job, String(epoch));
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

const lines = (list: readonly (string | number)[] | undefined) => (list ?? []).map((one) => `${one}\n`).join("");

function launch(assignment: Assignment): Launch {
  const { agent, usd, job, epoch } = assignment;
  const secrets = secretFiles(assignment);
  return {
    files: {
      "prompt.md": taskText(assignment),
      "character.md": characterText(assignment),
      session: `${sessionOf(job, epoch)}\n`,
      resume: lines(assignment.resume ? [assignment.resume.session] : []),
      model: lines(agent.model ? [agent.model] : []),
      url: lines(agent.url ? [agent.url] : []),
      "own-home": agent.auth === "env" ? "yes\n" : "",
      mode: `${modeOf(assignment)}\n`,
      tools: lines([talk_tool, ...(agent.guard?.tools ?? [])]),
      "no-tools": lines(agent.guard?.no_tools),
      turns: lines(agent.limits?.turns ? [agent.limits.turns] : []),
      usd: lines(usd ? [usd] : []),
      ...secrets.files,
    },
    secret: secrets.secret,
    command,
  };
}

/** One headless run of `claude --print`. */
export function claude(): Runtime {
  return {
    name: "claude",
    model: true,
    launch,
    outcome: (result) => ({ session: sessionOf(result.job, result.epoch), ...claudeOutcome(result) }),
  };
}
