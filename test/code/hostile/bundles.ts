// Hostile results, as whole bundles: what is wrong with each concerns all of it.
import type { CodeResult, Outcome } from "../../../src/ports.ts";
import {
  bundleOf,
  commitOf,
  deltaOf,
  packOf,
  rowOf,
  type Signing,
  type Thing,
  type Tree,
  thing,
  treesOf,
  type Who,
} from "./objects.ts";
import { secret } from "./secrets.ts";

export interface Ground {
  /** What the work starts from, and the commit before that. */
  base: string;
  older: string;
  tree: Tree;
  who: Who;
  branch: string;
}
export interface BundleRow {
  name: string;
  make(ground: Ground, canary: string): Buffer | null;
  /** In what became of it. */
  says: RegExp;
  more?: Partial<CodeResult>;
  outcome?: Partial<Outcome>;
}

/** A commit on these parents that adds these files. */
function work(at: Ground, files: Record<string, string>, { parents = [at.base], how = {} as Signing } = {}) {
  const blobs = Object.values(files).map((text) => thing("blob", text));
  const leaves = Object.keys(files).map((path, n) => [path, { mode: "100644", id: blobs[n]?.id as string }] as const);
  const trees = treesOf(new Map([...at.tree, ...leaves]));
  const commit = commitOf(trees.at(-1)?.id as string, parents, at.who, how);
  return { head: commit.id, things: [...blobs, ...trees, commit] };
}
const on = (at: Ground, head: string, things: Thing[]) =>
  bundleOf(packOf(things), [`-${at.base}`, `${head} refs/heads/${at.branch}`]);
function good(at: Ground, canary: string) {
  const { head, things } = work(at, { "good.txt": `${canary}\n` });
  return { head, things, pack: packOf(things), bytes: on(at, head, things) };
}
const headed = (lines: (at: Ground, head: string) => string[]) => (at: Ground, canary: string) => {
  const { head, pack } = good(at, canary);
  return bundleOf(pack, lines(at, head));
};
/** One tree of these rows at the root. */
const rooted = (rows: (blob: string) => Buffer[]) => (at: Ground, canary: string) => {
  const blob = thing("blob", `${canary}\n`);
  const tree = thing("tree", Buffer.concat(rows(blob.id)));
  const commit = commitOf(tree.id, [at.base], at.who);
  return on(at, commit.id, [blob, tree, commit]);
};
const named = (name: string) => rooted((blob) => [rowOf("100644", name, blob)]);
/** The commit's text changed. */
const spelt = (change: (text: string) => string) => (at: Ground, canary: string) => {
  const { things } = good(at, canary);
  const commit = things.at(-1) as Thing;
  const other = thing("commit", change(commit.body.toString()));
  return on(at, other.id, [...things.slice(0, -1), other]);
};

