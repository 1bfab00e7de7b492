// A rule in sentences, for people who do not read YAML. Nothing is left out: what has no words yet is shown as written.
import { actionOf } from "./rules.ts";
import { formatDuration } from "./scalar.ts";
import type { Fields } from "./schema.ts";
import { isMap } from "./split.ts";
import { oneLine } from "./text.ts";

type Rule = Fields<"rule">;
type Map = Record<string, unknown>;

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
const written = (value: unknown) => `“${oneLine(typeof value === "string" ? value : JSON.stringify(value), 120)}”`;

/** `When …`, `Then …`, and what holds it back. */
export function ruleSentences(rule: Rule): string[] {
  const said = [`When ${condition(rule.when)}.`];
  if (rule.within) {
    const { count, in: seconds, per } = rule.within;
    said.push(`Only when that happens ${times(count)} within ${span(seconds)}${per ? ` for the same ${per}` : ""}.`);
  }
  said.push(`Then ${rule.ask_first ? "ask a person, and after a yes " : ""}${thenWords(rule)}.`);
  const limits = limitWords(rule);
  if (limits !== "") said.push(limits);
  if (!rule.stop) said.push("The rules after it are tried as well.");
  if (rule.off) said.push("It is switched off.");
  return said;
}

/** What it does, in words. */
export const thenWords = ({ then }: Pick<Rule, "then">) => and(then.map(actionWords));

function limitWords({ cooldown, limit, budget }: Rule): string {
  const parts: string[] = [];
  if (cooldown !== undefined) {
    const rest = typeof cooldown === "number" ? { for: cooldown, per: undefined } : cooldown;
    parts.push(`once in ${span(rest.for)} for the same ${rest.per ?? "subject"}`);
  }
  if (limit !== 1000) parts.push(`${times(limit)} a day`);
  const spends = budget ? `Its work may cost at most ${oneLine(JSON.stringify(budget), 120)}.` : "";
  return [parts.length > 0 ? `At most ${and(parts)}.` : "", spends].filter(Boolean).join(" ");
}

const times = (n: number) => (n === 1 ? "once" : n === 2 ? "twice" : `${n} times`);

const long: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day" };
/** `1d` → `a day`; a length of several units stays as it is. */
function span(seconds: number): string {
  const [, n, unit] = /^(\d+)([smhd])$/.exec(formatDuration(seconds)) ?? [];
  if (!n || !unit) return formatDuration(seconds);
  if (n === "1") return `${unit === "h" ? "an" : "a"} ${long[unit]}`;
  return `${n} ${long[unit]}s`;
}

const and = (parts: string[]) =>
  parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
const or = (parts: string[]) =>
  parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} or ${parts.at(-1)}`;

function condition(when: Map): string {
  const parts = Object.entries(when).map(([name, wanted]) => part(name, wanted));
  return and(parts.filter(Boolean)) || "nothing (it has no condition, and never fires)";
}

function part(name: string, wanted: unknown): string {
  const inner = () => list(wanted).filter(isMap).map(condition);
  if (name === "any") return `either ${or(inner())}`;
  if (name === "all") return and(inner());
  if (name === "not") return `not (${and(inner())})`;
  if (name === "kind" && !isMap(wanted))
    return `${or(list(wanted).map((kind) => `\`${oneLine(String(kind), 60)}\``))} happens`;
  const tests = isMap(wanted) ? Object.entries(wanted) : [[Array.isArray(wanted) ? "in" : "equals", wanted] as const];
  return and(
    tests.map(([operator, value]) =>
      operator === "has"
        ? `among ${fieldWords(name)} is ${and(list(value).map(written))}`
        : `${fieldWords(name)} ${operatorWords(operator, value)}`,
    ),
  );
}

/** `data.age` → `its age`; `kind`, `source` and the others by their names. */
const fieldWords = (name: string) =>
  name.startsWith("data.") ? `its ${oneLine(name.slice(5), 60).replaceAll("_", " ")}` : `the ${oneLine(name, 60)}`;

const operator_words: Record<string, (value: unknown) => string> = {
  equals: (value) => `is ${written(value)}`,
  in: (value) => `is ${or(list(value).map(written))}`,
  prefix: (value) => `begins with ${or(list(value).map(written))}`,
  contains: (value) => `has ${written(value)} in it`,
  glob: (value) => `fits ${or(list(value).map(written))}`,
  exists: (value) => (String(value) === "false" ? "is not given" : "is given"),
  gt: (value) => `is over ${bare(value)}`,
  gte: (value) => `is ${bare(value)} or more`,
  lt: (value) => `is under ${bare(value)}`,
  lte: (value) => `is ${bare(value)} or less`,
};
const bare = (value: unknown) => oneLine(String(value), 60);

const operatorWords = (operator: string, value: unknown) =>
  Object.hasOwn(operator_words, operator)
    ? (operator_words[operator] as (value: unknown) => string)(value)
    : `${oneLine(operator, 40)} ${written(value)}`;

const action_words: Record<string, (value: unknown, action: Map) => string> = {
  ignore: () => "do nothing about it",
  memo: (value, action) => `write a memo that ${memo_verbs[String(action.kind)] ?? "tells"}: ${written(value)}`,
  task: (value) => {
    const title = isMap(value) ? value.title : value;
    const agent = isMap(value) && value.agent !== undefined ? ` for ${oneLine(String(value.agent), 60)}` : "";
    return `queue a task${agent}: ${written(title ?? "with the title of what happened")}`;
  },
  issue: () => "queue the task that the issue asks for",
  wake: (value) => `wake ${oneLine(String(isMap(value) ? (value.agent ?? value.task) : value), 60)}`,
  comment: (value) => `comment on it: ${written(value)}`,
  label: (value) => `label it ${or(list(value).map(written))}`,
  call: (value) =>
    isMap(value) && value.workflow !== undefined
      ? `start the workflow ${written(value.workflow)}`
      : `call the webhook ${written(isMap(value) ? (value.webhook ?? value) : value)}`,
  reflect: (value) => `write a reflection: ${written(value)}`,
  notify: (value) =>
    isMap(value)
      ? `tell people on ${and(list(value.to ?? "every channel").map((one) => oneLine(String(one), 60)))}: ${written(value.text ?? "{{title}}")}`
      : `tell people on channels: ${written(value)}`,
};
const memo_verbs: Record<string, string> = { ask: "asks", warning: "warns", approval: "wants a yes", info: "tells" };

function actionWords(action: Map): string {
  const name = actionOf(action);
  const say = Object.hasOwn(action_words, name) ? action_words[name] : undefined;
  return say ? say(action[name], action) : `${oneLine(name, 40)} ${written(action[name])}`;
}
