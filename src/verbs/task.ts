import type { Command } from "commander";
import { tabled } from "../core/columns.ts";
import { explainTask, firstLine, lastRun, toSeconds } from "../core/explain.ts";
import { glyphs } from "../core/jobs.ts";
import { oneLine } from "../core/text.ts";
import type { Common, Wire } from "../wire.ts";
import { lookAhead } from "./ahead.ts";
import { changingTasks } from "./task-change.ts";
import { newTask } from "./task-new.ts";
import { showingTask } from "./task-show.ts";

/** Adds `towline task list`, and what can be done with one task. */
export function task(program: Command, wire: Wire): void {
  const group = program.command("task").description("tasks of the pack");
  newTask(group, wire);
  showingTask(group, wire);
  changingTasks(group, wire);
  group
    .command("list")
    .description("every task with its state, why, agent and next due time")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the list as JSON")
    .action(async (flags: Common) => {
      const { state, draft, ahead } = await lookAhead(wire, flags);
      const rows = [...state.tasks.values()]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((one) => {
          const status = state.status.get(one.id)?.data;
          const said = explainTask(draft, one, ahead);
          const ran = lastRun(draft, one);
          return {
            task: one.id,
            title: one.data.title,
            path: one.path,
            state: said.state,
            why: said.why,
            agent: one.data.agent ?? state.settings.defaults.agent ?? null,
            next_due: status?.next_due ?? null,
            last_job: status?.jobs.at(-1)?.id ?? null,
            last_at: ran?.at ?? null,
            last_host: ran?.on ?? null,
            answer: firstLine(state.status.get(one.id)?.body ?? ""),
          };
        });
      for (const problem of state.problems) wire.report[problem.level](`${problem.message} (${problem.fix})`, problem);
      if (flags.json) wire.out(`${JSON.stringify(rows, null, 2)}\n`);
      else if (rows.length === 0)
        wire.out("No tasks yet. Write one: tasks/hello.md with a `title:` and a prompt below the second `---`.\n");
      else {
        const cells = rows.map((row) => {
          const said = row.state === "done" ? [row.last_at, row.last_host, row.answer] : [row.why];
          const next = row.next_due && row.state === "done" ? `next ${row.next_due}` : "";
          const words = [next, ...said].flatMap((one) => (one ? oneLine(toSeconds(one), 1000) : []));
          const mark = glyphs[row.state] ?? "○";
          return [`${mark} ${row.task}`, row.state.padEnd(9), words.join("  ")];
        });
        for (const line of tabled(cells, wire.columns)) wire.out(`${line}\n`);
      }
    });
}
