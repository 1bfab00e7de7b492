// Insights, learnings and skills are read when a job is about to start that is told of them: a quiet tick needs none.
import type { Start } from "../core/claim.ts";
import { type Entry, idOf, kindOf, parseEntry } from "../core/entry.ts";
import { matcher } from "../core/globs.ts";
import { type Knowledge, most, onPaths, type Told, toldTo } from "../core/knowledge.ts";
import { confirmedAt, readKnowledge as knownRowsOf, type LookedAt, strangeKnowledge } from "../core/knowledge-rows.ts";
import { max_bytes } from "../core/split.ts";
import type { State } from "../core/state.ts";
import type { ToldFinding } from "../core/told.ts";
import { mayBeTold } from "../core/withheld.ts";
import type { Clock, Repo, Runtime, Work } from "../ports.ts";
import { runtimeOf } from "../runtimes/index.ts";
import { textOf } from "./pack-files.ts";
import type { Targets } from "./target.ts";

const read = new WeakMap<Repo, Map<string, Promise<Knowledge>>>();

/** As people's records have it at this commit. */
export function knowledgeAt(repo: Repo, commit: string): Promise<Knowledge> {
  const known = read.get(repo) ?? new Map<string, Promise<Knowledge>>();
  read.set(repo, known);
  const found = known.get(commit) ?? readKnowledge(repo, commit);
  known.set(commit, found);
  return found;
}

async function readKnowledge(repo: Repo, commit: string): Promise<Knowledge> {
  const found: Knowledge = { insights: [], learnings: [], skills: [] };
  const items = (await repo.tree(commit, ["insights", "learnings", "skills"])).filter(
    ({ path, mode }) => mode.startsWith("100") && kindOf(path) !== null && isWhole(path),
  );
  const blobs = await repo.blobs([...new Set(items.map((one) => one.blob))], max_bytes);
  for (const { path, blob } of items) {
    const bytes = blobs.get(blob);
    const text = bytes ? textOf(bytes) : null;
    // One that cannot be read is named by `check`; the others count.
    const { entry } = text === null ? { entry: null } : parseEntry(path, kindOf(path) as "skill", text);
    if (entry?.path.startsWith("insights/")) found.insights.push(entry as unknown as Entry<"insight">);
    else if (entry?.path.startsWith("learnings/")) found.learnings.push(entry as unknown as Entry<"learning">);
    else if (entry) found.skills.push(entry);
  }
  return found;
}

/** Of a skill in a folder of its own, the rest is for those who look there. */
const isWhole = (path: string) => !/^skills\/[^/]+\/./.test(path) || /^skills\/[^/]+\/skill\.md$/i.test(path);

/** Only who starts a model's work needs what this takes. */
async function weightsOf(learnings: readonly Entry<"learning">[]): Promise<string | null> {
  if (learnings.length === 0) return null;
  const [{ shipped }, { lessonsIn }] = await Promise.all([import("../core/shipped.ts"), import("../core/retrieve.ts")]);
  return shipped(lessonsIn(learnings));
}

interface Ports {
  repo: Repo;
  /** Absent: nothing is known of the repository that the work is on. */
  targets?: Targets | undefined;
}

/** What the agent of this work is told besides. */
async function informed(
  { repo, targets }: Ports,
  state: State,
  { work, agent, host, now }: { work: Work; agent: string; host: string; now: Date },
): Promise<Told | undefined> {
  const { code } = work;
  const knowledge = await aboutFirst(taken(state, await knowledgeAt(repo, state.tips.policy)), work);
  const asked = {
    agent,
    skills: work.agent.skills ?? [],
    labels: state.hosts.get(host)?.data.labels ?? [],
    repo: code?.repo ?? null,
    now,
    confirmed: confirmedAt(state),
  };
  if (!code)
    return { ...toldTo(knowledge, { ...asked, paths: null }), weights: await weightsOf(inScope(knowledge, null)) };
  if (!targets) return undefined;
  const target = await targets.fetch(code.repo, [code.branch]);
  // What it may change, or what its work is about by now; else all of it.
  const area = work.agent.guard?.allow ?? code.remarks.flatMap(({ path }) => path ?? []);
  const people = await target.people(code.base, area.length > 0 ? matcher(area) : () => true, now);
  const byPath = knowledge.learnings.some(({ data }) => data.applies !== undefined);
  const paths = byPath ? await target.paths(code.base) : null;
  return { ...toldTo(knowledge, { ...asked, paths }), people, weights: await weightsOf(inScope(knowledge, paths)) };
}

