// Bare git: the branch itself is the proposal, merging it is the yes, and taking it away the no. Remarks come as files.
import type { Forge, NotHere } from "../ports.ts";
import type { Targets } from "../shell/target.ts";

export function git(targets: Targets): Forge {
  return {
    ...without("git by itself"),
    name: "git",
    propose: async ({ branch }) => branch,
    // The branch is all that there is.
    retract: async () => {},
    async stands(work) {
      const { repo, branch, head } = work;
      // Where both are as they were, one question for all work on a repository is enough, and nothing is fetched.
      const seen = await targets.look(repo);
      if (seen.heads.get(branch) === head && seen.tip === work.tip) return "open";
      const target = await targets.fetch(repo, [branch], { commits: [head] });
      const { tip, heads } = target.looked;
      if (await target.contains(tip, head)) return "merged";
      const there = heads.get(branch);
      if (there !== undefined && !(await target.contains(tip, there)))
        return (await target.conflicts(tip, there)) ? "conflict" : "open";
      // Squashed, or rebased and merged: the work is there as other commits.
      const held = await target.holds(tip, work);
      return held === null ? "unclear" : held ? "merged" : "closed";
    },
  };
}

/** What there is none of where all that people have is git. Nobody can be told from another there, so nobody may. */
export function without(where: string): Omit<Forge, "name" | "propose" | "retract" | "stands"> {
  const no = (what: string) => async (): Promise<NotHere> => ({ notHere: `${where} has no ${what}` });
  return {
    show: no("pull requests"),
    reviews: no("reviews"),
    threads: no("threads"),
    checks: no("checks"),
    remarks: no("remarks but the files below reviews/"),
    comments: no("comments"),
    history: no("pull requests"),
    permission: async () => "none",
    comment: no("comments"),
    label: no("labels"),
    status: no("statuses of commits"),
    dispatch: no("workflows"),
  };
}
