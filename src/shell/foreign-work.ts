// Where work is imported from: a folder of Backlog.md, and the issues of a repository on GitHub.
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ForeignIssue } from "../core/import-issues.ts";
import { max_bytes } from "../core/split.ts";
import { oneLine } from "../core/text.ts";
import { messageOf, outside, usage } from "../errors.ts";
import { ApiFault, createApi } from "./github-api.ts";
import type { GithubPlace } from "./init-look.ts";
import { textOf } from "./pack-files.ts";

const most_files = 5000;

export interface BacklogFile {
  file: string;
  /** null: it is no text, too long, or a link. */
  text: string | null;
}

/** `dir`: the folder of the backlog (`backlog/`), or its tasks. Links are not followed. */
export async function backlogFiles(dir: string, shown: string): Promise<BacklogFile[]> {
  const below = await readdir(dir).catch((thrown) => {
    const why =
      (thrown as NodeJS.ErrnoException).code === "ENOENT" ? "is not there" : `cannot be read: ${messageOf(thrown)}`;
    throw usage(`${shown} ${why}`, "name the folder of Backlog.md, like `backlog`");
  });
  const inner = below.includes("tasks");
  const at = inner ? join(dir, "tasks") : dir;
  const names = (inner ? await readdir(at) : below).filter((name) => name.endsWith(".md")).sort();
  if (names.length === 0) throw usage(`${shown} holds no tasks`, "name the folder of Backlog.md, like `backlog`");
  if (names.length > most_files) throw usage(`${shown} holds over ${most_files} tasks`, "import a part of it");
  const files: BacklogFile[] = [];
  for (const name of names) {
    const found = await lstat(join(at, name));
    const whole = found.isFile() && found.size <= max_bytes;
    files.push({
      file: `${shown}/${inner ? "tasks/" : ""}${name}`,
      text: whole ? textOf(await readFile(join(at, name))) : null,
    });
  }
  return files;
}

const issue = z.object({
  id: z.number().transform(String),
  number: z.number().int(),
  title: z.string(),
  body: z.string().nullable(),
  html_url: z.url(),
  state: z.string(),
  pull_request: z.unknown().optional(),
});

/** Issues, oldest first. Throws a Fault when they cannot be read. */
export async function openIssues(
  { url, repository, token, variable }: GithubPlace & { token: string },
  labels: string | undefined,
): Promise<ForeignIssue[]> {
  const [owner = "", repo = ""] = repository.split("/");
  const api = createApi({ url, token, variable: variable ?? "GITHUB_TOKEN", wall: 60 });
  const where = { owner, repo, state: "open", direction: "asc", per_page: 100, ...(labels ? { labels } : {}) } as const;
  try {
    const found = await api.list(
      `issues of ${repository}`,
      ({ issues }, page) => issues.listForRepo({ ...where, page }),
      z.array(issue),
    );
    return found
      .filter((one) => !one.pull_request)
      .map(({ number, title, body, html_url, state }) => ({
        number,
        title,
        body: body ?? "",
        url: html_url,
        open: state === "open",
      }));
  } catch (thrown) {
    if (!(thrown instanceof ApiFault)) throw thrown;
    throw outside(
      `the issues of ${repository} cannot be read: ${thrown.message}`,
      "look at the token's rights, or take fewer with --label",
    );
  } finally {
    api.close();
  }
}

const pull = z.object({
  id: z.number().transform(String),
  html_url: z.url(),
  title: z.string(),
  head: z.object({ ref: z.string(), repo: z.object({ full_name: z.string() }).nullable() }),
});

/** Open pull requests from branches `towline/…` of the repository itself. */
export async function openPulls({
  url,
  repository,
  token,
  variable,
}: GithubPlace & { token: string }): Promise<string[]> {
  const [owner = "", repo = ""] = repository.split("/");
  const api = createApi({ url, token, variable: variable ?? "GITHUB_TOKEN", wall: 30 });
  try {
    const found = await api.list(
      `pull requests of ${repository}`,
      ({ pulls }, page) => pulls.list({ owner, repo, state: "open", per_page: 100, page }),
      z.array(pull),
    );
    return found
      .filter(
        ({ head }) => /^towline[/-]/.test(head.ref) && head.repo?.full_name.toLowerCase() === repository.toLowerCase(),
      )
      .map(({ html_url, title }) => `${html_url}  ${oneLine(title, 100)}`);
  } finally {
    api.close();
  }
}
