// Plugins: what they declare, what they may give, and what becomes of it. All of it is data of somebody else's code.
import { z } from "zod";
import type { Level } from "../ports.ts";
import { digest } from "./hash.ts";
import { forge_offer, offerFault, runtime_offer, transport_offer } from "./plugin-offers.ts";
import { duration } from "./scalar.ts";
import type { PluginSettings, Settings } from "./schema.ts";
import type { LevelRow } from "./state.ts";
import { oneLine } from "./text.ts";

/** The version of src/plugin/define.ts. */
export const plugin_api = 1;
/** Things that one poll may give. More is a fault: half of them would say that the rest is gone. */
const most_things = 500;
/** Things that are gone and still known. */
const most_gone = 200;
const family = "thing";

export const pluginSource = (name: string) => `plugin:${name}`;

/** Beginnings of kinds that towline's own events have: nobody else may make these. */
const own_kinds = new Set(
  "account budget calendar campfire candidate check command host insight issue job learning memo network pr push record reflection result rollout signal source task tick week".split(
    " ",
  ),
);

const name = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, "must be small letters, digits and dashes");
const words = z.string().min(1).max(300);
const kind = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/, "must be like alert.firing")
  .refine((v) => !own_kinds.has(v.split(".", 1)[0] as string), "begins like towline's own kinds");
const option = z.object({
  says: words,
  kind: z.enum(["text", "number", "flag", "address", "variable", "duration", "list"]).default("text"),
  required: z.boolean().default(false),
  default: z.json().optional(),
});
export const phases = ["tick", "triage", "tend", "narrate"] as const;
export const variable = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, "must be the name of a variable");

export const few = <T extends z.ZodType>(of: T, most = 50) =>
  z.record(name, of).refine((v) => Object.keys(v).length <= most, `must be at most ${most}`);

const declaration = z.object({
  api: z.literal(plugin_api),
  title: words,
  every: duration.refine((v) => v <= 30 * 86_400, "must be at most 30d"),
  kinds: z.record(kind, words).refine((v) => Object.keys(v).length <= 50, "must be at most 50"),
  gone: z.object({ kind, title: words }).optional(),
  options: few(option),
  needs: z.array(z.enum(["hosts"])).max(5),
  secrets: z.array(variable).max(10),
  actions: few(words, 20),
  hooks: z.array(z.enum(phases)),
  has: z.array(z.enum(["fetch", "poll", "page", "setup"])),
  runtime: runtime_offer.optional(),
  transport: transport_offer.optional(),
  forge: forge_offer.optional(),
});
export type Declared = z.infer<typeof declaration>;

/** A sentence of what is wrong with an answer: the place in it, and why. */
export function wrong(what: string, { issues: [issue] }: z.ZodError): string {
  const path = (issue?.path ?? []).join(".");
  const why = issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message;
  return `${what}${path === "" ? "" : ` at \`${oneLine(path, 80)}\``}: ${oneLine(why ?? "it cannot be read", 160)}`;
}

/** Either a value or the reason why there is none. */
export type Judged<T> = { value: T } | { fault: string };

/** `named`: the plugin's own name; what it offers goes by it. */
export function judgeDeclared(said: unknown, named: string): Judged<Declared> {
  const api = (said as { api?: unknown } | null)?.api;
  if (api === undefined || api === null)
    return {
      fault: `it does not say which version of the plugin page it is made for: write \`static api = ${plugin_api};\``,
    };
  if (api !== plugin_api)
    return {
      fault: `it is made for version ${oneLine(String(api), 20)} of the plugin page, and this towline has ${plugin_api}`,
    };
  const read = declaration.safeParse(said);
  if (!read.success) return { fault: wrong("what it declares is amiss", read.error) };
  if (read.data.gone && !Object.hasOwn(read.data.kinds, read.data.gone.kind))
    return { fault: `\`gone\` makes \`${read.data.gone.kind}\`, which \`kinds\` does not name` };
  const fault = offerFault(named, read.data);
  return fault === null ? { value: read.data } : { fault };
}

const plain = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).max(100)]);
const thing = z.object({
  subject: z.string().min(1).max(300),
  kind: z.string().max(60),
  state: z.string().max(500).optional(),
  title: z.string().min(1).max(2000),
  url: z.string().max(500).optional(),
  tags: z.array(z.string().max(60)).max(20).optional(),
  data: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), plain)
    .refine((v) => Object.keys(v).length <= 40, "must be at most 40")
    .optional(),
  first: z.enum(["calm", "noted"]).optional(),
});
export type GivenThing = z.infer<typeof thing>;

