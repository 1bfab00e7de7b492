// What somebody proposes, as git objects: fetched and never checked out, so nothing of it runs or is followed.
import { outside, usage } from "../errors.ts";
import { runGit } from "./git.ts";
import { findRepo } from "./repo-open.ts";
import { objectId } from "./repo-read.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where it is kept; one at a time. */
const place_ref = "refs/towline/proposed";
const ref_form = /^refs\/(?!.*(\.\.|\/\/|@\{))[\w./-]+$/;
/** How far back a shallow clone looks for the commit that both sides have in common, in commits; then all the way. */
const depths = [50, 1000];
const deadline = 120_000;

/** Fetches this ref of `origin`, with as much history as it takes to tell where it left `onto`. Answers its commit. */
export async function fetchHead(dir: string, env: Env, ref: string, onto: string): Promise<string> {
  if (!ref_form.test(ref)) throw usage(`${ref} is not the name of a ref`, "write it like refs/pull/12/head");
  const { place } = await findRepo(dir, env);
  const git = async (...args: string[]) => (await runGit(place, args)).stdout.toString().trim();
  const get = async (depth: string[]) => {
    const wanted = [`+${ref}:${place_ref}`, objectId(onto)];
    const options = ["--quiet", "--no-tags", "--no-write-fetch-head", ...depth];
    const ran = await runGit(place, ["fetch", ...options, "origin", ...wanted], { deadline });
    if (ran.code === 0) return;
    const said = ran.killed ? `no answer in ${deadline / 1000} s` : ran.stderr.trim().split("\n").at(-1);
    throw outside(`${ref} cannot be fetched from origin: ${said}`, "look whether it is still there, and run again");
  };
  const shallow = (await git("rev-parse", "--is-shallow-repository")) === "true";
  for (const depth of shallow ? [...depths.map((one) => [`--depth=${one}`]), ["--unshallow"]] : [[]]) {
    await get(depth);
    const base = await runGit(place, ["merge-base", objectId(onto), place_ref]);
    if (base.code === 0) break;
    if ((await git("rev-parse", "--is-shallow-repository")) !== "true") break;
  }
  return objectId(await git("rev-parse", "--verify", `${place_ref}^{commit}`));
}
