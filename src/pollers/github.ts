// GitHub as a source: open pull requests with their reviews and checks, and issues that carry a label.
import { z } from "zod";
import type { GithubSettings } from "../core/schema.ts";
import { configuration } from "../errors.ts";
import type { Level, PollContext, Poller } from "../ports.ts";
import { type Api, ApiFault, createApi } from "../shell/github-api.ts";
import { apiUrl, ownRepository } from "../shell/github-place.ts";
import { wayOut } from "../shell/way-out.ts";
import { readComments, readPush } from "./github-comments.ts";
import {
  checkLevels,
  issue,
  issueLevels,
  type Pull,
  pull,
  pullLevels,
  review,
  reviewLevels,
  run,
  subjectOf,
} from "./github-levels.ts";
import type { PollerOptions } from "./index.ts";

/** Reviews and checks cost a request each: they are read of this many pull requests, those that changed last. */
const closely = 50;
/** Subjects that left a list and are asked for one by one, in a tick. */
const missing_limit = 50;

interface Reading {
  api: Api;
  owner: string;
  name: string;
  /** `owner/name`. */
  repo: string;
  config: GithubSettings;
  now: Date;
  known: PollContext["known"];
  levels: Level[];
  /** Part of the repository → why it could not be read. */
  faults: Map<string, ApiFault>;
}

export function github({ env, origin }: PollerOptions): Poller {
  let rest: ApiFault | null = null;
  return {
    name: "github",
    async poll(settings, now, { known, signal }) {
      const config = settings.pollers.github;
      if (!config) return [];
      if (rest?.until !== undefined && Date.now() < rest.until) throw rest;
      const url = apiUrl(config, env);
      const token = env[config.token];
      if (!token)
        throw configuration(
          `the variable ${config.token} is empty`,
          `set it to a token that may read the repositories, or name another in \`pollers.github.token\``,
        );
      const repos = new Set<string>();
      for (const repo of config.repos) repos.add(repo === "." ? await ownRepository(env, url, origin) : repo);
      const fetch = await wayOut(env, url);
      const api = createApi({ url, token, variable: config.token, wall: config.wall, signal, fetch });
      try {
        const read = await Promise.all([...repos].map((repo) => readRepository(api, repo, config, now, known)));
        const all = read.flatMap(({ faults }) => [...faults.values()]);
        rest = all.find((fault) => fault.until !== undefined) ?? null;
        const wide = rest ?? all.find((fault) => fault.scope === "source");
        const levels = read.flatMap((one) => [...one.levels, ...repositoryLevel(one)]);
        return wide ? [...levels, deadLevel(wide.message)] : levels;
      } finally {
        api.close();
      }
    },
  };
}

const deadLevel = (why: string): Level => ({
  source: "github",
  subject: "github",
  family: "source",
  kind: "source.failed",
  title: `github could not be read: ${why}`,
  data: { why },
});

/** One repository that cannot be read in full must not hide the others. Nothing while GitHub itself is the fault. */
function repositoryLevel({ repo, faults }: Reading): Level[] {
  const level = { source: "github", subject: repo, family: "source" };
  const ok: Level = { ...level, kind: "source.ok", first: "calm", title: `${repo} can be read again` };
  if (faults.size === 0) return [ok];
  const own = [...faults].filter(([, fault]) => fault.scope === "repo");
  const parts = own.map(([part]) => part).sort();
  const why = own[0]?.[1].message;
  if (why === undefined) return [];
  const title = `${repo} could not be read in full: ${why}`;
  return [{ ...level, kind: "source.failed", state: parts.join(", "), title, data: { repo, why, parts } }];
}

async function readRepository(
  api: Api,
  repo: string,
  config: GithubSettings,
  now: Date,
  known: PollContext["known"],
): Promise<Reading> {
  const [owner = "", name = ""] = repo.split("/");
  const reading: Reading = { api, owner, name, repo, config, now, known, levels: [], faults: new Map() };
  await Promise.all([
    part(reading, "pull requests", () => readPulls(reading)),
    part(reading, "issues", () => readIssues(reading)),
  ]);
  // Which comments count depends on what is open: without knowing all of that, they wait for the next tick.
  if (reading.faults.size > 0) return reading;
  await Promise.all([
    ...(config.comments ? [part(reading, "comments", () => readComments(reading))] : []),
    ...(config.pushes ? [part(reading, "pushes", () => readPush(reading))] : []),
  ]);
  return reading;
}

