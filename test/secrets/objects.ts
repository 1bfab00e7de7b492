// Every object of a repository that refs reach, as text, read by one process for all of them.
import { execFileSync } from "node:child_process";

export interface GitObject {
  id: string;
  type: string;
  /** A tree's names stand in it as git stores them. */
  text: string;
}

export function objectsOf(dir: string, ...refs: string[]): GitObject[] {
  const git = (args: string[], input?: string) =>
    execFileSync("git", args, { cwd: dir, input, maxBuffer: 1 << 28, stdio: ["pipe", "pipe", "inherit"] });
  const ids = git(["rev-list", "--objects", "--no-object-names", ...refs]).toString();
  const bytes = git(["cat-file", "--batch"], ids);
  const found: GitObject[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    const [id = "", type = "", size = ""] = bytes.toString("latin1", at, end).split(" ");
    const from = end + 1;
    const to = from + Number(size);
    found.push({ id, type, text: bytes.toString("utf8", from, to) });
    at = to + 1;
  }
  if (found.length !== ids.trim().split("\n").length) throw new Error("git left an object out");
  return found;
}
