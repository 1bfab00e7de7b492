// What a campfire tells people: gathered out of the records of the days since the last one.
import { type Campfire, textPath } from "../core/campfire.ts";
import { storyOf } from "../core/campfire-story.ts";
import { campfireText, type Telling } from "../core/campfire-text.ts";
import { type Entry, kindOf, parseEntry } from "../core/entry.ts";
import { doubted, type KnownRow } from "../core/known.ts";
import { rowsIn } from "../core/lessons.ts";
import { addressOn } from "../core/proposal.ts";
import type { State } from "../core/state.ts";
import { mayBeTold } from "../core/withheld.ts";
import type { Repo } from "../ports.ts";
import { knowledgeAt } from "./knowledge.ts";

export interface Told {
  repo: Repo;
  /** Where the forge shows the repository, or null. */
  site(): Promise<string | null>;
  /** Comments at the proposal count. */
  talks: boolean;
}

const most = { days: 7, jobs: 2000 };
type Gathered = Omit<Telling, "address" | "talks">;

export async function tellingOf(
  { repo }: Told,
  state: State,
  row: Campfire,
  before: readonly Campfire[],
  now: Date,
): Promise<Gathered> {
  const { insights, learnings } = await knowledgeAt(repo, state.tips.policy);
  const last = before.findLast(({ id }) => id !== row.id);
  const jobs = await jobsSince(repo, state, last?.at, now);
  const known = [...insights, ...learnings];
  const expires = new Map(insights.flatMap(({ path, data }) => (data.expires ? [[path, data.expires] as const] : [])));
  const active = new Set(known.filter(({ data }) => data.status === "active").map(({ path }) => path));
  const rows = rowsIn<KnownRow>(state, "state/knowledge.ndjson").filter(({ path }) => active.has(path));
  const gone = await notTaken({ repo }, state);
  return { story: storyOf(jobs, before), known, doubted: doubted(rows, expires, now), gone };
}

/** Files on the default branch that came there by a campfire and that nobody took: the next one proposes to delete them. */
export async function notTaken({ repo }: Pick<Told, "repo">, state: State): Promise<string[]> {
  const { insights, learnings } = await knowledgeAt(repo, state.tips.policy);
  const may = mayBeTold(state);
  return [...insights, ...learnings].filter((one) => !may(one)).map(({ path }) => path);
}

/** Records of the jobs that were claimed since then, a week at most. */
async function jobsSince(repo: Repo, { tips }: State, since: string | undefined, now: Date): Promise<Entry<"job">[]> {
  if (tips.ledger === null) return [];
  const from = Math.max(Date.parse(since ?? "") || 0, now.getTime() - most.days * 86_400_000);
  const days: string[] = [];
  for (let at = now.getTime(); at > from - 86_400_000; at -= 86_400_000)
    days.push(`jobs/${new Date(at).toISOString().slice(0, 10).replaceAll("-", "/")}`);
  const items = (await repo.tree(tips.ledger, days)).filter(
    ({ path, mode }) => mode.startsWith("100") && kindOf(path) === "job",
  );
  const some = items.slice(-most.jobs);
  const blobs = await repo.blobs([...new Set(some.map(({ blob }) => blob))]);
  const jobs = some.flatMap(({ path, blob }) => {
    const { entry } = parseEntry(path, "job", Buffer.from(blobs.get(blob) ?? []).toString());
    return entry && Date.parse(entry.data.run.claimed_at) >= from ? [entry] : [];
  });
  return jobs.sort((a, b) => (a.data.run.claimed_at < b.data.run.claimed_at ? -1 : 1));
}

const record = /^(?:jobs|reflections|insights|learnings)\/[\w./-]+\.md$/;

/** The text for the forge, and the same for the ledger, where links lead from file to file. */
export async function wordsOf({ site, talks }: Told, { settings }: State, row: Campfire, telling: Gathered) {
  const page = await site();
  const branch = settings.ledger.branch;
  const onSite = page === null ? () => null : addressOn(page, branch);
  const there = (path: string) =>
    page !== null && path.startsWith(`${page}/`) ? path : record.test(path) ? onSite(path) : null;
  const up = "../".repeat(textPath(row.id).split("/").length - 1);
  const near = (path: string) =>
    record.test(path) && (branch === undefined || !/^(?:insights|learnings)/.test(path)) ? `${up}${path}` : there(path);
  const onForge = campfireText(row, { ...telling, talks, address: there });
  const local = campfireText(row, { ...telling, talks, address: near });
  return { onForge, inLedger: `# ${local.title}\n\nBranch \`${row.proposal.branch}\`\n\n${local.body}` };
}
