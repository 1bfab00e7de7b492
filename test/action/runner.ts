// Runs the `run:` steps of a workflow as the service does: parsed, and every expression evaluated, by GitHub's own code,
// each step in the service's bash. `uses:` steps are the caller's.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { parse } from "yaml";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "../workflows/github-parser.ts";

type Values = Record<string, string>;

export interface Given {
  /** The event, as the service tells it: `event_name`, `event`, `ref`, `repository` … */
  github: Record<string, unknown>;
  vars?: Values;
  secrets?: Values;
  /** What a step has in its environment besides what the workflow gives it. */
  env: Values;
  /** Where the steps run, and a folder for their outputs. */
  workspace: string;
  temp: string;
  /** Does what the action does, or answers the folder of a composite one, which is run then. */
  uses(action: string, inputs: Values): void | string | Promise<void>;
}

export interface RanStep {
  run: string;
  code: number;
  log: string;
  env: Values;
}

export interface RanJob {
  result: "success" | "failure" | "skipped";
  outputs: Values;
  steps: RanStep[];
  summary: string;
}

interface RawStep {
  id?: string;
  run?: string;
  uses?: string;
  env?: Values;
  with?: Values;
}
interface RawJob {
  needs?: string | string[];
  env?: Values;
  outputs?: Values;
  steps: RawStep[];
}

/** action.yml of a composite action. */
interface RawAction {
  inputs?: Record<string, { default?: string }>;
  outputs?: Record<string, { value: string }>;
  runs: { using: string; steps: RawStep[] };
}

type Contexts = Record<string, unknown>;

const status = (name: string, is: (contexts: Contexts) => boolean) => (contexts: Contexts) => ({
  name,
  minArgs: 0,
  maxArgs: 0,
  call: () => new data.BooleanData(is(contexts)),
});
const functions = [
  status("success", (contexts) => contexts.failed !== true),
  status("failure", (contexts) => contexts.failed === true),
  status("always", () => true),
  status("cancelled", () => false),
];

function evaluate(expression: string, contexts: Contexts): data.ExpressionData {
  const known = functions.map((one) => one(contexts));
  const names = ["github", "vars", "secrets", "needs", "steps", "env", "job", "runner", "matrix", "strategy", "inputs"];
  const parsed = new Parser(new Lexer(expression).lex().tokens, names, known).parse();
  const context = JSON.parse(JSON.stringify(contexts), data.reviver) as data.Dictionary;
  return new Evaluator(parsed, context, new Map(known.map((one) => [one.name, one]))).evaluate();
}

const isTrue = (value: data.ExpressionData) =>
  value.kind === data.Kind.Boolean ? value.value : !["", "0", "null"].includes(value.coerceString());

const filled = (text: unknown, contexts: Contexts) =>
  String(text).replace(/\$\{\{(.*?)\}\}/gs, (_all, expression: string) =>
    evaluate(expression.trim(), contexts).coerceString(),
  );
const filledAll = (values: Values | undefined, contexts: Contexts): Values =>
  Object.fromEntries(Object.entries(values ?? {}).map(([name, text]) => [name, filled(text, contexts)]));

/** Runs all jobs of the workflow in their order, those that nothing skips. */
export async function runWorkflow(content: string, given: Given): Promise<Map<string, RanJob>> {
  const read = parseWorkflow({ name: "workflow.yml", content }, new NoOperationTraceWriter());
  if (!read.value) throw new Error(read.context.errors.getErrors().join("\n"));
  const template = await convertWorkflowTemplate(read.context, read.value);
  const raw = (parse(content) as { jobs: Record<string, RawJob> }).jobs;
  const done = new Map<string, RanJob>();
  for (const job of template.jobs) {
    const id = job.id.value;
    if (job.type !== "job") throw new Error(`${id} is a workflow of its own`);
    const needed = [raw[id]?.needs ?? []].flat();
    const needs = Object.fromEntries(needed.map((name) => [name, done.get(name)]));
    const failed = needed.some((name) => done.get(name)?.result !== "success");
    const contexts = { github: given.github, vars: given.vars ?? {}, needs, failed };
    if (!isTrue(evaluate(job.if?.expression ?? "success()", contexts)))
      done.set(id, { result: "skipped", outputs: {}, steps: [], summary: "" });
    else
      done.set(
        id,
        await runJob(
          raw[id] as RawJob,
          job.steps.map((one) => one.if?.expression),
          given,
          contexts,
        ),
      );
  }
  return done;
}

