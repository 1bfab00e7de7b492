// What a model may do without being asked, where its agent's record does not say.
import type { Assignment } from "../ports.ts";

/** Work on a repository is changing files in its worktree; other work is answering. */
export const modeOf = ({ agent, code }: Pick<Assignment, "agent" | "code">) =>
  agent.guard?.mode ?? (code ? "acceptEdits" : "dontAsk");
