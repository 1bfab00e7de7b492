// What `towline dispatch` is to do: a text, task files, or a list of tasks in YAML or one JSON value a line.
import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { z } from "zod";
import { parseEntry } from "../core/entry.ts";
import type { Wish } from "../core/errand.ts";
import { duration, line, slug, strings, text } from "../core/scalar.ts";
import { readYaml } from "../core/split.ts";
import { configuration, messageOf, usage } from "../errors.ts";

export interface Source {
  cwd: string;
  /** All of standard input. */
  input(): Promise<string>;
}

const fields = z.strictObject({
  task: text.min(1, "must not be empty"),
  title: line.optional(),
  agent: slug.optional(),
  host: strings.optional(),
  label: strings.optional(),
  timeout: duration.optional(),
});
const row = z.union([
  text.min(1, "must not be empty").transform((task) => ({ task }) as z.infer<typeof fields>),
  fields,
]);
const known = Object.keys(fields.shape).join(", ");

/** `said`: the text on the command line; `-` is standard input. */
export async function wishesOf(at: Source, said: string | undefined, files: string[]): Promise<Wish[]> {
  if (said !== undefined && files.length > 0)
    throw usage("a task and -f FILE are given", "give one of them: the text of a task, or files");
  if (said === undefined && files.length === 0)
    throw usage("there is nothing to do", 'towline dispatch "echo hello", or -f FILE, or - for standard input');
  if (files.filter((file) => file === "-").length > 1) throw usage("standard input is named twice", "name `-` once");
  const wishes =
    said === undefined
      ? (await Promise.all(files.map((file) => fromFile(at, file)))).flat()
      : [{ text: said === "-" ? await at.input() : said }];
  if (wishes.length === 0) throw usage(`there is no task in ${files.join(", ")}`, "write at least one");
  if (wishes.some((wish) => wish.text.trim() === "")) throw usage("the task is empty", "say what is to be done");
  return wishes;
}

async function fromFile({ cwd, input }: Source, name: string): Promise<Wish[]> {
  const place = name === "-" ? "standard input" : name;
  const whole =
    name === "-"
      ? await input()
      : await readFile(resolve(cwd, name), "utf8").catch((thrown) => {
          throw configuration(`${name} cannot be read: ${messageOf(thrown)}`, "name a file that is there, or `-`");
        });
  const form = name === "-" ? formOf(whole) : (forms[extname(name).toLowerCase()] ?? "text");
  if (form === "lines") return fromLines(place, whole);
  if (form === "list") return fromList(place, whole);
  return [form === "task" && /^\uFEFF?---[ \t]*\r?\n/.test(whole) ? fromTask(place, whole) : { text: whole }];
}

type Form = "task" | "list" | "lines" | "text";
const forms: Record<string, Form> = {
  ".md": "task",
  ".markdown": "task",
  ".yml": "list",
  ".yaml": "list",
  ".json": "list",
  ".ndjson": "lines",
  ".jsonl": "lines",
};

function formOf(whole: string): Form {
  if (/^\uFEFF?---[ \t]*\r?\n/.test(whole)) return "task";
  if (/^\s*[{"]/.test(whole)) return "lines";
  return /^\s*(\[|- )/.test(whole) ? "list" : "text";
}

function fromTask(place: string, whole: string): Wish {
  const { entry, problems } = parseEntry(place, "task", whole);
  const wrong = problems.find((problem) => problem.level === "error");
  if (!entry) throw configuration(`${place}:${wrong?.line ?? 1}: ${wrong?.message ?? "is no task"}`, wrong?.fix);
  return { text: entry.body, like: entry.data };
}

function fromLines(place: string, whole: string): Wish[] {
  return whole.split("\n").flatMap((text, at) => {
    if (text.trim() === "") return [];
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (thrown) {
      throw configuration(
        `${place}:${at + 1}: ${messageOf(thrown)}`,
        'write one JSON value a line: "a text", or {"task": …}',
      );
    }
    return [fromRow(`${place}:${at + 1}`, value)];
  });
}

function fromList(place: string, whole: string): Wish[] {
  let value: unknown;
  try {
    value = whole.trim() === "" ? [] : readYaml(whole);
  } catch (thrown) {
    const { mark, reason } = thrown as { mark?: { line: number }; reason?: string };
    throw configuration(
      `${place}:${(mark?.line ?? 0) + 1}: ${reason ?? messageOf(thrown)}`,
      "check indentation and quoting",
    );
  }
  if (!Array.isArray(value))
    throw configuration(
      `${place} is no list`,
      "write a list of texts, or of `task: …` with `host`, `label`, `agent`, `timeout`",
    );
  return value.map((one, at) => fromRow(`${place}: task ${at + 1}`, one));
}

function fromRow(place: string, value: unknown): Wish {
  const read = row.safeParse(value);
  if (!read.success) throw configuration(`${place}: ${faultOf(value)}`, `write a text, or a map of ${known}`);
  const { task, title, agent, host, label, timeout } = read.data;
  const hosts = [...(host ?? []), ...(label ?? []).map((one) => `label:${one}`)];
  const wish = { text: task, agent, timeout, like: title === undefined ? {} : { title } };
  return hosts.length === 0 ? wish : { ...wish, hosts, each: hosts.length > 1 || label !== undefined };
}

function faultOf(value: unknown): string {
  const issue = fields.safeParse(value).error?.issues[0];
  if (issue?.code === "unrecognized_keys") return `\`${issue.keys[0]}\` is not known`;
  if (!issue || issue.path.length === 0) return "is no task";
  const inner = issue.code === "invalid_union" ? issue.errors.at(-1)?.[0]?.message : undefined;
  return `\`${issue.path.join(".")}\`: ${inner ?? issue.message}`;
}
