// Commands in comments: who said what where, whether they may, and what becomes of it in the ledger. Each counts once.
import { type Act, mayAll } from "./authority.ts";
import { type Command, readCommand } from "./commands.ts";
import { command_life, post } from "./conversations.ts";
import { deedOf } from "./deeds.ts";
import { type Draft, draftOf, isoNow } from "./draft.ts";
import { pupdateId } from "./ids.ts";
import type { State } from "./state.ts";
import { oneLine } from "./text.ts";
import type { Web } from "./web-links.ts";
import { actorOf, type Person } from "./who.ts";

/** Where something was said. */
export interface Place {
  /** `owner/name#12`. */
  subject: string;
  kind: "inbox" | "issue" | "proposal";
  /** Of a proposal: its branch, in whose name it was made, and whose fork it comes from, by id. */
  branch?: string;
  author?: string;
  fork?: string;
  /** Of a proposal of campfire: what it proposes, by name. */
  candidates?: readonly string[];
}

/** A comment as the forge has it now. */
export interface Heard {
  /** The forge's own id of it, with the forge's name in front. */
  id: string;
  at: string;
  /** It is not what was written first. */
  edited: boolean;
  /** Towline wrote it. */
  own: boolean;
  body: string;
  url?: string;
  by: Person;
  place: Place;
}

export interface Obeying {
  runtimes: ReadonlySet<string>;
  web?: Web | undefined;
}

/** Carries out what was said, oldest first, on the draft. */
export function obey(draft: Draft, said: readonly Heard[], known: Obeying): void {
  const lasts = ({ at }: Heard) => draft.now.getTime() - Date.parse(at) <= command_life;
  const order = (one: Heard) => `${new Date(one.at).toISOString()} ${one.id}`;
  const heard = new Set([...draft.talks.heard, ...draft.overheard].map(({ comment }) => comment));
  for (const one of said.filter(lasts).toSorted((a, b) => (order(a) < order(b) ? -1 : 1))) {
    if (heard.has(one.id)) continue;
    heard.add(one.id);
    obeyOne(draft, one, known);
  }
}

/** The state as it is when what was said is done: what else a tick is to look at follows from it. */
export function heeded(state: State, said: readonly Heard[], known: Obeying, at: { now: Date; tick: string }): Draft {
  const draft = draftOf(state, at.now, at.tick);
  obey(draft, said, known);
  return draft;
}

function obeyOne(draft: Draft, said: Heard, known: Obeying): void {
  const read = readCommand(said.body);
  if (read === null) return;
  const act: Act = "command" in read ? read.command.verb : "why";
  const relation = { own: said.own, author: said.place.author, fork: said.place.fork };
  const actor = actorOf(draft.settings.owners, said.by, act, relation);
  const condition = said.edited ? "edited" : "fresh";
  const deed = "command" in read ? deedOf({ draft, said, known }, read.command) : { ...read, targets: [] };
  // What cannot be done is said to those who might do something else here.
  const verdict = mayAll(actor, deed.targets.length > 0 ? act : "why", targetsOf(deed.targets), condition);
  if (!verdict.allow) {
    // Asked again when more is known: nothing is remembered of it.
    if (verdict.later) return;
    if (verdict.silent) draft.overheard.push(row(draft, said));
    else settle(draft, said, `✕ ${verdict.reason}.`);
    return;
  }
  if ("fault" in deed) {
    settle(draft, said, `✕ ${deed.fault}: ${deed.fix}.`);
    return;
  }
  const done = deed.do();
  settle(draft, said, done.reply);
  if ("command" in read) note(draft, said, read.command);
  if (done.dismissed !== undefined) dismiss(draft, said, done.dismissed);
}

const targetsOf = <T>(targets: readonly T[]) => (targets.length > 0 ? targets : (["ledger"] as const));

const row = (draft: Draft, { id }: Heard) => ({ comment: id, at: isoNow(draft) });

function settle(draft: Draft, said: Heard, text: string): void {
  draft.talks.heard.push(row(draft, said));
  const to = said.place.kind === "inbox" ? "inbox" : said.place.subject;
  post(draft.talks, `reply ${said.id}`, { at: isoNow(draft), to, what: "comment", text });
}

/** A candidate of campfire that a person does not want to see again. */
function dismiss(draft: Draft, said: Heard, candidate: string): void {
  draft.raised.push({
    id: pupdateId("forge", said.id, "insight.dismissed", candidate),
    at: said.at,
    source: "forge",
    kind: "insight.dismissed",
    subject: candidate,
    title: `${oneLine(said.by.login, 60)} dropped ${candidate}`,
    actor: actorFields(said),
    data: { candidate, comment: said.id },
  });
}

const actorFields = ({ by }: Heard) => ({ login: oneLine(by.login, 60), id: by.id, role: by.permission });

/** So that it can be found later who asked for it. */
function note(draft: Draft, said: Heard, command: Command): void {
  const words = oneLine(said.body.trim().split("\n", 1)[0] ?? "", 120);
  draft.raised.push({
    id: pupdateId("forge", said.id, "command.given", null),
    at: said.at,
    source: "forge",
    kind: "command.given",
    subject: said.place.subject,
    title: `${oneLine(said.by.login, 60)}: ${words}`,
    actor: actorFields(said),
    url: said.url,
    data: { command: command.verb, comment: said.id },
  });
}
