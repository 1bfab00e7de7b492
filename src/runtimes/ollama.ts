// `ollama`: one answer of a local model, without tools, over Ollama's HTTP API as the host reaches it.
import { clean } from "../core/text.ts";
import { configuration } from "../errors.ts";
import type { Assignment, Launch, Outcome, RawResult, Runtime } from "../ports.ts";
import { counts, parsed, spliced, textOf } from "./json.ts";
import { readMarked } from "./marked.ts";
import { unfinished } from "./output.ts";
import { characterText, taskText } from "./task-text.ts";

/** Tokens of an answer, thinking included: what bounds a model that never comes to an end. */
const most_tokens = 16_384;
/** Ollama's own context. It cuts a longer prompt without a word, so more is asked for where more is needed. */
const usual_context = 4096;
const most_context = 131_072;

// Constant: the request and the address reach it by files. The answer comes in small pieces into a file, so that a run
// that is ended has said what it got to; then three lines are printed: the HTTP status, the answer as the inside of a
// JSON string, and the last line of the reply, which holds the counts or an error.
const command = `umask 077
LC_ALL=C
export LC_ALL
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
base=$(cat url)
[ -n "$base" ] || base=$OLLAMA_HOST
case $base in
  '') base=http://127.0.0.1:11434 ;;
  http://* | https://*) ;;
  :*) base=http://127.0.0.1$base ;;
  *:*[!]]) base=http://$base ;;
  *) base=http://$base:11434 ;;
esac
case $base in
  *://0.0.0.0 | *://0.0.0.0[:/]*) base=\${base%%0.0.0.0*}127.0.0.1\${base#*0.0.0.0} ;;
esac
url=\${base%/}/api/chat
status=000
: >reply
trap 'stopped=1' TERM INT HUP
ulimit -f 65536 2>/dev/null || :
if command -v curl >/dev/null 2>&1; then
  status=$(curl -q -sS -N --connect-timeout 10 -H 'Content-Type: application/json' \\
    --data-binary @request.json -o reply -w '%{http_code}' "$url")
  code=$?
elif command -v wget >/dev/null 2>&1; then
  can=$(wget --help 2>&1)
  case $can in
    *post-file*) ;;
    *)
      echo 'the wget of this host cannot post a file: install curl' >&2
      exit 127
      ;;
  esac
  set --
  case $can in *--content-on-error*) set -- --content-on-error --tries=1 --connect-timeout=10 --no-config ;; esac
  wget -S "$@" --header 'Content-Type: application/json' --post-file request.json -O reply "$url" 2>headers
  code=$?
  status=$(sed -n 's/^.*HTTP\\/[0-9.]* \\([0-9][0-9][0-9]\\).*$/\\1/p' headers | tail -n 1)
  case $status in 4* | 5*) code=0 ;; esac
  [ "$code" -eq 0 ] || tail -n 3 headers >&2
else
  echo 'neither curl nor wget is installed on this host: one of them is needed to ask ollama' >&2
  exit 127
fi
# Whoever ends this run may say so twice: what is put together now must not be cut by it.
trap '' TERM INT HUP
echo "http \${status:-000}"
sed -n 's/^.*"content":"\\([^"\\]*\\(\\\\.[^"\\]*\\)*\\)".*$/\\1/p' reply | tr -d '\\n'
echo
tail -n 1 reply | dd bs=4096 count=1 2>/dev/null
echo
[ -z "$stopped" ] || exit 143
[ "$code" -eq 0 ] && exit 0
case $code in
  23 | 153)
    echo 'the reply of ollama is larger than 32 MiB, or the disk of this host is full' >&2
    exit 73
    ;;
esac
if [ -s reply ]; then
  echo "the connection to ollama at $base broke before its answer was whole" >&2
  exit 70
fi
echo "ollama does not answer at $base" >&2
exit 69`;

