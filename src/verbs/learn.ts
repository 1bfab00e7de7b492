import type { Command } from "commander";
import { type Entry, parseEntry } from "../core/entry.ts";
import { closest, fused } from "../core/fuse.ts";
import { type Hit, type Lesson, lessonsIn, lessonsOf, limits, retrieve } from "../core/retrieve.ts";
import type { Settings } from "../core/schema.ts";
import { readSettings } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { Fault, usage } from "../errors.ts";
import { openEmbeddings } from "../shell/embeddings.ts";
import { commitFiles, openWorkTree, workFiles } from "../shell/pack-files.ts";
import { openRepo } from "../shell/repo.ts";
import { type Common, cacheDir, repoDir, secretOf, type Wire } from "../wire.ts";

interface LearnFlags extends Common {
  paths?: string[];
  at?: string;
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
      const { learnings, settings } = await read(wire, flags);
      const byId = new Map(learnings.map((one) => [one.id, one]));
      const lessons = lessonsIn(learnings);
      const byWords = retrieve(lessonsOf(lessons), asked, (flags.paths ?? []).map(plain));
      const hits = fused(byWords, await byMeaning(wire, settings, lessons, asked), limits.hits).map(
        ({ id, score, close, onPath }) => {
          const { path, data, body } = byId.get(id) as Entry<"learning">;
          const found = { learning: id, score: score / 100, close, on_path: onPath, path };
          return { ...found, sources: data.sources ?? [], text: body };
        },
      );
      if (flags.json) wire.out(`${JSON.stringify(hits, null, 2)}\n`);
      else if (hits.length === 0) wire.out(`nothing applies (${counted(learnings)})\n`);
      else for (const hit of hits) wire.out(shown(hit));
    });
}

interface Shown {
  learning: string;
  score: number;
  close: number | undefined;
  path: string;
  sources: string[];
  text: string;
}

const shown = ({ learning, score, close, path, sources, text }: Shown) =>
  `${score.toFixed(2).padStart(6)}  ${learning}  ${oneLine(text, 400)}\n` +
  `        ${[path, ...(close === undefined ? [] : [`${close} % alike in meaning`]), ...sources.map((one) => oneLine(one))].join(" · ")}\n`;

/** None without settings for it; where it cannot be asked, words have to do. */
async function byMeaning(
  wire: Wire,
  settings: Settings["embeddings"],
  lessons: readonly Lesson[],
  asked: string,
): Promise<Hit[]> {
  if (!settings || lessons.length === 0) return [];
  const { url, model, token, least } = settings;
  const cache = cacheDir(wire);
  const texts = [asked, ...lessons.map(({ text }) => text)];
  try {
    const embeddings = openEmbeddings({ url, model, cache, token: token && secretOf(wire)(token) });
    const [question = [], ...vectors] = await embeddings.vectors(texts.map((text) => wire.secrets.mask(text)));
    return closest(
      lessons.map(({ id }) => id),
      vectors,
      question,
      least,
    );
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    wire.report.warning(`${thrown.message}; only words were looked at${thrown.advice ? ` (${thrown.advice})` : ""}`);
    return [];
  }
}

const counted = (learnings: readonly Entry<"learning">[]) =>
  learnings.length === 0
    ? "there is no learning yet: write one, learnings/name.md"
    : `of ${lessonsIn(learnings).length} that are active`;

const plain = (path: string) => path.replace(/^(?:\.?\/)+/, "");

const isLearning = (path: string) => path.startsWith("learnings/") && path.endsWith(".md");

async function read(wire: Wire, flags: LearnFlags) {
  const dir = repoDir(wire, flags);
  const reads = (path: string) => path === "towline.yml" || isLearning(path);
  const files =
    flags.at === undefined
      ? await workFiles(await openWorkTree(dir, wire.env), reads)
      : await commitOf(wire, dir, flags.at, reads);
  const learnings = files
    .filter(({ path, mode }) => isLearning(path) && mode.startsWith("100"))
    .flatMap(({ path, text }) => {
      const entry = text === null ? null : parseEntry(path, "learning", text).entry;
      if (entry === null) wire.report.warning(`${path} cannot be read and is left out: \`towline check\` says why`);
      return entry ?? [];
    });
  const text = files.find(({ path }) => path === "towline.yml")?.text;
  return { learnings, settings: readSettings(text).settings?.embeddings };
}

async function commitOf(wire: Wire, dir: string, ref: string, reads: (path: string) => boolean) {
  const repo = await openRepo(dir, wire);
  return commitFiles(repo, (await repo.local(ref)).policy, reads, ["learnings", "towline.yml"]);
}
