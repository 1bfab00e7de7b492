// Bare git: the branch itself is the proposal, merging it is the yes, and taking it away the no. Remarks come as files.
import type { Forge } from "../ports.ts";
import type { Targets } from "../shell/target.ts";

export function git(targets: Targets): Forge {
  return {
    name: "git",
    propose: async ({ branch }) => branch,
    async stands({ repo, branch, head }) {
      const target = await targets.fetch(repo, [branch], { commits: [head] });
      const { tip, heads } = target.looked;
      if (await target.contains(tip, head)) return "merged";
      const there = heads.get(branch);
      if (there !== undefined && !(await target.contains(tip, there)))
        return (await target.conflicts(tip, there)) ? "conflict" : "open";
      // Squashed, or rebased and merged: the work is there as other commits.
      return (await target.holds(tip, head)) ? "merged" : "closed";
    },
  };
}
