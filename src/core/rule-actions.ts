// Actions of rules that end outside of tasks and memos. Each answers null where it cannot be done here: a memo says so then.
import type { RawPupdate } from "../ports.ts";
import { post } from "./conversations.ts";
import { type Draft, isoNow } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { digest } from "./hash.ts";
import { reflectionPath, slugOf } from "./ids.ts";
import { notice } from "./notices.ts";
import { fill } from "./rules.ts";
import { clean, fenced, oneLine } from "./text.ts";
import { startFor, workflowOf } from "./workflow-calls.ts";

export type Done = { verdict: string; made?: string };
export type OutsideAct = (draft: Draft, rule: Entry<"rule">, value: unknown, pupdate: RawPupdate) => Done | null;

/** Where on the forge it happened; null: nowhere, or nobody speaks there. */
function spotOf({ settings }: Draft, { source, subject }: RawPupdate): string | null {
  const { forge } = settings;
  const speaks = forge?.name === "github" && source === "github";
  return speaks && /^[\w.-]+\/[\w.-]+#\d+$/.test(subject) ? subject : null;
}

const comment: OutsideAct = (draft, rule, value, pupdate) => {
  const to = spotOf(draft, pupdate);
  if (to === null) return null;
  const text = clean(fill(String(value), pupdate)).slice(0, 8000);
  post(draft.talks, `rule ${rule.id} ${pupdate.id}`, { at: isoNow(draft), to, what: "comment", text });
  return { verdict: "comment" };
};

const label: OutsideAct = (draft, rule, value, pupdate) => {
  const to = spotOf(draft, pupdate);
  // Names as the rule has them: what came in from outside is no label.
  const add = [value].flat().map((one) => oneLine(String(one), 50));
  if (to === null || add.some((one) => one === "" || one.includes("{{"))) return null;
  post(draft.talks, `rule ${rule.id} ${pupdate.id}`, { at: isoNow(draft), to, what: "label", add });
  return { verdict: "label" };
};

const reflect: OutsideAct = (draft, rule, value, pupdate) => {
  const id = `${slugOf(pupdate.subject)}-${digest("reflect", rule.id, pupdate.id).slice(0, 8)}`;
  const path = reflectionPath(isoNow(draft), id);
  const title = oneLine(fill(String(value), pupdate), 200);
  const data = { timestamp: isoNow(draft), title, goal: rule.id, domain: oneLine(pupdate.kind, 60), session_id: id };
  draft.written.set(path, { kind: "reflection", data, body: fenced(oneLine(pupdate.title, 1000)) });
  return { verdict: "reflect", made: path };
};

const notify: OutsideAct = (draft, rule, value, pupdate) => notice(draft, rule, value, pupdate);

/** A workflow of the pack's repository, or a webhook: a channel of that kind. */
const call: OutsideAct = (draft, rule, value, pupdate) => {
  if (workflowOf(value) !== null) return startFor(draft, rule, value, pupdate);
  const name = String((value as { webhook?: unknown } | null)?.webhook ?? value);
  const channel = draft.settings.notify?.channels[name];
  if (channel?.kind !== "webhook") return null;
  const done = notice(draft, rule, { to: name }, pupdate);
  return done && { ...done, verdict: "call" };
};

export const outside_actions: Record<string, OutsideAct> = { comment, label, call, reflect, notify };

/** What an action that ends outside needs. */
export const lacks: Record<string, string> = {
  notify: "towline.yml names no such channel below `notify.channels`, or too much waits already",
  call: "towline.yml names no such workflow below `forge.workflows` and no such channel of the kind webhook below `notify.channels`, or everything is stopped",
  comment: "it is no issue or pull request of the forge that towline.yml names",
  label: "it is no issue or pull request of the forge that towline.yml names, or the label is no fixed one",
};
