// What a plugin may have: its options out of towline.yml, and the variables, addresses and requests that they allow it.
import { z } from "zod";
import { type Declared, few, type Judged, variable, wrong } from "./plugins.ts";
import { parseDuration } from "./scalar.ts";
import type { PluginSettings } from "./schema.ts";
import { oneLine } from "./text.ts";

/** Names that are towline's own, beside the options of the plugin. */
const kept = new Set(["off", "package", "digest", "secrets", "network", "program", "every"]);

/** The options as the plugin declares them, out of towline.yml. */
export function optionsOf(declared: Declared, settings: PluginSettings): Judged<Record<string, unknown>> {
  const given = Object.entries(settings).filter(([key]) => !kept.has(key));
  const unknown = given.find(([key]) => !Object.hasOwn(declared.options, key));
  const known = Object.keys(declared.options);
  if (unknown)
    return {
      fault: `it has no option \`${oneLine(unknown[0], 40)}\` (${known.length === 0 ? "it has none" : `there is ${known.join(", ")}`})`,
    };
  const options: Record<string, unknown> = {};
  for (const [key, how] of Object.entries(declared.options)) {
    const value = (settings as Record<string, unknown>)[key];
    if (value === undefined || value === "") {
      if (how.required && how.default === undefined)
        return {
          fault: `its option \`${key}\` is not set (${oneLine(how.says, 120)}): write \`${key}: …\` below it in towline.yml`,
        };
      options[key] = how.default;
      continue;
    }
    const typed = typedOf(how.kind, value);
    if (typed === undefined) return { fault: `its option \`${key}\` must be ${forms[how.kind]}` };
    options[key] = typed;
  }
  return { value: options };
}

const forms: Record<Declared["options"][string]["kind"], string> = {
  text: "a text",
  number: "a number",
  flag: "true or false",
  address: "an https address, or env: and the name of a variable that holds one",
  variable: "the name of a variable, like PAGER_TOKEN, never the secret itself",
  duration: "a duration, like 15m",
  list: "a list of texts",
};

function typedOf(how: Declared["options"][string]["kind"], value: unknown): unknown {
  if (how === "list") {
    const list = Array.isArray(value) ? value : [value];
    return list.every((one) => typeof one === "string") ? list : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (how === "number") return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
  if (how === "flag") return value === "true" ? true : value === "false" ? false : undefined;
  if (how === "duration") return parseDuration(value) ?? undefined;
  if (how === "variable") return variable.safeParse(value).success ? value : undefined;
  const address = /^env:[A-Z][A-Z0-9_]*$/.test(value) || /^https:\/\/[^\s@#]+$/.test(value) || loopback.test(value);
  return how === "address" && !address ? undefined : value;
}

const loopback = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/[^\s@#]*)?$/;

/** Every variable that the settings of a plugin name: it may have these and no other. */
export function granted(settings: PluginSettings): Set<string> {
  const found = (value: unknown): string[] =>
    typeof value === "string"
      ? [value.startsWith("env:") ? value.slice(4) : value]
      : Array.isArray(value)
        ? value.flatMap(found)
        : [];
  return new Set(
    Object.values(settings)
      .flatMap(found)
      .filter((one) => variable.safeParse(one).success),
  );
}

const header = z.record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), z.string().regex(/^env:[A-Z][A-Z0-9_]*$/));
const wish = z.object({
  url: z.string().max(2000),
  path: z
    .string()
    .max(2000)
    .regex(/^\/[^\s#]*$/, "must begin with / and have no blanks")
    .optional(),
  token: variable.optional(),
  headers: header.optional(),
  accept: z
    .string()
    .max(100)
    .regex(/^[\w.+*/;=, -]+$/)
    .optional(),
});
export type Wish = z.infer<typeof wish>;
const sending = wish.extend({
  method: z.enum(["POST", "PUT", "PATCH", "DELETE"]).default("POST"),
  body: z.json().optional(),
});
export type Sending = z.infer<typeof sending>;

/** What is to be read for it. A variable that its settings do not name is not read for it either. */
export function judgeFetches(said: unknown, settings: PluginSettings): Judged<Record<string, Wish>> {
  const read = few(wish, 10).safeParse(said);
  if (!read.success) return { fault: wrong("what it wants to be read is amiss", read.error) };
  const fault = Object.values(read.data)
    .map((one) => ungranted(one, settings))
    .find((one) => one !== null);
  return fault ? { fault } : { value: read.data };
}

const step = z.union([
  z.strictObject({ fetch: few(wish, 10) }),
  z.strictObject({ send: few(sending, 10) }),
  z.strictObject({ answer: z.unknown() }),
]);
export type Step = z.infer<typeof step>;

/** A step of its forge. `sends`: whether this question may send anything. */
export function judgeStep(said: unknown, settings: PluginSettings, sends: boolean): Judged<Step> {
  const read = step.safeParse(said);
  if (!read.success)
    return { fault: "what its forge gives is neither `fetch` nor `send` nor `answer`, as they must be" };
  if ("answer" in read.data) return { value: read.data };
  if ("send" in read.data && !sends) return { fault: "its forge wants to send something where it is only asked" };
  const wishes: Wish[] = Object.values("send" in read.data ? read.data.send : read.data.fetch);
  const fault = wishes.map((one) => ungranted(one, settings)).find((one) => one !== null);
  return fault ? { fault } : { value: read.data };
}

const answer = z.object({ send: z.array(sending).max(10).default([]), note: z.string().max(1000).optional() });

export function judgeAction(said: unknown, settings: PluginSettings): Judged<z.infer<typeof answer>> {
  const read = answer.safeParse(said);
  if (!read.success) return { fault: wrong("what its action gives is amiss", read.error) };
  const fault = read.data.send.map((one) => ungranted(one, settings)).find((one) => one !== null);
  return fault ? { fault } : { value: read.data };
}

function ungranted({ url, token, headers }: Wish, settings: PluginSettings): string | null {
  const may = granted(settings);
  const wanted = [token, ...[url, ...Object.values(headers ?? {})].map((one) => /^env:(\w+)$/.exec(one)?.[1])];
  const other = wanted.find((one) => one !== undefined && !may.has(one));
  return other === undefined
    ? null
    : `it wants the variable ${oneLine(other, 64)}, which its settings in towline.yml do not name`;
}

/** Whether this can be asked over HTTP: https, or this machine itself; no login in it. */
export const isSettled = (url: string): boolean => {
  if (!URL.canParse(url)) return false;
  const { protocol, username } = new URL(url);
  return username === "" && (protocol === "https:" || loopback.test(url));
};
