// What a branch in quarantine brings: commits, changes of each by itself, and the texts that are new in them.
import type { Change, Commit, Person } from "../core/guard.ts";
import { caps } from "../core/guard.ts";
import { folded, isLockFile } from "../core/protected.ts";
import type { Git } from "./quarantine.ts";
import { newLines, textIn, wordsIn } from "./quarantine-text.ts";
import { unfolds } from "./quarantine-trees.ts";
import { batchReader, objectId } from "./repo-read.ts";

interface Span {
  head: string;
  base: string;
  known: string[];
}

interface Brought {
  commits: Commit[];
  work: { changes: Change[]; commits: Commit[]; lines: number; paths: string[] };
  texts: Map<string, string>;
}

/** Beyond these nothing is looked at any more: no branch of such a size passes. */
const most = { list: 32 << 20, changes: 20_000, text: 64 << 20 };

type Refused = { refused: string };

export async function brought(git: Git, span: Span): Promise<Brought | Refused> {
  const ids = await newCommits(git, span);
  if ("refused" in ids) return ids;
  const unfolded = await unfolds(git, spanOf(span));
  if (unfolded !== null) return { refused: unfolded };
  const commits = await readCommits(git, [...ids.parents.keys()]);
  if (commits === null) return { refused: "its commits cannot be read" };
  const raw = await changesOf(git, ids.parents, span);
  if ("refused" in raw) return raw;
  const lines = await linesOf(git, span, raw);
  const paths = await pathsOf(git, span.head);
  const found = await withTexts(git, raw);
  if (lines === null || paths === null || found === null) return { refused: "it is too large to be looked at" };
  const texts = found.texts;
  for (const { id, message, author, committer, more = "" } of commits)
    texts.set(
      `commit ${id.slice(0, 12)}`,
      [message, author.name, author.email, committer.name, committer.email, more].join("\n"),
    );
  return { commits, work: { changes: found.changes, commits, lines, paths }, texts };
}

/** What is new in it, as git is asked for it. */
const spanOf = ({ head, base, known }: Span) => [...[base, ...known].map((id) => `^${objectId(id)}`), objectId(head)];

/** Commits that are the agent's, newest first, each with its parents. */
async function newCommits(git: Git, span: Span): Promise<{ parents: Map<string, string[]> } | Refused> {
  const asked = spanOf(span).join("\n");
  const ran = await git(
    ["rev-list", "--topo-order", "--parents", "--ignore-missing", `--max-count=${caps.commits + 1}`, "--stdin"],
    {
      input: [Buffer.from(`${asked}\n`)],
    },
  );
  if (ran.code !== 0) return { refused: "its commits cannot be listed" };
  const rows = ran.stdout.toString().split("\n").filter(Boolean);
  const parents = new Map(rows.map((row) => row.split(" ")).map(([id, ...rest]) => [id as string, rest]));
  for (const [, of] of parents)
    if (of.length === 0)
      return { refused: "it brings a history of its own, which does not start at the one that was sent" };
  return { parents };
}

async function readCommits(git: Git, ids: string[]): Promise<Commit[] | null> {
  const texts = await read(git, ids, "commit");
  const found = ids.map((id) => parseCommit(id, texts.get(id)?.toString()));
  return found.every((one) => one !== null) ? found : null;
}

function parseCommit(id: string, text: string | undefined): Commit | null {
  if (text === undefined) return null;
  const cut = text.indexOf("\n\n");
  const header = text.slice(0, cut < 0 ? text.length : cut);
  const person = (role: string): Person | null => {
    const [, name, email] = new RegExp(`^${role} (.*?) ?<([^<>\\n]*)> \\d+ [+-]\\d{4}$`, "m").exec(header) ?? [];
    return name === undefined || email === undefined ? null : { name, email };
  };
  const [author, committer] = [person("author"), person("committer")];
  // A text in another encoding is read as something else than what is shown to people.
  if (!author || !committer || /^encoding /m.test(header)) return null;
  const more = header.replace(/^tree .*\n(?:parent .*\n)*author .*\ncommitter .*(?:\n|$)/, "");
  return { id, author, committer, message: cut < 0 ? "" : text.slice(cut + 2), ...(more === "" ? {} : { more }) };
}

interface Raw {
  path: string;
  was: string;
  mode: string;
  from: string;
  blob: string;
}

/**
 * Of each commit what it changes by itself: for a merge, what is as in none of its parents. And of the whole what is
 * neither as it was nor as it is known elsewhere: a merge can also bring an old state back.
 */
async function changesOf(git: Git, parents: Map<string, string[]>, span: Span): Promise<Raw[] | Refused> {
  const pairs = [...parents].flatMap(([id, of]) => of.map((parent) => `${id} ${parent}`));
  const sides = await compared(git, [...pairs, `${span.head} ${span.base}`]);
  if (sides === null) return { refused: "its changes cannot be listed, or are too many" };
  const found: Raw[] = [];
  for (const [, of] of parents) {
    const [first = [], ...others] = sides.splice(0, of.length);
    const elsewhere = others.map((side) => new Set(side.map((one) => one.path)));
    found.push(...first.filter((one) => elsewhere.every((paths) => paths.has(one.path))));
    if (found.length > most.changes) return { refused: `it changes files over ${most.changes} times` };
  }
  const own = new Set(found.map((one) => one.path));
  const rest = (sides[0] ?? []).filter((one) => !own.has(one.path));
  return [...found, ...(await unlike(git, rest, span))];
}

