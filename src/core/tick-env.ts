// What the workflow of the ticks hands over to a tick: the variables of the step that runs it.
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";

export const tick_workflow = ".github/workflows/tick.yml";

export interface Handed {
  line: number;
  /** The secret that it comes from; null: an expression or text that names none. */
  secret: string | null;
}

type Given = Map<string, Handed>;

/** Name → where it comes from; null when the file cannot be read. */
export function tickEnv(text: string): Given | null {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: "failsafe",
    prettyErrors: false,
    uniqueKeys: false,
  });
  if (document.errors.length > 0 || !isMap(document.contents)) return null;
  const under = (node: unknown, name: string): unknown => {
    const pair = isMap(node) ? node.items.find((one) => isScalar(one.key) && one.key.value === name) : undefined;
    const value = pair?.value as { resolve?: (doc: unknown) => unknown; type?: string } | undefined;
    return value?.resolve && !isMap(value) && !isSeq(value) && !isScalar(value) ? value.resolve(document) : value;
  };
  const add = (node: unknown, given: Given) => {
    const env = under(node, "env");
    for (const { key, value } of isMap(env) ? env.items : []) {
      if (!isScalar(key) || !isScalar(value)) continue;
      const said = String(value.value ?? "");
      if (said.trim() === "") continue;
      const line = lines.linePos(key.range?.[0] ?? 0).line;
      given.set(String(key.value), { line, secret: /\bsecrets\.([A-Za-z_]\w*)/.exec(said)?.[1] ?? null });
    }
  };
  const jobs = under(document.contents, "jobs");
  const steps = (isMap(jobs) ? jobs.items : []).flatMap(({ value: job }) => {
    const list = under(job, "steps");
    return (isSeq(list) ? list.items : []).map((step) => ({ job, step }));
  });
  const word = (node: unknown, name: string) =>
    String((under(node, name) as { value?: unknown } | undefined)?.value ?? "");
  const ticks = steps.filter(({ step }) => isTick(word(step, "uses"), word(step, "run")));
  const given: Given = new Map();
  add(document.contents, given);
  for (const { job, step } of ticks.length > 0 ? ticks : steps) {
    add(job, given);
    add(step, given);
    // The action hands its own token on under this name.
    if (isTick(word(step, "uses"), ""))
      given.set("GITHUB_TOKEN", given.get("GITHUB_TOKEN") ?? { line: 1, secret: null });
  }
  return given;
}

export const isTick = (uses: string, run: string) =>
  /(^|[/])towline([/@]|$)/.test(uses) || uses === "./" || /\b(towline|npm run)\b[^\n]*\btick\b/.test(run);

/** Where the workflow takes this variable from; null: it hands none over. */
export const workflowSecret = (text: string, name: string): Handed | null => tickEnv(text)?.get(name) ?? null;
