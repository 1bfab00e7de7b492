// GitHub: pull requests are the proposals. Branches are pushed by git as everywhere; what is only there is bare git's.
import type { ForgeSettings } from "../core/schema.ts";
import type { Standing } from "../core/work.ts";
import type { Forge, NotHere, Proposal } from "../ports.ts";
import type { Targets } from "../shell/target.ts";
import { git, without } from "./git.ts";
import { historyOf } from "./github-history.ts";
import { newest, propose, retract, shownOf, whole } from "./github-pulls.ts";
import { checksOf, commentsOf, permissionOf, remarksOn, reviewsOf, threadsAt } from "./github-read.ts";
import { closedBy, mayAt, mergedBy } from "./github-rights.ts";
import { type At, createSession } from "./github-session.ts";
import type { Pull } from "./github-shapes.ts";
import { label, say, start, status } from "./github-write.ts";
import type { ForgeOptions } from "./index.ts";

const none: NotHere = { notHere: "no pull request shows this branch" };
const elsewhere: NotHere = { notHere: "a repository on another server has no pull requests here" };

async function standsAt(at: At, { number }: Pull, work: Proposal, plain: Forge): Promise<Standing> {
  const one = await whole(at, number);
  const shown = shownOf(one);
  if (shown.state === "open") return shown.conflict === true ? "conflict" : "open";
  const may = mayAt(at, work.owners, work.touches);
  if (shown.state === "merged") return mergedBy(at, one, may);
  // Merged by hand, as other commits, and closed: git sees that.
  return (await plain.stands(work)) === "merged" ? "merged" : closedBy(at, one, may);
}

export function github(settings: ForgeSettings, targets: Targets, options: ForgeOptions): Forge {
  const session = createSession(settings, options);
  const plain = git(targets);
  const at = async <T>(repo: string, work: (at: At) => Promise<T>): Promise<T | NotHere> => {
    const place = await session.find(repo);
    return place === null ? elsewhere : session.speak(place, work);
  };
  /** About the pull request of a branch. */
  const on = <T>({ repo, branch }: Proposal, work: (at: At, one: Pull) => Promise<T>): Promise<T | NotHere> =>
    at(repo, async (at) => {
      const one = await newest(at, branch);
      return one === null ? none : work(at, one);
    });
  return {
    ...without("a server that is not the forge's"),
    name: "github",
    async propose(work) {
      const place = await session.find(work.repo);
      return place === null ? plain.propose(work) : session.speak(place, (at) => propose(at, work));
    },
    async retract(work) {
      await on(work, (at, one) => retract(at, one));
    },
    async stands(work) {
      const stands = await on(work, (at, one) => standsAt(at, one, work, plain));
      // Pushed, and not shown: the branch speaks for itself.
      return typeof stands === "object" && "notHere" in stands ? plain.stands(work) : stands;
    },
    async show(work) {
      const shown = await on(work, async (at, one) => shownOf(await whole(at, one.number)));
      return shown === none ? null : shown;
    },
    reviews: (work) => on(work, (at, one) => reviewsOf(at, one.number)),
    threads: (work) => on(work, (at, one) => threadsAt(at, one.number)),
    checks: (work) => on(work, (at, one) => checksOf(at, one.head.sha)),
    remarks: (work) => on(work, (at, one) => remarksOn(at, one, work.head, mayAt(at, work.owners))),
    history: (repo, { since, page }) => at(repo, (at) => historyOf(at, since, page)),
    comments: ({ repo, number }) => at(repo, (at) => commentsOf(at, number)),
    async permission(repo, person) {
      try {
        const level = await at(repo, (at) => permissionOf(at, person));
        return typeof level === "string" ? level : "none";
      } catch {
        return "none";
      }
    },
    comment: ({ repo, number }, said) => at(repo, (at) => say(at, number, said)),
    label: ({ repo, number }, labels) => at(repo, (at) => label(at, number, labels)),
    status: (repo, commit, said) => at(repo, (at) => status(at, commit, said)),
    dispatch: (repo, call) => at(repo, (at) => start(at, call)),
  };
}
