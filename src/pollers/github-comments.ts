// What is said on GitHub since it was looked at last, and what was pushed. Comments are events, so a cursor counts them.
import { z } from "zod";
import { cursorAt, cursorLevel } from "../core/raise.ts";
import type { Level, PollContext } from "../ports.ts";
import { type Api, ApiFault } from "../shell/github-api.ts";
import { type Comment, comment, commentLevel, commit, pushLevel } from "./github-levels.ts";

export interface Talk {
  api: Api;
  owner: string;
  name: string;
  /** `owner/name`. */
  repo: string;
  known: PollContext["known"];
  levels: Level[];
}

/** Pages of the newest comments. What is older than all of them was not looked at for too long, and is no news any more. */
const most_pages = 3;
const ways = ["issues", "pulls"] as const;

/** Comments on what is open here: pull requests, and issues that carry the label. `ways` are the two lists of GitHub's. */
export async function readComments(talk: Talk): Promise<void> {
  const open = new Set(
    talk.levels.filter(({ kind }) => kind === "pr.opened" || kind === "issue.labelled").map(({ subject }) => subject),
  );
  await Promise.all(ways.map((way) => readWay(talk, way, open).catch(noneThere)));
}

/** Whoever may read what is open may read what is said of it: a server that knows no such list has none. */
function noneThere(thrown: unknown): void {
  if (!(thrown instanceof ApiFault && (thrown.status === 404 || thrown.status === 410))) throw thrown;
}

async function readWay(
  { api, owner, name, repo, known, levels }: Talk,
  way: (typeof ways)[number],
  open: Set<string>,
): Promise<void> {
  const cursor = `${repo} comments of ${way}`;
  const at = cursorAt(known, "github", cursor);
  const last = BigInt(at ?? 0);
  const fresh: Comment[] = [];
  let newest = last;
  for (let page = 1; page <= (at === undefined ? 1 : most_pages); page++) {
    const given = { owner, repo: name, sort: "created" as const, direction: "desc" as const, per_page: 100, page };
    const listed = await api.get(
      `comments of ${repo}`,
      (rest) =>
        way === "issues" ? rest.issues.listCommentsForRepo(given) : rest.pulls.listReviewCommentsForRepo(given),
      z.array(comment),
    );
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

/** The tip of the default branch. An empty repository has none. */
export async function readPush({ api, owner, name, repo, levels }: Talk): Promise<void> {
  const listed = await api
    .get(`commits of ${repo}`, (rest) => rest.repos.listCommits({ owner, repo: name, per_page: 1 }), z.array(commit))
    .catch((thrown) => {
      if (thrown instanceof ApiFault && thrown.status === 409) return [];
      throw thrown;
    });
  const [tip] = listed;
  // Commits of towline's own are no news: a rule for pushes would else wake itself.
  if (tip && !/^Towline-(Tick|Nonce): /m.test(tip.commit.message)) levels.push(pushLevel(repo, tip));
}
