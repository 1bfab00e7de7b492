// What is open in one repository: pull requests with their reviews and checks, and issues that carry the label.
import { z } from "zod";
import type { Level } from "../ports.ts";
import { ApiFault, type Rest } from "../shell/github-api.ts";
import type { Reading } from "./github.ts";
import {
  checkLevels,
  greenAt,
  issue,
  issueLevels,
  mainLevels,
  type Pull,
  pull,
  pullLevels,
  review,
  reviewLevels,
  run,
  subjectOf,
} from "./github-levels.ts";

/** Reviews and checks cost a request each: they are read of this many pull requests, those that changed last. */
const closely = 50;
/** Subjects that left a list and are asked for one by one, in a tick. */
const missing_limit = 50;

/** Reads a part; one that fails leaves its levels as they were known, and is noted. */
export type ReadPart = (reading: Reading, name: string, read: () => Promise<void>) => Promise<void>;

export async function readPulls(reading: Reading, part: ReadPart): Promise<void> {
  const { owner, name: repo, tags } = reading;
  const what = `pull requests of ${reading.repo}`;
  const asked = { owner, repo, state: "open" as const, per_page: 100 };
  const open = await tags.list("pulls", what, (rest, page) => rest.pulls.list({ ...asked, ...page }), z.array(pull));
  if (open === null) return again(reading, part);
  for (const one of open) say(reading, one);
  const newest = open.toSorted((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at)).slice(0, closely);
  await Promise.all([
    ...newest.flatMap((one) => readAbout(reading, part, one.number, one.head.sha, async () => one)),
    ...gone(reading, "pr", "pr.opened", open).map((number) =>
      part(reading, "pull requests", async () => {
        const one = await alone(reading, number);
        if (one) say(reading, one);
        if (one?.state !== "closed") tags.forget("pulls");
      }),
    ),
  ]);
  if (reading.faults.has("pull requests")) tags.forget("pulls");
  const { now, config } = reading;
  const stale = open.map((one) => Date.parse(one.updated_at) + config.stale * 1000).filter((at) => at >= now.getTime());
  if (stale.length > 0) tags.expire("pulls", Math.min(...stale));
}

const say = ({ levels, repo, now, config }: Reading, one: Pull) =>
  levels.push(...pullLevels(repo, one, now, config.stale));

/** The list is as it was: what hangs on it may not be. */
async function again(reading: Reading, part: ReadPart): Promise<void> {
  const open = new Set(openKnown(reading, "pr.opened"));
  const there = reading.known
    .filter(({ family, subject, state }) => family === "pr.head" && open.has(subject) && state !== undefined)
    .map(({ subject, state = "" }) => ({ number: numberOf(reading, subject), sha: state }))
    .toSorted((a, b) => b.number - a.number)
    .slice(0, closely);
  const about = there.map(({ number, sha }) => readAbout(reading, part, number, sha, () => alone(reading, number)));
  await Promise.all(about.flat());
}

/** Subjects of what the ledger knows as open. */
export const openKnown = ({ known, repo }: Pick<Reading, "known" | "repo">, kind: string) =>
  known.filter((row) => row.kind === kind && row.subject.startsWith(`${repo}#`)).map(({ subject }) => subject);

const numberOf = ({ repo }: Reading, subject: string) => Number(subject.slice(repo.length + 1));

const alone = ({ api, owner, name, repo }: Reading, number: number) =>
  one404(
    api.get(
      `pull request ${subjectOf(repo, number)}`,
      (rest) => rest.pulls.get({ owner, repo: name, pull_number: number }),
      pull,
    ),
  );

/** What is said of one pull request, where it is another than it was. `whole` is asked for then. */
function readAbout(
  reading: Reading,
  part: ReadPart,
  number: number,
  sha: string,
  whole: () => Promise<Pull | null>,
): Promise<void>[] {
  const add = async (name: string, made: ((one: Pull) => Level[]) | null) => {
    if (made === null) return;
    const one = await whole().catch((thrown) => {
      reading.tags.forget(name);
      throw thrown;
    });
    if (one) reading.levels.push(...made(one));
    else reading.tags.forget(name);
  };
  const reviews = `reviews ${number}`;
  const checks = `checks ${number} ${sha.slice(0, 12)}`;
  return [
    part(reading, "reviews", async () => add(reviews, await readReviews(reading, number, reviews))),
    part(reading, "checks", async () => add(checks, await readChecks(reading, { number, ref: sha, tag: checks }))),
  ];
}

