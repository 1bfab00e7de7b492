// What GitHub answers about pull requests, in the forge's own words. Everything in it was written by others: it is
// cleaned and cut here.
import { z } from "zod";
import { unsafePath } from "../core/path.ts";
import { clean, oneLine } from "../core/text.ts";
import type { Comment, Person, Review, Thread } from "../ports.ts";

const id = z.union([z.number(), z.bigint(), z.string()]).transform(String);
const sha = z.string().regex(/^[0-9a-f]{40,64}$/);
const user = z.object({ id, login: z.string(), type: z.string().nullish() }).nullish();
const side = z.object({ ref: z.string(), sha, repo: z.object({ id }).nullish() });

export const pull = z.object({
  id,
  number: z.number().int().positive(),
  html_url: z.string().nullish(),
  state: z.enum(["open", "closed"]),
  title: z.string(),
  body: z.string().nullish(),
  draft: z.boolean().nullish(),
  user,
  merged_at: z.string().nullish(),
  updated_at: z.string().nullish(),
  /** Only where one is asked for by itself, as `mergeable` is. */
  merged_by: user,
  mergeable: z.boolean().nullish(),
  head: side,
  base: side,
});
export type Pull = z.infer<typeof pull>;
/** Every pull request is an issue, too; only there it says who closed it. */
export const issue_end = z.object({ closed_by: user });

export const review = z.object({
  id,
  user,
  state: z.string(),
  body: z.string().nullish(),
  commit_id: sha.nullish(),
  html_url: z.string().nullish(),
});
export const comment = z.object({
  id,
  user,
  body: z.string().nullish(),
  created_at: z.string(),
  updated_at: z.string(),
  html_url: z.string().nullish(),
});
export const line_comment = comment.extend({
  path: z.string().nullish(),
  line: z.number().nullish(),
  original_line: z.number().nullish(),
  in_reply_to_id: id.nullish(),
});
export const run = z.object({
  id,
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullish(),
  html_url: z.string().nullish(),
});
export const combined = z.object({
  statuses: z.array(
    z.object({
      id,
      context: z.string(),
      state: z.string(),
      description: z.string().nullish(),
      target_url: z.string().nullish(),
    }),
  ),
});

const most_text = 16_000;
const textOf = (text: string | null | undefined) => clean(text ?? "").slice(0, most_text);
export const addressOf = (url: string | null | undefined) =>
  url && url.length <= 500 && /^https?:\/\/[^\s<>"'`()]+$/.test(url) ? url : undefined;

export const personOf = (one: z.infer<typeof user>): Person | null =>
  one ? { id: one.id, login: oneLine(one.login, 60), bot: (one.type ?? "User") !== "User" } : null;

const states: Record<string, Review["state"]> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes_requested",
  COMMENTED: "commented",
  DISMISSED: "dismissed",
};

/** One that is not handed in yet is nobody's business. */
export function reviewOf(one: z.infer<typeof review>): Review[] {
  const state = states[one.state];
  if (state === undefined) return [];
  const { id, user, commit_id, body, html_url } = one;
  return [
    { id, author: personOf(user), state, commit: commit_id ?? null, text: textOf(body), url: addressOf(html_url) },
  ];
}

export const commentOf = (one: z.infer<typeof comment>): Comment => ({
  id: one.id,
  author: personOf(one.user),
  text: textOf(one.body),
  at: oneLine(one.created_at, 40),
  edited:
    one.created_at !== one.updated_at && !(Math.abs(Date.parse(one.updated_at) - Date.parse(one.created_at)) < 1000),
  url: addressOf(one.html_url),
});

/** A file of the repository, or nothing: a path is data, too. */
const placeOf = (path: string | null | undefined) => (path && unsafePath(path) === null ? path : null);

/** Threads as REST has them: answers hang on the first comment, and whether they are resolved is not said. */
export function threadsOf(all: z.infer<typeof line_comment>[]): Thread[] {
  const found = new Map<string, Thread>();
  for (const one of all) {
    const known = found.get(one.in_reply_to_id ?? one.id);
    if (known) known.comments.push(commentOf(one));
    else
      found.set(one.id, {
        id: one.id,
        resolved: null,
        outdated: one.line == null && one.original_line != null,
        path: placeOf(one.path),
        line: one.line ?? one.original_line ?? null,
        comments: [commentOf(one)],
      });
  }
  return [...found.values()];
}

const page = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() });
const author = z
  .object({ __typename: z.string(), login: z.string(), databaseId: z.number().nullish() })
  .nullish()
  .transform((one) =>
    one?.databaseId ? { id: String(one.databaseId), login: one.login, type: one.__typename } : null,
  );
const spoken = z
  .object({
    databaseId: z.number(),
    author,
    body: z.string(),
    createdAt: z.string(),
    lastEditedAt: z.string().nullish(),
    url: z.string(),
  })
  .transform(
    (one): Comment => ({
      id: String(one.databaseId),
      author: personOf(one.author),
      text: textOf(one.body),
      at: oneLine(one.createdAt, 40),
      edited: one.lastEditedAt != null,
      url: addressOf(one.url),
    }),
  );
const thread = z
  .object({
    isResolved: z.boolean(),
    isOutdated: z.boolean(),
    path: z.string(),
    line: z.number().nullish(),
    originalLine: z.number().nullish(),
    comments: z.object({ nodes: z.array(spoken).min(1) }),
  })
  .transform(
    (one): Thread => ({
      // As in REST: by its first comment.
      id: one.comments.nodes[0]?.id as string,
      resolved: one.isResolved,
      outdated: one.isOutdated,
      path: placeOf(one.path),
      line: one.line ?? one.originalLine ?? null,
      comments: one.comments.nodes,
    }),
  );
export const threads = z.object({
  repository: z.object({
    pullRequest: z.object({ reviewThreads: z.object({ pageInfo: page, nodes: z.array(thread) }) }),
  }),
});

export const threads_query = `query($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) { pullRequest(number: $number) { reviewThreads(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { isResolved isOutdated path line originalLine comments(first: 50) { nodes {
      databaseId body createdAt lastEditedAt url
      author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
    } } }
  } } }
}`;
