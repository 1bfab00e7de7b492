// `picoclaw`: one shot of the picoclaw command line agent, in a home of its own, so that runs share nothing.
import type { Assignment, Launch, Outcome, RawResult, Runtime } from "../ports.ts";
import { readMarked } from "./marked.ts";
import { streamText, unfinished } from "./output.ts";
import { export_secrets, secretFiles } from "./secrets.ts";
import { characterText, taskText } from "./task-text.ts";

const copies = ["home/config.json", "home/.security.yml"];

// Constant: the task, the model's name and the session's reach it by files. The settings and the keys are the host
// owner's own; the run gets a copy, because the agent may write to its home, and the copy goes when the run ends.
// In a worktree, which is its workspace then, what it keeps there of itself is left out of the work.
const command = `umask 077
${export_secrets}
PATH=$PATH:$HOME/.local/bin
export PATH
config=\${PICOCLAW_CONFIG:-\${PICOCLAW_HOME:-$HOME/.picoclaw}/config.json}
if ! command -v picoclaw >/dev/null 2>&1; then
  echo 'picoclaw is not installed on this host (looked on PATH and in ~/.local/bin)' >&2
  exit 127
fi
if [ ! -f "$config" ]; then
  echo "picoclaw has no settings on this host: $config is missing, run picoclaw onboard there once" >&2
  exit 78
fi
workspace=$PWD/workspace task=TASK.md
if [ -n "$TOWLINE_TREE" ]; then
  workspace=$TOWLINE_TREE task=.towline/TASK.md
  for own in AGENT.md memory sessions state cron; do
    [ -e "$workspace/$own" ] || echo "/$own" >>"$TOWLINE_EXCLUDE" || exit 73
  done
  if grep -qxF /AGENT.md "$TOWLINE_EXCLUDE"; then cp AGENT.md "$workspace/AGENT.md" || exit 73; fi
else
  mkdir -p workspace && cp AGENT.md TASK.md workspace/ || exit 73
fi
mkdir -p home && cp "$config" home/config.json || exit 73
if [ -f "\${config%/*}/.security.yml" ]; then
  cp "\${config%/*}/.security.yml" home/.security.yml || exit 73
else
  rm -f home/.security.yml
fi
PICOCLAW_HOME=$PWD/home
PICOCLAW_AGENTS_DEFAULTS_WORKSPACE=$workspace
PICOCLAW_LOG_FILE=$PWD/picoclaw.log
NO_COLOR=1
TERM=dumb
export PICOCLAW_HOME PICOCLAW_AGENTS_DEFAULTS_WORKSPACE PICOCLAW_LOG_FILE NO_COLOR TERM
unset TZ PICOCLAW_CONFIG
set -- agent -s "$(cat session)" -m "Read $task in your workspace and do what it says."
if [ -s model ]; then set -- "$@" --model "$(cat model)"; fi
picoclaw "$@" </dev/null
code=$?
rm -f home/config.json home/.security.yml
exit $code`;

function launch(assignment: Assignment): Launch {
  const secrets = secretFiles(assignment);
  const [character, task] = [characterText(assignment), taskText(assignment)];
  return {
    files: {
      "AGENT.md": character,
      "TASK.md": task,
      session: `agent:main:${assignment.job}\n`,
      model: assignment.agent.model ? `${assignment.agent.model}\n` : "",
      // Places for the copies: whatever becomes of the run, the host removes what is named secret.
      ...Object.fromEntries(copies.map((name) => [name, ""])),
      ...secrets.files,
    },
    secret: [...copies, ...secrets.secret],
    command,
    // In a worktree it reads the task that is there.
    told: { "AGENT.md": character, ...(assignment.code ? {} : { "TASK.md": task }) },
  };
}

const lobster = "🦞 ";
const banner_line = /^[\s\u2500-\u259f]*$/;

/** What the agent said: everything after the first lobster at a line start. Without one: all but the banner. */
function said(stdout: string): { text: string; found: boolean } {
  const at = stdout.startsWith(lobster) ? 0 : stdout.indexOf(`\n${lobster}`) + 1;
  const found = at > 0 || stdout.startsWith(lobster);
  if (found) return { text: stdout.slice(at + lobster.length).trim(), found };
  const lines = stdout.split("\n");
  const first = lines.findIndex((line) => !banner_line.test(line));
  return { text: first < 0 ? "" : lines.slice(first).join("\n").trim(), found };
}

// Sentences that picoclaw itself says with exit 0 when the model gave no answer (v0.1.1 to v0.2.9). Matched only
// against a whole short answer: an answer may well be about these words.
const own_words: { pattern: RegExp; state: "empty" | "finished"; why: string }[] = [
  { pattern: /^the model returned an empty response\b/i, state: "empty", why: "the model returned an empty answer" },
  {
    pattern: /^i['’]ve completed processing but have no response to give\b/i,
    state: "empty",
    why: "the model returned an empty answer",
  },
  {
    pattern: /^i['’]?(?:ve| have) (?:reached|hit) (?:the )?`?max_tool_iterations`?/i,
    state: "finished",
    why: "stopped at the limit of tool steps (max_tool_iterations) without a final answer",
  },
  {
    pattern: /^requested output delivered via tool attachment\b/i,
    state: "finished",
    why: "the answer went into an attachment, which is not collected",
  },
];

function outcome(result: RawResult): Outcome {
  const stdout = streamText(result.stdout);
  const { text, found } = said(stdout);
  const marked = readMarked(text);
  // Until it has answered, picoclaw prints nothing but its banner and its log: that is no partial answer.
  const cut = unfinished(result, found ? marked.answer : "", stdout);
  if (cut) return found ? { ...marked, ...cut } : cut;
  if (marked.answer === "")
    return { ...marked, state: "empty", outcome: "failure", why: "exit 0, but picoclaw printed no answer" };
  const own = marked.answer.length <= 400 ? own_words.find((w) => w.pattern.test(marked.answer)) : undefined;
  if (own) return { ...marked, state: own.state, outcome: own.state === "empty" ? "failure" : "partial", why: own.why };
  if (!found)
    return {
      ...marked,
      state: "finished",
      outcome: "partial",
      why: "the answer could not be told from the rest of the output (no 🦞 line): all of it is kept",
    };
  return { ...marked, state: "finished", outcome: "success" };
}

/** One shot of `picoclaw agent` with the host owner's own settings and keys. */
export function picoclaw(): Runtime {
  return { name: "picoclaw", model: true, launch, outcome };
}
