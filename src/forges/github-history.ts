// What was said of lines of pull requests in the past, a page at a time: for whoever wants to learn from it.
import { z } from "zod";
import { unsafePath } from "../core/path.ts";
import { clean } from "../core/text.ts";
import type { Past } from "../ports.ts";
import type { At } from "./github-session.ts";
import { addressOf, line_comment, personOf } from "./github-shapes.ts";

const past = line_comment.extend({
  pull_request_url: z.string().nullish(),
  author_association: z.string().nullish(),
});

const page_size = 100;
const most_text = 4000;
/** Whoever belongs to the repository. Others may be right, but their word is no rule there. */
const belongs = new Set(["OWNER", "MEMBER", "COLLABORATOR"]);

export async function historyOf({ api, owner, repo }: At, since: string, page: number): Promise<Past[]> {
  const found = await api.get(
    `remarks on pull requests of ${owner}/${repo}`,
    ({ pulls }) =>
      pulls.listReviewCommentsForRepo({
        owner,
        repo,
        since,
        sort: "created",
        direction: "asc",
        per_page: page_size,
        page,
      }),
    z.array(past),
  );
  return found.flatMap((one): Past[] => {
    const pull = Number(/\/pulls\/(\d+)$/.exec(one.pull_request_url ?? "")?.[1]);
    const by = personOf(one.user);
    if (!Number.isInteger(pull)) return [];
    const path = one.path && unsafePath(one.path) === null ? one.path : null;
    return [
      {
        id: one.id,
        at: one.created_at,
        pull,
        path,
        text: clean(one.body ?? "").slice(0, most_text),
        url: addressOf(one.html_url),
        counts: by !== null && !by.bot && belongs.has(one.author_association ?? "") && !one.in_reply_to_id,
      },
    ];
  });
}