/** Things as a plugin gave them, each once. */
export function judgeThings(said: unknown, { kinds }: Declared): Judged<GivenThing[]> {
  const read = z.array(thing).safeParse(said);
  if (!read.success) return { fault: wrong("what it gives is amiss", read.error) };
  if (read.data.length > most_things)
    return { fault: `it gives ${read.data.length} things, and at most ${most_things} are taken` };
  const other = read.data.find((one) => !Object.hasOwn(kinds, one.kind));
  if (other) return { fault: `it gives \`${oneLine(other.kind, 60)}\`, a kind that it does not declare in \`kinds\`` };
  return { value: [...new Map(read.data.map((one) => [oneLine(one.subject, 300), one])).values()] };
}

function levelOf(plugin: string, one: GivenThing): Level {
  const data = Object.entries(one.data ?? {}).map(([key, value]) => [
    key,
    typeof value === "string"
      ? oneLine(value, 500)
      : Array.isArray(value)
        ? value.slice(0, 20).map((part) => oneLine(part, 100))
        : value,
  ]);
  return {
    source: pluginSource(plugin),
    subject: oneLine(one.subject, 300),
    family,
    kind: one.kind,
    state: one.state === undefined ? undefined : oneLine(one.state, 500),
    first: one.first,
    title: oneLine(one.title),
    url: /^https?:\/\/[^\s<>"'`()]+$/.test(one.url ?? "") ? one.url : undefined,
    tags: one.tags?.map((tag) => oneLine(tag, 60)),
    data: { ...Object.fromEntries(data), plugin },
  };
}

/** Levels of a whole poll: what it gives, and what it does not give any more. */
export function levelsOf(
  plugin: string,
  { gone }: Pick<Declared, "gone">,
  things: readonly GivenThing[],
  known: readonly LevelRow[],
): Level[] {
  const levels = things.map((one) => levelOf(plugin, one));
  const listed = new Set(levels.map(({ subject }) => subject));
  const own = known.filter((row) => row.source === pluginSource(plugin) && row.family === family);
  const left = own.filter((row) => !listed.has(row.subject) && row.kind !== gone?.kind);
  const before = own.filter((row) => row.kind === gone?.kind).length;
  const over = left.map(
    ({ subject, kind }, index): Level =>
      gone
        ? {
            ...{ source: pluginSource(plugin), subject, family, kind: gone.kind },
            ends: before + index < most_gone ? "may-return" : "for-good",
            title: gone.title.replaceAll("{subject}", subject),
            data: { plugin },
          }
        : { source: pluginSource(plugin), subject, family, kind, ends: "unsaid", title: "" },
  );
  return [...levels, ...over];
}

/** What a hook tells: it adds, and says nothing of what it does not name. */
export const hookLevels = (plugin: string, things: readonly GivenThing[]): Level[] =>
  things.map((one) => ({ ...levelOf(plugin, one), family: "hook" }));

/** What stays known of plugins that towline.yml names no more is forgotten. */
export function orphans(settings: Settings, levels: readonly LevelRow[]): Map<string, Level[]> {
  const on = new Set(pluginNames(settings).map(pluginSource));
  const left = levels.filter(
    ({ source }) => source.startsWith("plugin:") && !on.has(source.replace(/\/(actions|hooks)$/, "")),
  );
  const rows = left.map(
    ({ source, subject, family: of, kind: was }): Level => ({
      ...{ source, subject, family: of, kind: was },
      ends: "unsaid",
      title: "",
    }),
  );
  return Map.groupBy(rows, ({ source }) => source);
}

/** Plugins that are switched on. */
export const pluginNames = ({ plugins }: Settings): string[] =>
  Object.keys(plugins).filter((one) => !plugins[one]?.off);

/** What the heartbeat remembers of a plugin. */
export interface PluginMemory {
  /** Of its code and its settings as they were. */
  mark: string;
  /** Seconds since 1970 of its last poll. */
  at: number;
  /** How long after it the next is due, s. */
  every: number;
  /** It has hooks that look at later stages. */
  hooks?: boolean | undefined;
}

/** Settings and code by which it was asked last: others make it due at once. */
export const markOf = (blob: string, settings: PluginSettings) => digest(blob, JSON.stringify(settings)).slice(0, 16);

/** Schedules of CI services come a little early and late: nine tenths of the time are enough. */
export const isDue = (memory: PluginMemory | undefined, mark: string, now: Date): boolean =>
  memory?.mark !== mark || now.getTime() / 1000 >= memory.at + memory.every * 0.9;
