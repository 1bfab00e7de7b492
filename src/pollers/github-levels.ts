// What GitHub answers, as levels. Everything in it was written by others: each text is cleaned and cut here.
import { z } from "zod";
import { isOurs } from "../core/marks.ts";
import { clean, oneLine } from "../core/text.ts";
import type { Level } from "../ports.ts";

const id = z.union([z.number(), z.bigint(), z.string()]).transform(String);
const user = z.object({ id, login: z.string(), type: z.string().nullish() }).nullish();
const item = {
  id,
  number: z.number(),
  title: z.string(),
  html_url: z.string().optional(),
  state: z.enum(["open", "closed"]),
  user,
  author_association: z.string().nullish(),
  labels: z.array(z.union([z.string(), z.object({ name: z.string().nullish() })])).default([]),
  created_at: z.iso.datetime({ offset: true }),
  updated_at: z.iso.datetime({ offset: true }),
};

export const pull = z.object({
  ...item,
  draft: z.boolean().default(false),
  head: z.object({ ref: z.string(), sha: z.string().regex(/^[0-9a-f]{40,64}$/) }),
  base: z.object({ ref: z.string() }),
  merged_at: z.string().nullish(),
  merged_by: user,
  requested_reviewers: z.array(user).nullish(),
});
export const issue = z.object({ ...item, body: z.string().nullish(), pull_request: z.unknown().optional() });
export const review = z.object({
  id,
  state: z.string(),
  user,
  author_association: z.string().nullish(),
  html_url: z.string().optional(),
});
export const run = z.object({
  id,
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullish(),
  html_url: z.string().nullish(),
  completed_at: z.string().nullish(),
});

export const comment = z.object({
  id: id.pipe(z.string().regex(/^\d{1,20}$/)),
  user,
  author_association: z.string().nullish(),
  body: z.string().nullish(),
  html_url: z.string(),
  created_at: z.iso.datetime({ offset: true }),
  updated_at: z.iso.datetime({ offset: true }),
});
export const commit = z.object({
  sha: z.string().regex(/^[0-9a-f]{40,64}$/),
  html_url: z.string().nullish(),
  /** null where GitHub knows nobody by that address. */
  author: user,
  commit: z.object({ message: z.string(), author: z.object({ name: z.string().nullish() }).nullish() }),
});

export type Comment = z.infer<typeof comment>;
export type Commit = z.infer<typeof commit>;
export type Pull = z.infer<typeof pull>;
export type Issue = z.infer<typeof issue>;
export type Review = z.infer<typeof review>;
export type Run = z.infer<typeof run>;

export const subjectOf = (repo: string, number: number) => `${repo}#${number}`;

