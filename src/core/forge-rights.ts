// What the CI service's own token has to be allowed in the job of the ticks, and what of it the workflow does not give.
import type { Settings } from "./schema.ts";
import { readYaml } from "./split.ts";

type Level = "read" | "write";
/** Name of a permission, as workflows write it → what is needed of it. */
export type Rights = ReadonlyMap<string, Level>;

const proposals: [string, Level][] = [
  ["pull-requests", "write"],
  ["issues", "write"],
  ["statuses", "write"],
];
const sources: [string, Level][] = [
  ["pull-requests", "read"],
  ["issues", "read"],
  ["checks", "read"],
];

/** `hidden`: the repository is private; in a public one everybody may read. */
export function rightsFor({ forge, pollers }: Pick<Settings, "forge" | "pollers">, hidden: boolean): Rights {
  const needed = new Map<string, Level>([["contents", "write"]]);
  const own = forge?.name === "github" && !forge.app && forge.token === "GITHUB_TOKEN";
  if (hidden && (own || pollers.github?.token === "GITHUB_TOKEN"))
    for (const [name, level] of sources) needed.set(name, level);
  if (own) for (const [name, level] of proposals) needed.set(name, level);
  if (own && forge.workflows.length > 0) needed.set("actions", "write");
  return needed;
}

interface Job {
  permissions?: unknown;
  steps?: { run?: string; uses?: string }[];
}

/** `pull-requests: write`, …: what no job of the workflow gives all of. A workflow that cannot be read is another check's. */
export function missingRights(workflow: string, needed: Rights): string[] {
  const { permissions, jobs } = read(workflow);
  const all = Object.values(jobs ?? {}).filter((job) => job !== null && typeof job === "object");
  const ticks = all.filter(
    ({ steps }) => Array.isArray(steps) && steps.some((step) => /\btick\b/.test(step?.run ?? "")),
  );
  const lacks = (ticks.length > 0 ? ticks : all).map((job) => lacking(job.permissions ?? permissions, needed));
  // A job's own list takes the place of the workflow's.
  return lacks.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function read(workflow: string): { permissions?: unknown; jobs?: Record<string, Job> } {
  try {
    return (readYaml(workflow) ?? {}) as { jobs?: Record<string, Job> };
  } catch {
    return {};
  }
}

function lacking(given: unknown, needed: Rights): string[] {
  if (given === "write-all") return [];
  const named = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
  return [...needed]
    .filter(([name, level]) => {
      const has = given === "read-all" ? "read" : named[name];
      return has !== "write" && has !== level;
    })
    .map(([name, level]) => `${name}: ${level}`);
}
