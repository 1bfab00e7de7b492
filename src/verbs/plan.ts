import type { Command } from "commander";
import { noFindings } from "../core/absorb.ts";
import { decide } from "../core/decide.ts";
import { draftOf } from "../core/draft.ts";
import { as_found, outlook, toSeconds } from "../core/explain.ts";
import { recordsOf } from "../core/known-hosts.ts";
import { whatMatters } from "../core/matters.ts";
import { isEach } from "../core/select.ts";
import { exit, usage } from "../errors.ts";
import { namedBy } from "../plugin/plug.ts";
import { runtimes } from "../runtimes/index.ts";
import { seen } from "../shell/behind.ts";
import { bindingNote } from "../shell/binding.ts";
import { fetchHead } from "../shell/fetch-head.ts";
import { createFleet } from "../shell/fleet.ts";
import { gather } from "../shell/hands.ts";
import { openLocal } from "../shell/pack.ts";
import { forkPoint } from "../shell/pack-files.ts";
import { createPool } from "../shell/pool.ts";
import { planOfProposal } from "../shell/proposed.ts";
import { jobPaths, readPair, readWorkTree } from "../shell/read.ts";
import { findRepo } from "../shell/repo-open.ts";
import { lookAtRepos } from "../shell/repos.ts";
import { createScan } from "../shell/scan.ts";
import { createScreen } from "../shell/screen.ts";
import { addSpent } from "../shell/spent.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { codeOf } from "./code.ts";
import { plugOf } from "./plug.ts";

interface PlanFlags extends Common {
  at?: string;
  probe?: boolean;
  now?: string;
  head?: string;
  comment?: boolean;
}

interface Planned {
  starts: { task: string; occurrence: string; hosts: string[]; deadline?: number; note?: string; each?: true }[];
  /** `last_tick`: found by the last tick; `--probe` asks the hosts anew. */
  holds: { task: string; state: string; reason: string; person: boolean; last_tick?: true }[];
  next: { task: string; due: string }[];
  /** People's records of the work tree that origin, as last fetched, has not or has otherwise. */
  unseen: string[];
}

