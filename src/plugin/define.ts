// What the author of a plugin reads: all of it. A plugin is one class in one file, plugins/NAME.ts:
//
//   import { type Context, Plugin, type Thing } from "towline/plugin";
//
//   export default class extends Plugin {
//     static api = 1;
//     title = "Alerts of our shop";
//     kinds = { "shop.down": "the shop does not answer" };
//     options = { url: { says: "address of the status page", kind: "address", required: true } } as const;
//     fetch({ options }: Context) { return { status: { url: `${options.url}/status.json` } }; }
//     poll({ fetched }: Context): Thing[] { … }
//   }
//
// It runs once towline.yml names it: `plugins: {NAME: {url: https://shop.example}}`. It runs in a process of its own that
// reads nothing but this file, writes nothing, starts nothing and has no environment. What it needs is given to it: towline
// reads what `fetch` names, with the keys, and hands over the texts. What it wants comes back as values, which are
// checked. Types are taken off as they are: no enums, no `private x` in a constructor. Imports: this module and `node:`.

/** Anything that JSON can hold. */
type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** Something that is so now. What is new follows from what was so before: the same thing twice is told once. */
export interface Thing {
  /** What it is about, unique in what one poll gives: `HighLoad web1`. */
  subject: string;
  /** One of `kinds`. */
  kind: string;
  /** Another state of the same subject is news; without one, only its kind counts. */
  state?: string;
  title: string;
  /** An https address. */
  url?: string;
  tags?: string[];
  /** For rules, as `data.NAME`: texts, numbers, booleans and lists of texts. */
  data?: Record<string, string | number | boolean | string[] | undefined>;
  /** When nothing is known of the subject yet. `calm`: no news, and nothing to remember. `noted`: remembered without a word. */
  first?: "calm" | "noted";
}

/** What towline reads over HTTP for a plugin, at most 8 MiB each. */
export interface Fetch {
  /** https://…, or `env:NAME` for an address that is a secret; then `path` goes behind it. */
  url: string;
  path?: string;
  /** Name of the variable that is sent as `authorization: Bearer …`. It must stand in the plugin's settings. */
  token?: string;
  /** Header → `env:NAME`. */
  headers?: Record<string, string>;
  accept?: string;
}

/** What towline sends for a plugin, after what led to it was recorded. */
export interface Send extends Fetch {
  method?: "POST" | "PUT" | "PATCH" | "DELETE";
  /** A text, or what is sent as JSON. */
  body?: Json;
}

/** A setting of the plugin, as `plugins.NAME.OPTION` in towline.yml. */
export interface Option {
  says: string;
  /** Default: text. `variable`: the name of a variable that holds a secret. `duration`: seconds, written like 15m. */
  kind?: "text" | "number" | "flag" | "address" | "variable" | "duration" | "list";
  required?: boolean;
  default?: Json;
}

/** How a host fared at a moment. Bytes; `load` per core. */
export interface HostSample {
  at: string;
  host: string;
  load: number;
  memory_free: number;
  memory_total: number;
  disk_free: number;
  disk_total: number;
  slots: number;
}

export interface Context {
  /** ISO time. */
  now: string;
  /** The pack's time zone. */
  zone: string;
  // biome-ignore lint/suspicious/noExplicitAny: options are checked against what the plugin declares, before it is asked
  options: Record<string, any>;
  /** What the ledger knows of earlier polls. */
  known: { subject: string; kind: string; state?: string }[];
  /** Name in `fetch` → the text. */
  fetched: Record<string, string>;
  /** With `needs = ["hosts"]`: how hosts fared in the last ten days, oldest first. */
  hosts: HostSample[];
  /** Values of `secrets` that the settings allow. */
  secrets: Record<string, string>;
}

/** A stage of the tick that a hook looks at. `tick`: its beginning, whatever it finds. */
export type Phase = "tick" | "triage" | "tend" | "narrate";

/** What a hook is shown: what this tick has come to so far. */
export interface Seen extends Context {
  phase: Phase;
  /** From triage on: what happened, with verdicts. */
  pupdates: { kind: string; source: string; subject: string; title: string; verdict: string; rule?: string }[];
  /** In tend and narrate: every task and how it stands. */
  tasks: { id: string; title: string; state: string; reason?: string; since: string }[];
  /** In narrate: OVERVIEW.md as it will be. */
  overview: string;
}

/** What an action is given: the rule's word for it, and what happened. */
export interface Call extends Context {
  /** The same call again has the same id. */
  id: string;
  rule: string;
  /** What stands behind the action's name in the rule, with `{{…}}` filled in. */
  value: string;
  pupdate: { id: string; kind: string; subject: string; title: string; url?: string; data?: Record<string, unknown> };
}

export interface Action {
  says: string;
  run(call: Call): { send?: Send[]; note?: string } | Promise<{ send?: Send[]; note?: string }>;
}

/** A page of the dashboard, as data. */
export interface Page {
  title: string;
  blocks: (
    | { text: string }
    | { facts: Record<string, string> }
    | { table: { columns: string[]; rows: string[][] } }
    | { bars: { label: string; value: number; says?: string }[] }
  )[];
}

/**
 * How a model, or a script, is run on a host: agents write `runtime: NAME`, the plugin's name. Data, of which towline makes
 * a run: nothing of the plugin itself runs there, and no shell reads any of it. Each word is one argument, whatever is in it.
 */
