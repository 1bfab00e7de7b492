// Pull requests: found again, opened once, and kept in words. An answer that was lost may stand for one that was opened.
import { z } from "zod";
import { most_text, proposed, whose } from "../core/marks.ts";
import { outgoing, outgoingLine } from "../core/outgoing.ts";
import { clean, oneLine } from "../core/text.ts";
import type { Proposal, Shown } from "../ports.ts";
import { ApiFault } from "../shell/github-api.ts";
import type { At } from "./github-session.ts";
import { addressOf, type Pull, personOf, pull } from "./github-shapes.ts";

const repository = z.object({ default_branch: z.string().min(1) });
const any = z.unknown();

/** The newest of this branch; null: there is none. A fork's branch of the same name is another's. */
export async function newest({ api, owner, repo }: At, branch: string): Promise<Pull | null> {
  const found = await api.list(
    `pull requests of ${owner}/${repo} for ${branch}`,
    ({ pulls }, page) => pulls.list({ owner, repo, head: `${owner}:${branch}`, state: "all", per_page: 100, page }),
    z.array(pull),
  );
  const own = found.filter(({ head, base }) => head.ref === branch && head.repo?.id === base.repo?.id && head.repo);
  const open = own.filter(({ state }) => state === "open");
  return (open.length > 0 ? open : own).toSorted((a, b) => b.number - a.number)[0] ?? null;
}

/** One by itself: only then GitHub says whether it can be merged. */
export const whole = ({ api, owner, repo }: At, number: number): Promise<Pull> =>
  api.get(
    `pull request ${owner}/${repo}#${number}`,
    ({ pulls }) => pulls.get({ owner, repo, pull_number: number }),
    pull,
  );

export async function propose(at: At, work: Proposal): Promise<string> {
  const title = outgoingLine(work.title ?? work.branch, 240);
  const body = outgoing(work.body ?? "", { limit: most_text });
  const known = await newest(at, work.branch);
  if (known?.state === "open") return where(await worded(at, known, title, body));
  // Somebody's no is not asked again, and a yes counts for what it was said to.
  if (known && (!known.merged_at || known.head.sha === work.head)) return where(known);
  return where(await open(at, work.branch, title, body));
}

async function open(at: At, branch: string, title: string, words: string): Promise<Pull> {
  const { api, owner, repo } = at;
  const what = `a pull request of ${owner}/${repo} for ${branch}`;
  const { default_branch: base } = await api.get(
    `${owner}/${repo}`,
    ({ repos }) => repos.get({ owner, repo }),
    repository,
  );
  const body = proposed(branch, title, words);
  try {
    return await api.get(what, ({ pulls }) => pulls.create({ owner, repo, head: branch, base, title, body }), pull);
  } catch (thrown) {
    if (!(thrown instanceof ApiFault) || !isUnsure(thrown)) throw thrown;
    const found = await newest(at, branch).catch(() => null);
    if (found?.state !== "open") throw thrown;
    return found;
  }
}

export async function retract({ api, owner, repo }: At, { number, state }: Pull): Promise<void> {
  if (state === "closed") return;
  await api.get(
    `the end of ${owner}/${repo}#${number}`,
    ({ pulls }) => pulls.update({ owner, repo, pull_number: number, state: "closed" }),
    any,
  );
}

/** Whether it may have been done all the same. 422 says so of a pull request that is there. */
export const isUnsure = ({ status, until }: ApiFault) =>
  until === undefined && (status === undefined || status >= 500 || status === 422);

/** Its words follow the work while nobody has changed them. */
async function worded(at: At, known: Pull, title: string, words: string): Promise<Pull> {
  const { api, owner, repo } = at;
  const { number, head } = known;
  const body = proposed(head.ref, title, words);
  if (whose(head.ref, known.title, known.body ?? "") !== "ours") return known;
  if (known.title === title && (known.body ?? "").replace(/\r\n?/g, "\n").trim() === body.trim()) return known;
  await api.get(
    `the text of ${owner}/${repo}#${number}`,
    ({ pulls }) => pulls.update({ owner, repo, pull_number: number, title, body }),
    any,
  );
  return known;
}

const where = (one: Pull) => addressOf(one.html_url) ?? `#${one.number}`;

export const shownOf = (one: Pull): Shown => ({
  number: one.number,
  url: where(one),
  state: one.state === "open" ? "open" : one.merged_at ? "merged" : "closed",
  draft: one.draft ?? false,
  title: oneLine(one.title),
  head: one.head.sha,
  base: oneLine(one.base.ref),
  conflict: one.state !== "open" || one.mergeable == null ? null : !one.mergeable,
  body: clean(one.body ?? ""),
  updated: one.updated_at ?? null,
  by: personOf(one.merged_by),
});
