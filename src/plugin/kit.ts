// For the tests of a plugin: runs it as a tick would, in its process and with its limits, with texts that were recorded.
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Draft } from "../core/draft.ts";
import type { ForgeQuestion } from "../core/plugin-offers.ts";
import type { Sending, Wish } from "../core/plugin-options.ts";
import { type Declared, levelsOf } from "../core/plugins.ts";
import { raise } from "../core/raise.ts";
import { agent as agentSchema, type PluginSettings, settings as schema, task as taskSchema } from "../core/schema.ts";
import type { LevelRow } from "../core/state.ts";
import type { Assignment, Launch, Level, Outcome, RawResult } from "../ports.ts";
import { offered } from "../runtimes/offered.ts";
import type { Context, HostSample, Page } from "./define.ts";
import { forgeCalls } from "./forge.ts";
import { openSession, pollOf, type World } from "./session.ts";

export interface Recorded {
  /** As in towline.yml, below the plugin's name. */
  settings?: Record<string, unknown>;
  /** Name in `fetch` → the text, or a function of what was asked. */
  fetched?: Record<string, string | ((asked: Wish) => string)>;
  hosts?: HostSample[];
  secrets?: Record<string, string>;
  now?: string;
  zone?: string;
}

/** A pupdate, as far as a plugin makes it. */
export interface Told {
  kind: string;
  subject: string;
  title: string;
  url?: string | undefined;
  data?: Record<string, unknown> | undefined;
}

/** What a run by its runtime would be: the program, its arguments, its variables, what it reads. */
export interface Words {
  program: string;
  args: string[];
  env: Record<string, string>;
  input: string;
}

export interface Kit {
  /** What it offers as a runtime, a transport, a forge, as it was judged. */
  offers(recorded?: Recorded): Promise<Pick<Declared, "runtime" | "transport" | "forge">>;
  /** A run of its runtime for an agent of these fields. Paths of files are their names. */
  words(agent?: Record<string, unknown>, prompt?: string): Promise<Words>;
  /** What its runtime makes of what its program printed, with this exit code. */
  reads(printed: string, exit?: number): Promise<Outcome>;
  /** An answer of its forge, as it was judged step by step, with texts that were recorded. */
  ask(what: ForgeQuestion, given: object, recorded?: Recorded): Promise<unknown>;
  /** What the last answer of its forge sent, by name. */
  sent: Record<string, Sending>;
  /** One poll: what is new by it. What earlier polls gave is remembered, as the ledger would. */
  poll(recorded?: Recorded): Promise<Told[]>;
  /** What `fetch` of the last poll asked for. */
  asked: Record<string, Wish>;
  page: Page | undefined;
}

