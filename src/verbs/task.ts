import type { Command } from "commander";
import { draftOf } from "../core/draft.ts";
import { explainTask } from "../core/explain.ts";
import { glyphs } from "../core/jobs.ts";
import { runtimes } from "../runtimes/index.ts";
import { openLocal } from "../shell/pack.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

/** Adds `towline task list`. */
export function task(program: Command, wire: Wire): void {
  const group = program.command("task").description("tasks of the pack");
  group
    .command("list")
    .description("every task with its state, why, agent and next due time")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the list as JSON")
    .action(async (flags: Common) => {
      const dir = repoDir(wire, flags);
      const { repo, tips, top } = await openLocal(dir, wire);
      const state = await readWorkTree(repo, top, tips);
      const draft = draftOf(state, wire.clock.now(), "list");
      const names = new Set(Object.keys(runtimes));
      const rows = [...state.tasks.values()]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((one) => {
          const status = state.status.get(one.id)?.data;
          const said = explainTask(draft, one, names);
          return {
            task: one.id,
            title: one.data.title,
            path: one.path,
            state: status?.state ?? said.state,
            why: status?.reason ?? said.why,
            agent: one.data.agent ?? state.settings.defaults.agent ?? null,
            next_due: status?.next_due ?? null,
            last_job: status?.jobs.at(-1)?.id ?? null,
          };
        });
      for (const problem of state.problems) wire.report[problem.level](`${problem.message} (${problem.fix})`, problem);
      if (flags.json) wire.out(`${JSON.stringify(rows, null, 2)}\n`);
      else if (rows.length === 0)
        wire.out("No tasks yet. Write one: tasks/hello.md with a `title:` and a prompt below the second `---`.\n");
      else {
        const width = Math.max(...rows.map((row) => row.task.length));
        for (const row of rows)
          wire.out(
            `${glyphs[row.state] ?? "○"} ${row.task.padEnd(width)}  ${row.state.padEnd(9)}  ${row.next_due ? `next ${row.next_due}  ` : ""}${row.why}\n`,
          );
      }
    });
}
