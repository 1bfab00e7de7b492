// What is read of a fetched repository: bundles of it, and what it holds that cannot be sent.
import { oneLine } from "../core/text.ts";
import { configuration, outside } from "../errors.ts";
import type { Place, Ran, RunOptions } from "./git.ts";
import { objectId, readBlobs, readTree } from "./repo-read.ts";

type Git = (args: string[], more?: RunOptions) => Promise<Ran>;

/** Commits that are known here, too: the others tell git nothing. */
export async function present(git: Git, ids: string[]): Promise<string[]> {
  const asked = ids.filter((id) => /^[0-9a-f]{40}$/.test(id));
  if (asked.length === 0) return [];
  const ran = await git(["cat-file", "--batch-check", "--buffer"], { input: [Buffer.from(`${asked.join("\n")}\n`)] });
  return [...ran.stdout.toString().matchAll(/^([0-9a-f]{40}) commit /gm)].map(([, id]) => id as string);
}

/** A bundle wants refs: each commit gets one for the moment. */
export async function bundled(
  git: Git,
  commits: string[],
  have: string[],
  most: number,
  name: string,
): Promise<Uint8Array> {
  const refs = commits.map((commit) => `refs/towline/sent/${commit}`);
  const input = refs.map((ref, at) => `update ${ref} ${commits[at]}\n`).join("");
  await git(["update-ref", "--stdin"], { input: [Buffer.from(input)] });
  const ran = await git(["bundle", "create", "--quiet", "--version=2", "-", ...refs, ...have.map((one) => `^${one}`)], {
    most,
  });
  if (ran.killed && ran.stdout.length > 0)
    throw configuration(`${name} does not fit into a bundle of ${most >> 20} MiB`, "work on a smaller repository");
  if (ran.code !== 0) throw outside(`no bundle of ${name} could be made`, "the next tick tries again");
  return ran.stdout;
}

/** LFS and submodules need more than the commits: work on them would be work on half a repository. */
export async function lacking(place: Place, commit: string): Promise<string | null> {
  const items = await readTree(place, commit);
  const link = items.find((one) => one.mode === "160000" || one.path === ".gitmodules");
  if (link) return `it has submodules (${oneLine(link.path, 100)}), which are not sent to hosts`;
  const own = items.find((one) => one.path === ".towline" || one.path.startsWith(".towline/"));
  if (own) return "it has a folder .towline of its own, where towline puts an agent's instructions";
  const attributes = items.filter((one) => /(^|\/)\.gitattributes$/.test(one.path) && one.mode.startsWith("100"));
  const blobs = await readBlobs(
    place,
    attributes.map((one) => one.blob),
    1 << 20,
  );
  const lfs = attributes.find(({ blob }) => /\bfilter\s*=\s*lfs\b/.test(Buffer.from(blobs.get(blob) ?? []).toString()));
  return lfs ? `it uses Git LFS (${oneLine(lfs.path, 100)}), which is not sent to hosts` : null;
}

/** Squashed or picked: then a merge has nothing left to do. A commit that is not here any more was taken away unmerged. */
export async function merges(git: Git, tip: string, commit: string): Promise<boolean> {
  const [merged, tree] = await Promise.all([
    git(["merge-tree", "--write-tree", objectId(tip), objectId(commit)]),
    git(["rev-parse", `${objectId(tip)}^{tree}`]),
  ]);
  return merged.code === 0 && tree.code === 0 && merged.stdout.toString().trim() === tree.stdout.toString().trim();
}

const half_life = 90 * 86_400;
const most_commits = 3000;

/** Who has worked on these paths, most and newest first: what was long ago counts less. Agents are left out. */
export async function peopleOn(git: Git, commit: string, on: (path: string) => boolean, now: Date): Promise<string[]> {
  const args = ["log", "--no-merges", `--max-count=${most_commits}`, "-z", "--name-only", "--no-renames"];
  const ran = await git([...args, "--format=%x01%at %aN", objectId(commit)], { most: 64 << 20, deadline: 20_000 });
  if (ran.code !== 0 || ran.killed) return [];
  const weight = new Map<string, number>();
  for (const entry of ran.stdout.toString().split("\u0001").slice(1)) {
    const [head = "", ...paths] = entry.split("\0").map((one) => one.replace(/^\n/, ""));
    const cut = head.indexOf(" ");
    const name = oneLine(head.slice(cut + 1), 60);
    if (
      name === "" ||
      name === "towline" ||
      name.endsWith("(towline)") ||
      !paths.some((path) => path !== "" && on(path))
    )
      continue;
    const age = Math.max(0, now.getTime() / 1000 - Number(head.slice(0, cut)));
    weight.set(name, (weight.get(name) ?? 0) + 0.5 ** (age / half_life));
  }
  const order = [...weight].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return order.slice(0, 3).map(([name]) => name);
}
