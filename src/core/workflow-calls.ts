// Rules that start a workflow of the pack's own repository, one that towline.yml names. A start cannot be found again at the
// forge, so it goes the way of notices: it stands in the record's commit, the tick that made that commit alone asks for it
// afterwards, and nobody asks twice. Whether an ask that was not answered has begun is said to be unknown.
import type { RawPupdate } from "../ports.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { stopped } from "./gate.ts";
import { digest } from "./hash.ts";
import { most_notices, type Notice } from "./notices.ts";
import { isLead } from "./part.ts";
import { fill } from "./rules.ts";
import type { Settings } from "./schema.ts";
import { isMap } from "./split.ts";
import type { State } from "./state.ts";
import { clean, oneLine } from "./text.ts";

/** As many as the forge takes. */
const most_inputs = 25;
const longest = 1000;
/** All but these: what shells, expressions and quotes are made of. A workflow may put an input where it should not. */
const unsafe = /[^\p{L}\p{N} _.,:/@#+=%-]/gu;

/** The file that an action of the kind `call` names; null: it calls no workflow. */
export function workflowOf(value: unknown): string | null {
  return isMap(value) && value.workflow !== undefined ? String(value.workflow) : null;
}

export const mayStart = ({ forge }: Pick<Settings, "forge">, file: string) =>
  forge?.name === "github" && forge.workflows.includes(file);

/** Inputs as the rule has them. What an event brings into one is plain words there. null: they are none. */
function inputsOf(value: Record<string, unknown>, pupdate: RawPupdate): Record<string, string> | null {
  const given = value.inputs ?? {};
  if (!isMap(given)) return null;
  const all = Object.entries(given);
  const isPlain = ([name, one]: [string, unknown]) => /^[A-Za-z_][\w-]{0,99}$/.test(name) && typeof one === "string";
  if (all.length > most_inputs || !all.every(isPlain)) return null;
  return Object.fromEntries(all.map(([name, one]) => [name, filled(String(one), pupdate)]));
}

function filled(text: string, pupdate: RawPupdate): string {
  if (!text.includes("{{")) return text;
  // A leading dash would be an option of whatever is called with it.
  return oneLine(clean(fill(text, pupdate)), longest)
    .replace(unsafe, "_")
    .replace(/^[-\s]+/, "");
}

/** Puts down what is to be started; null: it may not be, or everything is to stand still. */
export function startFor(draft: Draft, rule: Entry<"rule">, value: unknown, pupdate: RawPupdate) {
  const file = workflowOf(value);
  const before = draft.notices ?? [];
  if (file === null || !mayStart(draft.settings, file) || stopped(draft, draft.now)) return null;
  const inputs = inputsOf(value as Record<string, unknown>, pupdate);
  if (inputs === null || before.length >= most_notices) return null;
  const id = digest("workflow", rule.id, pupdate.id, file).slice(0, 16);
  const { kind, subject } = pupdate;
  const row: Notice = {
    ...{ id, at: draft.now.toISOString(), channel: `workflow:${file}`, text: file, rule: rule.id, kind, subject },
    inputs,
  };
  if (!before.some((one) => one.id === id)) draft.notices = [...before, row];
  return { verdict: "call", made: `workflow:${id}` };
}

/** This tick takes what waits, unless everything stands still. */
export function takeStarts(draft: Draft): void {
  const waits = (one: Notice) => one.inputs !== undefined && one.tick === undefined;
  if (!draft.notices?.some(waits) || !isLead(draft) || stopped(draft, draft.now)) return;
  draft.notices = draft.notices.map((one) => (waits(one) ? { ...one, tick: draft.tick } : one));
}

export interface Startable {
  file: string;
  inputs: Readonly<Record<string, string>>;
  subject: string;
}

/** What this tick has taken, and may still start. */
export const startable = ({ notices = [], settings }: State, tick: string): Startable[] =>
  notices.flatMap(({ tick: by, inputs, text: file, subject }) =>
    by === tick && inputs !== undefined && mayStart(settings, file) ? [{ file, inputs, subject }] : [],
  );
