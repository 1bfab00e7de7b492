// picoclaw's own settings on a host: `config.json`, `.security.yml` and the classic `.env`. Only what is ours is changed.
import { isMap, parseDocument } from "yaml";
import type { Entry } from "./entry.ts";
import type { Settings } from "./schema.ts";

/** A model that a host's picoclaw is to know. */
export interface Model {
  /** As agents name it; null: the first one of its provider in picoclaw's own list. */
  name: string | null;
  provider: string;
  base?: string | undefined;
  /** Variable that holds the key; null: it needs none. */
  variable: string | null;
}

/** Models that deployed hosts are to know, the default first; none: the settings on the host are its owner's alone. */
export function modelsFor(settings: Settings, agents: Iterable<Entry<"agent">>, host: Entry<"host">): Model[] {
  const { defaults } = settings;
  const provider = host.data.provider ?? defaults.provider ?? "anthropic";
  const variable = host.data.api_key_env ?? defaults.api_key_env ?? null;
  const models: Model[] = [];
  const add = (model: Model) => {
    if (!models.some((one) => one.name === model.name)) models.push(model);
  };
  if (variable !== null && defaults.model) add({ name: defaults.model, provider, variable });
  for (const { data } of agents) {
    if (data.runtime !== "picoclaw" || data.off) continue;
    const model: Model = {
      name: data.model ?? defaults.model ?? null,
      provider: data.provider ?? provider,
      base: data.url,
      variable: data.api_key_env ?? variable,
    };
    if (model.name !== null && (model.variable !== null || model.base !== undefined)) add(model);
  }
  if (variable !== null && models.length === 0) add({ name: null, provider, variable });
  return models;
}

type Json = Record<string, unknown>;
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const numbers = JSON as unknown as { rawJSON(text: string): unknown };

/** Numbers stay as they are written: ids of chats can be longer than a number is exact. */
function readConfig(text: string): Json | null {
  try {
    const keep = (_: string, value: unknown, context?: { source?: string }) =>
      typeof value === "number" && context?.source !== undefined ? numbers.rawJSON(context.source) : value;
    const data = JSON.parse(text.replace(/^\uFEFF/, ""), keep as (key: string, value: unknown) => unknown) as unknown;
    return isJson(data) ? data : null;
  } catch {
    return null;
  }
}

/** Hashes of what towline wrote, by place: what matches none of them is a person's own. */
export type Wrote = Record<string, string[]>;
export interface Ours {
  wrote: Wrote;
  sha(text: string): string;
}

const isMine = ({ wrote, sha }: Ours, place: string, value: unknown): boolean =>
  typeof value === "string" && (wrote[place] ?? []).includes(sha(value));

const written = (data: Json) => `${JSON.stringify(data, null, 2)}\n`;

export interface Configured {
  config: string;
  /** Names in the model list, in the order of the models that were asked for. */
  names: string[];
  /** Of these, the ones that were not there before. */
  added: string[];
  /** Of releases before 0.1.2: keys stand in the config itself, by provider. */
  classic: string[];
  wrote: Wrote;
}

/**
 * The config with these models. A text: why it cannot be done. `first`: nobody has chosen a default yet. `keys`: by
 * variable.
 */
export function configure(
  text: string,
  models: Model[],
  first: boolean,
  keys: ReadonlyMap<string, string>,
  ours: Ours,
): Configured | string {
  const data = readConfig(text);
  if (!data) return "config.json there is no JSON object";
  if (data.model_list === undefined && isJson(data.providers)) return classic(text, data, models, first, keys, ours);
  const before = JSON.stringify(data);
  const list = Array.isArray(data.model_list) ? (data.model_list as unknown[]).filter(isJson) : [];
  if (data.model_list !== undefined && !Array.isArray(data.model_list)) return "`model_list` there is no list";
  const added: string[] = [];
  const names: string[] = [];
  for (const model of models) {
    const found = list.find((item) =>
      model.name === null ? ofProvider(item, model.provider) : item.model_name === model.name,
    );
    if (!found && model.name === null)
      return `its list of models has none of ${model.provider}: write \`defaults: {model: …}\` in towline.yml`;
    const entry = found ?? { model_name: model.name, model: `${model.provider}/${model.name}` };
    if (model.base !== undefined) entry.api_base = model.base;
    const name = String(entry.model_name);
    if (!found) {
      list.push(entry);
      data.model_list = [...((data.model_list as unknown[]) ?? []), entry];
      added.push(name);
    }
    names.push(name);
  }
  const agents = isJson(data.agents) ? data.agents : {};
  const defaults = isJson(agents.defaults) ? agents.defaults : {};
  if (first || !defaults.model_name) data.agents = { ...agents, defaults: { ...defaults, model_name: names[0] } };
  return { config: JSON.stringify(data) === before ? text : written(data), names, added, classic: [], wrote: {} };
}

function classic(
  text: string,
  data: Json,
  models: Model[],
  first: boolean,
  keys: ReadonlyMap<string, string>,
  ours: Ours,
): Configured {
  const wrote: Wrote = {};
  const before = JSON.stringify(data);
  const providers = data.providers as Json;
  for (const { provider, variable, base } of models) {
    const known = isJson(providers[provider]) ? providers[provider] : {};
    const theirs = Boolean(known.api_key) && !isMine(ours, `provider ${provider}`, known.api_key);
    const key = variable === null || theirs ? undefined : keys.get(variable);
    if (key) wrote[`provider ${provider}`] = [ours.sha(key)];
    providers[provider] = { ...known, ...(key ? { api_key: key } : {}), ...(base ? { api_base: base } : {}) };
  }
  const agents = isJson(data.agents) ? data.agents : {};
  const defaults = isJson(agents.defaults) ? agents.defaults : {};
  const [model] = models;
  if (model && (first || !defaults.provider))
    data.agents = {
      ...agents,
      defaults: { ...defaults, provider: model.provider, ...(model.name ? { model: model.name } : {}) },
    };
  const named = models.map((one) => one.provider);
  return {
    config: JSON.stringify(data) === before ? text : written(data),
    names: [],
    added: [],
    classic: named,
    wrote,
  };
}

