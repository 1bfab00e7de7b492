// Every pupdate gets a verdict and the rule that gave it.
import type { RawPupdate } from "../ports.ts";
import { allRules } from "./builtin.ts";
import { callFor } from "./calls.ts";
import { type Draft, newMemo, putMemo } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { idOf } from "./entry.ts";
import { firing, type Memory, memoryOf } from "./firing.ts";
import { digest } from "./hash.ts";
import { queuePath, slugOf } from "./ids.ts";
import { issueTask } from "./issue-task.ts";
import { memoBody } from "./memos.ts";
import { thenWords } from "./plain-rule.ts";
import { type Done, lacks, outside_actions } from "./rule-actions.ts";
import { type AskedRow, remember, sumOf, takeWord } from "./rule-state.ts";
import { actionOf, fill } from "./rules.ts";
import { type Memo, type Pupdate, task as taskSchema } from "./schema.ts";
import { agentBehind, scriptOf } from "./task-template.ts";
import { oneLine } from "./text.ts";
import { wakeJob, wakeTask } from "./wake.ts";

/** Tasks that agents asked for, and that wait for a person's word: of each agent. */
const drafts_limit = 10;
/** Tasks made by rules about tasks made by rules … */
const depth_limit = 3;
const memo_life = 7 * 86_400_000;

/** Judges what was raised, in order, and carries the actions out on the draft. */
export function triage(draft: Draft): void {
  const raised = draft.raised;
  if (raised.length === 0) return;
  draft.raised = [];
  const memory = memoryOf(draft.fired, draft.windows ?? []);
  for (const pupdate of raised) draft.pupdates.push(judgeOne(draft, memory, pupdate));
  draft.fired = memory.fired(draft.now);
  draft.windows = memory.windows();
}

function judgeOne(draft: Draft, memory: Memory, pupdate: RawPupdate): Pupdate {
  const word = takeWord(draft, pupdate);
  if (word) return afterWord(draft, word, pupdate);
  const fired = firing(allRules(draft.rules), pupdate, (rule) => memory.may(rule, pupdate, draft.now));
  const done = fired.flatMap((rule) => {
    memory.note(rule, pupdate, draft.now);
    return rule.data.ask_first ? [askFirst(draft, rule, pupdate)] : actAll(draft, rule, pupdate);
  });
  return { ...pupdate, verdict: verdictOf(done), rule: fired[0]?.id, made: madeBy(done) };
}

const actAll = (draft: Draft, rule: Entry<"rule">, pupdate: RawPupdate): Done[] =>
  rule.data.then.map((action) => act(draft, rule, action as Record<string, unknown>, pupdate));

/** The first that did more than to look away. */
function verdictOf(done: readonly Done[]): string {
  const words = done.map(({ verdict }) => verdict);
  return words.find((word) => word !== "ignored" && word !== "ignore") ?? words[0] ?? "ignored";
}

function madeBy(done: readonly Done[]): string[] | undefined {
  const made = done.flatMap((one) => one.made ?? []);
  return made.length > 0 ? made : undefined;
}

/** Nothing is done before a person says yes: until then a memo holds all of it. */
function askFirst(draft: Draft, rule: Entry<"rule">, pupdate: RawPupdate): Done {
  const title = `Rule ${rule.id} asks, and a yes lets it ${thenWords(rule.data)} (about: {{title}})`;
  const done = memo(draft, rule, title, pupdate, { kind: "approval" }, true);
  if (done.made) remember(draft, { memo: done.made, rule: rule.id, sum: sumOf(rule), pupdate });
  return { ...done, verdict: "ask" };
}

/** The rule is the one that is there now: where it would do something else, the yes was to nothing that is left. */
function afterWord(draft: Draft, word: AskedRow & { yes: boolean }, pupdate: RawPupdate): Pupdate {
  const rule = draft.rules.find(({ id }) => id === word.rule);
  if (!word.yes) return { ...pupdate, verdict: "declined", rule: word.rule };
  if (!rule || rule.data.off || sumOf(rule) !== word.sum) return { ...pupdate, verdict: "outdated", rule: word.rule };
  const done = actAll(draft, rule, word.pupdate);
  return { ...pupdate, verdict: verdictOf(done), rule: rule.id, made: madeBy(done) };
}

type Act = (
  draft: Draft,
  rule: Entry<"rule">,
  value: unknown,
  pupdate: RawPupdate,
  action: Record<string, unknown>,
) => Done;

const actions: Record<string, Act> = { ignore: () => ({ verdict: "ignore" }), memo, task, issue, wake };

/** The open work that it is about, else a task of its own. */
function wake(draft: Draft, rule: Entry<"rule">, value: unknown, pupdate: RawPupdate): Done {
  return wakeJob(draft, rule, pupdate) ?? task(draft, rule, wakeTask(value), pupdate);
}

/** The task that an issue asks for; what stands against it was said in the issue. */
function issue(draft: Draft, _rule: Entry<"rule">, _value: unknown, pupdate: RawPupdate): Done {
  const made = issueTask(draft, pupdate, draft.web);
  return "task" in made ? { verdict: "task", made: made.task } : { verdict: "refused" };
}

/** Names of the actions that this version carries out. */
export const action_names = [...Object.keys(actions), ...Object.keys(outside_actions)];