/** Changes that stand in none of the known commits. */
async function unlike(git: Git, rest: Raw[], { head, known }: Span): Promise<Raw[]> {
  if (rest.length === 0 || known.length === 0) return rest;
  const sides = await compared(
    git,
    known.map((one) => `${head} ${objectId(one)}`),
  );
  if (sides === null) return rest;
  const differs = sides.map((side) => new Set(side.map((one) => one.path)));
  return rest.filter((one) => differs.every((paths) => paths.has(one.path)));
}

/** For each pair of commits what the first changes of the second. */
async function compared(git: Git, pairs: string[]): Promise<Raw[][] | null> {
  const flags = ["--raw", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-abbrev", "--always"];
  const ran = await git(["diff-tree", "--stdin", "-r", "-z", ...flags], {
    input: [Buffer.from(pairs.map((pair) => `${pair}\n`).join(""))],
    most: most.list,
  });
  const sides = ran.code === 0 && !ran.killed ? sidesOf(ran.stdout) : [];
  return sides.length === pairs.length ? sides : null;
}

/** Lists of changes, one for each pair that was asked for. */
function sidesOf(bytes: Buffer): Raw[][] {
  const fields = bytes.toString().split("\0");
  const sides: Raw[][] = [];
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] as string;
    if (!field.startsWith(":")) {
      if (field !== "") sides.push([]);
      continue;
    }
    const [was, mode, from, blob] = field.slice(1).split(" ") as [string, string, string, string];
    sides.at(-1)?.push({ path: fields[++at] as string, was, mode, from, blob });
  }
  return sides;
}

/** Lines added and taken away from end to end in what the agent touched. */
async function linesOf(git: Git, { head, base }: Span, raw: Raw[]): Promise<number | null> {
  const own = new Set(raw.map((one) => one.path).filter((path) => !isLockFile(folded(path))));
  const ran = await git(
    ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", base, head],
    {
      most: most.list,
    },
  );
  if (ran.code !== 0 || ran.killed) return null;
  let lines = 0;
  for (const row of ran.stdout.toString().split("\0")) {
    const [added, removed, path] = row.split("\t");
    if (path !== undefined && own.has(path)) lines += (Number(added) || 0) + (Number(removed) || 0);
  }
  return lines;
}

async function pathsOf(git: Git, head: string): Promise<string[] | null> {
  const ran = await git(["ls-tree", "-r", "-z", "--full-tree", "--name-only", head], { most: most.list });
  return ran.code === 0 && !ran.killed ? ran.stdout.toString().split("\0").filter(Boolean) : null;
}

const none = /^0+$/;

/** The changes with their texts; null: more text than is looked at. */
async function withTexts(git: Git, raw: Raw[]): Promise<{ changes: Change[]; texts: Map<string, string> } | null> {
  // What a link leads to is a text as well.
  const files = raw.filter((one) => one.mode.startsWith("100") || one.mode === "120000");
  const olds = files.filter((one) => one.was.startsWith("100"));
  const ids = [...new Set([...files.map((one) => one.blob), ...olds.map((one) => one.from)])].filter(
    (id) => !none.test(id),
  );
  const sizes = await sizesOf(git, ids);
  if (sizes === null) return null;
  const wanted = ids.filter((id) => (sizes.get(id) ?? 0) <= caps.size);
  if (wanted.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0) > most.text) return null;
  const blobs = await read(git, wanted);
  const texts = new Map<string, string>();
  const changes = raw.map((one): Change => {
    const size = sizes.get(one.blob) ?? 0;
    const text = one.mode.startsWith("100") ? textIn(blobs.get(one.blob)) : null;
    const before = one.was.startsWith("100") ? (textIn(blobs.get(one.from)) ?? "") : "";
    const added = text === null ? null : newLines(before, text);
    const searched = added ?? wordsIn(blobs.get(one.blob));
    if (searched !== null) texts.set(one.path, `${texts.get(one.path) ?? ""}${searched}`);
    const binary = text === null && one.mode.startsWith("100") && blobs.has(one.blob);
    return { path: one.path, was: one.was, mode: one.mode, size, binary, added };
  });
  return { changes, texts };
}

async function sizesOf(git: Git, ids: string[]): Promise<Map<string, number> | null> {
  const sizes = new Map<string, number>();
  if (ids.length === 0) return sizes;
  const ran = await git(["cat-file", "--batch-check", "--buffer"], { input: [Buffer.from(`${ids.join("\n")}\n`)] });
  for (const row of ran.stdout.toString().split("\n")) {
    const [id, type, size] = row.split(" ");
    if (id && type === "blob") sizes.set(id, Number(size));
  }
  return ran.code === 0 && sizes.size === ids.length ? sizes : null;
}

async function read(git: Git, ids: string[], kind: "blob" | "commit" = "blob"): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  if (ids.length === 0) return found;
  const onData = batchReader(caps.size, (id, bytes) => void (bytes && found.set(id, bytes as Buffer)), kind);
  await git(["cat-file", "--batch", "--buffer"], { input: [Buffer.from(`${ids.join("\n")}\n`)], onData });
  return found;
}
