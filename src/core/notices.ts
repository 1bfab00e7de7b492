// What people are told by way of a channel: state/notices.ndjson. A tick takes what waits in the commit that it makes, and
// it alone sends that afterwards: whoever dies in between has sent nothing, and nobody sends anything twice.
import type { RawPupdate } from "../ports.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { digest } from "./hash.ts";
import { isLead } from "./part.ts";
import { ndjson } from "./render.ts";
import { fill } from "./rules.ts";
import type { Channel } from "./schema.ts";
import type { State } from "./state.ts";
import { clean, counted, oneLine } from "./text.ts";

export const notices_path = "state/notices.ndjson";
/** Waiting at a time. Beyond it nothing more is taken up. */
export const most_notices = 500;
const shown = 20;

export interface Notice {
  id: string;
  at: string;
  channel: string;
  text: string;
  rule: string;
  kind: string;
  subject: string;
  url?: string | undefined;
  /** Of a workflow that is to be started: `text` is its file. */
  inputs?: Readonly<Record<string, string>> | undefined;
  /** The tick that sends it; absent: it waits. */
  tick?: string | undefined;
}

const fields = ["id", "at", "channel", "text", "rule", "kind", "subject"] as const;

export const readNotices = (text: string | undefined): Notice[] =>
  (text ?? "").split("\n").flatMap((line) => {
    try {
      const row = JSON.parse(line) as Notice;
      const plain = Object.values(row.inputs ?? {}).every((value) => typeof value === "string");
      return plain && fields.every((name) => typeof row[name] === "string") ? [row] : [];
    } catch {
      return []; // a torn line costs itself only
    }
  });

const channelsOf = ({ settings }: Pick<State, "settings">): Record<string, Channel> => settings.notify?.channels ?? {};

/** Channels that an action names; null: it names one that there is not, or there is none at all. */
function targets(draft: Draft, value: unknown): { to: string[]; text: string } | null {
  const all = Object.keys(channelsOf(draft));
  const said = value !== null && typeof value === "object" ? (value as { to?: unknown; text?: unknown }) : null;
  const words = said ? String(said.text ?? "{{title}}") : String(value);
  const named = said
    ? said.to === undefined
      ? all
      : [said.to].flat().map(String)
    : all.includes(words)
      ? [words]
      : all;
  if (named.length === 0 || !named.every((one) => all.includes(one))) return null;
  return { to: named, text: !said && all.includes(words) ? "{{title}}" : words };
}

/** Puts down what is to be said; null: there is no such channel, or too much waits. Once for a rule, an event and a channel. */
export function notice(draft: Draft, rule: Entry<"rule">, value: unknown, pupdate: RawPupdate) {
  const found = targets(draft, value);
  const before = draft.notices ?? [];
  if (found === null || before.length + found.to.length > most_notices) return null;
  const { kind, subject, url } = pupdate;
  const text = oneLine(clean(fill(found.text, pupdate)), 500);
  const rows = found.to.map((channel) => {
    const id = digest("notice", rule.id, pupdate.id, channel).slice(0, 16);
    return { id, at: draft.now.toISOString(), channel, text, rule: rule.id, kind, subject, url };
  });
  draft.notices = [...before, ...rows.filter(({ id }) => !before.some((one) => one.id === id))];
  return { verdict: "notify", made: `notice:${rows[0]?.id}` };
}

/** This tick takes what is due: at once, or what a channel has collected for long enough. */
export function takeNotices(draft: Draft): void {
  const waiting = (draft.notices ?? []).filter((one) => one.tick === undefined);
  if (waiting.length === 0 || !isLead(draft)) return;
  const due = new Set(
    Object.entries(channelsOf(draft)).flatMap(([name, { digest: rest }]) => {
      const oldest = Math.min(...waiting.filter(({ channel }) => channel === name).map(({ at }) => Date.parse(at)));
      return draft.now.getTime() - oldest >= rest * 1000 ? [name] : [];
    }),
  );
  if (!waiting.some(({ channel }) => due.has(channel))) return;
  draft.notices = draft.notices?.map((one) =>
    one.tick === undefined && due.has(one.channel) ? { ...one, tick: draft.tick } : one,
  );
}

/** As they were read while none is new: that some are sent makes no commit. */
export function noticesText({ notices = [], tick, texts }: Draft): string {
  const before = texts.get(notices_path) ?? "";
  const known = new Map(readNotices(before).map((one) => [one.id, one.tick]));
  if (notices.every(({ id, tick: by }) => known.has(id) && known.get(id) === by)) return before;
  return ndjson(notices.filter((one) => one.tick === undefined || one.tick === tick));
}

export interface Sendable {
  channel: string;
  /** The same of the same has the same key. */
  key: string;
  notices: Notice[];
}

/** What this tick has taken, by channel. */
export function sendable(state: State, tick: string): Sendable[] {
  const mine = (state.notices ?? []).filter((one) => one.tick === tick && one.inputs === undefined);
  return [...Map.groupBy(mine, ({ channel }) => channel)].map(([channel, notices]) => ({
    channel,
    key: digest(...notices.map(({ id }) => id)).slice(0, 32),
    notices,
  }));
}

/** One message of all that a channel has collected. */
export function messageOf(pack: string, notices: readonly Notice[]): string {
  const [first] = notices;
  const line = ({ text, url }: Notice) => (url === undefined ? text : `${text} ${url}`);
  if (first && notices.length === 1) return `${pack}: ${line(first)}`;
  const rest = notices.length > shown ? [`… and ${notices.length - shown} more`] : [];
  const lines = notices.slice(0, shown).map((one) => `- ${line(one)}`);
  return [`${pack}: ${counted(notices.length, "thing")}`, ...lines, ...rest].join("\n");
}
