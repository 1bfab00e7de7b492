import type { Command } from "commander";
import { type Draft, draftOf } from "../core/draft.ts";
import type { Entry } from "../core/entry.ts";
import { agentOf } from "../core/gate.ts";
import { nearest } from "../core/nearest.ts";
import { anyTask, playOf } from "../core/playbook.ts";
import { counted } from "../core/text.ts";
import { toldText } from "../core/told.ts";
import { configuration, usage } from "../errors.ts";
import type { Runtime } from "../ports.ts";
import { runtimeOf, runtimes } from "../runtimes/index.ts";
import { seen } from "../shell/behind.ts";
import { bindingNote } from "../shell/binding.ts";
import { inform } from "../shell/knowledge.ts";
import { openOrigin } from "../shell/pack.ts";
import { prepare } from "../shell/prepare.ts";
import { readPair } from "../shell/read.ts";
import { lookAtRepos } from "../shell/repos.ts";
import { createScan } from "../shell/scan.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { codeOf } from "./code.ts";
import { plugOf } from "./plug.ts";

interface PlaybookFlags extends Common {
  host?: string;
}

/** Adds `towline playbook AGENT [TASK]`: the texts that would be sent now, made as a start makes them. Starts nothing. */
export function playbook(program: Command, wire: Wire): void {
  program
    .command("playbook <agent> [task]")
    .description("exactly what an agent would be told if it were started now, with a task or with any")
    .option("--host <name>", "as on this machine, whose notes it would be given")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the texts as JSON")
    .action(async (agent: string, task: string | undefined, flags: PlaybookFlags) => {
      const dir = repoDir(wire, flags);
      const { repo, tips } = await openOrigin(dir, wire);
      const state = await readPair(repo, tips);
      const foreign = await bindingNote(repo, state);
      if (foreign) wire.report.warning(`${foreign.message} (${foreign.advice})`);
      const { unseen } = await seen(dir, wire.env, tips);
      if (unseen.length > 0)
        wire.report.note(
          `Origin differs from the work tree in ${counted(unseen.length, "record")}: this is as origin has it.`,
        );
      const { runtime = "" } = state.agents.get(nameOf(agent))?.data ?? {};
      await plugOf(wire, dir).runtime(state, runtime);
      const draft = draftOf(state, wire.clock.now(), "playbook");
      const cast = castOf(draft, agent, task, flags.host);
      const code = codeOf(wire, dir, createScan());
      const found = { repos: new Map(), standing: new Map() };
      const named = new Set(cast.task.data.repo === undefined ? [] : [cast.task.data.repo]);
      await lookAtRepos(code, state.settings, named, [], found);
      const made = playOf(draft, { ...cast, host: flags.host, repos: found.repos });
      if ("none" in made) throw configuration(`what ${agent} would be told cannot be said: ${made.none}`);
      const work = await inform({ repo, code, clock: wire.clock, runtimes }, draft, made.start);
      // Secrets come into it at the last moment, and stand in no text.
      const launch = prepare(cast.runtime, work, () => "unset");
      if ("refused" in launch) throw configuration(`${agent} would not be started: ${launch.refused}`);
      const { host } = made.start;
      const names = (known: readonly { name: string }[] = []) => known.map(({ name }) => name);
      const told = { insights: names(work.told?.insights), learnings: names(work.told?.learnings) };
      if (flags.json)
        return void wire.out(
          `${JSON.stringify({ agent, task: task ?? null, host, ...told, texts: launch.told }, null, 2)}\n`,
        );
      const { told: texts = {} } = launch;
      if (Object.keys(texts).length > 0) wire.out(toldText(cast.agent.id, texts, wire.secrets.mask));
      else wire.out(`${cast.agent.id} runs scripts: it is told nothing in words.\n`);
    });
}

interface Cast {
  agent: Entry<"agent">;
  task: Entry<"task">;
  runtime: Runtime;
}

const nameOf = (agent: string) => agent.replace(/^agents\//, "").replace(/\.md$/, "");

function castOf(draft: Draft, name: string, taskName: string | undefined, host: string | undefined): Cast {
  const agent = draft.agents.get(nameOf(name));
  if (!agent) throw usage(`there is no agents/${name}.md`, hint(name, draft.agents.keys()));
  if (host !== undefined && !draft.hosts.has(host))
    throw usage(`there is no hosts/${host}.md`, hint(host, draft.hosts.keys()));
  const id = taskName?.replace(/^.*\//, "").replace(/\.md$/, "");
  const task = id === undefined ? anyTask(agent.id) : draft.tasks.get(id);
  if (!task) throw usage(`there is no task ${taskName}`, hint(taskName ?? "", draft.tasks.keys()));
  const own = agentOf(draft, task);
  if (own?.id !== agent.id)
    throw usage(
      `${task.id} is no task of ${agent.id}`,
      own ? `towline playbook ${own.id} ${task.id}` : "it names no agent that there is",
    );
  const runtime = runtimeOf(runtimes, draft, agent.data.runtime);
  const plugged = draft.plugged?.get(agent.data.runtime);
  if (plugged && "fault" in plugged)
    throw configuration(`${agent.path}: runtime \`${agent.data.runtime}\` is a plugin's: ${plugged.fault}`);
  if (!runtime)
    throw configuration(
      `${agent.path} names the runtime ${agent.data.runtime}, which this towline has not`,
      `there are: ${Object.keys(runtimes).join(", ")}`,
    );
  return { agent, task, runtime };
}

function hint(name: string, names: Iterable<string>): string {
  const all = [...names].sort();
  const near = nearest(name, all);
  return near ? `did you mean ${near}?` : `there are: ${all.slice(0, 20).join(", ") || "none"}`;
}
