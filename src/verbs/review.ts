import type { Command } from "commander";
import type { Entry } from "../core/entry.ts";
import { isOver } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import { placeOf, type Remark, remarksOf, reviewPath, withRemark } from "../core/review.ts";
import { formatDuration } from "../core/scalar.ts";
import type { State } from "../core/state.ts";
import { cell, clean, counted, oneLine } from "../core/text.ts";
import { besides } from "../core/told.ts";
import { configuration, usage } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import { openOrigin } from "../shell/pack.ts";
import { followOrigin, pushFile } from "../shell/person-push.ts";
import { addRecords, jobPaths, readPair } from "../shell/read.ts";
import { createTargets } from "../shell/target.ts";
import { type Work, workOn } from "../shell/work-diff.ts";
import { type Common, cacheDir, repoDir, type Wire } from "../wire.ts";

interface ReviewFlags extends Common {
  comment?: string;
}

/** Adds `towline review JOB [TEXT]`. */
export function review(program: Command, wire: Wire): void {
  program
    .command("review <job> [text...]")
    .description("look at what an agent made, or ask it for changes: words after the job go to it with its next round")
    .option("--comment <path:line>", "the file, and the line of it, that the words are about")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (id: string, words: string[], flags: ReviewFlags) => {
      const dir = repoDir(wire, flags);
      const { repo, tips } = await openOrigin(dir, wire);
      const state = await readPair(repo, tips);
      const job = await workNamed(repo, tips, state, id);
      const { code, branch = "" } = job.data.run;
      const targets = createTargets({ dir, env: wire.env, cache: cacheDir(wire) });
      const work = await workOn(await targets.fetch(code?.repo ?? ".", [branch]), branch);
      const text = words.join(" ").trim();
      if (text === "" && flags.comment !== undefined)
        throw usage("there are no words to the comment", `towline review ${job.id} --comment ${flags.comment} "…"`);
      if (text === "") show(wire, flags, { state, job, work, proposal: await proposalText(repo, tips, job) });
      else await remark(wire, flags, { dir, job, work }, { ...placed(flags, work), text });
    });
}

