import type { Command } from "commander";
import { type Entry, parseEntry } from "../core/entry.ts";
import { lessonsIn, lessonsOf, retrieve } from "../core/retrieve.ts";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import { commitFiles, openWorkTree, workFiles } from "../shell/pack-files.ts";
import { openRepo } from "../shell/repo.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface LearnFlags extends Common {
  paths?: string[];
  at?: string;
}

/** Adds `towline learn TEXT`: the handful of learnings that apply to it, or that nothing does. Reads this clone, no network. */
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
      const learnings = await read(wire, flags);
      const byId = new Map(learnings.map((one) => [one.id, one]));
      const hits = retrieve(lessonsOf(lessonsIn(learnings)), asked, (flags.paths ?? []).map(plain)).map(
        ({ id, score, onPath }) => {
          const { path, data, body } = byId.get(id) as Entry<"learning">;
          return { learning: id, score: score / 100, on_path: onPath, path, sources: data.sources ?? [], text: body };
        },
      );
      if (flags.json) wire.out(`${JSON.stringify(hits, null, 2)}\n`);
      else if (hits.length === 0) wire.out(`nothing applies (${counted(learnings)})\n`);
      else for (const hit of hits) wire.out(shown(hit));
    });
}

const shown = (hit: { learning: string; score: number; path: string; sources: string[]; text: string }) =>
  `${hit.score.toFixed(2).padStart(6)}  ${hit.learning}  ${oneLine(hit.text, 400)}\n` +
  `        ${[hit.path, ...hit.sources.map((source) => oneLine(source))].join(" · ")}\n`;

const counted = (learnings: readonly Entry<"learning">[]) =>
  learnings.length === 0
    ? "there is no learning yet: write one, learnings/name.md"
    : `of ${lessonsIn(learnings).length} that are active`;

const plain = (path: string) => path.replace(/^(?:\.?\/)+/, "");

async function read(wire: Wire, flags: LearnFlags): Promise<Entry<"learning">[]> {
  const dir = repoDir(wire, flags);
  const reads = (path: string) => path.startsWith("learnings/") && path.endsWith(".md");
  const files =
    flags.at === undefined
      ? await workFiles(await openWorkTree(dir, wire.env), reads)
      : await commitOf(wire, dir, flags.at, reads);
  return files
    .filter(({ path, mode }) => reads(path) && mode.startsWith("100"))
    .flatMap(({ path, text }) => {
      const entry = text === null ? null : parseEntry(path, "learning", text).entry;
      if (entry === null) wire.report.warning(`${path} cannot be read and is left out: \`towline check\` says why`);
      return entry ?? [];
    });
}

async function commitOf(wire: Wire, dir: string, ref: string, reads: (path: string) => boolean) {
  const repo = await openRepo(dir, wire);
  return commitFiles(repo, (await repo.local(ref)).policy, reads, ["learnings"]);
}
