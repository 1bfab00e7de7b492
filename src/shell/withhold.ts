// A server that looks for secrets refuses a whole push for one text in it. That text is withheld, and the rest goes.
import type { Findings } from "../core/absorb.ts";
import type { Entry } from "../core/entry.ts";
import { epochOf } from "../core/jobs.ts";
import { besides } from "../core/told.ts";
import type { Level } from "../ports.ts";
import { withoutText } from "./screen.ts";

const refused = "its text is withheld: the server found a secret in it and refused it. Change that secret";

type Jobs = ReadonlyMap<string, Entry<"job">>;

/**
 * Takes the text of those results out of the findings whose records the server named, or of all when none of what it
 * named is theirs. Answers what people must be told; nothing: no result is left to be the reason.
 */
export function withhold(findings: Findings, jobs: Jobs, named: string[]): Level[] {
  const unsaid = untold(findings, jobs, named);
  if (unsaid.length > 0) return unsaid;
  const open = findings.results.filter(({ outcome }) => outcome.why !== refused);
  const theirs = open.filter(({ result }) => {
    const job = jobs.get(result.job);
    return job !== undefined && named.some((path) => isOf(job, path));
  });
  const chosen = new Set(theirs.length > 0 ? theirs : open);
  // Nothing that was said is left to be the reason: then it is what was told.
  if (chosen.size === 0) return untold(findings, jobs, null);
  findings.results = findings.results.map((one) => (chosen.has(one) ? { ...one, ...silenced(one) } : one));
  return [...chosen].flatMap(({ result }) => {
    const job = jobs.get(result.job);
    return job ? [withheldLevel(job)] : [];
  });
}

/** Takes out what agents were told whose files the server named (null: all). Nothing of it is kept then. */
function untold(findings: Findings, jobs: Jobs, named: string[] | null): Level[] {
  return [...findings.told].flatMap(([key, told]) => {
    const job = jobs.get(key.slice(0, key.lastIndexOf("/")));
    const theirs = job && (named === null || named.some((path) => path.startsWith(`${besides(job.path)}told-`)));
    if (!theirs || told.text === null) return [];
    findings.told.set(key, { ...told, text: null });
    return [withheldLevel(job, "was told")];
  });
}

/** Where its answer would stand, the record says why it does not. */
function silenced({ result, outcome, landed }: Findings["results"][number]) {
  const bare = withoutText(result, outcome, refused);
  const said = { ...bare, outcome: { ...bare.outcome, answer: `${refused}.` } };
  // What is kept of its work may be what was refused.
  return landed && "kept" in landed ? { ...said, landed: { ...landed, kept: new Map() } } : said;
}

/** Records into which a job's words go, besides those that speak of many jobs. */
const isOf = ({ id, path, data }: Entry<"job">, file: string) =>
  file === path ||
  file === `status/${data.task}.md` ||
  file.startsWith(besides(path)) ||
  (file.startsWith("reflections/") && (file.includes(id) || file.includes(data.run.run_id)));

const withheldLevel = (job: Entry<"job">, what = "said"): Level => ({
  source: "towline",
  subject: job.data.task,
  family: "withheld",
  kind: "result.withheld",
  state: `${job.id}/${epochOf(job)}${what === "said" ? "" : ` ${what}`}`,
  ends: "for-good",
  title: `${job.data.task}: the server refused what ${job.id} ${what}; its text is withheld`,
  data: { task: job.data.task, job: job.id, host: job.data.host, why: refused },
});
