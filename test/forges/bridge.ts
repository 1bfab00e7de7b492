// A bare repository beside GitHub's stand-in, which serves no git: what is pushed to one is seen in the other. Ids stay,
// since both make them of the same bytes; what would come out otherwise is refused.
import { execFileSync } from "node:child_process";
import type { Octokit } from "@octokit/rest";
import { env, git } from "../repo/origin.ts";

type Rest = Octokit["rest"];
type Name = { owner: string; repo: string };

const refs = (bare: string) =>
  new Map(
    git(bare, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/")
      .split("\n")
      .filter(Boolean)
      .map((row) => row.split(" ") as [string, string]),
  );

const raw = (bare: string, args: string[], input?: string | Buffer) =>
  execFileSync("git", args, { cwd: bare, env, maxBuffer: 1 << 28, ...(input === undefined ? {} : { input }) });
const put = (bare: string, kind: string, input: string | Buffer) =>
  raw(bare, ["hash-object", "-t", kind, "-w", "--stdin"], input).toString().trim();

function same(what: string, made: string, wanted: string): void {
  if (made !== wanted) throw new Error(`the bridge made another ${what}: ${made} in place of ${wanted}`);
}

/** Branches of the bare repository → the stand-in. */
export async function up(bare: string, rest: Rest, name: Name): Promise<void> {
  const there = await branches(rest, name);
  const here = refs(bare);
  for (const [branch, sha] of here) {
    if (there.get(branch) === sha) continue;
    const known = [...there.values()].filter((one) => has(bare, one)).map((one) => `^${one}`);
    for (const commit of git(bare, "rev-list", "--reverse", "--topo-order", sha, ...known)
      .split("\n")
      .filter(Boolean))
      await lift(bare, rest, name, commit);
    if (there.has(branch)) await rest.git.updateRef({ ...name, ref: `heads/${branch}`, sha, force: true });
    else await rest.git.createRef({ ...name, ref: `refs/heads/${branch}`, sha });
    there.set(branch, sha);
  }
  for (const branch of there.keys())
    if (!here.has(branch)) await rest.git.deleteRef({ ...name, ref: `heads/${branch}` });
}

/** Files that are there already, by where. */
const lifted = new WeakMap<Rest, Set<string>>();

async function lift(bare: string, rest: Rest, name: Name, commit: string): Promise<void> {
  const rows = git(bare, "ls-tree", "-r", commit).split("\n").filter(Boolean);
  const tree = rows.map((row) => {
    const [, mode, sha, path] = /^(\d+) blob ([0-9a-f]+)\t(.*)$/.exec(row) as unknown as string[];
    return { path: path as string, mode: mode as "100644", type: "blob" as const, sha: sha as string };
  });
  const known = lifted.get(rest) ?? new Set();
  lifted.set(rest, known);
  for (const { sha } of tree.filter((one) => !known.has(one.sha))) {
    known.add(sha);
    const content = raw(bare, ["cat-file", "blob", sha]).toString("base64");
    same("blob", (await rest.git.createBlob({ ...name, content, encoding: "base64" })).data.sha, sha);
  }
  const made = (await rest.git.createTree({ ...name, tree })).data.sha;
  same("tree", made, git(bare, "rev-parse", `${commit}^{tree}`));
  const format = "--format=%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI";
  const [parents = "", an = "", ae = "", ad = "", cn = "", ce = "", cd = ""] = raw(bare, ["log", "-1", format, commit])
    .toString()
    .split("\n");
  const { data } = await rest.git.createCommit({
    ...name,
    tree: made,
    message: raw(bare, ["cat-file", "commit", commit])
      .toString()
      .replace(/^[\s\S]*?\n\n/, ""),
    parents: parents.split(" ").filter(Boolean),
    author: { name: an, email: ae, date: ad },
    committer: { name: cn, email: ce, date: cd },
  });
  same("commit", data.sha, commit);
}

/** Branches of the stand-in → the bare repository: what was merged there. */
export async function down(bare: string, rest: Rest, name: Name): Promise<void> {
  const here = refs(bare);
  const there = await branches(rest, name);
  for (const [branch, sha] of there) {
    if (here.get(branch) === sha) continue;
    await fall(bare, rest, name, sha);
    git(bare, "update-ref", `refs/heads/${branch}`, sha);
  }
  for (const branch of here.keys()) if (!there.has(branch)) git(bare, "update-ref", "-d", `refs/heads/${branch}`);
}

async function fall(bare: string, rest: Rest, name: Name, sha: string): Promise<void> {
  if (has(bare, sha)) return;
  const { data } = await rest.git.getCommit({ ...name, commit_sha: sha });
  for (const parent of data.parents) await fall(bare, rest, name, parent.sha);
  await fallTree(bare, rest, name, data.tree.sha);
  const by = (word: string, one: { name: string; email: string; date: string }) =>
    `${word} ${one.name} <${one.email}> ${Math.floor(Date.parse(one.date) / 1000)} +0000\n`;
  const head = `tree ${data.tree.sha}\n${data.parents.map((one) => `parent ${one.sha}\n`).join("")}`;
  const message = data.message.replace(/\n?$/, "\n");
  same(
    "commit",
    put(bare, "commit", `${head}${by("author", data.author)}${by("committer", data.committer)}\n${message}`),
    sha,
  );
}

async function fallTree(bare: string, rest: Rest, name: Name, sha: string): Promise<void> {
  if (has(bare, sha)) return;
  const { data } = await rest.git.getTree({ ...name, tree_sha: sha });
  for (const one of data.tree) {
    if (one.type === "tree") await fallTree(bare, rest, name, one.sha);
    else if (!has(bare, one.sha)) {
      const blob = await rest.git.getBlob({ ...name, file_sha: one.sha });
      same("blob", put(bare, "blob", Buffer.from(blob.data.content, "base64")), one.sha);
    }
  }
  const rows = data.tree.map((one) => `${one.mode} ${one.type} ${one.sha}\t${one.path}\n`).join("");
  same("tree", raw(bare, ["mktree"], rows).toString().trim(), sha);
}

async function branches(rest: Rest, name: Name): Promise<Map<string, string>> {
  const { data } = await rest.repos.listBranches({ ...name, per_page: 100 });
  return new Map(data.map((one) => [one.name, one.commit.sha]));
}

function has(bare: string, sha: string): boolean {
  try {
    git(bare, "cat-file", "-e", sha);
    return true;
  } catch {
    return false;
  }
}
