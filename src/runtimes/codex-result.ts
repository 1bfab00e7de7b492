// What `codex exec --json` says of a run: an event a line, of which the last message of the agent is the answer.
import { clean, oneLine } from "../core/text.ts";
import type { Limited, Outcome, RawResult } from "../ports.ts";
import { counts, parsed, readCut } from "./json.ts";
import { limitOf, limitText } from "./limit.ts";
import { readMarked } from "./marked.ts";
import { streamText, unfinished } from "./output.ts";

interface Told {
  answer: string;
  session?: string;
  tokens?: Record<string, number>;
  /** The words of an error that ended the turn. */
  failed?: string;
  /** Of the machine, like +02:00. */
  zone?: string;
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const textOf = (value: unknown): string => (typeof value === "string" ? clean(value).trim() : "");

/** null when no event is in it. `whole`: nothing else may stand among them. */
function read(text: string): Told | null {
  const told: Told = { answer: "" };
  const [, hours, minutes] = /^zone ([+-]\d\d)(\d\d)$/m.exec(text) ?? [];
  if (hours !== undefined) told.zone = `${hours}:${minutes}`;
  let any = false;
  for (const line of text.split("\n")) {
    const event = line.startsWith("{") ? parsed(line) : null;
    if (typeof event?.type !== "string") continue;
    any = true;
    take(told, event);
  }
  return any ? told : null;
}

function take(told: Told, event: Record<string, unknown>): void {
  const item = fieldsOf(event.item);
  if (event.type === "thread.started" && /^[0-9a-f-]{36}$/.test(textOf(event.thread_id)))
    told.session = textOf(event.thread_id);
  else if (event.type === "item.completed" && item.type === "agent_message") told.answer = textOf(item.text);
  else if (event.type === "turn.failed")
    told.failed = oneLine(textOf(fieldsOf(event.error).message), 300) || "no words";
  else if (event.type === "turn.completed") {
    const { input_tokens: all, cached_input_tokens: cached, output_tokens: output } = fieldsOf(event.usage);
    const input = typeof all === "number" && typeof cached === "number" ? all - cached : all;
    const tokens = counts({ input, output, cache_read: cached });
    if (tokens) told.tokens = tokens;
  }
}

function problem(failed: string, limited: Limited | null): string {
  if (limited) return limitText(limited);
  const [, status] = /\bstatus:? (\d{3})\b/.exec(failed) ?? [];
  if (status === "401" || status === "403") return `the API refused the login or key (HTTP ${status}): ${failed}`;
  if (status === "429") return `the API takes no more requests now (HTTP 429): ${failed}`;
  if (/^Missing environment variable|not logged in/i.test(failed))
    return `codex is not logged in on this host: log in there once, or give the agent a key (\`auth: env\`): ${failed}`;
  return `codex failed: ${failed}`;
}

export function codexOutcome(raw: RawResult): Outcome {
  // In a cut stream the event that the cut went through holds the answer: what else is long was left out on the host.
  const told = readCut(raw.stdout, (text) => {
    const found = read(text);
    return found && (raw.stdout.tail.length === 0 || found.answer !== "") ? found : null;
  });
  if (told === null) return unreadable(raw);
  const { session, tokens, failed } = told;
  const marked = readMarked(told.answer);
  const limited = failed === undefined ? null : limitOf(failed, raw.ended_at, told.zone);
  const known = { ...marked, ...(session ? { session } : {}), ...(tokens ? { tokens } : {}) };
  const cut = unfinished(raw, marked.answer);
  if (cut && (raw.end !== "exited" || failed === undefined)) return { ...known, ...cut };
  if (failed !== undefined) {
    const outcome = marked.answer === "" ? "failure" : "partial";
    return { ...known, state: "failed", outcome, why: problem(failed, limited), ...(limited ? { limited } : {}) };
  }
  if (marked.answer === "")
    return { ...known, state: "empty", outcome: "failure", why: "exit 0, but codex gave no answer" };
  return { ...known, state: "finished", outcome: "success" };
}

/** No event: what stands there is kept as it is, for people to look at. */
function unreadable(raw: RawResult): Outcome {
  const text = streamText(raw.stdout)
    .replace(/^zone [+-]\d{4}$/m, "")
    .trim();
  const cut = unfinished(raw, text, text);
  if (cut) return cut;
  if (text === "") return { state: "empty", outcome: "failure", answer: "", why: "exit 0, but codex printed nothing" };
  return { state: "failed", outcome: "failure", answer: text, why: "what codex printed is no result that can be read" };
}
