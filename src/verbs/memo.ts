import type { Command } from "commander";
import { wrapTo } from "../core/columns.ts";
import type { Entry } from "../core/entry.ts";
import { parseEntry } from "../core/entry.ts";
import { glyphs } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import type { State } from "../core/state.ts";
import { clean, oneLine } from "../core/text.ts";
import { configuration, usage } from "../errors.ts";
import { setFields } from "../shell/fleet-record.ts";
import { openLocal, openOrigin } from "../shell/pack.ts";
import { followOrigin, pushFile } from "../shell/person-push.ts";
import { readPair, readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

type Memo = Entry<"memo">;

/** Adds `towline memo list|show|answer|dismiss`: what waits for a person, and their word on it. */
export function memo(program: Command, wire: Wire): void {
  const group = program.command("memo").description("what waits for a person, and your word on it");
  listing(group, wire);
  showing(group, wire);
  const answering = (name: "answer" | "dismiss", description: string, words: string) =>
    group
      .command(`${name} <memo> ${words}`)
      .description(description)
      .option("--repo <dir>", "the pack repository", ".")
      .option("--json", "print what was written as JSON")
      .action(async (id: string, said: string[], flags: Common) => {
        const text = said.join(" ").trim();
        if (name === "answer" && text === "")
          throw usage("an answer needs words", `towline memo answer ${id} "…", or towline memo dismiss ${id}`);
        await settle(wire, flags, id, name === "answer" ? "answered" : "dismissed", text);
      });
  answering(
    "answer",
    "answer a memo, by its id or by the task or job that it is about: the next tick acts on it",
    "<words...>",
  );
  answering("dismiss", "put a memo away; words after it are the reason", "[words...]");
}

function listing(group: Command, wire: Wire): void {
  group
    .command("list")
    .description("every open memo: what it is about and until when it waits (from this clone)")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the list as JSON")
    .action(async (flags: Common) => {
      const memos = openMemos((await local(wire, flags)).memos.values());
      if (flags.json) return void wire.out(`${JSON.stringify(memos.map(memoRow), null, 2)}\n`);
      if (memos.length === 0) return void wire.out("Nothing waits for you.\n");
      for (const line of memos.flatMap(memoLines)) wire.out(`${wrapTo(line, wire.columns, "    ")}\n`);
      wire.out("\nAnswer: towline memo answer ID WORDS · put away: towline memo dismiss ID\n");
    });
}

function showing(group: Command, wire: Wire): void {
  group
    .command("show <memo>")
    .description("a memo with all that it says (from this clone)")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: Common) => {
      const one = memoNamed((await local(wire, flags)).memos, id);
      if (flags.json) wire.out(`${JSON.stringify({ ...memoRow(one), body: one.body }, null, 2)}\n`);
      else wire.out(`${memoLines(one).join("\n")}\n\n${clean(one.body).trim()}\n`);
    });
}

async function local(wire: Wire, flags: Common): Promise<State> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  return readWorkTree(repo, top, tips);
}

/** Those that run out first come first. */
export const openMemos = (memos: Iterable<Memo>): Memo[] =>
  [...memos]
    .filter(({ data }) => data.status === "open")
    .sort((a, b) => Date.parse(a.data.expires) - Date.parse(b.data.expires) || (a.id < b.id ? -1 : 1));

export const memoRow = ({ id, path, data }: Memo) => ({
  memo: id,
  path,
  kind: data.kind,
  title: data.title,
  subject: data.subject,
  created: data.created,
  expires: data.expires,
  status: data.status,
});

export const memoLines = ({ id, data }: Memo): string[] => [
  `${glyphs.waiting ?? "?"} ${id}  ${oneLine(data.title, 200)}`,
  `    ${data.kind} about ${oneLine(data.subject, 80)}, until ${data.expires}`,
];

/** The open memo of this id, or the only one about this task, job or host. Throws a usage Fault. */
function memoNamed(memos: ReadonlyMap<string, Memo>, said: string): Memo {
  const id = said.replace(/^.*\//, "").replace(/\.md$/, "");
  const open = openMemos(memos.values());
  const exact = memos.get(id);
  if (exact) return exact;
  const about = open.filter(({ data }) => data.subject === id);
  const found = about.length > 0 ? about : open.filter((one) => one.id.startsWith(id));
  if (found.length === 1) return found[0] as Memo;
  if (found.length > 1)
    throw usage(`${said} may be ${found.length} memos`, `name one of them: ${found.map((one) => one.id).join(", ")}`);
  const near = nearest(id, [...open.map((one) => one.id), ...open.map(({ data }) => data.subject)]);
  throw usage(
    `${said} is no open memo here`,
    near ? `did you mean ${near}?` : open.length > 0 ? "towline memo list" : "no memo is open",
  );
}

async function settle(
  wire: Wire,
  flags: Common,
  said: string,
  status: "answered" | "dismissed",
  answer: string,
): Promise<void> {
  const dir = repoDir(wire, flags);
  const { repo, tips } = await openOrigin(dir, wire);
  const { id, path, data } = memoNamed((await readPair(repo, tips)).memos, said);
  const commit = await pushFile(dir, wire, {
    path,
    among: "ledger",
    edit: (text) => {
      const now = parseEntry(path, "memo", text).entry?.data;
      if (!now) throw configuration(`${path} cannot be read any more`, "towline check");
      if (now.status !== "open")
        throw configuration(
          `${id} is ${now.status} already${now.answer === undefined ? "" : `: ${oneLine(now.answer, 100)}`}`,
          "towline memo list shows what is open",
        );
      return setFields(text, answer === "" ? { status } : { status, answer });
    },
    message: `${status === "answered" ? "Answer" : "Put away"} memo ${id}`,
  });
  const here = await followOrigin(dir, wire.env);
  const told = { memo: id, path, subject: data.subject, status, ...(answer === "" ? {} : { answer }), commit, here };
  if (flags.json) return void wire.out(`${JSON.stringify(told, null, 2)}\n`);
  wire.out(`✓ ${id} is ${status}, written on origin; the next tick acts on it (${oneLine(data.title, 100)})\n`);
}
