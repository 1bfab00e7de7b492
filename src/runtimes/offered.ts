// A runtime that a plugin offers: made out of what it declares. The command is the same for all of them and for every
// task; the program's name, its arguments and its variables reach it by files, each read as one word.

import { argumentsOf, filled, type RuntimeOffer } from "../core/plugin-offers.ts";
import { clean, oneLine } from "../core/text.ts";
import type { Assignment, Launch, Outcome, RawResult, Runtime } from "../ports.ts";
import { counts, parsed, readCut } from "./json.ts";
import { readMarked } from "./marked.ts";
import { streamText, unfinished } from "./output.ts";
import { export_secrets, secretFiles } from "./secrets.ts";
import { scriptOf } from "./shell.ts";
import { characterText, taskText } from "./task-text.ts";

// A word may end in blanks: the dot keeps them. `@NAME` is a file of this folder, by its whole path.
const command = `umask 077
PATH=$PATH:$HOME/.local/bin
export PATH
program=$(cat program)
if ! command -v "$program" >/dev/null 2>&1; then
  echo "$program is not installed on this host (looked on PATH and in ~/.local/bin)" >&2
  exit 127
fi
${export_secrets}
NO_COLOR=1
TERM=dumb
export NO_COLOR TERM
for file in env/*; do
  [ -f "$file" ] || continue
  word=$(cat "$file"; echo .)
  export "\${file#env/}=\${word%.}"
done
set --
for file in args/*; do
  [ -f "$file" ] || continue
  word=$(cat "$file"; echo .)
  word=\${word%.}
  case $file in *.file) word=$PWD/$word ;; esac
  set -- "$@" "$word"
done
exec <input || exit 73
[ -z "$TOWLINE_TREE" ] || cd "$TOWLINE_TREE" || exit 73
exec "$program" "$@"`;

/** What it is told: a model its character and its task, a script nothing but itself. */
function textsOf(assignment: Assignment, { model, args }: RuntimeOffer): Record<string, string> {
  if (!model) return { prompt: scriptOf(assignment.prompt) };
  const character = characterText(assignment);
  const task = taskText(assignment);
  return args.flat().includes("{character}")
    ? { prompt: task, character }
    : { prompt: `# Who you are\n\n${character}\n${task}` };
}

function launchOf(name: string, offer: RuntimeOffer): (assignment: Assignment) => Launch {
  return (assignment) => {
    const { agent, job } = assignment;
    const texts = textsOf(assignment, offer);
    const values = { model: agent.model, url: agent.url, provider: agent.provider, job };
    // Slots of files stay, and become paths on the host.
    const words = argumentsOf(offer.args, {
      ...values,
      prompt: "{prompt}",
      character: texts.character && "{character}",
    });
    const args = words.map((word, at) => {
      const file = /^\{(prompt|character)\}$/.exec(word)?.[1];
      const place = `args/${String(at).padStart(3, "0")}`;
      return file === undefined ? [place, word] : [`${place}.file`, file];
    });
    const env = Object.entries(offer.env).flatMap(([key, text]) => {
      const value = filled(text, values);
      return value === null ? [] : [[`env/${key}`, value]];
    });
    const secrets = secretFiles(assignment);
    return {
      files: {
        program: offer.program ?? name,
        ...texts,
        input: offer.stdin === "prompt" && offer.model ? (texts.prompt as string) : "",
        ...Object.fromEntries([...args, ...env]),
        ...secrets.files,
      },
      secret: secrets.secret,
      command,
      ...(offer.model ? { told: texts } : {}),
    };
  };
}

/** What stands there; undefined: nothing. */
const at = (value: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (one, key) =>
        typeof one === "object" && one !== null && Object.hasOwn(one, key)
          ? (one as Record<string, unknown>)[key]
          : undefined,
      value,
    );

type Read = NonNullable<RuntimeOffer["read"]>;
interface Told {
  answer: string;
  error?: string;
  cost?: number;
  tokens?: Record<string, number>;
}

/** Of these objects the last one that has it; null: none has an answer or an error. */
function told(objects: readonly Record<string, unknown>[], { answer, error, cost, tokens = {} }: Read): Told | null {
  const last = (path: string) =>
    objects.map((one) => at(one, path)).findLast((one) => one !== undefined && one !== null);
  const said = last(answer);
  const failed = error === undefined ? undefined : last(error);
  if (typeof said !== "string" && failed === undefined) return null;
  const paid = cost === undefined ? undefined : last(cost);
  const counted = counts(Object.fromEntries(Object.entries(tokens).map(([key, path]) => [key, last(path)])));
  return {
    answer: typeof said === "string" ? clean(said) : "",
    ...(failed === undefined || failed === false || failed === "" ? {} : { error: oneLine(textOf(failed), 300) }),
    ...(typeof paid === "number" && Number.isFinite(paid) && paid >= 0 ? { cost: paid } : {}),
    ...(counted ? { tokens: counted } : {}),
  };
}

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

function objectsOf(text: string, output: RuntimeOffer["output"]): Record<string, unknown>[] {
  const whole = output === "json" ? parsed(text) : null;
  if (whole) return [whole];
  return text.split("\n").flatMap((line): Record<string, unknown>[] => {
    const one = line.startsWith("{") ? parsed(line) : null;
    return one ? [one] : [];
  });
}

function outcomeOf(raw: RawResult, { output, read, model }: RuntimeOffer): Outcome {
  const plain = () => streamText(raw.stdout).trimEnd();
  if (!model) {
    const answer = plain();
    return unfinished(raw, answer) ?? { state: "finished", outcome: "success", answer };
  }
  const found = output === "text" || !read ? null : readCut(raw.stdout, (text) => told(objectsOf(text, output), read));
  const { answer: said, error, ...rest } = found ?? { answer: plain() };
  const known = { ...readMarked(said), ...rest };
  const cut = unfinished(raw, known.answer, said);
  if (cut && (raw.end !== "exited" || error === undefined)) return { ...known, ...cut };
  if (error !== undefined)
    return { ...known, state: "failed", outcome: known.answer === "" ? "failure" : "partial", why: error };
  if (known.answer === "")
    return { ...known, state: "empty", outcome: "failure", why: "exit 0, but it gave no answer" };
  if (output !== "text" && found === null)
    return {
      ...known,
      state: "finished",
      outcome: "partial",
      why: "what it printed is no JSON with an answer in it: all of it is kept",
    };
  return { ...known, state: "finished", outcome: "success" };
}

/** The runtime that the plugin of this name offers. */
export function offered(name: string, offer: RuntimeOffer): Runtime {
  return {
    name,
    model: offer.model,
    launch: launchOf(name, offer),
    outcome: (result) => outcomeOf(result, offer),
  };
}