export interface Runtime {
  /** What it runs, in a line. */
  says: string;
  /** The program's name, found on the host's PATH or in ~/.local/bin. Absent: it is called like the plugin. */
  program?: string;
  /**
   * Its arguments. Filled in: `{model}`, `{url}`, `{provider}` of the agent, `{job}`; as words of their own `{prompt}` and
   * `{character}`, paths of files with what it is told. Words of an inner list stand together, or not at all where one has
   * no value: `[["--model", "{model}"]]`.
   */
  args?: (string | string[])[];
  /** What it reads from its standard input. Default: `prompt`, the agent's character and its task. */
  stdin?: "prompt" | "none";
  /** Variables of its run, besides the agent's own `env`; values as in `args`. Never a secret. */
  env?: Record<string, string>;
  /** false: no model reads the task. Its text is a script, and what that prints is the answer. */
  model?: boolean;
  /** What it prints: the answer itself, one JSON object, or one a line. */
  output?: "text" | "json" | "lines";
  /** Of JSON: where these stand, as names with dots between. `lines`: the last line that has one. */
  read?: { answer: string; cost?: string; error?: string; tokens?: Record<string, string> };
}

/**
 * A way to hosts: hosts write `transport: NAME`, the plugin's name. A program on the machine of the ticks whose input and
 * output are the connection, like a ProxyCommand. SSH with the pinned host key runs inside of it: it carries what it cannot
 * read. towline starts it, without a shell, and only where towline.yml says `plugins: {NAME: {program: …}}`.
 */
export interface Transport {
  says: string;
  program: string;
  /** Filled in: `{address}`, `{port}`, `{user}`, `{host}`. */
  args: (string | string[])[];
  /** Variables that it gets, besides PATH and HOME. `secrets` in towline.yml must allow each. */
  env?: string[];
}

/** A step towards an answer of a forge: what towline is to read or to send first, or the answer. */
export type Next<T> = { fetch: Record<string, Fetch> } | { send: Record<string, Send> } | { answer: T };

/** Work that waits for people: a branch that was pushed. `repo`: `.` for the pack itself, or owner/name. */
export interface Work {
  repo: string;
  branch: string;
  /** Commit id. */
  head: string;
  title: string;
  body: string;
}
export interface Person {
  login: string;
  /** Who it is, whatever login they have tomorrow. */
  id: string;
  bot?: boolean;
}
/** How the branch is shown to people. */
export interface Shown {
  number: number;
  url: string;
  state: "open" | "merged" | "closed";
  title: string;
  head: string;
  base: string;
  body?: string;
  draft?: boolean;
  /** null: it is not known yet. */
  conflict?: boolean | null;
  updated?: string | null;
  merged_by?: Person | null;
  closed_by?: Person | null;
}
export interface Review {
  id: string;
  author: Person | null;
  state: "approved" | "changes_requested" | "commented" | "dismissed";
  commit: string | null;
  text: string;
  url?: string;
}
/** Of one question: what was read by its earlier steps stands in `read`; of what was sent, `sent`. */
export interface Question extends Context {
  read: Record<string, string>;
}
/**
 * Where people look at work and say yes or no: `forge: NAME`. Each is asked until it answers, at most eight times. Reads and
 * writes are towline's, with keys that the plugin does not see. Whether work was merged git says; whose word counts, towline.
 */
export interface Forge {
  says: string;
  /** null: it is not shown. */
  show(asked: Question & { work: Work }): Next<Shown | null> | Promise<Next<Shown | null>>;
  /** Shows it, or finds that it is shown: the same question again must not show it twice. Its address. */
  propose(asked: Question & { work: Work }): Next<string> | Promise<Next<string>>;
  /** Takes it back: it waits for nobody any more. */
  retract?(asked: Question & { work: Work }): Next<null> | Promise<Next<null>>;
  reviews?(asked: Question & { work: Work }): Next<Review[]> | Promise<Next<Review[]>>;
  /** What somebody may do there now, with the id of whom the forge has by that login. Absent: nobody may anything. */
  permission?(
    asked: Question & { repo: string; person: Person },
  ):
    | Next<{ id: string; may: "admin" | "write" | "read" | "none" }>
    | Promise<Next<{ id: string; may: "admin" | "write" | "read" | "none" }>>;
}

export abstract class Plugin {
  /** The version of this page that the plugin is made for. */
  static api: number;
  /** What it is, in a line. */
  abstract title: string;
  /** How long after one poll the next is due. Ticks may come later. */
  every = "30m";
  /** Kinds of pupdates that it makes → what they mean. Like `alert.firing`; names that towline uses itself are refused. */
  kinds: Record<string, string> = {};
  /** What is told of a thing that is not in a poll any more; `{subject}` is filled in. Absent: it is forgotten without a word. */
  gone?: { kind: string; title: string };
  options: Record<string, Option> = {};
  /** What towline is to give it besides. */
  needs: "hosts"[] = [];
  /** Variables whose values it wants to see; towline.yml must allow them: `plugins: {NAME: {secrets: [X]}}`. Most need none. */
  secrets: string[] = [];
  /** Actions for rules, as `NAME.ACTION`. */
  actions: Record<string, Action> = {};
  /** For agents: `runtime: NAME`. */
  runtime?: Runtime;
  /** For hosts: `transport: NAME`. */
  transport?: Transport;
  /** For the pack: `forge: NAME`. */
  forge?: Forge;
  /** What is to be read. */
  fetch?(context: Context): Record<string, Fetch>;
  /** Everything that is so now. Throw when it cannot be told: then what is known stays as it is. */
  poll?(context: Context): Thing[] | Promise<Thing[]>;
  /** Looks at a stage of every tick, and tells what is new there. */
  hooks: { [phase in Phase]?: (seen: Seen) => Thing[] | Promise<Thing[]> } = {};
  /** A page, after each poll. */
  page?(context: Context): Page | Promise<Page>;
  /** Called by `towline plugin setup NAME` after a poll that went well: what a person should do next, a line each. */
  setup?(context: Context): string[] | Promise<string[]>;
}