/** Adds `towline plan`: what the next tick would do. Starts nothing, writes nothing. */
export function plan(program: Command, wire: Wire): void {
  program
    .command("plan")
    .description("what the next tick would start, what is held back and by what, and what is due next")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--at <ref>", "read this commit instead of the work tree")
    .option("--probe", "ask the hosts, too, and name the one that each job would get")
    .option("--now <time>", "plan as if it were this time (ISO)")
    .option("--head <ref>", "what merging this would change; refs/pull/12/head is fetched from origin")
    .option("--comment", "with --head: as the text of a comment")
    .option("--json", "print the plan as JSON")
    .action(async (flags: PlanFlags) => {
      if (flags.comment) return wire.out(await commentOf(wire, flags));
      if (flags.head !== undefined) throw usage("--head goes with --comment", "for the plan at a commit write --at");
      const planned = await planOf(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify(planned, null, 2)}\n`);
      else for (const line of lines(planned)) wire.out(`${line}\n`);
      if (planned.holds.some((hold) => hold.person)) wire.exit(exit.findings);
    });
}

/** The plan comment of a proposal. */
async function commentOf(wire: Wire, { head, at, now: then, ...flags }: PlanFlags): Promise<string> {
  if (head === undefined) throw usage("--comment goes with --head", "name the commit or ref that is proposed");
  const dir = repoDir(wire, flags);
  const { repo, tips } = await openLocal(dir, wire, at ?? "HEAD");
  const base = await readPair(repo, tips);
  const foreign = await bindingNote(repo, base);
  if (foreign) throw foreign;
  const remote = /^refs\/(pull|merge-requests)\//.test(head);
  const commit = remote ? await fetchHead(dir, wire.env, head, tips.policy) : (await repo.local(head)).policy;
  const fork = await forkPoint((await findRepo(dir, wire.env)).place, tips.policy, commit);
  const now = then === undefined ? wire.clock.now() : new Date(then);
  return planOfProposal({ repo, base, head: commit, fork, now, runtimes: new Set(Object.keys(runtimes)) });
}

async function planOf(wire: Wire, flags: PlanFlags): Promise<Planned> {
  const dir = repoDir(wire, flags);
  const { repo, tips, top } = await openLocal(dir, wire, flags.at);
  const state = flags.at === undefined ? await readWorkTree(repo, top, tips) : await readPair(repo, tips);
  const foreign = await bindingNote(repo, state);
  if (foreign) throw foreign;
  const now = flags.now === undefined ? wire.clock.now() : new Date(flags.now);
  const names = new Set(Object.keys(runtimes));
  await addSpent(repo, state, { now, runtimes: names });
  const draft = draftOf(state, now, "plan");
  const next = [...state.status.values()].flatMap((one) =>
    one.data.next_due && state.tasks.has(one.id) ? [{ task: one.id, due: one.data.next_due }] : [],
  );
  next.sort((a, b) => (a.due < b.due ? -1 : 1));
  const { unseen, changed } = await seen(dir, wire.env, tips, flags.at);
  if (!flags.probe) {
    const { going, holds } = outlook(draft, names, changed);
    const starts = going.map((one) => ({
      task: one.task.id,
      occurrence: one.run.occurrence,
      hosts: one.hosts.map((host) => host.id),
      note: one.note,
      ...(isEach(one.task.data) ? { each: true as const } : {}),
    }));
    return { starts, holds: [...holds].map(([task, hold]) => ({ task, ...hold })), next, unseen };
  }
  const pool = createPool(
    createFleet({ ...wire, hosts: recordsOf(state), ...namedBy(() => state), offers: plugOf(wire, dir).transports }),
    state.pack,
  );
  try {
    const findings = noFindings();
    const scan = createScan();
    const asked = whatMatters(draft, names);
    const screen = createScreen(wire.secrets, scan);
    await gather({ repo, pool, clock: wire.clock, runtimes, screen }, state, asked.hosts, findings);
    await lookAtRepos(codeOf(wire, dir, scan), state.settings, asked.repos, [], findings);
    const decision = decide(
      state,
      findings,
      { paths: await jobPaths(repo, tips, asked.strange), runtimes: names },
      { now, tick: "plan", file: "plan", start: true },
    );
    const starts = decision.plan.starts.map((one) => ({
      task: decision.draft.jobs.get(one.job)?.data.task ?? "",
      occurrence: decision.draft.jobs.get(one.job)?.data.run.occurrence ?? "",
      hosts: [one.host],
      deadline: one.deadline,
      ...(one.deploy ? { note: `${one.runtime} is deployed there first` } : {}),
    }));
    return { starts, holds: [...decision.plan.holds].map(([task, hold]) => ({ task, ...hold })), next, unseen };
  } finally {
    pool.close();
  }
}

function lines({ starts, holds, next, unseen }: Planned): string[] {
  const said = starts.map(
    (one) =>
      `● start  ${one.task}  (${one.occurrence})  on ${places(one)}${one.note === undefined ? "" : `; ${one.note}`}`,
  );
  for (const hold of holds) said.push(`‖ ${hold.state}  ${hold.task}: ${hold.reason}${hold.last_tick ? as_found : ""}`);
  for (const one of next.slice(0, 10)) said.push(`○ next   ${one.task}  at ${one.due}`);
  if (said.length === 0) said.push("Nothing to do: no task is owed a run.");
  if (unseen.length > 0) {
    const named =
      unseen.length <= 3 ? unseen.join(", ") : `${unseen.slice(0, 3).join(", ")} and ${unseen.length - 3} more`;
    said.push(
      `This plan reads the work tree. Origin, as last fetched, differs in ${named}: ticks read what is pushed.`,
    );
  }
  return said.map(toSeconds);
}

const places = ({ hosts, each }: Planned["starts"][number]) =>
  hosts.length === 1 ? hosts[0] : `${each ? "each of" : "one of"} ${hosts.join(", ")}`;