function act(draft: Draft, rule: Entry<"rule">, action: Record<string, unknown>, pupdate: RawPupdate): Done {
  const name = actionOf(action);
  const run = Object.hasOwn(actions, name) ? actions[name] : undefined;
  const outside = Object.hasOwn(outside_actions, name) ? outside_actions[name] : undefined;
  const told = outside?.(draft, rule, action[name], pupdate);
  if (told) return told;
  if (outside)
    return memo(
      draft,
      rule,
      `rule ${rule.id}: \`${name}\` cannot be done about "{{title}}": ${lacks[name] ?? ""}`,
      pupdate,
      {},
    );
  const called = run ? null : callFor(draft, rule, name, action[name], pupdate);
  if (called) return called;
  // An action that cannot be carried out must not pass for one that was: a person hears of it.
  if (!run)
    return memo(
      draft,
      rule,
      `rule ${rule.id} wants \`${name}\` for "${pupdate.title}", which this version cannot do`,
      pupdate,
      {},
    );
  return run(draft, rule, action[name], pupdate, action);
}

function memo(
  draft: Draft,
  rule: Entry<"rule">,
  value: unknown,
  pupdate: RawPupdate,
  action: Record<string, unknown>,
  asks = false,
): Done {
  const title = oneLine(fill(String(value), pupdate), 300);
  const id = `${slugOf(pupdate.subject, 40)}-${digest(rule.id, pupdate.id, ...(asks ? ["asks"] : [])).slice(0, 8)}`;
  const kind = ["ask", "info", "warning", "approval"].includes(String(action.kind))
    ? (action.kind as Memo["kind"])
    : "info";
  const open = [...draft.memos.values()].find(
    (one) =>
      one.data.rule === rule.id &&
      one.data.subject === pupdate.subject &&
      one.data.status === "open" &&
      (draft.asked ?? []).some(({ memo }) => memo === one.id) === asks,
  );
  const body = memoBody(draft, kind, pupdate);
  if (open) {
    // One memo a cause: it says what is so now, not what was so first.
    if (open.data.title !== title)
      putMemo(draft, { ...open, data: { ...open.data, title, kind, pupdate: pupdate.id, event: pupdate.kind }, body });
    return { verdict: "memo", made: open.id };
  }
  const data = {
    kind,
    title,
    subject: pupdate.subject,
    created: pupdate.at,
    expires: new Date(Date.parse(pupdate.at) + memo_life).toISOString(),
    status: "open" as const,
    rule: rule.id,
    pupdate: pupdate.id,
    event: pupdate.kind,
  };
  putMemo(draft, newMemo(id, data, body));
  return { verdict: "memo", made: id };
}

function task(draft: Draft, rule: Entry<"rule">, value: unknown, pupdate: RawPupdate): Done {
  // A question's subject is its job; the task that it is about stands beside it.
  const about = [pupdate.subject, String(pupdate.data?.task ?? "")].map((id) => draft.tasks.get(id)?.data.depth ?? 0);
  const depth = Math.max(...about) + 1;
  if (depth > depth_limit)
    return memo(
      draft,
      rule,
      `rule ${rule.id} keeps making tasks about its own tasks ({{title}}); it made no more`,
      pupdate,
      { kind: "warning" },
    );
  const asker = agentBehind(pupdate);
  if (asker !== null && waitingOf(draft, asker) >= drafts_limit)
    return memo(
      draft,
      rule,
      `${drafts_limit} tasks that ${asker} asked for wait in queue/ to be released; rule ${rule.id} made no more`,
      pupdate,
      { kind: "warning" },
    );
  const template = typeof value === "string" ? { title: value } : ((value ?? {}) as Record<string, unknown>);
  const script = scriptOf(draft, template, pupdate);
  if (script !== null)
    return memo(
      draft,
      rule,
      `rule ${rule.id} made no task: \`${script}\` is run as it stands, and words of others would be a part of it; write it without values of the event`,
      pupdate,
      { kind: "warning" },
    );
  const { prompt, ...rest } = Object.fromEntries(
    Object.entries(template).map(([key, item]) => [
      key,
      typeof item === "string" ? oneLineUnless(key, fill(item, pupdate)) : item,
    ]),
  );
  // Whatever an agent says, it is a person who lets it become work.
  const released = asker === null ? {} : { status: "draft", asked_by: asker };
  const own = { born_of: pupdate.id, rule: rule.id, depth, ...released };
  const read = taskSchema.safeParse({ title: oneLine(pupdate.title), ...rest, ...own });
  if (!read.success)
    return memo(draft, rule, `rule ${rule.id} made no task: ${read.error.issues[0]?.message}`, pupdate, {});
  const path = queuePath(read.data.title, pupdate.id);
  const entry = {
    path,
    id: idOf(path),
    kind: "task" as const,
    data: read.data,
    body: `${String(prompt ?? "")}\n`,
    bodyLine: 1,
  };
  if (!draft.tasks.has(entry.id)) {
    draft.tasks.set(entry.id, entry);
    draft.written.set(path, { kind: "task", data: read.data, body: entry.body });
  }
  if (asker !== null)
    memo(
      draft,
      rule,
      `${asker} asks for a task: ${read.data.title}. To release it, set \`status: ready\` in ${path}`,
      pupdate,
      { kind: "ask" },
    );
  return { verdict: "task", made: entry.id };
}

const waitingOf = (draft: Draft, asker: string): number =>
  [...draft.tasks.values()].filter(({ data }) => data.asked_by === asker && data.status === "draft").length;

const oneLineUnless = (key: string, text: string) => (key === "prompt" ? text : oneLine(text, 300));