const heads: BundleRow[] = [
  { name: "nothing at all", make: () => Buffer.alloc(0), says: /has no head/ },
  { name: "no bundle", make: (_, c) => Buffer.from(`${c}\n\nPACK`), says: /is none/ },
  { name: "a head without end", make: (_, c) => Buffer.from(c.repeat(9000)), says: /has no head/ },
  {
    name: "a version to come",
    make: (at, c) => Buffer.from(good(at, c).bytes.toString("latin1").replace("# v2", "# v4"), "latin1"),
    says: /is none/,
  },
  {
    name: "objects left out by a filter",
    make: headed((at, h) => ["@filter=blob:none", `${h} refs/heads/${at.branch}`]),
    says: /not known here/,
  },
  {
    name: "another hash",
    make: headed((at, h) => ["@object-format=sha256", `${h} refs/heads/${at.branch}`]),
    says: /not known here/,
  },
  { name: "another branch", make: headed((_, h) => [`${h} refs/heads/other`]), says: /another ref/ },
  { name: "the default branch", make: headed((_, h) => [`${h} refs/heads/main`]), says: /another ref/ },
  { name: "a tag", make: headed((at, h) => [`${h} refs/tags/${at.branch}`]), says: /another ref/ },
  { name: "HEAD", make: headed((_, h) => [`${h} HEAD`]), says: /another ref/ },
  {
    name: "a branch by a way round",
    make: headed((at, h) => [`${h} refs/heads/${at.branch}/../../main`]),
    says: /another ref/,
  },
  {
    name: "the branch of another job",
    make: headed((_, h) => [`${h} refs/heads/towline/other-1`]),
    says: /another ref/,
  },
  { name: "the mark of the pack", make: headed((_, h) => [`${h} refs/towline/pack`]), says: /another ref/ },
  {
    name: "its branch and the default one",
    make: headed((at, h) => [`${h} refs/heads/${at.branch}`, `${h} refs/heads/main`]),
    says: /2 refs/,
  },
  {
    name: "its branch twice",
    make: headed((at, h) => [`${h} refs/heads/${at.branch}`, `${at.base} refs/heads/${at.branch}`]),
    says: /2 refs/,
  },
  { name: "no branch", make: headed(() => []), says: /0 refs/ },
  {
    name: "an option for a commit",
    make: headed((at) => [`--upload-pack=x refs/heads/${at.branch}`]),
    says: /not known here/,
  },
  {
    name: "an option to stand on",
    make: headed((at, h) => ["-exec=x", `${h} refs/heads/${at.branch}`]),
    says: /not known here/,
  },
  {
    name: "too much to stand on",
    make: headed((at, h) => [...Array.from({ length: 501 }, () => `-${at.base}`), `${h} refs/heads/${at.branch}`]),
    says: /more than 500/,
  },
];

const packs: BundleRow[] = [
  {
    name: "no pack",
    make: (at, c) => good(at, c).bytes.subarray(0, good(at, c).bytes.indexOf("PACK")),
    says: /has no pack/,
  },
  { name: "a pack that is cut", make: (at, c) => good(at, c).bytes.subarray(0, -9), says: /not sound/ },
  {
    name: "a pack with a changed bit",
    make: (at, c) => {
      const bytes = Buffer.from(good(at, c).bytes);
      bytes[bytes.length - 30] = (bytes.at(-30) as number) ^ 4;
      return bytes;
    },
    says: /not sound/,
  },
  {
    name: "a pack that announces more",
    make: (at, c) => {
      const { bytes } = good(at, c);
      bytes[bytes.indexOf("PACK") + 11] = 99;
      return bytes;
    },
    says: /not sound/,
  },
  {
    name: "a commit that does not come",
    make: headed((at) => [`${"d".repeat(40)} refs/heads/${at.branch}`]),
    says: /no commit/,
  },
  {
    name: "a few bytes that stand for gigabytes",
    make: (at, c) => {
      const { things, head } = good(at, c);
      const base = thing("blob", Buffer.alloc(8 << 20));
      const pack = packOf([...things, base], [deltaOf(base, 400)]);
      return bundleOf(pack, [`-${at.base}`, `${head} refs/heads/${at.branch}`]);
    },
    says: /not sound: .*over limit/,
  },
  {
    name: "a file that does not come",
    make: (at, c) => on(at, good(at, c).head, good(at, c).things.slice(1)),
    says: /not sound/,
  },
  ...(["blob", "tree", "tag"] as const).map(
    (kind, n): BundleRow => ({
      name: `a ${kind} for a commit`,
      make: (at, c) => {
        const { things, head } = good(at, c);
        const tag = thing("tag", `object ${head}\ntype commit\ntag x\ntagger A <a@x.test> 1 +0000\n\n${c}\n`);
        const aim = [things[0], things.at(-2), tag][n] as Thing;
        return on(at, aim.id, [...things, tag]);
      },
      says: /is no commit/,
    }),
  ),
];