const address = (url: string | null | undefined) =>
  url && url.length <= 500 && /^https?:\/\/[^\s<>"'`()]+$/.test(url) ? url : undefined;
const names = (all: string[]) => all.slice(0, 20).map((name) => oneLine(name, 100));
const labelsOf = (one: Pull | Issue) =>
  names(one.labels.flatMap((label) => (typeof label === "string" ? label : (label.name ?? []))));

/** Who wrote it, with the role that GitHub gives them in this repository: owner, member, collaborator, … none. */
const actorOf = (by: Pull["user"], association?: string | null): Level["actor"] =>
  by ? { login: oneLine(by.login, 60), id: by.id, role: association?.toLowerCase() } : undefined;

/** Time since, in days to one decimal, never less than it was: `3.1d` is what rules compare with `{gt: 3d}`. */
const age = (since: string, now: Date) =>
  `${Math.ceil(Math.max(0, now.getTime() - Date.parse(since)) / 8_640_000) / 10}d`;

const about = (repo: string, one: Pull | Issue) => ({
  source: "github",
  subject: subjectOf(repo, one.number),
  title: oneLine(one.title),
  actor: actorOf(one.user, one.author_association),
  url: address(one.html_url),
  tags: labelsOf(one),
});

const pullData = (repo: string, one: Pull) => ({
  repo,
  number: one.number,
  branch: oneLine(one.head.ref),
  base: oneLine(one.base.ref),
  sha: one.head.sha,
  draft: one.draft,
});

/** The levels of one pull request that stand in itself; `stale` in seconds. */
export function pullLevels(repo: string, one: Pull, now: Date, stale: number): Level[] {
  const same = about(repo, one);
  const data = pullData(repo, one);
  if (one.state === "closed") {
    if (!one.merged_at) return [{ ...same, family: "pr", kind: "pr.closed", first: "calm", ends: "may-return", data }];
    const merged = { ...data, merged_by: one.merged_by ? oneLine(one.merged_by.login, 60) : undefined };
    return [{ ...same, family: "pr", kind: "pr.merged", first: "calm", ends: "for-good", data: merged }];
  }
  const quiet = now.getTime() - Date.parse(one.updated_at) > stale * 1000;
  const since = { ...data, age: age(one.updated_at, now) };
  return [
    { ...same, family: "pr", kind: "pr.opened", data: { ...data, age: age(one.created_at, now) } },
    { ...same, family: "pr.head", kind: "pr.updated", state: one.head.sha, first: "noted", data },
    ...askedLevels(same, data, one),
    quiet
      ? { ...same, family: "pr.age", kind: "pr.stale", state: one.updated_at, data: since }
      : { ...same, family: "pr.age", kind: "pr.active", first: "calm", data: since },
  ];
}

/** Who is asked for a review, by login. Another list of people is news. */
function askedLevels(same: ReturnType<typeof about>, data: Record<string, unknown>, one: Pull): Level[] {
  const asked = names((one.requested_reviewers ?? []).flatMap((by) => by?.login ?? [])).sort();
  if (asked.length === 0) return [{ ...same, family: "pr.asked", kind: "pr.review_done", first: "calm", data }];
  const state = asked.join(" ");
  return [{ ...same, family: "pr.asked", kind: "pr.review_requested", state, data: { ...data, reviewers: asked } }];
}

const verdicts: Record<string, string> = { APPROVED: "pr.approved", CHANGES_REQUESTED: "pr.changes_requested" };

/** Where each reviewer stands: the newest review that decides. One that was dismissed says nothing any more. */
export function reviewLevels(repo: string, one: Pull, reviews: Review[]): Level[] {
  const newest = new Map<string, Review>();
  for (const given of reviews)
    if (given.state === "DISMISSED" || Object.hasOwn(verdicts, given.state))
      newest.set(given.user?.id ?? "ghost", given);
  return [...newest].flatMap(([reviewer, given]) => {
    const kind = verdicts[given.state];
    if (kind === undefined) return [];
    const level = { ...about(repo, one), family: `pr.review.${reviewer}`, kind, state: given.id };
    const by = { actor: actorOf(given.user, given.author_association), url: address(given.html_url) };
    return [{ ...level, ...by, data: pullData(repo, one) }];
  });
}

const failures = new Set(["failure", "timed_out", "startup_failure"]);
const passes = new Set(["success", "neutral", "skipped"]);

/** Whether the checks of the newest commit fail or pass; nothing while it is undecided. */
export function checkLevels(repo: string, one: Pull, runs: Run[], now: Date): Level[] {
  const failed = runs.filter((check) => check.status === "completed" && failures.has(check.conclusion ?? ""));
  const same = { ...about(repo, one), family: "check" };
  const data = pullData(repo, one);
  if (failed.length > 0) {
    const url = address(failed[0]?.html_url) ?? same.url;
    const failing = names(failed.map((check) => check.name));
    return [{ ...same, url, kind: "check.failed", state: one.head.sha, data: { ...data, failed: failing } }];
  }
  if (!passed(runs)) return [];
  const green = greenAt(runs);
  const ripe: Level[] =
    green !== null && now.getTime() >= green
      ? [{ ...same, family: "pr.green", kind: "pr.green", state: one.head.sha, data: { ...data, hours: green_hours } }]
      : [];
  return [{ ...same, kind: "check.recovered", first: "calm", data }, ...ripe];
}

const passed = (runs: Run[]) =>
  runs.length > 0 && runs.every((check) => check.status === "completed" && passes.has(check.conclusion ?? ""));

const green_hours = 24;

/** When the checks of a commit will have been green for a day, ms; null: they are not, or nobody knows since when. */
export function greenAt(runs: Run[]): number | null {
  if (!passed(runs)) return null;
  const last = Math.max(...runs.map((check) => Date.parse(check.completed_at ?? "")));
  return Number.isNaN(last) ? null : last + green_hours * 3_600_000;
}

/** Whether the checks of the default branch's tip fail or pass. */
export function mainLevels(repo: string, sha: string, runs: Run[]): Level[] {
  const failed = runs.filter((check) => check.status === "completed" && failures.has(check.conclusion ?? ""));
  const same = { source: "github", subject: repo, family: "check" };
  const data = { repo, sha, main: "true" };
  if (failed.length > 0) {
    const failing = names(failed.map((check) => check.name));
    const title = `The default branch of ${repo} fails: ${failing.join(", ")}`;
    const url = address(failed[0]?.html_url);
    return [
      { ...same, title: oneLine(title), url, kind: "check.failed", state: sha, data: { ...data, failed: failing } },
    ];
  }
  const title = `The default branch of ${repo} passes again`;
  return passed(runs) ? [{ ...same, title, kind: "check.recovered", first: "calm", data }] : [];
}

/** Characters of an issue's text that are read. */
const most_body = 20_000;

/** An issue that asks for towline, or that did so and no longer does. */
export function issueLevels(repo: string, one: Issue, label: string): Level[] {
  const open = one.state === "open";
  const carries = labelsOf(one).some((name) => name.toLowerCase() === label.toLowerCase());
  const same = { ...about(repo, one), family: "issue", data: { repo, number: one.number, label } };
  if (open && carries) {
    const asks = { body: (one.body ?? "").toWellFormed().slice(0, most_body), bot: one.user?.type !== "User" };
    return [{ ...same, kind: "issue.labelled", data: { ...same.data, ...asks } }];
  }
  return [{ ...same, kind: open ? "issue.unlabelled" : "issue.closed", first: "calm", ends: "may-return" }];
}

/** null for what bears towline's own mark, and for a comment on something else than a pull request or an issue. */
export function commentLevel(repo: string, one: Comment, after: NonNullable<Level["after"]>): Level | null {
  const [, thing, number] = /\/(pull|issues)\/(\d{1,15})(?:#|$)/.exec(one.html_url) ?? [];
  const text = clean(one.body ?? "");
  if (number === undefined || isOurs(one.body ?? "")) return null;
  const by = actorOf(one.user, one.author_association);
  return {
    source: "github",
    subject: subjectOf(repo, Number(number)),
    family: "comment",
    kind: thing === "pull" ? "pr.commented" : "issue.commented",
    state: one.id,
    after,
    title: oneLine(`${by?.login ?? "somebody"}: ${text}`),
    actor: by,
    url: address(one.html_url),
    data: {
      repo,
      number: Number(number),
      comment: one.id,
      text: text.slice(0, 4000),
      bot: one.user?.type !== "User",
      // What stands there now may not be what others have answered to.
      edited: one.updated_at !== one.created_at || undefined,
    },
  };
}

export function pushLevel(repo: string, one: Commit): Level {
  const said = oneLine(one.commit.message.split("\n", 1)[0] ?? "");
  return {
    source: "github",
    subject: repo,
    family: "push",
    kind: "push",
    state: one.sha,
    first: "noted",
    title: `${repo}: ${said}`,
    actor: actorOf(one.author),
    url: address(one.html_url),
    data: { repo, sha: one.sha, message: said, author: oneLine(one.commit.author?.name ?? "", 100) || undefined },
  };
}
