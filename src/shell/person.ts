// Who asks, for records: the CI service's actor, the name that git has, or the user of this machine.
import { userInfo } from "node:os";
import { oneLine } from "../core/text.ts";
import { gitEnv, runGit } from "./git.ts";

export async function personOf(dir: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const actor = env.GITHUB_ACTOR;
  if (actor) return actor;
  const asked = await runGit({ cwd: dir, env: gitEnv(env) }, ["config", "user.name"]);
  const name = oneLine(asked.stdout.toString(), 80);
  return asked.code === 0 && name !== "" ? name : userInfo().username;
}
