// The learnings that apply: what `towline learn` looks at. Loaded when it is asked, since no other verb needs it.
import { type Entry, parseEntry } from "../core/entry.ts";
import { closest, fused } from "../core/fuse.ts";
import { type Hit, type Lesson, lessonsIn, lessonsOf, limits, retrieve } from "../core/retrieve.ts";
import type { Settings } from "../core/schema.ts";
import { readSettings } from "../core/state.ts";
import { Fault } from "../errors.ts";
import { openEmbeddings } from "../shell/embeddings.ts";
import { commitFiles, openWorkTree, workFiles } from "../shell/pack-files.ts";
import { openRepo } from "../shell/repo.ts";
import { wayOut } from "../shell/way-out.ts";
import { cacheDir, repoDir, secretOf, type Wire } from "../wire.ts";
import type { Found, LearnFlags } from "./learn.ts";

/** Best first; `active`: among how many. */
export async function find(wire: Wire, flags: LearnFlags, asked: string): Promise<{ hits: Found[]; active: number }> {
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
  return { hits, active: lessons.length };
}

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
    const fetch = await wayOut(wire.env, url);
    const embeddings = openEmbeddings({ url, model, cache, token: token && secretOf(wire)(token), fetch });
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
