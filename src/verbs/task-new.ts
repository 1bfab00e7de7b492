import type { Command } from "commander";
import { everyFault } from "../core/due.ts";
import { slugOf } from "../core/ids.ts";
import { addFile, type State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import { openLocal } from "../shell/pack.ts";
import { editedLine, editRecord, whereOf } from "../shell/person-edit.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface NewFlags extends Common {
  id?: string;
  prompt?: string;
  agent?: string;
  hosts?: string;
  each?: boolean;
  every?: string;
  due?: string;
  on?: string;
  verify?: string;
  accept?: string[];
  draft?: boolean;
  push?: boolean;
  pr?: boolean;
}

/** Adds `towline task new TITLE`. */
export function newTask(group: Command, wire: Wire): void {
  group
    .command("new <title...>")
    .description("write a task: its title here, what is to be done with --prompt or on standard input (`--prompt -`)")
    .option("--prompt <text>", "what the agent is told, or the script of a shell agent; - reads standard input")
    .option("--agent <name>", "who does it")
    .option("--hosts <selector>", "where: a name, label:x or any")
    .option("--each", "on each of those hosts, instead of one of them")
    .option("--every <schedule>", "again and again: cron, or a duration like 6h")
    .option("--due <time>", "not before this time (ISO)")
    .option("--on <repo>", "work on this repository: `.`, owner/name or an address")
    .option("--verify <command>", "what must pass in its worktree")
    .option("--accept <criterion>", "when it counts as done; may be given again", (one, all: string[] = []) => [
      ...all,
      one,
    ])
    .option("--draft", "as a draft: nothing runs until `towline task ready`")
    .option("--id <id>", "the file's name, without .md; default: from the title")
    .option("--push", "put it on origin at once, that file and nothing else")
    .option("--pr", "propose it as a branch to merge")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was written as JSON")
    .action(async (words: string[], flags: NewFlags) => {
      const title = oneLine(words.join(" ").trim(), 200);
      if (title === "") throw usage("a task needs a title", 'towline task new "Summarise yesterday\'s errors"');
      const id = flags.id ?? slugOf(title, 63);
      const path = `tasks/${id}.md`;
      const prompt = flags.prompt === "-" ? ((await wire.input?.()) ?? "") : (flags.prompt ?? "");
      const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
      const state = await readWorkTree(repo, top, tips);
      const text = taskText(title, flags, prompt);
      judge(state, path, text);
      mayBe(state.agents, flags.agent, "agent");
      const taken = () => usage(`${path} is there already`, `give it another name with --id, or edit ${path}`);
      if (state.tasks.has(id)) throw taken();
      const message = `New task ${id}`;
      const edit = (there: string | null) => {
        if (there !== null && there !== text) throw taken();
        return text;
      };
      const made = await editRecord(top, wire, whereOf(flags), { path, edit, message });
      if (flags.json) return void wire.out(`${JSON.stringify({ task: id, ...made, text }, null, 2)}\n`);
      wire.out(`✓ ${path}: ${title}\n${editedLine(made, message)}\n`);
      if (prompt === "")
        wire.out(`  it has no words for the agent yet: write them below the second \`---\` of ${path}\n`);
    });
}

function mayBe(agents: ReadonlyMap<string, unknown>, agent: string | undefined, what: string): void {
  if (agent === undefined || agents.has(agent)) return;
  throw usage(`there is no ${what} ${agent}`, `${what}s: ${[...agents.keys()].join(", ") || "none yet"}`);
}

/** Throws what `towline check` would say of it. */
function judge(state: State, path: string, text: string): void {
  const read: State = { ...state, tasks: new Map(), problems: [], texts: new Map(), reviews: new Map() };
  addFile(read, { path, mode: "100644", text });
  const fault = read.problems.find(({ level }) => level === "error");
  const [task] = read.tasks.values();
  if (fault || !task)
    throw usage(fault?.message ?? `${path} is no place for a task`, fault?.fix ?? "--id a-short-name");
  const { every } = task.data;
  const wrong = every === undefined ? null : everyFault(every);
  if (wrong !== null) throw usage(`--every ${every}: ${wrong}`, "write it like `0 7 * * 1-5` or `6h`");
}

/** Written as a person would. */
function taskText(title: string, flags: NewFlags, prompt: string): string {
  const fields: [string, string | undefined][] = [
    ["agent", flags.agent],
    ["status", flags.draft ? "draft" : undefined],
    ["hosts", flags.hosts],
    ["spread", flags.each ? "each" : undefined],
    ["every", flags.every],
    ["due", flags.due],
    ["repo", flags.on],
    ["verify", flags.verify],
  ];
  const lines = [
    `title: ${plain(title)}`,
    ...fields.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${plain(value)}`])),
    ...(flags.accept ? ["accept:", ...flags.accept.map((one) => `  - ${plain(one)}`)] : []),
  ];
  return `---\n${lines.join("\n")}\n---\n${prompt.trim() === "" ? "" : `${prompt.trim()}\n`}`;
}

const plain = (value: string) =>
  /^[A-Za-z0-9][A-Za-z0-9 _./@+-]*$/.test(value) && !/ $/.test(value) ? value : JSON.stringify(value);
