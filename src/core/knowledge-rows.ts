// state/knowledge.ndjson: of each insight and learning, when it was last confirmed, and how often it was of use. Written when
// that changed, from what jobs say that they were given; what was retired is told once, with the jobs that had it.
import { campfire_path } from "./campfire.ts";
import { type Draft, isoNow } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { pupdateId } from "./ids.ts";
import { type KnownRow, knownRows, type Used } from "./known.ts";
import { fileOf } from "./lessons.ts";
import { ndjson } from "./render.ts";
import type { State } from "./state.ts";
import { counted } from "./text.ts";

export const knowledge_path = "state/knowledge.ndjson";
export const knowledge_folders = ["insights", "learnings"];

export interface KnowledgeRow extends KnownRow {
  /** Start of the id of the file's text when it was last looked at. */
  blob?: string;
}

/** What was found out of one whose file is another than the rows know, or gone. */
export interface LookedAt {
  status: "active" | "retired" | "gone";
  /** Of one that was retired or taken away: whoever was given it. */
  jobs: { id: string; path: string }[];
}

export function readKnowledge({ texts }: Pick<State, "texts">): KnowledgeRow[] {
  return (texts.get(knowledge_path) ?? "").split("\n").flatMap((line) => {
    try {
      const row = JSON.parse(line) as Partial<KnowledgeRow>;
      const whole = typeof row.path === "string" && !Number.isNaN(Date.parse(row.confirmed ?? ""));
      return whole ? [{ ...row, hits: Number(row.hits) || 0 } as KnowledgeRow] : [];
    } catch {
      return []; // a torn line costs itself only
    }
  });
}

/** Paths whose file is another than the rows know, or gone. None: the rows stand. */
export function strangeKnowledge(state: Pick<State, "texts" | "present">): string[] {
  const { present } = state;
  if (!present) return [];
  const rows = new Map(readKnowledge(state).map((row) => [row.path, row]));
  const changed = [...present].filter(([path, blob]) => rows.get(path)?.blob !== blob).map(([path]) => path);
  return [...changed, ...[...rows.keys()].filter((path) => !present.has(path))].sort();
}

/** A pupdate for each that was active and is retired now; its file may say so, or be gone. */
export function raiseRetired(draft: Draft, looked: ReadonlyMap<string, LookedAt>): void {
  for (const row of readKnowledge(draft)) {
    const found = looked.get(row.path);
    if (!found || found.status === "active" || row.retired) continue;
    const kind = row.path.startsWith("insights/") ? "insight" : "learning";
    const how = found.status === "gone" ? "was taken away" : "is retired";
    const given = found.jobs.length;
    draft.raised.push({
      id: pupdateId("towline", row.path, `${kind}.retired ${row.blob ?? ""}`, null),
      at: isoNow(draft),
      source: "towline",
      kind: `${kind}.retired`,
      subject: row.path,
      title: `${row.path} ${how}; ${counted(given, "job")} had it`,
      data: {
        why: how,
        given: given > 0 ? "true" : "false",
        had: counted(given, "job"),
        jobs: found.jobs.slice(-most_named).map(({ path }) => path),
      },
    });
  }
}

/** Jobs that are named of one: the newest. */
const most_named = 50;

type Jobs = ReadonlyMap<string, Entry<"job">>;

/** The file as it should be; null: nothing was looked at, and nothing happened. */
export function knowledgeText(draft: Draft, before: Jobs, looked: ReadonlyMap<string, LookedAt>): string | null {
  const rows = readKnowledge(draft);
  const old = new Map(rows.map((row) => [row.path, row]));
  // One that went stays until somebody has looked at who had it.
  const stay = rows.filter(({ path }) => !looked.has(path)).map(({ path, blob = "" }) => [path, blob] as const);
  const present = new Map([...stay, ...(draft.present ?? [])]);
  const now = isoNow(draft);
  const edited = [...present].flatMap(([path, blob]) => {
    const row = old.get(path);
    return row?.blob !== undefined && row.blob !== blob && looked.get(path)?.status === "active" ? [path] : [];
  });
  const next = knownRows(rows, {
    present: new Map([...present.keys()].map((path) => [path, now])),
    hits: usedIn(draft, before),
    confirmed: [
      ...edited.map((path) => ({ path, at: now })),
      ...acceptedIn(draft, before),
      ...keptAtCampfire(draft, new Set(present.keys())),
    ],
  }).map((row): KnowledgeRow => {
    const seen = looked.get(row.path);
    const blob = seen || draft.present === undefined ? present.get(row.path) : old.get(row.path)?.blob;
    const retired = seen ? seen.status !== "active" : old.get(row.path)?.retired;
    return { ...row, ...(blob ? { blob } : {}), ...(retired ? { retired } : {}) };
  });
  const text = ndjson(next);
  return text === (draft.texts.get(knowledge_path) ?? "") ? null : text;
}

const pathsOf = ({ insights = [], learnings = [] }: Entry<"job">["data"]["run"]): string[] => [
  ...insights.map((name) => `insights/${name}.md`),
  ...learnings.map((name) => `learnings/${name}.md`),
];

const answeredWith = ({ learned = [] }: Entry<"job">["data"]["run"]) =>
  learned.map(({ hits = [] }) => hits.map((name) => `learnings/${name}.md`));

/** What jobs were given in this pass, and what their agents were answered with: each counts once a job, each answer once. */
function usedIn(draft: Draft, before: Jobs): Used[] {
  const at = isoNow(draft);
  return [...draft.jobs.values()].flatMap((job) => {
    const was = before.get(job.id);
    if (was === job) return [];
    const known = new Set(was ? pathsOf(was.data.run) : []);
    const given = pathsOf(job.data.run).filter((path) => !known.has(path));
    const answers = answeredWith(job.data.run).slice(was ? answeredWith(was.data.run).length : 0);
    return [...given, ...answers.flat()].map((path) => ({ path, at }));
  });
}

/** What jobs had whose work a person took: it waited for a review, and is finished. */
function acceptedIn(draft: Draft, before: Jobs): Used[] {
  const at = isoNow(draft);
  return [...draft.jobs.values()].flatMap((job) => {
    const taken = job.data.state === "finished" && before.get(job.id)?.data.state === "review";
    return taken ? pathsOf(job.data.run).map((path) => ({ path, at })) : [];
  });
}

/** What people were asked about at a campfire, and left standing when they merged it. */
function keptAtCampfire(draft: Draft, present: ReadonlySet<string>): Used[] {
  return fileOf(draft, campfire_path)
    .split("\n")
    .flatMap((line): Used[] => {
      try {
        const { state, closed_at, doubted } = JSON.parse(line) as Record<string, unknown>;
        if (state !== "merged" || typeof closed_at !== "string" || Number.isNaN(Date.parse(closed_at))) return [];
        const named = (Array.isArray(doubted) ? doubted : []).filter((one) => typeof one === "string");
        const paths = named.flatMap((name) => [
          name,
          `${name}.md`,
          ...knowledge_folders.map((one) => `${one}/${name}.md`),
        ]);
        return paths.filter((path) => present.has(path)).map((path) => ({ path, at: closed_at }));
      } catch {
        return [];
      }
    });
}

/** When each was last confirmed, by its name: of insights. */
export const confirmedAt = (state: Pick<State, "texts">): ReadonlyMap<string, string> =>
  new Map(readKnowledge(state).map(({ path, confirmed }) => [path, confirmed]));
