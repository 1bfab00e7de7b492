// What a proposal changes of the rules that people live by, field by field: a reviewer sees a budget that grows tenfold
// before anything else.
import type { Entry } from "./entry.ts";
import { pathClass } from "./schema.ts";
import { isMap } from "./split.ts";
import type { State } from "./state.ts";
import { cell } from "./text.ts";

/** A line of markdown for each path, weightiest first. */
export function policyLines(base: State, head: State, paths: readonly string[]): string[] {
  const before = recordsOf(base);
  const after = recordsOf(head);
  const order = (path: string) => weights.findIndex(([form]) => form.test(path));
  return [...paths]
    .sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1))
    .map((path) => `- \`${named(path)}\`: ${whatOf(path, before.get(path), after.get(path), head)}`);
}

/** Form of a path → what such a file means where it is no record that can be compared. */
const weights: [RegExp, string | null][] = [
  [/^towline\.yml$/, null],
  [/^STOP\.md$/, "stops the fleet, or lets it go on"],
  [/^\.github\//, "is run by the CI service, with the rights of this repository"],
  [
    /^(src|bin|scripts|plugins|schema|site)\/|^(package(-lock)?\.json|action\.yml|\.npmrc)$/,
    "is run by ticks, beside the keys",
  ],
  [/^hosts\//, null],
  [/^agents\//, null],
  [/^rules\//, null],
  [/^(insights|learnings|skills)\//, "is given to agents as their instructions"],
  [/(?:)/, "is read by nobody but people"],
];

/** Whether a tick, an agent or the CI service reads any of these: else merging them changes nothing of what is done. */
export const concernsPack = (paths: readonly string[]) =>
  paths.some((path) => pathClass(path) !== "policy" || weights.slice(0, -1).some(([form]) => form.test(path)));

/** A path in a code span, which it cannot leave. */
const named = (path: string) =>
  cell(path, 200)
    .replaceAll("`", "'")
    .replaceAll(/\\([*_[\]<>|\\])/g, "$1");

interface Comparable {
  data: Record<string, unknown>;
  body: string;
}

function recordsOf(state: State): Map<string, Comparable> {
  const entries: Entry[] = [...state.agents.values(), ...state.hosts.values(), ...state.rules];
  const records = new Map<string, Comparable>(
    entries.map(({ path, data, body }) => [path, { data: data as Record<string, unknown>, body }]),
  );
  return records.set("towline.yml", { data: state.settings as Record<string, unknown>, body: "" });
}

/** Fields that a line names; the rest are counted. */
const most = 8;

function whatOf(path: string, old: Comparable | undefined, now: Comparable | undefined, head: State): string {
  const fault = head.problems.find((one) => one.path === path && one.level === "error");
  if (fault) return `**cannot be read**: ${cell(fault.message, 200)}`;
  if (!old && !now) return weights.find(([form]) => form.test(path))?.[1] ?? "is no record that is in force";
  if (!now) return "**removed**";
  const changes = differences(old?.data ?? {}, now.data, old !== undefined);
  if (old && old.body !== now.body) changes.push("its text");
  const shown = changes.slice(0, most).join("; ");
  const rest = changes.length > most ? `; and ${changes.length - most} more` : "";
  return `${old ? "" : "**new**: "}${shown || "nothing that counts"}${rest}`;
}

/** `budget.day.usd 2 → 20` for every leaf that differs; of a record that is `known` to nobody yet only what it says. */
function differences(old: unknown, now: unknown, known: boolean, at: string[] = []): string[] {
  if (JSON.stringify(old) === JSON.stringify(now)) return [];
  if (isMap(old ?? {}) && isMap(now ?? {}) && (isMap(old) || isMap(now))) {
    const names = new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})]);
    return [...names].flatMap((name) => differences(inner(old, name), inner(now, name), known, [...at, name]));
  }
  return [`${cell(at.join("."), 60)} ${known ? `${show(old)} → ` : ""}${show(now)}`];
}

const inner = (value: unknown, name: string) => (isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined);
const show = (value: unknown) =>
  value === undefined ? "(none)" : cell(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), 60);
