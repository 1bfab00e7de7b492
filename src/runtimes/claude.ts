// `claude`: one headless run of Claude Code, with the host's own login or with a key that the agent's record names.
import type { Assignment, Launch, Runtime } from "../ports.ts";
import { claudeOutcome } from "./claude-result.ts";
import { lines, sessionOf, settingFiles, surroundings } from "./claude-run.ts";
import { secretFiles } from "./secrets.ts";
import { goes_on, session_folder } from "./session.ts";
import { taskText } from "./task-text.ts";

// Constant: what belongs to a task reaches it by files.
const command = `umask 077
PATH=$PATH:$HOME/.local/bin
export PATH
if ! command -v claude >/dev/null 2>&1; then
  echo 'claude is not installed on this host (looked on PATH and in ~/.local/bin)' >&2
  exit 127
fi
${session_folder}
${surroundings}
if [ -s url ]; then ANTHROPIC_BASE_URL=$(cat url) && export ANTHROPIC_BASE_URL; fi
if [ -s model ]; then ANTHROPIC_MODEL=$(cat model) && export ANTHROPIC_MODEL; fi
NO_COLOR=1
TERM=dumb
export NO_COLOR TERM
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

function launch(assignment: Assignment): Launch {
  const { agent, usd } = assignment;
  const secrets = secretFiles(assignment);
  const prompt = taskText(assignment);
  const settings = settingFiles(assignment);
  return {
    files: {
      "prompt.md": prompt,
      ...settings,
      turns: lines(agent.limits?.turns ? [agent.limits.turns] : []),
      usd: lines(usd ? [usd] : []),
      ...secrets.files,
    },
    secret: secrets.secret,
    command,
    told: { "character.md": settings["character.md"] ?? "", "prompt.md": prompt },
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
