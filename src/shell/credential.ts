// How git in a CI checkout reaches origin: the token stays in the environment of the one step that has it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Constant text: the token's name, never its value, is what lands in the checkout's configuration. */
const helper =
  '!f() { test "$1" = get && test -n "$GITHUB_TOKEN" && echo username=x-access-token && echo "password=$GITHUB_TOKEN"; }; f';

/** Makes git in this checkout ask the environment for a password to this server (`https://…`), and nobody else. */
export async function tokenFromEnvironment(dir: string, server: string): Promise<void> {
  const git = (...args: string[]) => promisify(execFile)("git", ["-C", dir, "config", "--local", ...args]);
  await git("--replace-all", `credential.${server}.helper`, "");
  await git("--add", `credential.${server}.helper`, helper);
}
