// Actions of plugins that rules ask for. What is asked stands in the record's commit first, and is done after it: again
// after a tick that died, under the same id, so that it is rather done twice than not at all.
import { z } from "zod";
import type { RawPupdate } from "../ports.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { digest } from "./hash.ts";
import { pluginNames } from "./plugins.ts";
import { ndjson } from "./render.ts";
import { fill } from "./rules.ts";
import { oneLine } from "./text.ts";

export const calls_path = "state/calls.ndjson";
/** How long one is tried, ms; that long a row stands, and what the heartbeat knows of it is needed. */
export const patience = 6 * 3_600_000;
/** Waiting at a time. */
const most = 500;

const row = z.object({
  id: z.string(),
  at: z.string(),
  plugin: z.string(),
  action: z.string(),
  rule: z.string(),
  value: z.string(),
  pupdate: z.object({
    id: z.string(),
    kind: z.string(),
    subject: z.string(),
    title: z.string(),
    url: z.string().optional(),
    data: z.record(z.string(), z.unknown()).optional(),
  }),
});
export type CallRow = z.infer<typeof row>;

export const readCalls = (text: string | undefined): CallRow[] =>
  (text ?? "").split("\n").flatMap((line) => {
    try {
      return [row.parse(JSON.parse(line))];
    } catch {
      return []; // a torn line costs itself only
    }
  });

/** `NAME.ACTION`: the parts, where a plugin of that name is switched on. */
export function actionIn(settings: Draft["settings"], name: string): { plugin: string; action: string } | null {
  const [, plugin = "", action = ""] = /^([a-z0-9-]{1,64})\.([a-z][a-z0-9_-]{0,39})$/.exec(name) ?? [];
  return pluginNames(settings).includes(plugin) ? { plugin, action } : null;
}

/** Puts the call down; null: no plugin has such a name, or too many calls wait. */
export function callFor(draft: Draft, rule: Entry<"rule">, name: string, value: unknown, pupdate: RawPupdate) {
  const found = actionIn(draft.settings, name);
  const calls = draft.calls ?? [];
  if (found === null || calls.length >= most) return null;
  const id = digest(name, rule.id, pupdate.id).slice(0, 16);
  const { id: of, kind, subject, title, url, data } = pupdate;
  const words = typeof value === "string" ? oneLine(fill(value, pupdate), 2000) : "";
  if (!calls.some((one) => one.id === id))
    draft.calls = [
      ...calls,
      {
        id,
        at: draft.now.toISOString(),
        ...found,
        rule: rule.id,
        value: words,
        pupdate: { id: of, kind, subject, title, url, data },
      },
    ];
  return { verdict: "plugin", made: `call:${id}` };
}

export const isOverdue = ({ at }: CallRow, now: Date) => now.getTime() - Date.parse(at) > patience;

/** As they were read while none is new: that some are over makes no commit. */
export function callsText({ calls = [], now, texts }: Draft): string {
  const before = texts.get(calls_path) ?? "";
  const known = new Set(readCalls(before).map(({ id }) => id));
  return calls.every(({ id }) => known.has(id)) ? before : ndjson(calls.filter((one) => !isOverdue(one, now)));
}
