// `/towline why`: what the records say of a task or a run, in one sentence.
import { type Deed, type Doing, does, named } from "./deeds.ts";
import { explainTask, outlook } from "./explain.ts";
import { statusPath } from "./ids.ts";
import { glyphs } from "./jobs.ts";
import { pathClass } from "./schema.ts";
import { cell } from "./text.ts";
import { link } from "./web-links.ts";

export function whyDeed(at: Doing, what: string | null): Deed {
  const found = named(at, what, "why");
  if ("missing" in found) return found.missing;
  const { draft, known } = at;
  const { task, job } = found;
  if (job && what === job.id)
    return does(["ledger"], () => {
      const { state, run, host } = job.data;
      const why = run.why ? `: ${cell(run.why, 300)}` : "";
      return `${glyphs[state]} ${link(known.web, job.id, job.path)} is ${state}${host ? ` on ${cell(host)}` : ""}${why}`;
    });
  if (!task) return { targets: [], fault: `the task of \`${job?.id}\` is gone`, fix: "name another one" };
  return does([pathClass(task.path)], () => {
    const said = explainTask(draft, task, outlook(draft, known.runtimes, new Set()));
    const where = link(known.web, task.data.title, statusPath(task.id));
    return `${glyphs[said.state] ?? "○"} ${where} is ${said.state}: ${cell(said.why, 400)}`;
  });
}
