// `shell`: the task's body is a script. No model, no key: its output is the answer.
import type { Assignment, Launch, RawResult, Runtime } from "../ports.ts";
import { streamText, unfinished } from "./output.ts";
import { export_secrets, secretFiles } from "./secrets.ts";

const command = `${export_secrets}
IFS= read -r first <task.sh || :
from=.
if [ -n "$TOWLINE_TREE" ]; then
  from=$PWD
  cd "$TOWLINE_TREE" || exit 73
fi
case $first in
  '#!'*) chmod 700 "$from/task.sh" && exec "$from/task.sh" ;;
esac
exec sh "$from/task.sh"`;

const opening = /^ {0,3}(`{3,}|~{3,})[ \t]*(?:sh|bash|shell|dash)[ \t]*$/;

/**
 * The script of a body: what stands in its first fence that is marked `sh`, so that a task may explain itself in
 * words around it. Without such a fence, or when it starts with `#!`, the whole body.
 */
export function scriptOf(body: string): string {
  const lines = body.split("\n");
  const from = body.startsWith("#!") ? -1 : lines.findIndex((line) => opening.test(line));
  if (from < 0) return body.endsWith("\n") ? body : `${body}\n`;
  const fence = (opening.exec(lines[from] as string) as RegExpExecArray)[1] as string;
  const closes = (line: string) =>
    line.trim().startsWith(fence) && line.trim().replaceAll(fence[0] as string, "") === "";
  const to = lines.findIndex((line, at) => at > from && closes(line));
  return `${lines.slice(from + 1, to < 0 ? undefined : to).join("\n")}\n`;
}

function outcome(result: RawResult) {
  const answer = streamText(result.stdout).trimEnd();
  return unfinished(result, answer) ?? { state: "finished" as const, outcome: "success" as const, answer };
}

/** Runs the script with `sh`, or with the interpreter that its `#!` line names. */
export function shell(): Runtime {
  return {
    name: "shell",
    model: false,
    launch: (assignment: Assignment): Launch => {
      const { files, secret } = secretFiles(assignment);
      return { files: { "task.sh": scriptOf(assignment.prompt), ...files }, secret, command };
    },
    outcome,
  };
}
