// Whether everybody may read the pack's repository. Asked before its dashboard goes where everybody may read that.
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { originUrl } from "./repo-open.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** `untold`: it lies at a forge that did not say. `nowhere`: at no forge that we could ask. */
export type Visibility = "private" | "public" | "untold" | "nowhere";

const told = z.object({ repository: z.object({ private: z.boolean() }) });
const answer = z.object({ private: z.boolean() });

export async function visibilityOf(dir: string, env: Env): Promise<Visibility> {
  if (env.GITHUB_ACTIONS === "true" && env.GITHUB_EVENT_PATH) {
    const event = await readFile(env.GITHUB_EVENT_PATH, "utf8")
      .then(JSON.parse)
      .catch(() => null);
    const read = told.safeParse(event);
    if (read.success) return read.data.repository.private ? "private" : "public";
  }
  return askForge(dir, env);
}

async function askForge(dir: string, env: Env): Promise<Visibility> {
  const { apiUrl, repositoryAt } = await import("./github-place.ts");
  const url = apiUrl({}, env);
  const named = repositoryAt(url, (await originUrl(dir, env)) ?? "");
  if (named === null) return "nowhere";
  const variable = env.GITHUB_TOKEN ? "GITHUB_TOKEN" : "GH_TOKEN";
  const token = env[variable];
  if (!token) return "untold";
  const [owner = "", repo = ""] = named.split("/");
  const { createApi } = await import("./github-api.ts");
  const api = createApi({ url, token, variable, wall: 10 });
  try {
    const found = await api.get("the repository", (rest) => rest.repos.get({ owner, repo }), answer);
    return found.private ? "private" : "public";
  } catch {
    return "untold";
  } finally {
    api.close();
  }
}