async function runJob(raw: RawJob, conditions: (string | undefined)[], given: Given, outer: Contexts): Promise<RanJob> {
  const steps: Record<string, { outputs: Values }> = {};
  const contexts: Contexts = { ...outer, steps, secrets: given.secrets ?? {}, failed: false };
  const ran: RanJob = { result: "success", outputs: {}, steps: [], summary: "" };
  const folder = mkdtempSync(join(given.temp, "job-"));
  const own = { GITHUB_WORKSPACE: given.workspace, GITHUB_STEP_SUMMARY: join(folder, "summary") };
  const env = { ...given.env, ...own, ...filledAll(raw.env, contexts) };
  writeFileSync(own.GITHUB_STEP_SUMMARY, "");
  const run: Running = { ran, given, folder, env };
  for (const [at, step] of raw.steps.entries()) {
    if (!isTrue(evaluate(conditions[at] ?? "success()", contexts))) continue;
    const outputs = step.uses ? await useAction(step, run, contexts) : await runStep(step, run, contexts);
    if (step.id && outputs) steps[step.id] = { outputs };
  }
  ran.outputs = filledAll(raw.outputs, contexts);
  ran.summary = readFileSync(own.GITHUB_STEP_SUMMARY, "utf8");
  return ran;
}

interface Running {
  ran: RanJob;
  given: Given;
  folder: string;
  env: Values;
}

async function runStep(step: RawStep, { ran, given, folder, env }: Running, contexts: Contexts): Promise<Values> {
  const at = ran.steps.length;
  const output = join(folder, `output-${at}`);
  writeFileSync(output, "");
  const own = filledAll(step.env, contexts);
  const script = join(folder, `step-${at}.sh`);
  writeFileSync(script, filled(step.run, contexts));
  const { code, log } = await bash(script, given.workspace, { ...env, ...own, GITHUB_OUTPUT: output });
  ran.steps.push({ run: step.run ?? "", code, log, env: own });
  if (code !== 0) {
    contexts.failed = true;
    ran.result = "failure";
  }
  return outputsOf(readFileSync(output, "utf8"));
}

/** A composite action: no secrets, its own steps, inputs with their defaults, and none that it does not name. */
async function useAction(step: RawStep, run: Running, outer: Contexts): Promise<Values | null> {
  const asked = filledAll(step.with, outer);
  const home = await run.given.uses(step.uses ?? "", asked);
  if (typeof home !== "string") return null;
  const action = parse(readFileSync(join(home, "action.yml"), "utf8")) as RawAction;
  const strange = Object.keys(asked).filter((name) => !Object.hasOwn(action.inputs ?? {}, name));
  if (strange.length > 0) throw new Error(`${step.uses} has no input ${strange.join(", ")}`);
  const github = { ...(outer.github as object), action_path: home };
  const defaults = Object.entries(action.inputs ?? {}).map(([name, one]) => [
    name,
    filled(one.default ?? "", { github }),
  ]);
  const steps: Record<string, { outputs: Values }> = {};
  const contexts: Contexts = { github, inputs: { ...Object.fromEntries(defaults), ...asked }, steps, failed: false };
  const env = { ...run.env, ...filledAll(step.env, outer), GITHUB_ACTION_PATH: home };
  for (const one of action.runs.steps) {
    const outputs = await runStep(one, { ...run, env }, contexts);
    if (one.id) steps[one.id] = { outputs };
    if (contexts.failed === true) break;
  }
  outer.failed = outer.failed === true || contexts.failed === true;
  const told = Object.entries(action.outputs ?? {}).map(([name, { value }]) => [name, filled(value, contexts)]);
  return Object.fromEntries(told);
}

function bash(script: string, cwd: string, env: Values): Promise<{ code: number; log: string }> {
  return new Promise((done, fail) => {
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", script], { cwd, env });
    let log = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        log += chunk.toString();
      });
    child.on("error", fail);
    child.on("close", (code) => done({ code: code ?? -1, log }));
  });
}

/** `name=value` lines, and `name<<END … END`. */
function outputsOf(text: string): Values {
  const found: Values = {};
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const [, name, mark] = /^([^=<]+)<<(.+)$/.exec(lines[at] ?? "") ?? [];
    if (name && mark) {
      const end = lines.indexOf(mark, at + 1);
      found[name] = lines.slice(at + 1, end).join("\n");
      at = end;
    } else {
      const [, plain, value = ""] = /^([^=]+)=(.*)$/.exec(lines[at] ?? "") ?? [];
      if (plain) found[plain] = value;
    }
  }
  return found;
}
