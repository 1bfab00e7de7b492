import type { Command } from "commander";
import { glyphs, isOver } from "../core/jobs.ts";
import { recordsOf } from "../core/known-hosts.ts";
import { nearest } from "../core/nearest.ts";
import type { State } from "../core/state.ts";
import { configuration, outside, usage } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import { runtimes } from "../runtimes/index.ts";
import { attach } from "../shell/attach.ts";
import { type Cancelled, cancelJob } from "../shell/cancel.ts";
import { createFleet } from "../shell/fleet.ts";
import { openOrigin } from "../shell/pack.ts";
import { personOf } from "../shell/person.ts";
import { createPool } from "../shell/pool.ts";
import { addRecords, jobPaths, readPair } from "../shell/read.ts";
import { createScan } from "../shell/scan.ts";
import { createScreen } from "../shell/screen.ts";
import type { HostLookup } from "../shell/ways.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { diffing } from "./job-diff.ts";
import { logging } from "./job-log.ts";
import { showingJobs } from "./job-show.ts";
import { plugOf } from "./plug.ts";

/** Adds `towline job list|show|log|diff|cancel|attach`. */
export function job(program: Command, wire: Wire): void {
  const group = program.command("job").description("single runs of tasks");
  group
    .command("cancel <id>")
    .description("end a run: its whole process group on the host, or before it starts; what it said so far is kept")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the outcome as JSON")
    .action(async (id: string, flags: Common) => {
      const dir = repoDir(wire, flags);
      const { repo, tips } = await openOrigin(dir, wire);
      const path = await recordOf(repo, tips, await readPair(repo, tips), id);
      const plug = plugOf(wire, dir);
      const connect = (pack: string, hosts: HostLookup) =>
        createPool(createFleet({ ...wire, hosts, offers: plug.transports }), pack);
      const ports = {
        repo,
        clock: wire.clock,
        runtimes,
        plug: plug.runtime,
        connect,
        screen: createScreen(wire.secrets, createScan()),
      };
      const came = await cancelJob(ports, tips, path, await personOf(dir, wire.env));
      wire.out(flags.json ? `${JSON.stringify(told(came), null, 2)}\n` : `${line(came)}\n`);
    });
  attaching(group, wire);
  diffing(group, wire);
  logging(group, wire);
  showingJobs(group, wire);
}

/** Adds `towline job attach ID`. */
function attaching(group: Command, wire: Wire): void {
  group
    .command("attach <id>")
    .description(
      "look into the pane of a run, and type in it: with your own login, by the system's ssh (C-b d leaves it)",
    )
    .option("--read-only", "look only")
    .option("--repo <dir>", "the pack repository", ".")
    .action(async (id: string, flags: Common & { readOnly?: boolean }) => {
      const { repo, tips } = await openOrigin(repoDir(wire, flags), wire);
      const state = await readPair(repo, tips);
      const path = await recordOf(repo, tips, state, id, "attach");
      await addRecords(repo, state, [path]);
      const { job, name, host } = paneOf(state, path);
      if (!wire.terminal) throw usage("a pane is shown in a terminal, and this is none", "run it in your own shell");
      const at = { job, pack: state.pack, name, host, hosts: recordsOf(state), env: wire.env, home: wire.home };
      await attach({ ...at, read_only: flags.readOnly === true });
    });
}

/** Where the pane of a job is. Throws a Fault when it can have none. */
function paneOf(state: State, path: string) {
  const id = (path.split("/").at(-1) as string).slice(0, -3);
  const job = state.jobs.get(id);
  if (!job) throw outside(`${path} cannot be read`, "run towline check");
  const { runtime, ended_at } = job.data.run;
  if (runtime !== "tmux")
    throw usage(
      `${id} has no pane: its runtime is \`${runtime ?? "unknown"}\``,
      "write `runtime: tmux` in the agent's record",
    );
  if (isOver(job))
    throw usage(
      `${id} has ended already: ${job.data.state}${ended_at === undefined ? "" : ` at ${ended_at}`}`,
      `what it said stands in ${path}`,
    );
  const name = job.data.host ?? "";
  const host = state.hosts.get(name)?.data;
  if (!host)
    throw configuration(
      `${id} runs on ${name || "no host"}, which has no record in hosts/`,
      `add hosts/${name || "NAME"}.md`,
    );
  return { job: id, name, host };
}

/** Path of the job's record. Throws a usage Fault that names what was probably meant. */
async function recordOf(repo: Repo, tips: Tips, state: State, said: string, verb = "cancel"): Promise<string> {
  const id = said.replace(/^.*\//, "").replace(/\.md$/, "");
  const paths = await jobPaths(repo, tips, [id]);
  const path = paths.get(id);
  if (path !== undefined) return path;
  const open = [...state.jobs.values()].filter((one) => !isOver(one));
  const own = open.filter((one) => one.data.task === id).map((one) => one.id);
  if (own.length > 0) throw usage(`${id} is a task, and this is done to a run of it`, `towline job ${verb} ${own[0]}`);
  const near = nearest(id, [...open.map((one) => one.id), ...paths.keys()]);
  const list = open.slice(0, 5).map((one) => one.id);
  throw usage(
    `${said} is no job here`,
    near ? `did you mean ${near}?` : list.length > 0 ? `open jobs: ${list.join(", ")}` : "no job is open",
  );
}

const told = ({ job: { id, path, data }, state, why, commits }: Cancelled) => ({
  job: id,
  path,
  task: data.task,
  host: data.host,
  came: state,
  state: data.state,
  why: why ?? data.run.why,
  asked: data.run.cancel,
  commits,
});

function line({ job: { id, data }, state, why }: Cancelled): string {
  const { ended_at, exit } = data.run;
  if (state === "over") {
    const at = ended_at === undefined ? "" : ` at ${ended_at}`;
    return `${glyphs[data.state]} ${id} has ended already: ${data.state}${at}${exit === undefined ? "" : `, exit ${exit}`}`;
  }
  if (state === "asked")
    return `● ${id} is to be ended, and that is written down: ${why}. The next tick that reaches ${data.host} sees to it.`;
  return data.state === "cancelled"
    ? `– ${id} cancelled${data.host ? ` on ${data.host}` : ""}; what it said so far is in its record`
    : `${glyphs[data.state]} ${id} ended by itself before it was reached: ${data.state}`;
}