const ofProvider = (item: Json, provider: string) =>
  typeof item.model_name === "string" &&
  (item.provider === provider || (typeof item.model === "string" && item.model.startsWith(`${provider}/`)));

/** Keys by model name, into `.security.yml`. A text in place of one: why not. */
export function secure(
  text: string,
  keys: ReadonlyMap<string, string>,
  ours: Ours,
): { security: string; wrote: Wrote } | string {
  const document = parseDocument(text);
  if (document.errors.length > 0 || (document.contents !== null && !isMap(document.contents)))
    return ".security.yml there cannot be read as YAML";
  let changed = false;
  const wrote: Wrote = {};
  for (const [name, key] of keys) {
    const at = slotOf(document, name);
    const now = keysAt(document, at);
    const others = now.filter((one) => !isMine(ours, `key ${name}`, one));
    // A key that a person wrote there themselves stays theirs, also when it is the same one.
    const wanted = others.includes(key) ? others : [key, ...others];
    if (wanted !== others) wrote[`key ${name}`] = [ours.sha(key)];
    if (JSON.stringify(now) === JSON.stringify(wanted)) continue;
    document.setIn([...at, "api_keys"], document.createNode(wanted));
    changed = true;
  }
  return { security: changed ? document.toString({ lineWidth: 0 }) : text, wrote };
}

function keysAt(document: ReturnType<typeof parseDocument>, at: string[]): unknown[] {
  const there = document.getIn([...at, "api_keys"]);
  const now = (there as { toJSON?(): unknown } | undefined)?.toJSON?.() ?? there ?? [];
  return Array.isArray(now) ? now : [now];
}

/** picoclaw itself writes a model's name with a number behind it. */
function slotOf(document: ReturnType<typeof parseDocument>, name: string): string[] {
  const numbered = ["model_list", `${name}:0`];
  return document.hasIn(numbered) ? numbered : ["model_list", name];
}

/** The classic file: what it says besides stays. `theirs`: variables that a person has set there. */
export function environment(
  text: string,
  values: Record<string, string>,
  ours: Ours,
): { env: string; wrote: Wrote; theirs: string[] } {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const wrote: Wrote = {};
  const theirs: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const line = `${name}=${/^[\w./:@%+,=-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`}`;
    const sets = (one: string) =>
      one
        .trimStart()
        .replace(/^export\s+/, "")
        .startsWith(`${name}=`);
    const at = lines.findIndex((one) => isMine(ours, `line ${name}`, one));
    if (at < 0 && lines.some(sets)) {
      if (!lines.includes(line)) theirs.push(name);
      continue;
    }
    wrote[`line ${name}`] = [ours.sha(line)];
    if (at < 0) lines.push(line);
    else lines[at] = line;
  }
  return { env: lines.map((line) => `${line}\n`).join(""), wrote, theirs };
}

/** The three files without what towline put into them; a file that was another's stays theirs. */
export function withdrawn(
  files: { config: string | null; security: string | null; env: string | null },
  { added, names, classic }: { added: string[]; names: string[]; classic: string[] },
  ours: Ours,
): { config: string | null; security: string | null; env: string | null } {
  return {
    config: files.config && withoutModels(files.config, added, classic, ours),
    security: files.security && withoutKeys(files.security, names, ours),
    env: files.env && withoutLines(files.env, ours),
  };
}

function withoutModels(text: string, added: string[], classic: string[], ours: Ours): string {
  const data = readConfig(text);
  if (!data || added.length + classic.length === 0) return text;
  const providers = isJson(data.providers) ? data.providers : {};
  for (const name of classic) {
    const known = providers[name];
    if (isJson(known) && isMine(ours, `provider ${name}`, known.api_key)) delete known.api_key;
  }
  const gone = (item: unknown) => isJson(item) && added.includes(String(item.model_name));
  if (Array.isArray(data.model_list)) data.model_list = data.model_list.filter((item) => !gone(item));
  const defaults = isJson(data.agents) && isJson(data.agents.defaults) ? data.agents.defaults : null;
  if (defaults && added.includes(String(defaults.model_name))) delete defaults.model_name;
  return written(data);
}

function withoutKeys(text: string, names: string[], ours: Ours): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) return text;
  for (const name of names) {
    const at = slotOf(document, name);
    const now = keysAt(document, at);
    const others = now.filter((one) => !isMine(ours, `key ${name}`, one));
    if (others.length === now.length) continue;
    if (others.length > 0) document.setIn([...at, "api_keys"], document.createNode(others));
    else document.deleteIn([...at, "api_keys"]);
    const slot = document.getIn(at);
    if (isMap(slot) && slot.items.length === 0) document.deleteIn(at);
  }
  return document.toString({ lineWidth: 0 });
}

function withoutLines(text: string, ours: Ours): string {
  const slots = Object.keys(ours.wrote).filter((slot) => slot.startsWith("line "));
  const lines = text.split("\n");
  return lines.filter((line) => !slots.some((slot) => isMine(ours, slot, line))).join("\n");
}
