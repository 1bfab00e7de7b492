// What the verbs of every day print with --json, for their help and docs/verbs.md. Fields are added; none goes or changes
// its meaning. A test holds what is printed against this.

interface Shape {
  /** One object for each of something, in a list. */
  each?: true;
  fields: readonly string[];
  /** There only where there is something to say. */
  some?: readonly string[];
}

const words = (text: string) => text.split(" ");
const job = words("job path task state agent host claimed_at started_at ended_at took cost why");
const memo = words("memo path kind title subject created expires status");
const edited = words("path changed commit here");

export const json_fields: Readonly<Record<string, Shape>> = {
  now: { fields: words("pack waiting running starting held next unpushed") },
  plan: { fields: words("starts holds next unseen") },
  "task list": {
    each: true,
    fields: words("task title path state why agent next_due last_job last_at last_host answer"),
  },
  "task show": { fields: words("task path title state why prompt answer jobs"), some: ["and the record's own fields"] },
  "task new": { fields: ["task", ...edited, "text"], some: words("branch url") },
  "task run": { fields: ["task", "run", "status", ...edited], some: words("branch url") },
  "task pause": { fields: ["task", "status", ...edited], some: words("branch url") },
  "job list": { each: true, fields: job },
  "job show": { fields: [...job, "run", "body"], some: ["and the record's own fields"] },
  "job log": { fields: words("job path log") },
  "job diff": { fields: words("job task state branch repo round base head files diff") },
  "job cancel": { fields: words("job path task host came state why asked commits") },
  "memo list": { each: true, fields: memo },
  "memo show": { fields: [...memo, "body"] },
  "memo answer": { fields: words("memo path subject status answer commit here") },
};

/** One line of a verb's help; "" where nothing is promised. */
export function jsonLine(path: string): string {
  const shape = json_fields[path];
  if (!shape) return "";
  const some = shape.some ? ` (${shape.some.join(", ")})` : "";
  return `\nWith --json: ${shape.each ? "a list, each with" : "an object with"} ${shape.fields.join(", ")}${some}`;
}