const histories: BundleRow[] = [
  {
    name: "a history of its own",
    make: (at, c) => on(at, ...pair(work(at, { "x.txt": c }, { parents: [] }))),
    says: /does not go on/,
  },
  {
    name: "a history from before what was sent",
    make: (at, c) => on(at, ...pair(work(at, { "x.txt": c }, { parents: [at.older] }))),
    says: /does not go on/,
  },
  {
    name: "a merge of a history of its own",
    make: (at, c) => {
      const root = work(at, { "x.txt": c }, { parents: [] });
      const both = work(at, { "x.txt": c }, { parents: [at.base, root.head] });
      return on(at, both.head, [...root.things, ...both.things]);
    },
    says: /history of its own/,
  },
  {
    name: "an evil merge",
    make: (at, c) => {
      const side = work(at, { "x.txt": "x\n" });
      const both = work(at, { "x.txt": "x\n", ".github/workflows/x.yml": c }, { parents: [side.head, at.base] });
      return on(at, both.head, [...side.things, ...both.things]);
    },
    says: /x\.yml is protected/,
  },
  {
    name: "a link that is gone again",
    make: (at, c) => {
      const one = work(at, {});
      const blob = thing("blob", c);
      const trees = treesOf(new Map([...at.tree, ["link", { mode: "120000", id: blob.id }]]));
      const first = commitOf(trees.at(-1)?.id as string, [at.base], at.who);
      const next = commitOf(one.things.at(-2)?.id as string, [first.id], at.who);
      return on(at, next.id, [blob, ...trees, first, ...one.things.slice(0, -1), next]);
    },
    says: /link is a symbolic link/,
  },
  {
    name: "a secret that is gone again",
    make: (at) => {
      const one = work(at, { "a.txt": `${secret}\n` });
      const two = work(at, { "a.txt": "x\n" }, { parents: [one.head] });
      return on(at, two.head, [...one.things, ...two.things]);
    },
    says: /a\.txt holds what looks like a secret/,
  },
  {
    name: "more commits than anybody reads",
    make: (at, c) => {
      const one = work(at, { "x.txt": c });
      const all = [...one.things];
      for (let n = 0; n < 500; n++)
        all.push(commitOf(one.things.at(-2)?.id as string, [all.at(-1)?.id as string], at.who));
      return on(at, all.at(-1)?.id as string, all);
    },
    says: /has 501 commits/,
  },
  {
    name: "more files than anybody reads",
    make: (at, c) =>
      on(at, ...pair(work(at, Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`f/${n}`, c]))))),
    says: /changes 201 files/,
  },
  {
    name: "more lines than anybody reads",
    make: (at, c) => on(at, ...pair(work(at, { "x.txt": `${c}\n`.repeat(10_001) }))),
    says: /changes 10001 lines/,
  },
  {
    name: "a file that is too large",
    make: (at, c) => on(at, ...pair(work(at, { "x.txt": `${c}\n`.padEnd(5_300_000, "x") }))),
    says: /has 5300000 bytes/,
  },
];
const pair = ({ head, things }: ReturnType<typeof work>): [string, Thing[]] => [head, things];

const bomb = (levels: number, wide: number) => (at: Ground) => {
  const things = [thing("blob", "x\n")];
  for (let level = 0; level < levels; level++) {
    const [below] = things.slice(-1) as [Thing];
    const mode = below.kind === "blob" ? "100644" : "40000";
    const rows = Array.from({ length: wide }, (_, n) => rowOf(mode, `f${n}`, below.id));
    things.push(thing("tree", Buffer.concat(rows)));
  }
  const commit = commitOf(things.at(-1)?.id as string, [at.base], at.who);
  return on(at, commit.id, [...things, commit]);
};

