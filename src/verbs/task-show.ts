import type { Command } from "commander";
import type { Entry } from "../core/entry.ts";
import { explainTask, toSeconds } from "../core/explain.ts";
import { answerOf, unfenced } from "../core/job-text.ts";
import { glyphs } from "../core/jobs.ts";
import { clean, oneLine } from "../core/text.ts";
import type { Common, Wire } from "../wire.ts";
import { lookAhead } from "./ahead.ts";
import { plainName, taskNamed } from "./task-change.ts";

/** Adds `towline task show ID`. */
export function showingTask(group: Command, wire: Wire): void {
  group
    .command("show <id>")
    .description("a task: what is asked, how it stands and why, its newest answer and its runs (from this clone)")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: Common) => {
      const { state, draft, ahead, rolled } = await lookAhead(wire, flags);
      const archived = await rolled(plainName(id));
      const task = taskNamed(state, id);
      const status = state.status.get(task.id);
      const { state: stands, why } = archived ? endOf(status) : explainTask(draft, task, ahead);
      const answer = clean(unfenced(answerOf(status?.body ?? ""))).trim();
      const jobs = status?.data.jobs ?? [];
      if (flags.json) {
        const { path, data, body } = task;
        const told = { task: task.id, path, ...data, state: stands, why, prompt: body.trim(), answer, jobs };
        return void wire.out(`${JSON.stringify(told, null, 2)}\n`);
      }
      const lines = [
        `${glyphs[stands] ?? "○"} ${task.id}: ${task.data.title}`,
        `  ${stands}: ${why}`,
        `  ${task.path}, agent ${task.data.agent ?? state.settings.defaults.agent ?? "none"}`,
        ...jobs
          .toReversed()
          .map(
            (one) => `  ${glyphs[one.state] ?? "·"} ${one.id}  ${one.state}  ${one.host ?? "no host yet"}  ${one.at}`,
          ),
      ];
      const asked = clean(task.body).trim();
      if (asked !== "") lines.push("", "Asked:", ...indented(asked, 12));
      if (answer !== "") lines.push("", "Newest answer:", ...indented(answer, 40));
      wire.out(`${toSeconds(lines.join("\n"))}\n`);
    });
}

/** How a task ended that is archived: no tick has a word on it any more. */
export const endOf = (status: Entry<"status"> | undefined) => ({
  state: status?.data.state ?? "done",
  why: [status?.data.reason, `over since ${status?.data.since ?? "long"}, and archived`].filter(Boolean).join("; "),
});

/** At most so many lines of it. */
function indented(text: string, most: number): string[] {
  const lines = text.split("\n");
  const shown = lines.slice(0, most).map((line) => `  ${oneLine(line, 200)}`.trimEnd());
  return lines.length > most ? [...shown, `  … ${lines.length - most} more lines (--json has them all)`] : shown;
}
