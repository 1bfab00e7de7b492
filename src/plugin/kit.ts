// For the tests of a plugin: runs it as a tick would, in its process and with its limits, with texts that were recorded.
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Draft } from "../core/draft.ts";
import type { Wish } from "../core/plugin-options.ts";
import { levelsOf } from "../core/plugins.ts";
import { raise } from "../core/raise.ts";
import { type PluginSettings, settings as schema } from "../core/schema.ts";
import type { LevelRow } from "../core/state.ts";
import type { Level } from "../ports.ts";
import type { Context, HostSample, Page } from "./define.ts";
import { openSession, pollOf } from "./session.ts";

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

export interface Kit {
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
  const made: Kit = {
    asked: {},
    page: undefined,
    poll: async ({ settings = {}, fetched = {}, hosts = [], secrets = {}, now, zone = "UTC" } = {}) => {
      const own = schema.parse({ id: "kit", plugins: { [name]: texts(settings) } }).plugins[name] as PluginSettings;
      const at = new Date(now ?? "2026-01-01T00:00:00Z");
      const session = await openSession(code, own, {});
      try {
        const polled = await pollOf(session, own, {
          ...{ now: at, zone },
          known: known.map(({ subject, kind, state }): Context["known"][number] => ({ subject, kind, state })),
          hosts: async () => hosts,
          secret: (one) => secrets[one],
          read: async (wishes) => {
            made.asked = wishes;
            return Object.fromEntries(Object.entries(wishes).map(([key, wish]) => [key, textOf(fetched, key, wish)]));
          },
        });
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
