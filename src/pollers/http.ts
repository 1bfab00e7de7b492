// Any JSON endpoint that gives a list: each thing in it is a level, by the fields that the settings name.
import { cursorAt, cursorLevel } from "../core/raise.ts";
import type { HttpSettings } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import type { Level, PollContext, Poller } from "../ports.ts";
import { type Read, readSource, SourceFault } from "./fetch.ts";
import type { PollerOptions } from "./index.ts";
import { eachSource, remembering } from "./many.ts";

/** Things of one list that are looked at. More is a fault: half a list would say that the rest is gone. */
const most = 1000;
/** Things that are gone and still known, for each source. */
const most_gone = 1000;
const gone = "http.gone";

export function http({ env }: PollerOptions): Poller {
  const asked = remembering<Read>();
  return {
    name: "http",
    poll: (settings, _now, { known, signal }) =>
      eachSource("http", settings.pollers.http ?? [], async (source) => {
        const at = cursorAt(known, "http", source.name);
        const read = await asked(source.name, source.every, () =>
          readSource(source, { env, tag: at, accept: "application/json", signal }),
        );
        // As it was: nothing is to be said, and what is known stays.
        return read.text === null ? [] : levelsOf(source, read, { known, first: at === undefined });
      }),
  };
}

function levelsOf(source: HttpSettings, read: Read, past: { known: PollContext["known"]; first: boolean }): Level[] {
  const things = listOf(source, read.text as string);
  const levels = new Map<string, Level>();
  for (const thing of things) {
    const id = word(at(thing, source.id), 200);
    if (id === "") throw new SourceFault(`a thing in the list has no \`${source.id}\``);
    levels.set(id, levelOf(source, id, thing, past.first));
  }
  const own = past.known.filter((row) => row.source === "http" && row.subject.startsWith(`${source.name}/`));
  const left = own.filter((row) => row.kind !== gone && !levels.has(row.subject.slice(source.name.length + 1)));
  const before = own.filter((row) => row.kind === gone).length;
  const over = left.map((row, index): Level => {
    const title = `${row.subject} is not listed any more`;
    const ends = before + index < most_gone ? "may-return" : "for-good";
    return {
      source: "http",
      subject: row.subject,
      family: "http",
      kind: gone,
      ends,
      title,
      data: { name: source.name },
    };
  });
  return [...levels.values(), ...over, cursorLevel("http", source.name, read.tag)];
}

function listOf(source: HttpSettings, text: string): unknown[] {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    throw new SourceFault("the answer is cut or no JSON");
  }
  const list = at(whole, source.list);
  const place = source.list === "" ? "the answer" : `\`${source.list}\` in the answer`;
  if (!Array.isArray(list)) throw new SourceFault(`${place} is no list; name the one that is meant in \`list\``);
  if (list.length > most) throw new SourceFault(`${place} has more than ${most} things`);
  return list;
}

function levelOf(source: HttpSettings, id: string, thing: unknown, first: boolean): Level {
  const state = source.state === undefined ? undefined : word(at(thing, source.state), 200);
  const link = source.link === undefined ? "" : word(at(thing, source.link), 500);
  const fields = Object.entries(source.data).map(([name, path]) => [name, plain(at(thing, path))]);
  return {
    source: "http",
    subject: `${source.name}/${id}`,
    family: "http",
    kind: source.kind,
    state,
    first: first && source.first === "noted" ? "noted" : undefined,
    title: word(at(thing, source.title), 200) || id,
    url: /^https?:\/\/[^\s<>"'`()]+$/.test(link) ? link : undefined,
    data: { ...Object.fromEntries(fields), name: source.name, id, state },
  };
}

/** What stands at a dotted path; only own fields count. */
function at(from: unknown, path: string): unknown {
  let value = from;
  for (const name of path === "" ? [] : path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

const word = (value: unknown, length: number) =>
  ["string", "number", "boolean"].includes(typeof value) ? oneLine(String(value), length) : "";

/** A value for rules: texts cut, lists of them short, anything deeper left out. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return oneLine(value, 500);
  if (typeof value === "number" || typeof value === "boolean") return value;
  return Array.isArray(value) ? value.slice(0, 20).flatMap((one) => word(one, 100) || []) : undefined;
}