/** `file`: the plugin, like `plugins/alertmanager.ts`. Throws what the tick would report. */
export async function kit(file: string): Promise<Kit> {
  const entry = basename(file);
  const name = entry.replace(/\.\w+$/, "");
  const code = { name, place: file, entry, files: new Map([[entry, await readFile(resolve(file))]]) };
  let known: LevelRow[] = [];
  const ownOf = ({ settings = {} }: Recorded) =>
    schema.parse({ id: "kit", plugins: { [name]: texts(settings) } }).plugins[name] as PluginSettings;
  const worldOf = ({ fetched = {}, hosts = [], secrets = {}, now, zone = "UTC" }: Recorded): World => ({
    ...{ now: new Date(now ?? "2026-01-01T00:00:00Z"), zone },
    known: known.map(({ subject, kind, state }): Context["known"][number] => ({ subject, kind, state })),
    hosts: async () => hosts,
    secret: (one) => secrets[one],
    read: async (wishes) => {
      made.asked = wishes;
      return Object.fromEntries(Object.entries(wishes).map(([key, wish]) => [key, textOf(fetched, key, wish)]));
    },
  });
  const offers = async (recorded: Recorded = {}) => {
    const session = await openSession(code, ownOf(recorded), {});
    await session.close();
    const { runtime, transport, forge } = session.declared;
    return { runtime, transport, forge };
  };
  const runtimeOf = async () => {
    const { runtime } = await offers();
    if (!runtime) throw new Error(`${file} offers no runtime`);
    return offered(name, runtime);
  };
  const made: Kit = {
    asked: {},
    sent: {},
    page: undefined,
    offers,
    words: async (agent = {}, prompt = "Say something.") =>
      wordsOf((await runtimeOf()).launch(assignmentOf(agent, prompt))),
    reads: async (printed, exit = 0) => (await runtimeOf()).outcome(resultOf(printed, exit)),
    ask: async (what, given, recorded = {}) => {
      made.sent = {};
      const send = async (one: Sending, key: string) => {
        made.sent[key] = one;
      };
      const ports = { env: {}, secret: () => undefined, folders: [] };
      const asking = { name, own: ownOf(recorded), ports, world: worldOf(recorded), code: async () => code };
      return forgeCalls({ ...asking, signal: undefined, send })(what, given);
    },
    poll: async (recorded = {}) => {
      const own = ownOf(recorded);
      const world = worldOf(recorded);
      const at = world.now;
      const session = await openSession(code, own, {});
      try {
        const polled = await pollOf(session, own, world);
        made.page = polled?.page;
        const levels = levelsOf(name, session.declared, polled?.things ?? [], known);
        const [next, told] = remember(known, levels, at);
        known = next;
        return told;
      } finally {
        await session.close();
      }
    },
  };
  return made;
}

const assignmentOf = (agent: Record<string, unknown>, prompt: string): Assignment => ({
  ...{ job: "kit-0123456789", epoch: 1, task: taskSchema.parse({ title: "A task" }), prompt, character: "", notes: "" },
  agent: agentSchema.parse({ runtime: "kit", ...(texts(agent) as object) }),
  secrets: {},
});

function wordsOf({ files }: Launch): Words {
  const below = (folder: string) => Object.entries(files).filter(([path]) => path.startsWith(`${folder}/`));
  return {
    program: files.program ?? "",
    args: below("args").map(([, text]) => text),
    env: Object.fromEntries(below("env").map(([path, text]) => [path.slice("env/".length), text])),
    input: files.input ?? "",
  };
}

function resultOf(printed: string, exit: number): RawResult {
  const stream = (text: string) => {
    const head = new TextEncoder().encode(text);
    return { bytes: head.length, sha256: "", head, tail: new Uint8Array() };
  };
  return {
    ...{
      job: "kit-0123456789",
      epoch: 1,
      exit,
      signal: null,
      end: "exited",
      took: 1,
      boot: "",
      program: "",
      sha256: "",
    },
    ...{
      started_at: "2026-01-01T00:00:00Z",
      ended_at: "2026-01-01T00:00:01Z",
      stdout: stream(printed),
      stderr: stream(""),
    },
  };
}

function textOf(fetched: NonNullable<Recorded["fetched"]>, key: string, wish: Wish): string {
  const found = fetched[key];
  if (found === undefined)
    throw new Error(`the test has no recorded text for \`${key}\` (${wish.url}${wish.path ?? ""})`);
  return typeof found === "string" ? found : found(wish);
}

/** Settings are written as values in a test, and are texts in towline.yml. */
function texts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(texts);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, texts(one)]));
  return String(value);
}

/** As the tick makes levels of the ledger and news out of what was said. */
function remember(known: LevelRow[], levels: readonly Level[], now: Date): [LevelRow[], Told[]] {
  const draft = { levels: known, raised: [], moved: new Map(), now } as unknown as Draft;
  for (const level of levels) raise(draft, level);
  const rows = draft.levels.flatMap((row) => (draft.moved.has(row) ? (draft.moved.get(row) ?? []) : row));
  return [rows, draft.raised.map(({ kind, subject, title, url, data }) => ({ kind, subject, title, url, data }))];
}