/** A part that fails leaves its levels as they were known, and the others go on. */
async function part(reading: Reading, name: string, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (thrown) {
    if (!(thrown instanceof ApiFault)) throw thrown;
    reading.faults.set(name, reading.faults.get(name) ?? thrown);
  }
}

async function readPulls(reading: Reading): Promise<void> {
  const { api, owner, name: repo, config, now } = reading;
  const what = `pull requests of ${reading.repo}`;
  const open = await api.list(
    what,
    (rest, page) => rest.pulls.list({ owner, repo, state: "open", per_page: 100, page }),
    z.array(pull),
  );
  for (const one of open) reading.levels.push(...pullLevels(reading.repo, one, now, config.stale));
  const newest = open.toSorted((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at)).slice(0, closely);
  await Promise.all([
    ...newest.map((one) => part(reading, "reviews", () => readReviews(reading, one))),
    ...newest.map((one) => part(reading, "checks", () => readChecks(reading, one))),
    ...gone(reading, "pr", "pr.opened", open).map((number) =>
      part(reading, "pull requests", async () => {
        const one = await one404(
          api.get(
            `pull request ${subjectOf(reading.repo, number)}`,
            (rest) => rest.pulls.get({ owner, repo, pull_number: number }),
            pull,
          ),
        );
        if (one) reading.levels.push(...pullLevels(reading.repo, one, now, config.stale));
      }),
    ),
  ]);
}

async function readReviews({ api, owner, name: repo, levels, ...reading }: Reading, one: Pull): Promise<void> {
  const reviews = await api.list(
    `reviews of ${subjectOf(reading.repo, one.number)}`,
    (rest, page) => rest.pulls.listReviews({ owner, repo, pull_number: one.number, per_page: 100, page }),
    z.array(review),
  );
  levels.push(...reviewLevels(reading.repo, one, reviews));
}

async function readChecks({ api, owner, name: repo, levels, ...reading }: Reading, one: Pull): Promise<void> {
  const listed = api.list(
    `checks of ${subjectOf(reading.repo, one.number)}`,
    (rest, page) => rest.checks.listForRef({ owner, repo, ref: one.head.sha, per_page: 100, page }),
    z.object({ check_runs: z.array(run) }).transform(({ check_runs }) => check_runs),
  );
  const runs = await listed.catch((thrown) => {
    if (thrown instanceof ApiFault && thrown.status === 422) return []; // a commit of a fork that is not there any more
    throw thrown;
  });
  levels.push(...checkLevels(reading.repo, one, runs));
}

async function readIssues(reading: Reading): Promise<void> {
  const { api, owner, name: repo, config } = reading;
  const labels = config.label;
  const listed = await api
    .list(
      `issues of ${reading.repo}`,
      (rest, page) => rest.issues.listForRepo({ owner, repo, labels, state: "open", per_page: 100, page }),
      z.array(issue),
    )
    .catch((thrown) => {
      if (thrown instanceof ApiFault && thrown.status === 410) return []; // the repository has issues switched off
      throw thrown;
    });
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
      }),
    ),
  );
}

/** Numbers that the ledger knows as open and that are not in the list. That alone says nothing: each is asked for. */
function gone(reading: Reading, family: string, kind: string, listed: { number: number }[]): number[] {
  const there = new Set(listed.map((one) => subjectOf(reading.repo, one.number)));
  return reading.known
    .filter((row) => row.family === family && row.kind === kind && row.subject.startsWith(`${reading.repo}#`))
    .filter((row) => !there.has(row.subject))
    .map((row) => Number(row.subject.slice(reading.repo.length + 1)))
    .filter(Number.isSafeInteger)
    .slice(0, missing_limit);
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
