// What rules remember besides when they fired: state/rules.ndjson. What has happened how often, and what a person is asked.
import type { RawPupdate } from "../ports.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import type { WindowRow } from "./firing.ts";
import { digest } from "./hash.ts";
import { ndjson } from "./render.ts";

export const rules_path = "state/rules.ndjson";

/** A rule with `ask_first` waits for a person's word about this event. */
export interface AskedRow {
  memo: string;
  rule: string;
  /** Of what the rule would do: a yes to one thing is no yes to another. */
  sum: string;
  pupdate: RawPupdate;
}

export interface RuleRows {
  windows: WindowRow[];
  asked: AskedRow[];
}

export function readRuleRows(text: string | undefined): RuleRows {
  const rows: RuleRows = { windows: [], asked: [] };
  for (const line of (text ?? "").split("\n")) {
    const row = parsed(line);
    if (typeof row?.rule !== "string") continue;
    const { key, times, memo, sum, pupdate } = row;
    if (typeof key === "string" && Array.isArray(times) && times.every((one) => typeof one === "number"))
      rows.windows.push({ rule: row.rule, key, times });
    else if (typeof memo === "string" && typeof sum === "string" && isPupdate(pupdate))
      rows.asked.push({ memo, rule: row.rule, sum, pupdate });
  }
  return rows;
}

const isPupdate = (value: unknown): value is RawPupdate => {
  const one = value as Record<string, unknown> | null;
  return (
    typeof one === "object" &&
    one !== null &&
    ["id", "at", "source", "kind", "subject", "title"].every((name) => typeof one[name] === "string")
  );
};

function parsed(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null; // a torn line costs itself only
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** As it was read while nothing is new. A question whose memo has run out is forgotten: silence is a no. */
export function ruleRowsText(draft: Draft): string {
  const { windows = [], memos, written, problems } = draft;
  const before = draft.texts.get(rules_path) ?? "";
  const asked = (draft.asked ?? []).filter(({ memo: id }) => {
    const memo = memos.get(id);
    return memo
      ? memo.data.status === "open" || !written.has(memo.path)
      : problems.some(({ path }) => path.endsWith(`/${id}.md`));
  });
  if (JSON.stringify({ windows, asked }) === JSON.stringify(readRuleRows(before))) return before;
  return ndjson([
    ...windows.toSorted((a, b) => compare(`${a.rule} ${a.key}`, `${b.rule} ${b.key}`)),
    ...asked.toSorted((a, b) => compare(a.memo, b.memo)),
  ]);
}

/** Of all that a yes is a yes to. */
export const sumOf = ({ data }: Entry<"rule">) => digest(JSON.stringify(data.then)).slice(0, 16);

const yes = /^\s*(?:y|yes|yep|ok|okay|sure|ja|true|approved?|go)(?![\p{L}\p{N}])/iu;

/** What a person was asked with this memo, and whether this pupdate is the yes to it. It is forgotten with that. */
export function takeWord(draft: Draft, pupdate: RawPupdate): (AskedRow & { yes: boolean }) | null {
  if (pupdate.source !== "towline" || !/^memo\.(answered|dismissed)$/.test(pupdate.kind)) return null;
  const row = draft.asked?.find((one) => one.memo === pupdate.data?.memo);
  if (!row) return null;
  draft.asked = draft.asked?.filter((one) => one !== row);
  return { ...row, yes: pupdate.kind === "memo.answered" && yes.test(String(pupdate.data?.answer ?? "")) };
}

export function remember(draft: Draft, row: AskedRow): void {
  draft.asked = [...(draft.asked ?? []).filter(({ memo }) => memo !== row.memo), row];
}
