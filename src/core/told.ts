// What an agent was told when it was started: word for word beside the record of its job, and by name in it.
import type { Findings } from "./absorb.ts";
import { type Draft, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { digest } from "./hash.ts";
import type { Cut } from "./mask.ts";
import type { Job } from "./schema.ts";
import { cell, clean, fenced } from "./text.ts";

/** Name → text, as they were sent. */
type Texts = Readonly<Record<string, string>>;

export interface ToldFinding {
  /** The file that is kept; null: it must not be. */
  text: string | null;
  /** Names of what people wrote down, out of which it was told. */
  insights: readonly string[];
  learnings: readonly string[];
}

/** Characters that are kept of one text, from its front and from its back. */
const keep = 65_536;

/**
 * The file. Nothing in it is of one job or one time only: where another job is told the same, git keeps it once.
 * `mask`: a secret may lie where a long text is cut; without it such a text is left out.
 */
export function toldText(agent: string, texts: Texts, mask?: (text: string, cut: Cut) => string): string {
  const short = (text: string) => {
    if (text.length <= keep * 2) return fenced(text, "markdown");
    if (!mask) return `_Left out: ${text.length} characters._`;
    const [front, back] = [mask(text.slice(0, keep), { end: true }), mask(text.slice(-keep), { start: true })];
    return fenced(`${front}\n… ${text.length - keep * 2} characters left out …\n${back}`, "markdown");
  };
  const named = Map.groupBy(Object.entries(texts), ([, text]) => clean(text).trim());
  const parts = [...named].map(
    ([text, files]) => `## ${files.map(([name]) => `\`${name}\``).join(", ")}\n\n${short(text)}`,
  );
  return `# What ${cell(agent, 80)} was told\n\nWord for word, without secrets, by the name under which it found it.\n\n${parts.join("\n\n")}\n`;
}

/** `jobs/…/<job>.d/`: files that belong to a job's record. */
export const besides = (path: string) => `${path.slice(0, -3)}.d/`;

/** What stays in the record of a job from one epoch to the next: what is kept with it, and all that it knows. */
export const keptOn = (run: Job["run"]): Partial<Job["run"]> => {
  const { told, insights, learnings, learn, learned, moved, proposal } = run;
  return { told, insights, learnings, learn, learned, moved, proposal };
};

const union = (a: readonly string[] = [], b: readonly string[] = []) => {
  const all = [...new Set([...a, ...b])];
  return all.length > 0 ? all : undefined;
};

/** The record of a job that was told this. The same words as in an epoch before are the same file. */
function asTold(job: Entry<"job">, { text, ...known }: ToldFinding): Entry<"job"> {
  const { run } = job.data;
  const insights = union(run.insights, known.insights);
  const learnings = union(run.learnings, known.learnings);
  return { ...job, data: { ...job.data, run: { ...run, insights, learnings, told: fileOf(run, text) } } };
}

function fileOf({ told, epoch }: Job["run"], text: string | null): string | undefined {
  if (text === null) return undefined;
  const sum = digest(text).slice(0, 8);
  return told?.endsWith(`-${sum}.md`) ? told : `told-${epoch}-${sum}.md`;
}

/** A job as its record will be when it says what its agent was told. */
export function withTold(job: Entry<"job">, { told }: Pick<Findings, "told">): Entry<"job"> {
  const found = told.get(`${job.id}/${job.data.run.epoch}`);
  return found ? asTold(job, found) : job;
}

/** Writes down what agents were told whose runs are known to have begun. Doing it again changes nothing. */
export function recordTold(draft: Draft, { told, starts, running, results }: Findings): void {
  if (told.size === 0) return;
  const came = new Set(results.map(({ result }) => `${result.job}/${result.epoch}`));
  for (const job of [...draft.jobs.values()]) {
    const key = `${job.id}/${job.data.run.epoch}`;
    const found = told.get(key);
    const start = starts.get(key);
    // An earlier epoch that was found at work was told something else.
    const own = start?.state === "started" && start.epoch === job.data.run.epoch;
    if (!found || !(own || running.has(key) || came.has(key))) continue;
    const next = asTold(job, found);
    if (JSON.stringify(next.data.run) === JSON.stringify(job.data.run)) continue;
    const { told: file } = next.data.run;
    if (file !== undefined && file !== job.data.run.told)
      draft.attached.set(`${besides(job.path)}${file}`, found.text ?? "");
    putJob(draft, next);
  }
}

/** A section of the record's body that leads to it. */
export const toldSection = ({ path, data }: Entry<"job">): string[] =>
  data.run.told === undefined
    ? []
    : [`## Told\n\n[What it was told](${besides(path.slice(path.lastIndexOf("/") + 1))}${data.run.told})`];