/** The job of this id, or of the task of this name: the open one, else its newest. */
export async function workNamed(repo: Repo, tips: Tips, state: State, said: string): Promise<Entry<"job">> {
  const id = said.replace(/^.*\//, "").replace(/\.md$/, "");
  const open = [...state.jobs.values()].filter((one) => one.data.run.code !== undefined && !isOver(one));
  const own = open.find((one) => one.id === id) ?? open.find((one) => one.data.task === id);
  if (own) return own;
  const named = await jobPaths(repo, tips, [id]);
  const name = named.has(id) ? id : (state.status.get(id)?.data.jobs.at(-1)?.id ?? id);
  const paths = name === id ? named : await jobPaths(repo, tips, [name]);
  const path = paths.get(name);
  if (path !== undefined) await addRecords(repo, state, [path]);
  const found = state.jobs.get(name);
  if (found?.data.run.code) return found;
  if (found) throw usage(`${name} is no work on a repository`, `its answer is in ${found.path}`);
  const near = nearest(id, [...open.map((one) => one.id), ...open.map((one) => one.data.task)]);
  throw usage(
    `${said} is no job here`,
    near
      ? `did you mean ${near}?`
      : open.length > 0
        ? `open work: ${open.map((one) => one.id).join(", ")}`
        : "no work is open",
  );
}

/** What was written for people about the last round; undefined: it was never pushed, or by an older towline. */
async function proposalText(repo: Repo, tips: Tips, { path, data }: Entry<"job">): Promise<string | undefined> {
  if (!data.run.proposal || tips.ledger === null) return undefined;
  const [item] = await repo.tree(tips.ledger, [`${besides(path)}proposal.md`]);
  const bytes = item?.mode.startsWith("100") ? (await repo.blobs([item.blob])).get(item.blob) : null;
  return bytes ? new TextDecoder("utf-8").decode(bytes) : undefined;
}

function placed({ comment }: ReviewFlags, work: Work): Pick<Remark, "path" | "line"> {
  if (comment === undefined) return { path: null, line: null };
  const place = placeOf(comment);
  if (place === null) throw usage(`${comment} is no place in a file`, "write it like src/a.ts:12");
  if (place.path !== null && !work.paths.includes(place.path)) {
    const near = nearest(
      place.path,
      work.files.map((one) => one.path),
    );
    throw usage(`the branch has no file ${place.path}`, near ? `did you mean ${near}?` : undefined);
  }
  return place;
}

async function remark(
  wire: Wire,
  flags: ReviewFlags,
  { dir, job }: { dir: string; job: Entry<"job">; work: Work },
  said: Remark,
): Promise<void> {
  if (isOver(job)) throw configuration(`${job.id} is over: nobody would take the words up`, "write a new task");
  const path = reviewPath(job.id);
  const commit = await pushFile(dir, wire, {
    path,
    edit: (text) => withRemark(text, job.id, said),
    message: `Review of ${job.id}${said.path === null ? "" : `: ${said.path}`}`,
    fresh: true,
  });
  const here = await followOrigin(dir, wire.env);
  if (flags.json)
    return void wire.out(`${JSON.stringify({ job: job.id, path, commit, remark: said, here }, null, 2)}\n`);
  const when = job.data.state === "review" ? "with the next tick" : "when its run has come back";
  wire.out(`◆ written to ${path} on origin; ${job.data.agent ?? "its agent"} gets it ${when}\n`);
}

function show(
  wire: Wire,
  flags: ReviewFlags,
  { state, job, work, proposal }: { state: State; job: Entry<"job">; work: Work; proposal: string | undefined },
): void {
  const remarks = remarksOf(state.reviews.get(job.id) ?? "");
  const { branch, code, why, round } = job.data.run;
  const { diff, files, base, head } = work;
  if (flags.json) {
    const told = {
      job: job.id,
      task: job.data.task,
      state: job.data.state,
      branch,
      repo: code?.repo,
      round,
      base,
      head,
    };
    return void wire.out(`${JSON.stringify({ ...told, why, files, remarks, proposal, diff }, null, 2)}\n`);
  }
  wire.out(
    `${[...headLines(job, work), ...remarks.map(remarkLine)].join("\n")}\n\n${proposal === undefined ? "" : `${clean(proposal).trimEnd()}\n\n`}${diff.trimEnd()}\n\n${next(job)}\n`,
  );
}

function headLines(job: Entry<"job">, { files, head }: Work): string[] {
  const { branch, round, why, code, continued } = job.data.run;
  const { took, cost } = job.data;
  const sum = (key: "added" | "removed") => files.reduce((all, one) => all + (one[key] ?? 0), 0);
  const where = code?.repo === "." ? "" : ` of ${oneLine(code?.repo ?? "", 100)}`;
  return [
    `◆ ${job.id}: ${job.data.state}, round ${round}, by ${job.data.agent} on ${job.data.host}`,
    `  branch ${branch}${where} at ${head.slice(0, 12)}: ${counted(files.length, "file")}, +${sum("added")} −${sum("removed")}`,
    `  ${[took === undefined ? "" : `${formatDuration(took)} in its last run`, cost === undefined ? "" : `$${cost.toFixed(2)}`, continued ?? ""].filter(Boolean).join(" · ")}`,
    ...(why === undefined ? [] : [`  ${oneLine(why, 200)}`]),
    ...files.map(({ path, added, removed }) => `  ${cell(path, 120)}  +${added ?? "?"} −${removed ?? "?"}`),
  ];
}

const remarkLine = ({ path, line, text }: Remark) =>
  `  • ${path === null ? "" : `${path}${line === null ? "" : `:${line}`}: `}${clean(text).split("\n").join("\n    ")}`;

const next = ({ id, data }: Entry<"job">) =>
  [
    `Changes: towline review ${id} --comment path:line "what to change"`,
    `Yes: merge the branch ${data.run.branch} and push. No: delete it (git push origin --delete ${data.run.branch}).`,
  ].join("\n");
