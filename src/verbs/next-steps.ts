// Lines to paste after a verb: what only a person can do.
import { workflowSecret } from "../core/tick-env.ts";

/** A word for a POSIX shell. */
export const quoted = (word: string) =>
  /^[A-Za-z0-9_@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** How a secret comes to the ticks: set in the CI service without showing it, and named in the workflow. */
export function secretCommand(name: string, { workflow, file }: { workflow: string | null; file?: string }): string[] {
  const given = workflow === null ? null : workflowSecret(workflow, name);
  const missing = given === null && workflow !== null;
  return [
    "The ticks need the key, too, as a secret:",
    `  gh secret set ${given?.secret ?? name}${file === undefined ? "" : ` < ${quoted(file)}`}`,
    ...(missing
      ? [`  and in .github/workflows/tick.yml, in the \`env:\` of the tick step: ${name}: \${{ secrets.${name} }}`]
      : []),
  ];
}

/** How records come to the ticks. */
export function commitLines(paths: string[], subject: string): string[] {
  const what = paths.length > 3 ? "hosts" : paths.map(quoted).join(" ");
  return ["Ticks know it once it is pushed:", `  git add ${what} && git commit -m ${quoted(subject)} && git push`];
}