const trees: BundleRow[] = [
  ...["..", ".", ".git", ".GIT", "git~1", "a/b", "", ".git ", ".g\xe2\x80\x8cit"].map((name) => ({
    name: `a file called ${JSON.stringify(name)}`,
    make: named(name),
    says: /not sound/,
  })),
  {
    name: "one name twice",
    make: rooted((b) => [rowOf("100644", "x", b), rowOf("100755", "x", b)]),
    says: /not sound/,
  },
  {
    name: "names out of order",
    make: rooted((b) => [rowOf("100644", "z", b), rowOf("100644", "a", b)]),
    says: /not sound/,
  },
  { name: "an id of zeros", make: rooted(() => [rowOf("100644", "x", "0".repeat(40))]), says: /not sound/ },
  { name: "a mode with a zero before it", make: rooted((b) => [rowOf("0100644", "x", b)]), says: /not sound/ },
  {
    name: "a link for .gitmodules",
    make: rooted((b) => [rowOf("120000", ".gitmodules", b)]),
    says: /not sound|symbolic link/,
  },
  {
    name: "a submodule whose address is an option",
    make: (at) => on(at, ...pair(work(at, { ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = -u./evil\n' }))),
    says: /not sound/,
  },
  { name: "folders that unfold into millions", make: bomb(8, 10), says: /more than \d+ files/ },
  { name: "folders without end", make: bomb(120, 1), says: /more than 100 deep/ },
];

const commits: BundleRow[] = [
  { name: "no author", make: spelt((t) => t.replace(/^author .*\n/m, "")), says: /not sound/ },
  {
    name: "an author without address",
    make: spelt((t) => t.replace(/^author .*$/m, "author nobody")),
    says: /not sound/,
  },
  { name: "two authors", make: spelt((t) => t.replace(/^(author .*\n)/m, "$1$1")), says: /not sound/ },
  { name: "an empty byte in a message", make: spelt((t) => `${t}\0x\n`), says: /not sound|hidden/ },
  {
    name: "an encoding of its own",
    make: spelt((t) => t.replace("\n\n", "\nencoding UTF-7\n\n")),
    says: /cannot be read/,
  },
  {
    name: "a time that is none",
    make: spelt((t) => t.replace(/1790000000 \+0000/, "9".repeat(30))),
    says: /not sound/,
  },
];

/** What its host says beside the bundle, and what the run came to. */
const told: BundleRow[] = [
  { name: "commits that do not come", make: () => null, says: /brought none of its commits/ },
  {
    name: "commits that do not come, with words",
    make: () => null,
    more: { why: `no ${secret}` },
    says: /no ⟨redacted DEPLOY_TOKEN⟩/,
  },
  {
    name: "work of a run that failed",
    make: (at, c) => good(at, c).bytes,
    outcome: { state: "failed", outcome: "failure" },
    says: /"aside"/,
  },
  {
    name: "work of a run that was ended",
    make: (at, c) => good(at, c).bytes,
    outcome: { state: "timeout" },
    says: /"aside"/,
  },
  {
    name: "work with a question",
    make: (at, c) => good(at, c).bytes,
    outcome: { messages: [{ verb: "ask", text: "may I?" }] },
    says: /"aside"/,
  },
  { name: "work that counts as none", make: (at, c) => good(at, c).bytes, more: { commits: 0 }, says: /"nothing"/ },
  {
    name: "work of a setup that failed",
    make: (at, c) => good(at, c).bytes,
    more: { state: "setup", setup: { exit: 1, took: 1, output: Buffer.from(secret) } },
    says: /setup ended with exit code 1/,
  },
  {
    name: "work of a worktree that was not made",
    make: (at, c) => good(at, c).bytes,
    more: { state: "unready", why: secret },
    says: /could not be made: ⟨redacted/,
  },
];

export const bundle_rows = [...heads, ...packs, ...histories, ...trees, ...commits, ...told];

/** Beside work that is not taken: what is in the bundle and on no branch must not stay with the record either. */
export const stowaways: { name: string; make(at: Ground, canary: string): { bytes: Buffer; id?: string } }[] = [
  {
    name: "bytes behind the pack",
    make: (at, c) => ({ bytes: Buffer.concat([on(at, ...pair(work(at, { "CLAUDE.md": "x\n" }))), Buffer.from(c)]) }),
  },
  {
    name: "words beside what it stands on",
    make: (at, c) => {
      const { head, things } = work(at, { "CLAUDE.md": "y\n" });
      return { bytes: bundleOf(packOf(things), [`-${at.base} ${c}`, `${head} refs/heads/${at.branch}`]) };
    },
  },
  {
    name: "objects that its branch does not need",
    make: (at, c) => {
      const { head, things } = work(at, { "CLAUDE.md": "z\n" });
      const extra = thing("blob", `${c}\n`);
      return { bytes: on(at, head, [...things, extra]), id: extra.id };
    },
  },
];