async function readReviews({ owner, name, repo, tags }: Reading, number: number, tag: string) {
  const what = `reviews of ${subjectOf(repo, number)}`;
  const asked = { owner, repo: name, pull_number: number, per_page: 100 };
  const call = (rest: Rest, page: object) => rest.pulls.listReviews({ ...asked, ...page });
  const all = await tags.list(tag, what, call, z.array(review));
  return all && ((one: Pull) => reviewLevels(repo, one, all));
}

const runs_shape = z.object({ check_runs: z.array(run) }).transform(({ check_runs }) => check_runs);

interface Checked {
  number: number;
  ref: string;
  tag: string;
}

async function readChecks({ owner, name, repo, tags, now }: Reading, at: Checked) {
  const { number, ref, tag } = at;
  const what = `checks of ${subjectOf(repo, number)}`;
  const asked = { owner, repo: name, ref, per_page: 100 };
  const call = (rest: Rest, page: object) => rest.checks.listForRef({ ...asked, ...page });
  try {
    const all = await tags.list(tag, what, call, runs_shape);
    const green = all && greenAt(all);
    if (green !== null && green > now.getTime()) tags.expire(tag, green);
    return all && ((one: Pull) => checkLevels(repo, one, all, now));
  } catch (thrown) {
    // A commit of a fork that is not there any more.
    if (thrown instanceof ApiFault && thrown.status === 422) return (one: Pull) => checkLevels(repo, one, [], now);
    throw thrown;
  }
}

/** The checks of the default branch: of the newest commit that is known of it. */
export async function readMain(reading: Reading): Promise<void> {
  const { owner, name, repo, tags, levels, known } = reading;
  const said = levels.find(({ family, subject }) => family === "push" && subject === repo)?.state;
  const ref = said ?? known.find(({ family, subject }) => family === "push" && subject === repo)?.state;
  if (ref === undefined) return;
  const asked = { owner, repo: name, ref, per_page: 100 };
  const call = (rest: Rest, page: object) => rest.checks.listForRef({ ...asked, ...page });
  const all = await tags.list("main", `checks of ${repo}`, call, runs_shape);
  if (all) levels.push(...mainLevels(repo, ref, all));
}

export async function readIssues(reading: Reading, part: ReadPart): Promise<void> {
  const { api, owner, name: repo, config, tags } = reading;
  const labels = config.label;
  const what = `issues of ${reading.repo}`;
  const asked = { owner, repo, labels, state: "open" as const, per_page: 100 };
  const call = (rest: Rest, page: object) => rest.issues.listForRepo({ ...asked, ...page });
  const listed = await tags.list("issues", what, call, z.array(issue)).catch((thrown) => {
    if (thrown instanceof ApiFault && thrown.status === 410) return []; // the repository has issues switched off
    throw thrown;
  });
  if (listed === null) return;
  // GitHub counts pull requests as issues.
  const open = listed.filter((one) => !one.pull_request);
  for (const one of open) reading.levels.push(...issueLevels(reading.repo, one, labels));
  await Promise.all(
    gone(reading, "issue", "issue.labelled", open).map((number) =>
      part(reading, "issues", async () => {
        const what = `issue ${subjectOf(reading.repo, number)}`;
        const one = await one404(
          api.get(what, (rest) => rest.issues.get({ owner, repo, issue_number: number }), issue),
        );
        if (one) reading.levels.push(...issueLevels(reading.repo, one, labels));
        else tags.forget("issues");
      }),
    ),
  );
  if (reading.faults.has("issues")) tags.forget("issues");
}

/** Numbers that the ledger knows as open and that are not in the list. That alone says nothing: each is asked for. */
function gone(reading: Reading, family: string, kind: string, listed: { number: number }[]): number[] {
  const there = new Set(listed.map((one) => subjectOf(reading.repo, one.number)));
  const missing = reading.known
    .filter((row) => row.family === family && row.kind === kind && row.subject.startsWith(`${reading.repo}#`))
    .filter((row) => !there.has(row.subject))
    .map((row) => Number(row.subject.slice(reading.repo.length + 1)))
    .filter(Number.isSafeInteger);
  // The rest is asked for by the next tick.
  if (missing.length > missing_limit) reading.tags.forget(family === "pr" ? "pulls" : "issues");
  return missing.slice(0, missing_limit);
}

/** Null when it is not to be seen: that may be missing rights, so it never counts as closed. */
async function one404<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof ApiFault && (thrown.status === 404 || thrown.status === 410)) return null;
    throw thrown;
  }
}
