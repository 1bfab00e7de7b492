// Every pupdate gets a verdict and the rule that gave it.
import type { RawPupdate } from "../ports.ts";
import { builtin_rules } from "./builtin.ts";
import { callFor } from "./calls.ts";
import { type Draft, newMemo, putMemo } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { idOf } from "./entry.ts";
import { digest } from "./hash.ts";
import { queuePath, slugOf } from "./ids.ts";
import { issueTask } from "./issue-task.ts";
import { memoBody } from "./memos.ts";
import { actionOf, fill, firing, firingKey } from "./rules.ts";
import { type Memo, type Pupdate, task as taskSchema } from "./schema.ts";
import { oneLine } from "./text.ts";

/** Tasks that agents asked for, and that wait for a person's word: of each agent. */
const drafts_limit = 10;
/** Tasks made by rules about tasks made by rules … */
const depth_limit = 3;
const memo_life = 7 * 86_400_000;

/** Judges what was raised, in order, and carries the actions out on the draft. */
export function triage(draft: Draft): void {
  const raised = draft.raised;
  draft.raised = [];
  for (const pupdate of raised) draft.pupdates.push(judgeOne(draft, pupdate));
}

function judgeOne(draft: Draft, pupdate: RawPupdate): Pupdate {
  const fired = firing([...draft.rules, ...builtin_rules], pupdate, (rule) => mayFire(draft, rule, pupdate));
  const made: string[] = [];
  let verdict = "ignored";
  for (const rule of fired) {
    noteFired(draft, rule, pupdate);
    for (const action of rule.data.then) {
      const done = act(draft, rule, action as Record<string, unknown>, pupdate);
      if (verdict === "ignored" || verdict === "ignore") verdict = done.verdict;
      if (done.made) made.push(done.made);
    }
  }
  return { ...pupdate, verdict, rule: fired[0]?.id, made: made.length > 0 ? made : undefined };
}

/** What firing goes by: the time, and what has fired before. */
export type Firing = Pick<Draft, "now" | "fired">;

export function mayFire(draft: Firing, rule: Entry<"rule">, pupdate: RawPupdate): boolean {
  const row = draft.fired.find((one) => one.rule === rule.id && one.key === firingKey(rule, pupdate));
  const cooldown = rule.data.cooldown;
  const seconds = cooldown === undefined ? 0 : typeof cooldown === "number" ? cooldown : cooldown.for;
  if (row && draft.now.getTime() - Date.parse(row.at) < seconds * 1000) return false;
  const today = draft.now.toISOString().slice(0, 10);
  const count = draft.fired
    .filter((one) => one.rule === rule.id && one.at.startsWith(today))
    .reduce((sum, one) => sum + one.count, 0);
  return count < rule.data.limit;
}

export function noteFired(draft: Firing, rule: Entry<"rule">, pupdate: RawPupdate): void {
  const key = firingKey(rule, pupdate);
  const at = draft.now.toISOString();
  const row = draft.fired.find((one) => one.rule === rule.id && one.key === key);
  const count = row && row.at.slice(0, 10) === at.slice(0, 10) ? row.count + 1 : 1;
  // Rows older than any cooldown in use say nothing any more; dropping them keeps the file small.
  draft.fired = draft.fired.filter((one) => one !== row && draft.now.getTime() - Date.parse(one.at) < 90 * 86_400_000);
  draft.fired.push({ rule: rule.id, key, at, count });
}

type Done = { verdict: string; made?: string };
type Act = (
  draft: Draft,
  rule: Entry<"rule">,
  value: unknown,
  pupdate: RawPupdate,
  action: Record<string, unknown>,
) => Done;

const actions: Record<string, Act> = { ignore: () => ({ verdict: "ignore" }), memo, task, issue };

/** The task that an issue asks for; what stands against it was said in the issue. */
function issue(draft: Draft, _rule: Entry<"rule">, _value: unknown, pupdate: RawPupdate): Done {
  const made = issueTask(draft, pupdate, draft.web);
  return "task" in made ? { verdict: "task", made: made.task } : { verdict: "refused" };
}

/** Names of the actions that this version carries out. */
export const action_names = Object.keys(actions);

function act(draft: Draft, rule: Entry<"rule">, action: Record<string, unknown>, pupdate: RawPupdate): Done {
  const name = actionOf(action);
  const run = Object.hasOwn(actions, name) ? actions[name] : undefined;
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
): Done {
  const title = oneLine(fill(String(value), pupdate), 300);
  const id = `${slugOf(pupdate.subject, 40)}-${digest(rule.id, pupdate.id).slice(0, 8)}`;
  const kind = ["ask", "info", "warning", "approval"].includes(String(action.kind))
    ? (action.kind as Memo["kind"])
    : "info";
  const open = [...draft.memos.values()].find(
    (one) => one.data.rule === rule.id && one.data.subject === pupdate.subject && one.data.status === "open",
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

/** The field of a template that a shell would read with values of the event in it; null: there is none. */
function scriptOf({ agents, settings }: Draft, template: Record<string, unknown>, pupdate: RawPupdate): string | null {
  const agent = template.agent === undefined ? settings.defaults.agent : fill(String(template.agent), pupdate);
  const runtime = agent === undefined ? settings.defaults.runtime : agents.get(agent)?.data.runtime;
  const scripts = ["setup", "verify", ...(runtime === "shell" ? ["prompt"] : [])];
  return (
    scripts.find((key) => typeof template[key] === "string" && fill(template[key], pupdate) !== template[key]) ?? null
  );
}

const said_by_agents: ReadonlySet<string> = new Set(["job.asked", "job.replied", "job.confessed", "job.told"]);

/** The agent whose own word this is: `agent scout`; null: it is what happened, or what a person said. */
function agentBehind({ kind, actor, data }: RawPupdate): string | null {
  if (actor?.role !== "agent" && !said_by_agents.has(kind)) return null;
  return `agent ${oneLine(String(data?.agent ?? actor?.login ?? "unknown"), 70)}`;
}

const waitingOf = (draft: Draft, asker: string): number =>
  [...draft.tasks.values()].filter(({ data }) => data.asked_by === asker && data.status === "draft").length;

const oneLineUnless = (key: string, text: string) => (key === "prompt" ? text : oneLine(text, 300));
