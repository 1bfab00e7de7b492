// Who may do what, as one table. Text never decides: rights are looked up when they are used, and what is not known is no.
import type { PathClass } from "./schema.ts";

/**
 * `owner`: named in towline.yml, with at least write access. `read`, `none`: what the forge says of them. `fork`: without
 * write access, on a pull request of their own from elsewhere. `self`: towline. `author`: the account in whose name the
 * work was proposed. `unknown`: whether they may could not be found out.
 */
export const actors = ["owner", "admin", "write", "read", "none", "fork", "bot", "self", "author", "unknown"] as const;
export type Actor = (typeof actors)[number];

/** Commands of comments by their names; `go-on` takes a stop back. */
export const acts = [
  "run",
  "cancel",
  "answer",
  "approve",
  "drop",
  "why",
  "stop",
  "go-on",
  "review.approved",
  "review.changes",
  "issue",
  "merged",
] as const;
export type Act = (typeof acts)[number];

/** What is changed by it. `branch`: work of an agent, on its branch. */
export const targets = ["policy", "work", "ledger", "branch"] as const satisfies readonly (PathClass | "branch")[];
export type Target = (typeof targets)[number];

/** `edited`: its text is not what was written first. `moved`: the branch is at another commit than was looked at. `used`: done once already. */
export const conditions = ["fresh", "edited", "moved", "used"] as const;
export type Condition = (typeof conditions)[number];

const people: readonly Actor[] = ["owner", "admin", "write"];
const heads: readonly Actor[] = ["owner", "admin"];

/** Whoever does not stand here is refused. */
const table: Readonly<Record<Act, Partial<Record<Target, readonly Actor[]>>>> = {
  run: { work: people, ledger: people },
  cancel: { ledger: people, branch: people },
  answer: { ledger: people, branch: people },
  approve: { policy: heads, work: people, ledger: people, branch: people },
  drop: { policy: people, work: people, ledger: people, branch: people },
  why: { policy: people, work: people, ledger: people, branch: people },
  // Whoever can write may stop everything; to let it go on is a matter of policy.
  stop: { policy: people },
  "go-on": { policy: heads },
  "review.approved": { policy: heads, work: people, branch: people },
  "review.changes": { policy: people, work: people, branch: people },
  issue: { ledger: people },
  merged: { policy: heads, work: people, branch: people },
};

/** What says yes to one commit, and to no other. */
const bound: ReadonlySet<Act> = new Set<Act>(["approve", "review.approved"]);
/** To whom nobody is an author: they ask for it, or others have done so. */
export const isYes = (act: Act): boolean => bound.has(act);

export type Verdict =
  | { allow: true }
  /** `silent`: not worth an answer to them. `later`: it may be asked again when more is known. */
  | { allow: false; reason: string; silent: boolean; later: boolean };

/** Everything that an act touches: the strictest answer counts. Nothing touched is no. */
export function mayAll(actor: Actor, act: Act, touched: readonly Target[], condition: Condition): Verdict {
  const verdicts = [...new Set(touched)].map((target) => may(actor, act, target, condition));
  return verdicts.find((one) => !one.allow) ?? verdicts[0] ?? refuse("it changes nothing that is known", actor);
}

export function may(actor: Actor, act: Act, target: Target, condition: Condition): Verdict {
  if (condition === "used") return refuse("it was done once already", actor);
  if (condition === "edited") return refuse("its text was changed after it was written: write it anew", actor);
  if (condition === "moved" && bound.has(act))
    return refuse("the branch was pushed to since: look at it as it is now", actor);
  const row = table[act][target];
  if (!row) return refuse(`${words[act]} is nothing that is done to ${nouns[target]}`, actor);
  return row.includes(actor) ? { allow: true } : refuse(reasons[actor](act, target), actor);
}

const outsiders: ReadonlySet<Actor> = new Set<Actor>(["read", "none", "fork", "bot", "self"]);

const refuse = (reason: string, actor: Actor): Verdict => ({
  allow: false,
  reason,
  silent: outsiders.has(actor),
  later: actor === "unknown",
});

const words: Record<Act, string> = {
  run: "`run`",
  cancel: "`cancel`",
  answer: "`answer`",
  approve: "`approve`",
  drop: "`drop`",
  why: "`why`",
  stop: "`stop`",
  "go-on": "`stop off`",
  "review.approved": "an approval",
  "review.changes": "a review that asks for changes",
  issue: "an issue",
  merged: "a merge",
};

const nouns: Record<Target, string> = {
  policy: "the pack's policy",
  work: "people's tasks",
  ledger: "towline's own records",
  branch: "an agent's branch",
};

type Reason = (act: Act, target: Target) => string;
const too_little: Reason = (act, target) =>
  target === "policy" && !table[act].policy?.includes("write")
    ? `${words[act]} on ${nouns.policy} takes an owner or an admin`
    : `${words[act]} on ${nouns[target]} takes write access to the repository`;

const reasons: Record<Actor, Reason> = {
  owner: too_little,
  admin: too_little,
  write: too_little,
  read: too_little,
  none: too_little,
  fork: (act, target) => `a pull request from a fork only asks: ${too_little(act, target)}`,
  bot: () => "bots and apps give no orders here",
  self: () => "towline takes no orders from itself",
  author: () => "nobody approves work that was proposed in their own name: merge it, or let another person approve",
  unknown: () => "whether you may could not be found out: nothing was done",
};

const columns: Record<Actor, string> = {
  owner: "owner",
  admin: "admin",
  write: "write",
  read: "read",
  none: "stranger",
  fork: "fork's author",
  bot: "bot, app",
  self: "towline",
  author: "in whose name it was proposed",
  unknown: "not known",
};

/** The table for people, as markdown. */
export function authorityTable(): string {
  const rows = acts.flatMap((act) =>
    targets
      .filter((target) => table[act][target])
      .map((target) => {
        const cells = actors.map((actor) => (may(actor, act, target, "fresh").allow ? "yes" : "no"));
        return `| ${words[act]} | ${nouns[target]} | ${cells.join(" | ")} |`;
      }),
  );
  const head = `| What | On | ${actors.map((actor) => columns[actor]).join(" | ")} |`;
  const notes = [
    "Everything that is not in the table is refused.",
    "A comment that was edited, or was acted on before, counts for nobody.",
    `A push after ${[...bound].map((act) => words[act]).join(" or ")} makes it void.`,
    "Of several paths in one change the strictest counts.",
  ];
  return `${head}\n| --- | --- |${" --- |".repeat(actors.length)}\n${rows.join("\n")}\n\n${notes.join(" ")}\n`;
}
