// What `claude --print --output-format json` says of a run. Its exit code and its `subtype` alone prove nothing: a run
// whose tools were all refused ends with exit 0 and "success", a refused key with "success", too.
import { clean, oneLine } from "../core/text.ts";
import type { Limited, Outcome, RawResult } from "../ports.ts";
import { counts, parsed, readCut } from "./json.ts";
import { limitOf, limitText } from "./limit.ts";
import { readMarked } from "./marked.ts";
import { streamText, unfinished } from "./output.ts";

type Result = Record<string, unknown>;

/** The one object of type `result`; of a cut stream, with the cut told in it. null when there is none that can be read. */
function resultOf(text: string): Result | null {
  for (const line of text.split("\n").reverse()) {
    const value = line.startsWith("{") ? parsed(line) : null;
    if (value?.type === "result") return value;
  }
  return null;
}

const textOf = (value: unknown): string => (typeof value === "string" ? clean(value).trim() : "");
const said = (value: unknown): string => oneLine(textOf(value), 300);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const fieldsOf = (value: unknown): Result =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Result) : {};

/** Cost, tokens and session, as far as they have the shape of such. */
function measured(result: Result): Pick<Outcome, "cost" | "tokens" | "session"> {
  const cost = result.total_cost_usd;
  const session = typeof result.session_id === "string" ? result.session_id : "";
  const tokens = tokensOf(result);
  return {
    ...(typeof cost === "number" && Number.isFinite(cost) && cost >= 0 ? { cost } : {}),
    ...(tokens ? { tokens } : {}),
    ...(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(session) ? { session } : {}),
  };
}

/** Of all models that took part; `usage` is that of the main one only, and empty where a budget ended the run. */
function tokensOf(result: Result): Record<string, number> | undefined {
  const sum: Record<string, number> = {};
  for (const model of Object.values(fieldsOf(result.modelUsage)).map(fieldsOf)) {
    const one = counts({
      input: model.inputTokens,
      output: model.outputTokens,
      cache_read: model.cacheReadInputTokens,
      cache_write: model.cacheCreationInputTokens,
    });
    for (const [key, value] of Object.entries(one ?? {})) sum[key] = (sum[key] ?? 0) + value;
  }
  return Object.keys(sum).length > 0 ? counts(sum) : undefined;
}

export const not_logged_in =
  "claude is not logged in on this host: log in there once, or give the agent a key (`auth: env`)";

const advice: Record<string, string> = {
  401: "the API refused the login or key",
  403: "the API refused the login or key",
  404: "the API does not know the model or the address",
  429: "the API takes no more requests now",
};

/** Why this is no result of a finished run, in words for people; null when it is one. */
function problem(result: Result, limited: Limited | null): string | null {
  const { subtype, terminal_reason: reason, api_error_status: status } = result;
  const text = said(result.result);
  const errors = listOf(result.errors).map(said).filter(Boolean).join("; ");
  if (subtype === "error_max_turns" || reason === "max_turns")
    return `stopped at its limit of turns without an answer${errors ? ` (${errors})` : ""}`;
  if (subtype === "error_max_budget_usd" || reason === "budget_exhausted")
    return `stopped at the task's budget${errors ? ` (${errors})` : ""}`;
  if (result.is_error === false && subtype === "success" && (reason === undefined || reason === "completed"))
    return result.stop_reason === "refusal" ? "the model refused the task" : null;
  if (limited !== null) return limitText(limited);
  if (/not logged in|please run \/login/i.test(text)) return not_logged_in;
  if (typeof status === "number")
    return `${advice[status] ?? "the API failed"} (HTTP ${status})${text ? `: ${text}` : ""}`;
  return said(`claude failed (${said(reason) || said(subtype) || "no reason given"}): ${text || errors || "no words"}`);
}

/** Tools that it asked for and did not get. */
function denied(result: Result): string | null {
  return refused(listOf(result.permission_denials).map((one) => said(fieldsOf(one).tool_name) || "a tool"));
}

/** In words for people; null for none. */
export function refused(names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const times = Map.groupBy(names, (name) => name);
  const list = [...times].map(([name, all]) => (all.length > 1 ? `${name} (${all.length} times)` : name)).join(", ");
  return `was not allowed to use ${list.slice(0, 200)}: what it may use stands in \`guard.tools\` of the agent's record`;
}

export function claudeOutcome(raw: RawResult): Outcome {
  const result = readCut(raw.stdout, resultOf);
  if (result === null) return unreadable(raw);
  // Its words change from one version to the next; the code beside them tells as much, but not when the limit ends.
  const coded = result.api_error === "usage_limit_reached" ? { said: "" } : null;
  const limited = limitOf(said(result.result), raw.ended_at) ?? coded;
  const wrong = problem(result, limited);
  const marked = readMarked(wrong !== null && result.is_error !== false ? "" : textOf(result.result));
  const known = { ...marked, ...measured(result), ...(limited && wrong === limitText(limited) ? { limited } : {}) };
  const cut = unfinished(raw, marked.answer);
  if (cut && (raw.end !== "exited" || wrong === null)) return { ...known, ...cut };
  if (wrong !== null) return { ...known, state: "failed", outcome: "failure", why: wrong };
  const tools = denied(result);
  if (tools !== null)
    return { ...known, state: "failed", outcome: marked.answer === "" ? "failure" : "partial", why: tools };
  if (marked.answer === "")
    return { ...known, state: "empty", outcome: "failure", why: "exit 0, but claude gave no answer" };
  if (result.stop_reason === "max_tokens")
    return { ...known, state: "finished", outcome: "partial", why: "the answer was cut at the model's limit" };
  return { ...known, state: "finished", outcome: "success" };
}

/** No JSON of ours: what stands there is kept as it is, for people to look at. */
function unreadable(raw: RawResult): Outcome {
  const text = streamText(raw.stdout).trim();
  const cut = unfinished(raw, text, text);
  if (cut) return cut;
  if (text === "") return { state: "empty", outcome: "failure", answer: "", why: "exit 0, but claude printed nothing" };
  return {
    state: "failed",
    outcome: "failure",
    answer: text,
    why: "what claude printed is no result that can be read",
  };
}
