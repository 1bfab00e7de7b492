import type { Command } from "commander";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import type { Common, Wire } from "../wire.ts";

export interface LearnFlags extends Common {
  paths?: string[];
  at?: string;
}

export interface Found {
  learning: string;
  score: number;
  /** Percent of likeness in meaning, where it was found by that. */
  close: number | undefined;
  on_path: boolean | undefined;
  path: string;
  sources: string[];
  text: string;
}

/**
 * Adds `towline learn TEXT`: the handful of learnings that apply to it, or that nothing does. Reads this clone, and asks
 * nobody unless the settings name where embeddings are to be had.
 */
export function learn(program: Command, wire: Wire): void {
  program
    .command("learn <text...>")
    .description("which learnings apply to what you are about to do (from this clone)")
    .option("--paths <path...>", "what you are about to change: those that are for these files go first")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--at <ref>", "read this commit instead of the work tree")
    .option("--json", "print what was found as JSON")
    .action(async (text: string[], flags: LearnFlags) => {
      const asked = text.join(" ").trim();
      if (asked === "")
        throw usage("it does not say what you are about to do", 'write it like: towline learn "add a migration"');
      const { find } = await import("./learn-find.ts");
      const { hits, active } = await find(wire, flags, asked);
      if (flags.json) wire.out(`${JSON.stringify(hits, null, 2)}\n`);
      else if (hits.length === 0)
        wire.out(`nothing applies (${active === 0 ? none : `of ${active} that are active`})\n`);
      else for (const hit of hits) wire.out(shown(hit));
    });
}

const none = "there is no learning yet: write one, learnings/name.md";

const shown = ({ learning, score, close, path, sources, text }: Found) =>
  `${score.toFixed(2).padStart(6)}  ${learning}  ${oneLine(text, 400)}\n` +
  `        ${[path, ...(close === undefined ? [] : [`${close} % alike in meaning`]), ...sources.map((one) => oneLine(one))].join(" · ")}\n`;
