// towline.yml beyond its schema: names that it uses, and fields that nothing reads.

import { isKept, keptWords, packKeys } from "./agent-needs.ts";
import { meant, type Pack, problem } from "./check-pack.ts";
import { pluginOffer } from "./check-plugins.ts";
import type { Problem } from "./entry.ts";
import { locate } from "./locate.ts";
import { nearest } from "./nearest.ts";
import { unknownWords } from "./release.ts";
import { isZone } from "./scalar.ts";
import { settings as schema } from "./schema.ts";
import { readYaml } from "./split.ts";
import { ownersOf } from "./who.ts";

const path = "towline.yml";
// Settings of parts that may not be in this version yet: known, so not complained about.
const later = ["narrate", "notify", "plugins", "stop", "version"];

export function settingsProblems(pack: Pack): Problem[] {
  const text = pack.texts.get(path);
  if (!pack.settings || text === undefined) return [];
  const at = (field: string[], code: string, message: string, fix: string): Problem => {
    // `locate` reads frontmatter: one line more above.
    const place = locate(`---\n${text}\n---\n`, field);
    return { ...problem(path, code, message, fix), line: Math.max(1, place.line - 1), column: place.column };
  };
  const { defaults, zone, ledger } = pack.settings;
  const agents = pack.names.get("agents") ?? new Set<string>();
  const problems: Problem[] = [];
  if (defaults.agent !== undefined && !agents.has(defaults.agent))
    problems.push(
      at(
        ["defaults", "agent"],
        "unknown-agent",
        `there is no agent \`${defaults.agent}\``,
        meant(defaults.agent, agents, `add agents/${defaults.agent}.md`),
      ),
    );
  const offer = defaults.runtime === undefined ? null : pluginOffer(pack, defaults.runtime, "runtime");
  if (defaults.runtime !== undefined && offer !== "fine" && !pack.runtimes.includes(defaults.runtime))
    problems.push(
      at(
        ["defaults", "runtime"],
        "unknown-runtime",
        offer?.why ?? `there is no runtime \`${defaults.runtime}\``,
        offer?.fix ?? meant(defaults.runtime, pack.runtimes, "name one that this version has"),
      ),
    );
  if (!isZone(zone))
    problems.push(at(["zone"], "zone", `\`${zone}\` is not a time zone`, "write a name like Europe/Berlin or UTC"));
  if (ledger.branch !== undefined && !/^[A-Za-z0-9][\w-]*([/.][\w-]+)*$/.test(ledger.branch))
    problems.push(
      at(
        ["ledger", "branch"],
        "branch",
        `\`${ledger.branch}\` cannot be the ledger's branch`,
        "use letters, digits and dashes, like `towline`",
      ),
    );
  for (const [name, { url }] of Object.entries(pack.settings.releases)) {
    const unknown = unknownWords(url ?? "");
    if (unknown.length > 0)
      problems.push(
        at(
          ["releases", name, "url"],
          "pattern",
          `${unknown.join(", ")} is filled in by nothing`,
          "there are {version}, {tag}, {os}, {Os}, {arch} and {Arch}",
        ),
      );
  }
  for (const name of ownersOf(pack.settings.owners).broken)
    problems.push({
      ...at(
        ["owners"],
        "owner",
        `\`${name}\` has no number: a name can be given up and taken by another, so it makes nobody an owner`,
        "write `login:number`; https://api.github.com/users/LOGIN shows the number as `id`",
      ),
      level: "warning",
    });
  const key = defaults.api_key_env;
  if (key !== undefined && isKept(key, packKeys([], pack.settings))) {
    const { message, advice } = keptWords(key);
    problems.push(at(["defaults", "api_key_env"], "api_key_env", message, advice));
  }
  return [...problems, ...unread(text, at)];
}

type Fields = Record<string, unknown>;
interface Type {
  shape?: Fields;
  unwrap?: () => Type;
  options?: Type[];
  element?: Type;
  valueType?: Type;
}

/** What stands below a setting: fields that are known, or names that people choose with such a thing below each. */
function below(type: unknown): { shape: Fields } | { each: unknown } | null {
  const one = type as Type | undefined;
  if (!one) return null;
  if (one.shape) return { shape: one.shape };
  if (one.options) return one.options.map(below).find((found) => found !== null) ?? null;
  if (one.valueType) return { each: one.valueType };
  if (one.element) return { each: one.element };
  return one.unwrap ? below(one.unwrap()) : null;
}

const isObject = (value: unknown): value is Fields => value !== null && typeof value === "object";

function unread(text: string, at: (field: string[], code: string, message: string, fix: string) => Problem): Problem[] {
  const raw = (text.trim() === "" ? {} : readYaml(text)) as Fields;
  const unknown = (field: string[], name: string, known: string[]): Problem => {
    const near = nearest(name, known);
    const fix = near ? `did you mean \`${near}\`?` : "remove it, or keep it: nothing reads it";
    return { ...at(field, "unknown-field", `\`${field.join(".")}\` is not a setting`, fix), level: "warning" };
  };
  const look = (value: unknown, type: unknown, above: string[], more: string[] = []): Problem[] => {
    const inner = below(type);
    if (inner === null || !isObject(value)) return [];
    return Object.entries(value).flatMap(([name, one]) => {
      const field = [...above, name];
      if ("each" in inner) return look(one, inner.each, field);
      const known = [...Object.keys(inner.shape), ...more];
      if (!known.includes(name)) return [unknown(field, name, known)];
      // What limits are made of is a check of its own.
      return name === "budget" ? [] : look(one, inner.shape[name], field);
    });
  };
  return look(raw, schema, [], later);
}
