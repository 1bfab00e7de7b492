import { styleText } from "node:util";
import type { Command } from "commander";
import type { Entry } from "../core/entry.ts";
import { counted, oneLine } from "../core/text.ts";
import { openOrigin } from "../shell/pack.ts";
import { readPair } from "../shell/read.ts";
import { createTargets } from "../shell/target.ts";
import { type Work, workOn } from "../shell/work-diff.ts";
import { type Common, cacheDir, colours, repoDir, type Wire } from "../wire.ts";
import { workNamed } from "./review.ts";

interface DiffFlags extends Common {
  stat?: boolean;
}

/** Adds `towline job diff ID`: the text alone, for a pipe or a pager. `towline review` says what is around it. */
export function diffing(group: Command, wire: Wire): void {
  group
    .command("diff <id>")
    .description("what a run's work changes, also when it was merged; a task's name stands for its open or newest run")
    .option("--stat", "only the files, with how many lines each gains and loses")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: DiffFlags) => {
      const dir = repoDir(wire, flags);
      const { repo, tips } = await openOrigin(dir, wire);
      const job = await workNamed(repo, tips, await readPair(repo, tips), id);
      const { code, branch = "" } = job.data.run;
      const past = code?.head === undefined ? undefined : { head: code.head, tip: code.tip ?? code.base };
      const targets = createTargets({ dir, env: wire.env, cache: cacheDir(wire) });
      const target = await targets.fetch(code?.repo ?? ".", [branch], past && { commits: [past.head, past.tip] });
      show(wire, flags, job, await workOn(target, branch, past));
    });
}

function show(wire: Wire, flags: DiffFlags, { id, data }: Entry<"job">, { base, head, files, diff }: Work): void {
  const { branch, code, round } = data.run;
  if (flags.json) {
    const told = { job: id, task: data.task, state: data.state, branch, repo: code?.repo, round, base, head, files };
    return void wire.out(`${JSON.stringify(flags.stat ? told : { ...told, diff }, null, 2)}\n`);
  }
  const colour = colours(wire);
  if (flags.stat) return void wire.out(`${statLines(files, colour).join("\n")}\n`);
  // Masked before it is coloured: what is looked for may go over several lines.
  if (diff !== "") wire.out(colour ? coloured(wire.secrets.mask(diff)) : diff);
}

function statLines(files: Work["files"], colour: boolean): string[] {
  const style = styling(colour);
  const sum = (key: "added" | "removed") => files.reduce((all, one) => all + (one[key] ?? 0), 0);
  const rows = files.map(({ path, added, removed }) => {
    const name = oneLine(path, 300);
    return added === null
      ? `${name}  binary`
      : `${name}  ${style("green", `+${added}`)} ${style("red", `−${removed}`)}`;
  });
  return [...rows, `${counted(files.length, "file")}, +${sum("added")} −${sum("removed")}`];
}

type Format = "bold" | "cyan" | "green" | "red";
const styling =
  (on: boolean) =>
  (format: Format, text: string): string =>
    on ? styleText(format, text, { validateStream: false }) : text;

/** As git colours it. */
function coloured(diff: string): string {
  const style = styling(true);
  let head = true;
  return diff
    .split("\n")
    .map((line) => {
      if (line.startsWith("diff --git ")) head = true;
      else if (line.startsWith("@@")) {
        head = false;
        return line.replace(/^@@.*?@@/, (place) => style("cyan", place));
      }
      if (line === "") return line;
      if (head) return style("bold", line);
      return line.startsWith("+") ? style("green", line) : line.startsWith("-") ? style("red", line) : line;
    })
    .join("\n");
}