/** Without what came there by a campfire and nobody has said yes to who may. */
function taken(state: State, { insights, learnings, skills }: Knowledge): Knowledge {
  const may = mayBeTold(state);
  return { insights: insights.filter(may), learnings: learnings.filter(may), skills };
}

/** Where there are more learnings than anybody is told, those that are about the task go first. */
async function aboutFirst(knowledge: Knowledge, { task, prompt }: Work): Promise<Knowledge> {
  if (knowledge.learnings.length <= most.learnings) return knowledge;
  const { byRelevance } = await import("../core/retrieve.ts");
  return { ...knowledge, learnings: byRelevance(knowledge.learnings, `${task.title}\n${prompt}`) };
}

/** Learnings that it may ask for by itself. */
const inScope = ({ learnings }: Knowledge, paths: readonly string[] | null) =>
  learnings.filter(({ data: { applies } }) => applies === undefined || onPaths(applies, paths));

/** For the record: what it is told, and which of it people wrote down for it, by name. */
export function noteOf({ told }: Work, text: string): ToldFinding {
  const names = (known: readonly { name: string }[] = []) => known.map(({ name }) => name);
  return { text, insights: names(told?.insights), learnings: names(told?.learnings) };
}

export const agentOf = (state: State, { job }: Start) => state.jobs.get(job)?.data.agent ?? "";

/** Absent: nothing of it can be told. */
interface Informing {
  repo?: Repo;
  code?: { targets: Targets };
  clock?: Clock;
  runtimes?: Readonly<Record<string, Runtime>>;
}

/** The work, with what people have written down for whoever does such work. What cannot be read now is left out. */
export async function inform({ repo, code, clock, runtimes }: Informing, state: State, start: Start): Promise<Work> {
  const { assignment, host, runtime } = start;
  const work = assignment as Work;
  // A script reads nothing.
  if (!repo || (!work.code && !runtimeOf(runtimes ?? {}, state, runtime)?.model)) return work;
  const agent = agentOf(state, start);
  const now = clock?.now() ?? new Date(0);
  const told = await informed({ repo, targets: code?.targets }, state, { work, agent, host, now }).catch(
    () => undefined,
  );
  return told ? { ...work, told } : work;
}

/** Job records that are read at once. */
const batch = 1000;

/** Jobs whose agents were given this insight or learning, oldest first, out of all records there are. */
export async function givenTo(repo: Repo, ledger: string | null, kind: "insights" | "learnings", name: string) {
  const items = ledger === null ? [] : await repo.tree(ledger, ["jobs"]);
  const records = items.filter(({ path, mode }) => mode.startsWith("100") && kindOf(path) === "job");
  const found: Entry<"job">[] = [];
  for (let from = 0; from < records.length; from += batch) {
    const some = records.slice(from, from + batch);
    const blobs = await repo.blobs([...new Set(some.map(({ blob }) => blob))], max_bytes);
    for (const { path, blob } of some) {
      const bytes = blobs.get(blob);
      const text = bytes ? textOf(bytes) : null;
      if (!text?.includes(`- ${name}\n`)) continue;
      const { entry } = parseEntry(path, "job", text);
      if (entry?.data.run[kind]?.includes(name)) found.push(entry);
    }
  }
  return found.sort((a, b) => (a.data.run.claimed_at < b.data.run.claimed_at ? -1 : 1));
}

/** What became of the insights and learnings whose file is another than the ledger knows, or gone. */
export async function lookAtKnowledge(repo: Repo, state: State): Promise<Map<string, LookedAt>> {
  const found = new Map<string, LookedAt>();
  const strange = strangeKnowledge(state);
  if (strange.length === 0) return found;
  const knowledge = await knowledgeAt(repo, state.tips.policy);
  const here = new Map([...knowledge.insights, ...knowledge.learnings].map((one) => [one.path, one.data.status]));
  const rows = new Map(knownRowsOf(state).map((row) => [row.path, row]));
  for (const path of strange) {
    // One that cannot be read is given to nobody, but nobody has retired it: `check` names it.
    const status = state.present?.has(path) ? (here.get(path) ?? "active") : "gone";
    const row = rows.get(path);
    const over = status !== "active" && row !== undefined && !row.retired;
    const kind = path.startsWith("insights/") ? "insights" : "learnings";
    const jobs = over ? await givenTo(repo, state.tips.ledger, kind, idOf(path)) : [];
    found.set(path, { status, jobs: jobs.map(({ id, path: at }) => ({ id, path: at })) });
  }
  return found;
}
