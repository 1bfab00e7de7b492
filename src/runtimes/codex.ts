// `codex`: one run of `codex exec`, with the host's own login or with a key that the agent's record names.
import type { Assignment, Launch, Runtime } from "../ports.ts";
import { codexOutcome } from "./codex-result.ts";
import { modeOf } from "./mode.ts";
import { export_secrets, secretFiles } from "./secrets.ts";
import { goes_on, session_folder } from "./session.ts";
import { characterText, taskText } from "./task-text.ts";

// Of its events those that hold whole outputs of commands stay here: they would push the answer out of what is kept.
const events_awk = '/"type":"item\\./ && !/"type":"(agent_message|error)"/ { next } { print }';

// Constant: what belongs to a task reaches it by files. Values after -c are TOML.
const command = `umask 077
PATH=$PATH:$HOME/.local/bin
export PATH
if ! command -v codex >/dev/null 2>&1; then
  echo 'codex is not installed on this host (looked on PATH and in ~/.local/bin)' >&2
  exit 127
fi
${session_folder}
if [ -s own-home ]; then
  unset OPENAI_API_KEY CODEX_API_KEY OPENAI_BASE_URL CODEX_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME
  HOME=$session/home
  export HOME
fi
${export_secrets}
[ -n "$CODEX_API_KEY" ] || [ -z "$OPENAI_API_KEY" ] || export "CODEX_API_KEY=$OPENAI_API_KEY"
[ -n "$OPENAI_API_KEY" ] || [ -z "$CODEX_API_KEY" ] || export "OPENAI_API_KEY=$CODEX_API_KEY"
NO_COLOR=1
TERM=dumb
export NO_COLOR TERM
set -- exec
if [ -s resume ]; then
  for file in "\${CODEX_HOME:-$HOME/.codex}"/sessions/*/*/*/*-"$(cat resume)".jsonl; do
    if [ -f "$file" ]; then set -- exec resume "$(cat resume)"; fi
  done
  [ $# -gt 1 ] || echo 'the session of the earlier round is not here any more: a new one was started' >&2
fi
set -- "$@" --json --skip-git-repo-check -c check_for_update_on_startup=false -c analytics.enabled=false \\
  -c approval_policy=never -c "sandbox_mode=$(cat sandbox)"
if [ -s model ]; then set -- "$@" --model "$(cat model)"; fi
if [ -s url ]; then
  set -- "$@" -c model_provider=towline -c model_providers.towline.name=towline \\
    -c "model_providers.towline.base_url=\\"$(cat url)\\"" -c model_providers.towline.wire_api=responses \\
    -c model_providers.towline.env_key=OPENAI_API_KEY \\
    -c model_providers.towline.request_max_retries=2 -c model_providers.towline.stream_max_retries=2
fi
date '+zone %z'
here=$PWD
cd "\${TOWLINE_TREE:-$session/work}" || exit 73
trap 'late=1' TERM
codex "$@" - <"$here/prompt.md" >"$here/events"
code=$?
awk '${events_awk}' "$here/events"
[ -z "$late" ] || code=143
${goes_on}
grep '^{"type":"item.completed".*"type":"agent_message"' "$here/events" | tail -n 1 >"$here/said"
if [ "$code" = 0 ] && goes_on "$here" "$here/said"; then keep_session "$here"; fi
exit "$code"`;

const sandboxes = {
  dontAsk: "read-only",
  plan: "read-only",
  acceptEdits: "workspace-write",
  bypassPermissions: "danger-full-access",
} as const;

const lines = (one: string | undefined) => (one === undefined ? "" : `${one}\n`);

function launch(assignment: Assignment): Launch {
  const { agent, resume } = assignment;
  const secrets = secretFiles(assignment);
  const prompt = `# Who you are\n\n${characterText(assignment)}\n${taskText(assignment)}`;
  return {
    files: {
      "prompt.md": prompt,
      resume: lines(resume?.session),
      model: lines(agent.model),
      url: lines(agent.url),
      "own-home": agent.auth === "env" ? "yes\n" : "",
      sandbox: `${sandboxes[modeOf(assignment)]}\n`,
      ...secrets.files,
    },
    secret: secrets.secret,
    command,
    told: { "prompt.md": prompt },
  };
}

/** One run of `codex exec --json`. */
export function codex(): Runtime {
  return { name: "codex", model: true, launch, outcome: codexOutcome };
}
