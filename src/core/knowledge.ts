// What people have written down for agents, and which of it is for this one.
import type { Entry } from "./entry.ts";
import { matcher } from "./globs.ts";
import { clean } from "./text.ts";

export interface Knowledge {
  insights: Entry<"insight">[];
  learnings: Entry<"learning">[];
  skills: Entry<"skill">[];
}

/** A piece of it, as the agent reads it. */
export interface Known {
  name: string;
  /** Its file, for whoever wants to know where it comes from. */
  path: string;
  text: string;
}

export interface Told {
  insights: readonly Known[];
  learnings: readonly Known[];
  skills: readonly Known[];
  /** Who has worked on these files before, by the history. */
  people?: readonly string[];
  /** What its host needs to answer `towline learn` with those that apply there (core/shipped.ts). */
  weights?: string | null;
}

/** Who it is for, and what the work is on. */
export interface Asked {
  agent: string;
  skills: readonly string[];
  /** Of the machine. */
  labels: readonly string[];
  /** As the task names it; null: the work is on none. */
  repo: string | null;
  now: Date;
  /** Paths of the repository; null: they are not known, and only what is for every path counts. */
  paths: readonly string[] | null;
  /** When each was last confirmed, by path: of more insights than anybody is told, the newest are. */
  confirmed?: ReadonlyMap<string, string>;
}

/** More than this nobody keeps in mind. */
export const most = { insights: 40, learnings: 20, text: 4000, skill: 20_000 };

const languages: Record<string, string[]> = {
  c: ["*.c", "*.h"],
  css: ["*.css", "*.scss"],
  go: ["*.go"],
  html: ["*.html"],
  java: ["*.java"],
  javascript: ["*.js", "*.jsx", "*.mjs", "*.cjs"],
  markdown: ["*.md"],
  php: ["*.php"],
  python: ["*.py"],
  ruby: ["*.rb"],
  rust: ["*.rs"],
  shell: ["*.sh", "*.bash"],
  sql: ["*.sql"],
  typescript: ["*.ts", "*.tsx", "*.mts", "*.cts"],
  yaml: ["*.yml", "*.yaml"],
};

export function toldTo({ insights, learnings, skills }: Knowledge, asked: Asked): Told {
  const inScope = ({ data }: Entry<"insight">) =>
    data.status === "active" &&
    (data.expires === undefined || Date.parse(data.expires) > asked.now.getTime()) &&
    (data.scope ?? ["all"]).some((scope) => isFor(scope, asked));
  const applies = ({ data }: Entry<"learning">) =>
    data.status === "active" && (data.applies === undefined || onPaths(data.applies, asked.paths));
  const wanted = skills.filter((skill) => asked.skills.includes(nameOf(skill)));
  return {
    insights: newestFirst(insights.filter(inScope), asked.confirmed).slice(0, most.insights).map(known(most.text)),
    learnings: learnings.filter(applies).slice(0, most.learnings).map(known(most.text)),
    skills: wanted.map(known(most.skill)),
  };
}

/** One that no tick has seen yet came in just now. */
function newestFirst(insights: Entry<"insight">[], confirmed: Asked["confirmed"]): Entry<"insight">[] {
  const at = ({ path }: Entry) => Date.parse(confirmed?.get(path) ?? "") || Number.POSITIVE_INFINITY;
  const later = (one: number, other: number) => (one === other ? 0 : one > other ? -1 : 1);
  return insights.toSorted((a, b) => later(at(a), at(b)) || (a.path < b.path ? -1 : 1));
}

function isFor(scope: string, { agent, labels, repo }: Asked): boolean {
  if (scope === "all" || scope === agent) return true;
  if (scope.startsWith("label:")) return labels.includes(scope.slice(6));
  return repo !== null && /[./*]/.test(scope) && matcher([scope])(repo);
}

export function onPaths(applies: readonly string[], paths: readonly string[] | null): boolean {
  if (paths === null) return false;
  const test = matcher(applies.flatMap((one) => languages[one.toLowerCase()] ?? [one]));
  return paths.some(test);
}

/** `skills/name.md`, or `skills/name/SKILL.md`. */
const nameOf = ({ path, id }: Entry) => (/^skills\/([^/]+)\/./.exec(path)?.[1] ?? id).toLowerCase();

const known =
  (length: number) =>
  (entry: Entry): Known => ({
    name: entry.kind === "skill" ? nameOf(entry) : entry.id,
    path: entry.path,
    text: clean(entry.body).trim().slice(0, length),
  });