/** Throws a configuration Fault for an agent without a model. */
function launch(assignment: Assignment): Launch {
  const { model, url } = assignment.agent;
  if (!model)
    throw configuration("the agent's record names no `model`, and ollama has no default", "write `model: llama3.2`");
  const messages = [
    { role: "system", content: characterText(assignment) },
    { role: "user", content: taskText(assignment) },
  ];
  const request = { model, stream: true, messages, options: { num_predict: most_tokens, ...context(messages) } };
  return {
    files: { "request.json": `${JSON.stringify(request)}\n`, url: url ? `${url}\n` : "" },
    secret: [],
    command,
    told: Object.fromEntries(messages.map(({ role, content }) => [role, content])),
  };
}

/** Room for the prompt and a quarter of it, at least 1,024 tokens, for the answer; three characters are a token. */
function context(messages: { content: string }[]): { num_ctx?: number } {
  const prompt = messages.reduce((sum, { content }) => sum + content.length, 0) / 3;
  const needed = prompt + Math.max(1024, prompt / 4);
  if (needed <= usual_context) return {};
  return { num_ctx: Math.min(most_context, 2 ** Math.ceil(Math.log2(needed))) };
}

interface Reply {
  status: number;
  answer: string;
  /** The reply's last line as an object; null when it is none, as with a connection that was cut. */
  last: Record<string, unknown> | null;
}

function replyOf(result: RawResult): Reply | null {
  const text = spliced(result.stdout);
  const [, status, inside, rest] = /^http (\d{3})\n([^\n]*)\n([\s\S]*)$/.exec(text) ?? [];
  if (status === undefined || inside === undefined) return null;
  return { status: Number(status), answer: textOf(inside), last: parsed((rest ?? "").trim().split("\n")[0] ?? "") };
}

function outcome(result: RawResult): Outcome {
  const reply = replyOf(result);
  const { last } = reply ?? {};
  const marked = readMarked(clean(reply?.answer ?? ""));
  const tokens = counts({ input: last?.prompt_eval_count, output: last?.eval_count });
  const known = { ...marked, ...(tokens ? { tokens } : {}) };
  const cut = unfinished(result, marked.answer);
  if (cut) return { ...known, ...cut };
  const failed = (why: string): Outcome => ({ ...known, state: "failed", outcome: "failure", why });
  if (reply === null) {
    const raw = clean(spliced(result.stdout)).trim();
    if (raw === "") return { ...known, state: "empty", outcome: "failure", why: "exit 0, but nothing was printed" };
    return { ...failed("exit 0, but what was printed is no reply of ollama"), answer: raw };
  }
  const refused = refusal(reply);
  if (refused !== null) return failed(refused);
  if (last?.done !== true) return failed("ollama's reply ends before it says that it is done");
  if (marked.answer === "")
    return { ...known, state: "empty", outcome: "failure", why: "the model returned an empty answer" };
  if (last.done_reason === "length")
    return { ...known, state: "finished", outcome: "partial", why: "stopped at the limit of its answer's length" };
  return { ...known, state: "finished", outcome: "success" };
}

/** What ollama says against the request, in words for people; null when it took it. */
function refusal({ status, last }: Reply): string | null {
  const error = last?.error;
  const nested = typeof error === "object" && error !== null ? (error as { message?: unknown }).message : error;
  const said = typeof nested === "string" ? clean(nested).replace(/\s+/g, " ").trim().slice(0, 300) : "";
  if (status === 200) return error === undefined ? null : `ollama broke off: ${said || "no reason given"}`;
  const advice = status === 404 && /model|^$/i.test(said) ? "; run `ollama pull` for this model there" : "";
  return `ollama refused (HTTP ${status})${said ? `: ${said}` : ""}${advice}`;
}

/** One answer of the model that the agent names, from the Ollama that the host reaches. */
export function ollama(): Runtime {
  return { name: "ollama", model: true, launch, outcome };
}
