// `/towline …` in a comment, read. It stands on the first line, as the whole of it; what follows below belongs to `answer`.
import { nearest } from "./nearest.ts";
import { parseDuration } from "./scalar.ts";
import { clean } from "./text.ts";

export type Command =
  | { verb: "run" | "cancel" | "approve" | "drop" | "why"; what: string | null }
  | { verb: "answer"; text: string }
  | { verb: "stop"; cancel: boolean; seconds: number | null; until: string | null; why: string }
  | { verb: "go-on" };

export type Parsed = { command: Command } | { fault: string; fix: string };

const verbs = ["run", "cancel", "answer", "approve", "drop", "why", "stop"] as const;
type Verb = (typeof verbs)[number];

const uses: Record<Verb, string> = {
  run: "/towline run TASK",
  cancel: "/towline cancel TASK",
  answer: "/towline answer NUMBER your words",
  approve: "/towline approve NUMBER",
  drop: "/towline drop NUMBER",
  why: "/towline why TASK",
  stop: "/towline stop, /towline stop 2h, /towline stop off",
};

/** All commands with their forms, for people. */
export const command_help: readonly string[] = verbs.map((verb) => uses[verb]);

/** Phones begin a line with a capital letter. */
const call = /^ {0,3}\/towline(?=\s|$)/i;
/** Letters that are not seen have no place in an order. */
const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[\ufe00-\ufe0f]|\udb40[\udc00-\udc7f]/;
const longest_line = 2000;

/** null: there is no command in it. */
export function readCommand(body: string): Parsed | null {
  const lines = body.replace(/\r\n?/g, "\n").split("\n");
  const at = lines.findIndex((line) => line.trim() !== "");
  const first = lines[at] ?? "";
  if (!call.test(first)) return calledLater(lines) ? misplaced : null;
  if (unseen.test(first)) return wrong("there are letters in it that cannot be seen", "type it by hand");
  if (first.length > longest_line) return wrong("its line is too long", "put long words below it");
  const [said = "", ...rest] = first.replace(call, "").trim().split(/\s+/);
  const name = said.toLowerCase();
  if (name === "") return wrong("it names nothing to do", `write one of ${verbs.join(", ")}`);
  const verb = verbs.find((one) => one === name);
  if (!verb) {
    const near = nearest(name, [...verbs]);
    return wrong(
      `there is no command \`${plain(said)}\``,
      near ? `did you mean \`${uses[near as Verb]}\`?` : `there are ${verbs.join(", ")}`,
    );
  }
  return readers[verb](rest, lines.slice(at + 1).join("\n"), verb);
}

const misplaced: Parsed = {
  fault: "a command stands on the first line of a comment",
  fix: "write it anew, with `/towline` in front of everything else",
};

/** Below other words, and neither quoted nor code. */
function calledLater(lines: string[]): boolean {
  let fence = "";
  return lines.some((line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (fence === "" ? mark !== "" : mark.startsWith(fence)) fence = fence === "" ? mark : "";
    return fence === "" && call.test(line);
  });
}

type Read = (words: string[], below: string, verb: Verb) => Parsed;

const one: Read = (words, _below, verb) => {
  const [what, second] = words.map(plain).filter((word) => word !== "");
  if (second !== undefined)
    return wrong(`\`${verb}\` takes one name, and more is written: \`${second}\``, `write \`${uses[verb]}\``);
  return { command: { verb: verb as "run", what: what ?? null } };
};

const readers: Record<Verb, Read> = {
  run: one,
  cancel: one,
  approve: one,
  drop: one,
  why: one,
  answer: (words, below) => {
    const text = clean(`${words.join(" ")}\n${below}`).trim();
    return text === ""
      ? wrong("`answer` says nothing", `write \`${uses.answer}\``)
      : { command: { verb: "answer", text } };
  },
  stop: readStop,
};

const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/;

/** `stop`, `stop 2h`, `stop until TIME`, `stop now` (ends what runs, too), each with a reason behind it; `stop off`. */
function readStop(words: string[]): Parsed {
  const left = [...words];
  const take = (test: (word: string) => boolean) => (left[0] !== undefined && test(left[0]) ? left.shift() : undefined);
  const is = (name: string) => (word: string) => word.toLowerCase() === name;
  if (take(is("off")) !== undefined)
    return left.length === 0
      ? { command: { verb: "go-on" } }
      : wrong(`\`stop off\` takes nothing else: \`${plain(left[0] ?? "")}\``, "write `/towline stop off`");
  const cancel = take(is("now")) !== undefined;
  if (take(is("until")) !== undefined) {
    const until = take((word) => moment.test(word) && !Number.isNaN(Date.parse(word)));
    if (until === undefined)
      return wrong(
        `\`until\` takes a time with a zone, and here stands \`${plain(left[0] ?? "")}\``,
        "write it like 2026-11-21T09:00:00+01:00, or a span like `/towline stop 2h`",
      );
    return { command: { verb: "stop", cancel, seconds: null, until, why: left.join(" ") } };
  }
  const span = take((word) => parseDuration(word) !== null);
  const seconds = span === undefined ? null : parseDuration(span);
  return { command: { verb: "stop", cancel, seconds, until: null, why: left.join(" ") } };
}

/** A name as people write it: a path, a link's text, a number with a sign in front. */
export function plain(word: string): string {
  return word
    .replace(/^\[([^\]]*)\]\(.*\)$/, "$1")
    .replace(/[`*"'<>\\]/g, "")
    .replace(/^.*\//, "")
    .replace(/\.md$/, "")
    .replace(/^#/, "")
    .slice(0, 120);
}

const wrong = (fault: string, fix: string): Parsed => ({ fault, fix });
