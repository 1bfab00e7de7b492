// The `env:` of the step that runs ticks: a line for each secret in use is added, everything else stays as it is.
import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from "yaml";
import { isTick, tickEnv } from "./tick-env.ts";

export interface Mended {
  text: string;
  /** Lines that were added, with their numbers in the new text. */
  added: { line: number; text: string }[];
}

export type EnvFault = "unreadable" | "no-step" | "flow";

/** The workflow with these names handed to its ticks, each from the secret of the same name. */
export function withSecrets(workflow: string, names: readonly string[]): Mended | EnvFault {
  const document = parseDocument(workflow, { schema: "failsafe", prettyErrors: false, uniqueKeys: false });
  if (tickEnv(workflow) === null) return "unreadable";
  const ticks = ticksOf(document.contents);
  if (ticks.length === 0) return "no-step";
  const lacking = ticks.flatMap((tick) => {
    const missing = names.filter((name) => !isGiven(document.contents, tick, name));
    return missing.length === 0 ? [] : [{ missing, place: placeIn(workflow, tick.step) }];
  });
  const eol = workflow.includes("\r\n") ? "\r\n" : "\n";
  let text = workflow;
  // From the end, so that the places before stay where they are.
  for (const { missing, place } of lacking.toReversed()) {
    if (place === "flow") return "flow";
    const { at, indent, head } = place;
    const lines = missing.map((name) => `${" ".repeat(indent)}${lineFor(name)}`);
    const all = head === undefined ? lines : [`${" ".repeat(head)}env:`, ...lines];
    const before = text.slice(0, at);
    const start = before.endsWith("\n") ? "" : eol;
    text = `${before}${start}${all.join(eol)}${eol}${text.slice(at)}`;
  }
  return { text, added: addedTo(workflow, text) };
}

/** The service's own token has no secret behind it. */
const lineFor = (name: string) => `${name}: \${{ ${name === "GITHUB_TOKEN" ? "github.token" : `secrets.${name}`} }}`;

interface Place {
  /** Where the new lines go: the start of a line. */
  at: number;
  indent: number;
  /** The step has no `env:` yet: its column. */
  head?: number;
}

const valueAt = (node: unknown, name: string): unknown =>
  isMap(node) ? node.items.find((one) => isScalar(one.key) && one.key.value === name)?.value : undefined;
const wordAt = (node: unknown, name: string) =>
  String((valueAt(node, name) as { value?: unknown } | undefined)?.value ?? "");

interface Tick {
  job: unknown;
  step: YAMLMap;
}

function ticksOf(root: unknown): Tick[] {
  const jobs = valueAt(root, "jobs");
  return (isMap(jobs) ? jobs.items : []).flatMap(({ value: job }) => {
    const steps = valueAt(job, "steps");
    return (isSeq(steps) ? steps.items : []).flatMap((step) =>
      isMap(step) && isTick(wordAt(step, "uses"), wordAt(step, "run")) ? [{ job, step }] : [],
    );
  });
}

/** The action hands its own token on by itself. */
const isGiven = (root: unknown, { job, step }: Tick, name: string) =>
  [root, job, step].some((node) => wordAt(valueAt(node, "env"), name).trim() !== "") ||
  (name === "GITHUB_TOKEN" && wordAt(step, "uses") !== "");

function placeIn(text: string, step: YAMLMap): Place | "flow" {
  if (step.flow) return "flow";
  const env = step.items.find((one) => isScalar(one.key) && one.key.value === "env");
  const column = columnOf(text, step.items[0] as Pair);
  if (env === undefined) return { at: endOf(text, step.items.at(-1) as Pair), indent: column + 2, head: column };
  if (!isMap(env.value) || env.value.flow || env.value.items.length === 0) return "flow";
  const last = env.value.items.at(-1) as Pair;
  return { at: endOf(text, last), indent: columnOf(text, env.value.items[0] as Pair) };
}

const rangeOf = (node: unknown) => (node as { range?: [number, number, number] | null } | null)?.range;

function columnOf(text: string, pair: Pair): number {
  const start = rangeOf(pair.key)?.[0] ?? 0;
  return start - (text.lastIndexOf("\n", start - 1) + 1);
}

/** The start of the line after a pair; a comment behind it on its line stays with it. */
function endOf(text: string, pair: Pair): number {
  const range = rangeOf(pair.value) ?? rangeOf(pair.key);
  // The value's end; of a block text that is behind its last line feed.
  const end = range?.[1] ?? 0;
  if (end > 0 && text[end - 1] === "\n") return end;
  const line = text.indexOf("\n", end);
  return line < 0 ? text.length : line + 1;
}

function addedTo(before: string, after: string): Mended["added"] {
  const old = before.split(/\r?\n/);
  const added: Mended["added"] = [];
  let at = 0;
  for (const [i, text] of after.split(/\r?\n/).entries())
    if (text === old[at]) at++;
    else added.push({ line: i + 1, text });
  return added;
}
