// What the pane's driver says of a turn: `end` and what claude told its hook, or `said` and the last it wrote down, with
// what was counted and refused. The screen is in the log: it is for people.
import { clean, oneLine } from "../core/text.ts";
import type { Outcome, RawResult } from "../ports.ts";
import { not_logged_in, refused } from "./claude-result.ts";
import { counts, parsed, readCut, spliced } from "./json.ts";
import { limitOf, limitText } from "./limit.ts";
import { readMarked } from "./marked.ts";
import { streamText, unfinished } from "./output.ts";

type Told = Record<string, unknown>;

/** The last line that begins so, and is an object after that. */
const told =
  (word: string) =>
  (text: string): Told | null => {
    const line = text.split("\n").findLast((one) => one.startsWith(`${word} {`));
    return line === undefined ? null : parsed(line.slice(word.length + 1));
  };

const textOf = (value: unknown): string => (typeof value === "string" ? clean(value).trim() : "");

/** The text of a message as claude writes it down. */
function messageText(told: Told | null): string {
  const { content } = (told?.message ?? {}) as { content?: unknown };
  const blocks = Array.isArray(content) ? (content as { text?: unknown }[]) : [];
  return blocks.map((block) => textOf(block?.text)).join("\n\n");
}

function measured(text: string, end: Told | null): Pick<Outcome, "tokens" | "session"> {
  const [, ...sums] = /^used (\d+) (\d+) (\d+) (\d+)$/m.exec(text) ?? [];
  const [input, output, cache_read, cache_write] = sums.map(Number);
  const tokens = sums.length > 0 ? counts({ input, output, cache_read, cache_write }) : undefined;
  const session = typeof end?.session_id === "string" ? end.session_id : "";
  return {
    ...(tokens ? { tokens } : {}),
    ...(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(session) ? { session } : {}),
  };
}

/** A turn that an error of the API ended. */
function broken(end: Told, raw: RawResult): Pick<Outcome, "why" | "limited"> {
  const said = oneLine(textOf(end.last_assistant_message), 300);
  const kind = oneLine(textOf(end.error), 60);
  const limited = limitOf(said, raw.ended_at);
  if (limited) return { limited, why: limitText(limited) };
  if (/not logged in|please run \/login/i.test(said)) return { why: not_logged_in };
  const words: Record<string, string> = {
    authentication_failed: "the API refused the login or key",
    rate_limit: "the API takes no more requests now",
  };
  const what = Object.hasOwn(words, kind) ? words[kind] : `claude failed (${kind || "no reason given"})`;
  return { why: `${what}: ${said || "no words"}` };
}

/** Why nobody answered, when it stood still: a question on its screen, or nudges without effect. */
function standstill(text: string): string {
  const note = told("note")(text);
  if (note?.notification_type === "permission_prompt")
    return `; it waited for a person: ${oneLine(textOf(note.message), 200) || "a question stood on its screen"}`;
  const [, nudged] = /^nudged (\d{1,3})$/m.exec(text) ?? [];
  return nudged === undefined
    ? ""
    : `; it had gone quiet, and was nudged ${nudged === "1" ? "once" : `${nudged} times`}`;
}

export function paneOutcome(raw: RawResult): Outcome {
  const text = spliced(raw.stdout);
  const end = readCut(raw.stdout, told("end"));
  const failed = end?.hook_event_name === "StopFailure";
  const answer = end === null ? messageText(told("said")(text)) : failed ? "" : textOf(end.last_assistant_message);
  const marked = readMarked(answer);
  const known = { ...marked, ...measured(text, end) };
  const cut = unfinished(raw, marked.answer);
  if (cut) return { ...known, ...cut, ...(cut.state === "timeout" ? { why: `${cut.why}${standstill(text)}` } : {}) };
  if (end === null) return unreadable(raw);
  if (failed) return { ...known, state: "failed", outcome: "failure", ...broken(end, raw) };
  const tools = refused([...text.matchAll(/^denied ([A-Za-z_]{1,80})$/gm)].map(([, name]) => name as string));
  if (tools !== null)
    return { ...known, state: "failed", outcome: marked.answer === "" ? "failure" : "partial", why: tools };
  if (marked.answer === "")
    return { ...known, state: "empty", outcome: "failure", why: "the turn ended, but claude gave no answer" };
  return { ...known, state: "finished", outcome: "success" };
}

/** The driver says more than this. What stands there is kept, for people to look at. */
function unreadable(raw: RawResult): Outcome {
  const answer = streamText(raw.stdout).trim();
  if (answer === "")
    return { state: "empty", outcome: "failure", answer, why: "exit 0, but nothing was told of the turn" };
  return { state: "failed", outcome: "failure", answer, why: "what was told of the turn cannot be read" };
}
