// What is said on GitHub since it was looked at last, and what was pushed. Comments are events, so a cursor counts them.
import { z } from "zod";
import { cursorAt, cursorLevel } from "../core/raise.ts";
import type { Level, PollContext } from "../ports.ts";
import { type Api, ApiFault, type Rest } from "../shell/github-api.ts";
import { type Comment, comment, commentLevel, commit, pushLevel } from "./github-levels.ts";
import type { Tags } from "./github-tags.ts";

export interface Talk {
  api: Api;
  owner: string;
  name: string;
  /** `owner/name`. */
  repo: string;
  known: PollContext["known"];
  levels: Level[];
  tags: Tags;
}

/** Pages of the newest comments. What is older than all of them was not looked at for too long, and is no news any more. */
const most_pages = 3;
const ways = ["issues", "pulls"] as const;

/** Comments on what is open here: pull requests, and issues that carry the label. `ways` are the two lists of GitHub's. */
export async function readComments(talk: Talk, open: ReadonlySet<string>): Promise<void> {
  await Promise.all(ways.map((way) => readWay(talk, way, open).catch(noneThere)));
}

/** Whoever may read what is open may read what is said of it: a server that knows no such list has none. */
function noneThere(thrown: unknown): void {
  if (!(thrown instanceof ApiFault && (thrown.status === 404 || thrown.status === 410))) throw thrown;
}

async function readWay(talk: Talk, way: (typeof ways)[number], open: ReadonlySet<string>): Promise<void> {
  const { repo, known, levels, tags } = talk;
  const cursor = `${repo} comments of ${way}`;
  const at = cursorAt(known, "github", cursor);
  const last = BigInt(at ?? 0);
  const fresh: Comment[] = [];
  let newest = last;
  for (let page = 1; page <= (at === undefined ? 1 : most_pages); page++) {
    const listed = await pageOf(talk, way, page, at !== undefined).catch((thrown) => {
      tags.forget(`said ${way}`);
      throw thrown;
    });
    // The first page is as it was: nothing was said since.
    if (listed === null) return;
    for (const one of listed) if (BigInt(one.id) > newest) newest = BigInt(one.id);
    const more = listed.filter((one) => BigInt(one.id) > last);
    fresh.push(...more);
    if (more.length < 100) break;
  }
  const told = at === undefined ? [] : fresh.toReversed();
  for (const one of new Map(told.map((each) => [each.id, each])).values()) {
    const level = commentLevel(repo, one, { cursor, at: at as string });
    if (level && open.has(level.subject)) levels.push(level);
  }
  levels.push(cursorLevel("github", cursor, String(newest)));
}

/** Newest first. `held`: the ledger knows how far it was read, so the tag of the first page may be relied on. */
async function pageOf({ api, owner, name, repo, tags }: Talk, way: (typeof ways)[number], page: number, held: boolean) {
  const given = { owner, repo: name, sort: "created" as const, direction: "desc" as const, per_page: 100, page };
  const call = (rest: Rest, headers: { "if-none-match"?: string }) =>
    way === "issues"
      ? rest.issues.listCommentsForRepo({ ...given, headers })
      : rest.pulls.listReviewCommentsForRepo({ ...given, headers });
  const what = `comments of ${repo}`;
  const shape = z.array(comment);
  if (page > 1) return api.get(what, (rest) => call(rest, {}), shape);
  return (await tags.ask(`said ${way}`, what, call, shape, { newest: true, anew: !held }))?.found ?? null;
}

/** The tip of the default branch. An empty repository has none. */
export async function readPush({ owner, name, repo, levels, tags }: Talk): Promise<void> {
  const asked = { owner, repo: name, per_page: 1 };
  const what = `commits of ${repo}`;
  const listed = await tags
    .ask("push", what, (rest, headers) => rest.repos.listCommits({ ...asked, headers }), z.array(commit), {
      newest: true,
    })
    .catch((thrown) => {
      if (thrown instanceof ApiFault && thrown.status === 409) return null;
      throw thrown;
    });
  const tip = listed?.found[0];
  // Commits of towline's own are no news: a rule for pushes would else wake itself.
  if (tip && !/^Towline-(Tick|Nonce): /m.test(tip.commit.message)) levels.push(pushLevel(repo, tip));
}
