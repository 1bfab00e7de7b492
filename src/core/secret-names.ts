// Which secrets a pack lives by: names only, never a value. What does not look like a name is not repeated.
import { type Entry, kindOf, parseEntry } from "./entry.ts";
import { locate } from "./locate.ts";
import { readYaml } from "./split.ts";

export interface Use {
  path: string;
  line: number;
}

export interface SecretName {
  name: string;
  /** `key`: a private key, whose text comes from a file. */
  kind: "key" | "value";
  /** Only a default that nobody wrote down: towline does without. */
  optional: boolean;
  uses: Use[];
}

export interface SecretNames {
  names: SecretName[];
  /** Places where the name of a variable should stand and something else does: perhaps the secret itself. */
  wrong: Use[];
}

const a_name = /^[A-Z_][A-Z0-9_]{0,63}$/;
/** Fields of towline.yml that hold the name of a secret. */
const named_field = /^(url|token|key|secret|webhook|password|passphrase|api_key_env)$/;

interface Found extends Use {
  word: string;
  kind: SecretName["kind"];
  optional?: boolean;
}

/** Every name that a record or towline.yml refers to, sorted, with where. */
export function secretNames(files: readonly { path: string; text: string | null }[]): SecretNames {
  const found = files.flatMap(({ path, text }) => {
    if (text === null) return [];
    if (path === "towline.yml") return inSettings(text);
    const kind = kindOf(path);
    if (kind === null || !/^(agents|hosts|rules|plugins)\//.test(path)) return [];
    const { entry, partial } = parseEntry(path, kind, text);
    return entry || partial ? inRecord((entry ?? partial) as Entry, text) : [];
  });
  const fine = found.filter((one) => a_name.test(one.word));
  const groups = [...Map.groupBy(fine, (one) => one.word)].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    names: groups.map(([name, all]) => ({
      name,
      kind: all.some((one) => one.kind === "key") ? "key" : "value",
      optional: all.every((one) => one.optional),
      uses: all.map(({ path, line }) => ({ path, line })),
    })),
    wrong: found.filter((one) => !a_name.test(one.word)).map(({ path, line }) => ({ path, line })),
  };
}

function inRecord(entry: Entry, text: string): Found[] {
  const at = (field: PropertyKey[]) => ({ path: entry.path, line: locate(text, field).line });
  const key = entry.kind === "host" && (entry as Entry<"host">).data.key;
  const env = entry.kind === "agent" ? ((entry as Entry<"agent">).data.env ?? []) : [];
  const listed = Array.isArray((entry.data as { env?: unknown }).env);
  const given = (entry.data as { api_key_env?: unknown }).api_key_env;
  return [
    ...(typeof given === "string" ? [{ ...at(["api_key_env"]), word: given, kind: "value" as const }] : []),
    ...(typeof key === "string" && key.startsWith("env:")
      ? [{ ...at(["key"]), word: key.slice(4), kind: "key" as const }]
      : []),
    ...env.map((word, i) => ({ ...at(listed ? ["env", i] : ["env"]), word, kind: "value" as const })),
    ...texts(entry.data)
      .filter(({ text: value, field }) => value.startsWith("env:") && !(entry.kind === "host" && field[0] === "key"))
      .map(({ text: value, field }) => ({ ...at(field), word: value.slice(4), kind: "value" as const })),
  ];
}

function inSettings(text: string): Found[] {
  const wrapped = `---\n${text}\n---\n`;
  const at = (field: PropertyKey[]) => ({ path: "towline.yml", line: Math.max(1, locate(wrapped, field).line - 1) });
  const read = settingsOf(text);
  const found = texts(read).flatMap(({ text: value, field }): Found[] => {
    const last = String(field.at(-1));
    const word = value.startsWith("env:")
      ? value.slice(4)
      : ((named_field.test(last) && field.length > 1) || isPlugins(field)) && a_name.test(value)
        ? value
        : null;
    return word === null ? [] : [{ ...at(field), word, kind: "value" }];
  });
  const { database, pollers, site } = read as Partial<Record<"database" | "pollers" | "site", Record<string, unknown>>>;
  const github = pollers?.github as { token?: unknown } | null | undefined;
  const defaults: Found[] = [
    ...(database?.url === undefined
      ? [{ ...at(["database"]), word: "TURSO_URL", kind: "value" as const, optional: true }]
      : []),
    ...(database?.token === undefined
      ? [{ ...at(["database"]), word: "TURSO_AUTH_TOKEN", kind: "value" as const, optional: true }]
      : []),
    ...(github !== undefined && github?.token === undefined
      ? [{ ...at(["pollers", "github"]), word: "GITHUB_TOKEN", kind: "value" as const }]
      : []),
  ];
  const locked = site?.private === "true" && site.key === undefined && site.passphrase === undefined;
  if (locked) defaults.push({ ...at(["site", "private"]), word: "TOWLINE_SITE_KEY", kind: "value" });
  return [...found, ...defaults];
}

/** What a plugin may see, and its options that are named like a secret. */
const isPlugins = ([first, , option]: PropertyKey[]) =>
  first === "plugins" && /^secrets$|_(token|key|secret|password)$/.test(String(option));

function settingsOf(text: string): object {
  try {
    const read = readYaml(text);
    return typeof read === "object" && read !== null ? read : {};
  } catch {
    return {};
  }
}

/** All texts of a value, with the way to each. */
function texts(value: unknown, field: PropertyKey[] = []): { text: string; field: PropertyKey[] }[] {
  if (typeof value === "string") return [{ text: value, field }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    texts(one, [...field, Array.isArray(value) ? Number(name) : name]),
  );
}
