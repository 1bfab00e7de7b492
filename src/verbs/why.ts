import type { Command } from "commander";
import { costRow } from "../core/costs.ts";
import { draftOf } from "../core/draft.ts";
import { driftOf } from "../core/drift.ts";
import { type Entry, parseEntry } from "../core/entry.ts";
import { explainPupdate, explainTask, leafLine, outlook, toSeconds } from "../core/explain.ts";
import { isOver } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import type { Pupdate } from "../core/schema.ts";
import { amount, expensesOf } from "../core/spent.ts";
import type { State } from "../core/state.ts";
import { counted, oneLine } from "../core/text.ts";
import { besides } from "../core/told.ts";
import { usage } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import { runtimes } from "../runtimes/index.ts";
import { archivesNaming } from "../shell/archive-index.ts";
import { seen } from "../shell/behind.ts";
import { bindingNote } from "../shell/binding.ts";
import { givenTo } from "../shell/knowledge.ts";
import { openLocal } from "../shell/pack.ts";
import { addRecords, addRolled, jobPaths, readPair, readWorkTree } from "../shell/read.ts";
import { addSpent } from "../shell/spent.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { endOf } from "./task-show.ts";

/** Adds `towline why ID`: the rule and the field that decided about a task, a job or a pupdate. */
export function why(program: Command, wire: Wire): void {
  program
    .command("why <id>")
    .description("why a task, job or pupdate is as it is; of an insight or a learning: which jobs were given it")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--at <ref>", "read this commit instead of the work tree")
    .option("--json", "print the answer as JSON")
    .action(async (id: string, flags: Common & { at?: string }) => {
      const dir = repoDir(wire, flags);
      const { repo, tips, top } = await openLocal(dir, wire, flags.at);
      const state = flags.at === undefined ? await readWorkTree(repo, top, tips) : await readPair(repo, tips);
      const foreign = await bindingNote(repo, state);
      if (foreign) wire.report.warning(`${foreign.message} (${foreign.advice})`);
      const name = id.replace(/^.*\//, "").replace(/\.md$/, "");
      const answer =
        (await aboutTask(wire, repo, tips, state, name, { dir, ref: flags.at })) ??
        (await aboutJob(repo, tips, state, name)) ??
        (await aboutPupdate(repo, tips, state, name)) ??
        (await aboutKnown(repo, tips, id));
      if (!answer) {
        const near = nearest(name, [...state.tasks.keys(), ...state.jobs.keys()]);
        throw usage(
          `${id} is no task, job, pupdate, insight or learning here`,
          near ? `did you mean ${near}?` : "`towline task list` names the tasks",
        );
      }
      wire.out(flags.json ? `${JSON.stringify(answer.json, null, 2)}\n` : `${toSeconds(answer.lines.join("\n"))}\n`);
    });
}

type Answer = { json: object; lines: string[] };

async function aboutTask(
  wire: Wire,
  repo: Repo,
  tips: Tips,
  state: State,
  id: string,
  { dir, ref }: { dir: string; ref: string | undefined },
): Promise<Answer | null> {
  const archived = await addRolled(repo, state, id);
  const task = state.tasks.get(id);
  if (!task) return null;
  const last = state.status.get(id)?.data.jobs.at(-1)?.path;
  if (last) await addRecords(repo, state, [last]); // it knows when the run ended
  const now = wire.clock.now();
  const names = new Set(Object.keys(runtimes));
  await addSpent(repo, state, { now, runtimes: names });
  const draft = draftOf(state, now, "why");
  const { changed } = await seen(dir, wire.env, tips, ref);
  const said: ReturnType<typeof explainTask> = archived
    ? { task: id, ...endOf(state.status.get(id)) }
    : explainTask(draft, task, outlook(draft, names, changed));
  const about = (await pupdates(repo, tips, id)).filter((one) => one.subject === id || one.data?.task === id).slice(-5);
  const lines = [`${id}: ${said.state}`, `  ${said.why}`];
  if (said.field) lines.push(`  decided by \`${said.field}:\` in ${task.path}`);
  for (const one of about)
    lines.push(`  ${one.at} ${one.kind}: ${one.title} → ${one.verdict}${one.rule ? ` (rule ${one.rule})` : ""}`);
  return { json: { ...said, path: task.path, pupdates: about }, lines };
}

async function aboutJob(repo: Repo, tips: Tips, state: State, id: string): Promise<Answer | null> {
  if (!state.jobs.has(id)) {
    const path = (await jobPaths(repo, tips, [id])).get(id);
    if (path) await addRecords(repo, state, [path]);
  }
  const job: Entry<"job"> | undefined = state.jobs.get(id);
  if (!job) return null;
  const { run } = job.data;
  const about = (await pupdates(repo, tips, id)).filter((one) => one.data?.job === id);
  const lines = [
    `${id}: ${job.data.state}${run.why ? ` (${run.why})` : ""}`,
    `  task ${job.data.task}, run ${run.occurrence}, asked for by ${run.requested_by ?? "nobody noted"}`,
    `  claimed ${run.claimed_at} by tick ${run.tick}, epoch ${run.epoch}, attempt ${run.attempt}, on ${job.data.host}`,
  ];
  if (run.exit !== undefined)
    lines.push(`  ended ${run.ended_at} with exit ${run.exit}${run.outcome ? `, outcome ${run.outcome}` : ""}`);
  const cost = costLine(job);
  if (cost !== null) lines.push(cost);
  for (const { at, text, answer } of run.questions ?? []) {
    lines.push(`  ${at} asked: ${oneLine(text)}`);
    lines.push(answer === undefined ? "    not answered yet: its memo waits" : `    answered: ${oneLine(answer)}`);
  }
  const known = [...(run.insights ?? []), ...(run.learnings ?? [])];
  if (run.told !== undefined) lines.push(`  was told ${besides(job.path)}${run.told}`);
  if (known.length > 0) lines.push(`  given: ${known.join(", ")}`);
  const drift = run.drift ?? (isOver(job) ? null : driftOf(state, job));
  if (drift) lines.push(`  ${drift}`);
  if (run.cancel) lines.push(`  ${run.cancel.by} asked for it to be ended at ${run.cancel.at}`);
  for (const one of about)
    lines.push(`  ${one.at} ${one.kind} → ${one.verdict}${one.rule ? ` (rule ${one.rule})` : ""}`);
  return { json: { job: id, path: job.path, ...job.data, pupdates: about }, lines };
}

/** What it cost, with all its attempts; null: nothing is known of that. */
function costLine(job: Entry<"job">): string | null {
  const sum = costRow(job.id, expensesOf(job));
  const parts = [
    sum.usd > 0 && `cost ${amount("usd", sum.usd)}`,
    sum.list_usd > 0 && `${amount("usd", sum.list_usd)} by list price, which a subscription pays`,
    sum.reserved_usd > 0 && `${amount("usd", sum.reserved_usd)} reserved`,
    sum.tokens > 0 && amount("tokens", sum.tokens),
  ].filter(Boolean);
  return parts.length === 0 ? null : `  ${parts.join(", ")}`;
}

/** Which jobs were given an insight or a learning: of one that is retired, what may have to be looked at again. */
async function aboutKnown(repo: Repo, tips: Tips, id: string): Promise<Answer | null> {
  const [, said, name = ""] = /^(?:(insights|learnings)\/)?([a-z0-9-]{1,80})(?:\.md)?$/.exec(id) ?? [];
  for (const kind of ["insights", "learnings"] as const) {
    if (name === "" || (said !== undefined && said !== kind)) continue;
    const path = `${kind}/${name}.md`;
    const status = await statusOf(repo, tips, path);
    if (status === null && said === undefined) continue;
    const jobs = await givenTo(repo, tips.ledger, kind, name);
    if (status === null && jobs.length === 0) continue;
    const lines = jobs.map(
      ({ id, data }) =>
        `  ${data.run.claimed_at} ${id}: ${data.state}, by ${data.agent ?? "nobody"} on ${data.host}${data.pr ? `, ${data.pr}` : ""}`,
    );
    const rows = jobs.map(({ id, path, data }) => ({ job: id, path, task: data.task, state: data.state, pr: data.pr }));
    return {
      json: { path, status: status ?? "gone", jobs: rows },
      lines: [`${path}: ${status ?? "gone"}; ${counted(jobs.length, "job")} given it`, ...lines],
    };
  }
  return null;
}

/** `active` or `retired`; `broken` where that cannot be read; null: there is no such record. */
async function statusOf(repo: Repo, { policy }: Tips, path: string): Promise<string | null> {
  const [item] = await repo.tree(policy, [path]);
  if (!item) return null;
  const bytes = (await repo.blobs([item.blob])).get(item.blob);
  const { entry } = bytes ? parseEntry(path, "insight", new TextDecoder().decode(bytes)) : { entry: null };
  return entry?.data.status ?? "broken";
}

async function aboutPupdate(repo: Repo, tips: Tips, state: State, id: string): Promise<Answer | null> {
  const pupdate = (await pupdates(repo, tips, id)).find((one) => one.id === id);
  if (!pupdate) return null;
  const rules = explainPupdate(state.rules, pupdate);
  const lines = [
    `${pupdate.id}: ${pupdate.kind} about ${pupdate.subject} at ${pupdate.at}`,
    `  ${pupdate.title}`,
    `  verdict ${pupdate.verdict}${pupdate.rule ? ` by rule ${pupdate.rule}` : ": no rule matched"}`,
  ];
  for (const one of rules) {
    lines.push(`  ${one.matches && !one.skipped ? "✓" : "✕"} ${one.rule}${one.skipped ? ` (${one.skipped})` : ""}`);
    for (const leaf of one.leaves) lines.push(`      ${leafLine(leaf)}`);
  }
  return { json: { pupdate, rules }, lines };
}

/** Pupdates of the ledger, oldest first: all that are not archived, and days of those that are where one names this. */
async function pupdates(repo: Repo, tips: Tips, about: string): Promise<Pupdate[]> {
  if (tips.ledger === null) return [];
  const archives = await archivesNaming(repo, tips.ledger, "pupdates", [about]);
  const archived = archives.length === 0 ? [] : await repo.tree(tips.ledger, archives);
  // What stands in the tree itself is newer.
  const near = await repo.tree(tips.ledger, ["pupdates"], "stored");
  const items = [...new Map([...archived, ...near].map((item) => [item.path, item])).values()]
    .filter(({ path }) => /^pupdates\/.*\.ndjson$/.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const blobs = await repo.blobs(
    items.map((item) => item.blob),
    16 << 20,
  );
  const text = new TextDecoder();
  return items.flatMap((item) => {
    const bytes = blobs.get(item.blob);
    return bytes ? text.decode(bytes).split("\n").filter(Boolean).flatMap(parsed) : [];
  });
}

function parsed(line: string): Pupdate[] {
  try {
    return [JSON.parse(line) as Pupdate];
  } catch {
    return []; // one torn line must not hide the others
  }
}
