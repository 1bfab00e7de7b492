// What people and checks say of a pull request.
import { z } from "zod";
import type { Condition } from "../core/authority.ts";
import { isOurs } from "../core/marks.ts";
import type { Remark } from "../core/review.ts";
import { oneLine } from "../core/text.ts";
import type { Checks, Comment, Permission, Person, Review, Said, Thread } from "../ports.ts";
import { ApiFault } from "../shell/github-api.ts";
import type { May } from "./github-rights.ts";
import type { At } from "./github-session.ts";
import {
  addressOf,
  combined,
  comment,
  commentOf,
  line_comment,
  type Pull,
  review,
  reviewOf,
  run,
  threads,
  threads_query,
  threadsOf,
} from "./github-shapes.ts";
import { demands } from "./reviews.ts";

export async function reviewsOf({ api, owner, repo }: At, number: number): Promise<Review[]> {
  const found = await api.list(
    `reviews of ${owner}/${repo}#${number}`,
    ({ pulls }, page) => pulls.listReviews({ owner, repo, pull_number: number, per_page: 100, page }),
    z.array(review),
  );
  return found.flatMap(reviewOf);
}

export async function commentsOf({ api, owner, repo }: At, number: number): Promise<Comment[]> {
  const found = await api.list(
    `comments of ${owner}/${repo}#${number}`,
    ({ issues }, page) => issues.listComments({ owner, repo, issue_number: number, per_page: 100, page }),
    z.array(comment),
  );
  return found.map(commentOf);
}

const most_pages = 10;

/** Only GraphQL says what is resolved. Where there is none, REST gives the threads without that. */
export async function threadsAt(at: At, number: number): Promise<Thread[]> {
  const { api, owner, repo } = at;
  const what = `threads of ${owner}/${repo}#${number}`;
  const found: Thread[] = [];
  let after: string | null = null;
  try {
    for (let page = 1; page <= most_pages; page++) {
      const read: z.infer<typeof threads> = await api.query(
        what,
        threads_query,
        { owner, repo, number, after },
        threads,
      );
      const { nodes, pageInfo } = read.repository.pullRequest.reviewThreads;
      found.push(...nodes);
      if (!pageInfo.hasNextPage || !pageInfo.endCursor || pageInfo.endCursor === after) return found;
      after = pageInfo.endCursor;
    }
  } catch (thrown) {
    if (!(thrown instanceof ApiFault) || thrown.status !== 404) throw thrown;
    const listed = await api.list(
      what,
      ({ pulls }, page) => pulls.listReviewComments({ owner, repo, pull_number: number, per_page: 100, page }),
      z.array(line_comment),
    );
    return threadsOf(listed);
  }
  throw new ApiFault(`${what}: more than are read`, "repo");
}

const good = new Set(["success", "neutral", "skipped"]);

/** Runs of Apps and statuses together. What a token may not see is no yes. */
export async function checksOf(at: At, commit: string): Promise<Checks> {
  const { api, owner, repo } = at;
  const what = `checks of ${owner}/${repo} at ${commit.slice(0, 12)}`;
  const runs = await visible(
    api.list(
      what,
      ({ checks }, page) => checks.listForRef({ owner, repo, ref: commit, per_page: 100, page }),
      z.object({ check_runs: z.array(run) }).transform(({ check_runs }) => check_runs),
    ),
  );
  const statuses = await visible(
    api.get(what, ({ repos }) => repos.getCombinedStatusForRef({ owner, repo, ref: commit, per_page: 100 }), combined),
  );
  const ended = (runs ?? []).filter((one) => one.status === "completed");
  const said = statuses?.statuses ?? [];
  const failed = [
    ...ended
      .filter((one) => !good.has(one.conclusion ?? ""))
      .map(({ id, name, html_url }) => ({ id, name: oneLine(name, 100), url: addressOf(html_url) })),
    ...said
      .filter(({ state }) => state === "failure" || state === "error")
      .map(({ id, context, target_url }) => ({ id, name: oneLine(context, 100), url: addressOf(target_url) })),
  ];
  const pending = ended.length < (runs ?? []).length || said.some(({ state }) => state === "pending");
  const some = (runs ?? []).length + said.length > 0;
  const unseen = runs === null || statuses === null;
  const state = failed.length > 0 ? "failure" : pending ? "pending" : unseen ? "unknown" : some ? "success" : "none";
  return { commit, state, failed };
}

async function visible<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof ApiFault && thrown.until === undefined && [403, 404].includes(thrown.status ?? 0))
      return null;
    throw thrown;
  }
}

const permission = z.object({
  permission: z.string(),
  user: z.object({ id: z.number().transform(String), login: z.string(), type: z.string().nullish() }),
});
const levels: Record<string, Permission> = { admin: "admin", write: "write", maintain: "write", push: "write" };
const reading: Record<string, Permission> = { read: "read", triage: "read", pull: "read" };

/** By the number: whoever has the login now, and is somebody else, may nothing. Throws. */
export async function permissionOf({ api, owner, repo }: At, who: Pick<Person, "login" | "id">): Promise<Permission> {
  if (!/^[A-Za-z0-9](?:[\w-]{0,98})$/.test(who.login) || !/^\d{1,20}$/.test(who.id)) return "none";
  const found = await api.get(
    `what ${who.login} may do in ${owner}/${repo}`,
    ({ repos }) => repos.getCollaboratorPermissionLevel({ owner, repo, username: who.login }),
    permission,
  );
  if (found.user.id !== who.id || (found.user.type ?? "User") !== "User") return "none";
  return { ...levels, ...reading }[found.permission] ?? "none";
}

/** What is to be changed, by whom that may say so. */
export async function remarksOn(at: At, one: Pull, head: string, may: May): Promise<Said[]> {
  const counts = async (by: Person | null, text: string, condition: Condition = "fresh"): Promise<boolean> => {
    if (by === null) return false;
    // With a person's own token only the mark tells towline's words from theirs.
    const own = isOurs(text) && !by.bot && (await at.isMe(by));
    return (await may(by, "review.changes", condition, { own })).allow;
  };
  const said: Said[] = [];
  for (const { id, author, text, url } of demands(await reviewsOf(at, one.number)))
    if (text.trim() !== "" && (await counts(author, text)))
      said.push({ id: `review ${id}`, by: author, ...whole(text), url });
  for (const { path, line, comments, resolved } of await threadsAt(at, one.number)) {
    if (resolved === true) continue;
    for (const { id, author, text, edited, url } of comments)
      if (await counts(author, text, edited ? "edited" : "fresh"))
        said.push({ id: `comment ${id}`, by: author, path, line: path === null ? null : line, text: cut(text), url });
  }
  // What people pushed on top is theirs to mend.
  const { failed } = one.head.sha === head ? await checksOf(at, head) : { failed: [] };
  for (const { id, name, url } of failed)
    said.push({ id: `check ${id}`, by: null, ...whole(`the check ${name} failed${url ? `: ${url}` : ""}`), url });
  return said;
}

const most_text = 4000;
const cut = (text: string) => text.trim().slice(0, most_text);
const whole = (text: string): Remark => ({ path: null, line: null, text: cut(text) });
