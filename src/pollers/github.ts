// GitHub as a source: open pull requests with their reviews and checks, and issues that carry a label.
import type { GithubSettings } from "../core/schema.ts";
import { configuration } from "../errors.ts";
import type { Level, PollContext, Poller } from "../ports.ts";
import { type Api, ApiFault, createApi } from "../shell/github-api.ts";
import { apiUrl, ownRepository } from "../shell/github-place.ts";
import { wayOut } from "../shell/way-out.ts";
import { readComments, readPush } from "./github-comments.ts";
import { openKnown, readIssues, readMain, readPulls } from "./github-lists.ts";
import { type Tags, tagsOf } from "./github-tags.ts";
import type { PollerOptions } from "./index.ts";

export interface Reading {
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
  tags: Tags;
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
  const { label, stale, token, url = "" } = config;
  const tags = tagsOf(api, repo, known, [label, `${stale}`, token, url].join("\n"), now);
  const reading: Reading = { api, owner, name, repo, config, now, known, levels: [], faults: new Map(), tags };
  await Promise.all([
    part(reading, "pull requests", () => readPulls(reading, part)),
    part(reading, "issues", () => readIssues(reading, part)),
  ]);
  // Which comments count depends on what is open: without knowing all of that, they wait for the next tick.
  const open = openNow(reading);
  if (reading.faults.size > 0) return withTags(reading, open);
  await Promise.all([
    ...(config.comments ? [part(reading, "comments", () => readComments(reading, open))] : []),
    ...(config.pushes ? [part(reading, "pushes", () => readPush(reading))] : []),
  ]);
  if (config.main && config.pushes) await part(reading, "checks", () => readMain(reading));
  return withTags(reading, open);
}

/** What is open: as the ledger knows it, but for what was heard of now. */
function openNow(reading: Reading): Set<string> {
  const whole = reading.levels.filter(({ family }) => family === "pr" || family === "issue");
  const heard = new Set(whole.map(({ subject }) => subject));
  const kinds = ["pr.opened", "issue.labelled"];
  const known = kinds.flatMap((kind) => openKnown(reading, kind)).filter((subject) => !heard.has(subject));
  return new Set([
    ...known,
    ...reading.levels.filter(({ kind }) => kinds.includes(kind)).map(({ subject }) => subject),
  ]);
}

function withTags(reading: Reading, open: ReadonlySet<string>): Reading {
  const numbers = new Set([...open].map((subject) => Number(subject.slice(reading.repo.length + 1))));
  reading.levels.push(...reading.tags.levels(numbers));
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
