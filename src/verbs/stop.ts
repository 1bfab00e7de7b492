import type { Command } from "commander";
import { glyphs } from "../core/jobs.ts";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import { type Edited, editedLine, editRecord, whereOf } from "../shell/person-edit.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface StopFlags extends Common {
  push?: boolean;
  pr?: boolean;
  cancel?: boolean;
  until?: string;
}

const path = "STOP.md";

/** Adds `towline stop [REASON]` and `towline resume`: the pack's STOP.md. */
export function stopping(program: Command, wire: Wire): void {
  const change = (flags: StopFlags, message: string, edit: (text: string | null) => string | null) =>
    editRecord(repoDir(wire, flags), wire, whereOf(flags), { path, edit, message });
  const say = (flags: StopFlags, made: Edited, line: string, message: string) => {
    if (flags.json) wire.out(`${JSON.stringify({ stopped: line.startsWith("‖"), ...made }, null, 2)}\n`);
    else wire.out(`${line}\n${editedLine(made, message)}\n`);
  };
  program
    .command("stop [reason...]")
    .description("start nothing more in this pack, until `towline resume`: writes STOP.md; what runs goes on")
    .option("--cancel", "end what runs, too")
    .option("--until <time>", "until then only (ISO time with a zone)")
    .option("--push", "change origin at once, that file and nothing else")
    .option("--pr", "propose it as a branch to merge")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was changed as JSON")
    .action(async (words: string[], flags: StopFlags) => {
      const text = stopText(flags, words.join(" ").trim());
      const message = "Stop";
      const made = await change(flags, message, () => text);
      say(
        flags,
        made,
        `${glyphs.paused ?? "‖"} nothing more is started${flags.cancel ? ", and what runs is ended" : ""}`,
        message,
      );
    });
  program
    .command("resume")
    .description("go on after `towline stop`: takes STOP.md away")
    .option("--push", "change origin at once, that file and nothing else")
    .option("--pr", "propose it as a branch to merge")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was changed as JSON")
    .action(async (flags: StopFlags) => {
      const message = "Go on";
      say(flags, await change(flags, message, () => null), "✓ work goes on", message);
    });
}

function stopText({ cancel, until }: StopFlags, reason: string): string {
  if (
    until !== undefined &&
    (Number.isNaN(Date.parse(until)) || !/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/.test(until))
  )
    throw usage(`--until ${oneLine(until, 40)} is no time with a zone`, "write it like 2026-11-21T09:00:00+01:00");
  const fields = [...(cancel ? ["cancel: true"] : []), ...(until === undefined ? [] : [`until: ${until}`])];
  return `---\n${fields.map((field) => `${field}\n`).join("")}---\n${reason === "" ? "Stopped by hand." : reason}\n`;
}
