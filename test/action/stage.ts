// A pack whose CI files are ours, on a git server that wants a token, and a runner's workspace to check it out into.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { serveGit } from "./git-server.ts";
import type { Given, RanJob } from "./runner.ts";
import { runWorkflow } from "./runner.ts";

const project = join(import.meta.dirname, "..", "..");
const token = "t0ken-of-the-step";

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** What a pack that is a copy of ours holds, and what the service fetches for one that uses the action. */
const ours = ["src", "bin", "schema", ".github", "package.json", "action.yml"];

/** `elsewhere`: the pack is another repository, which has nothing of ours and uses the action. */
export async function openStage(files: Record<string, string>, { elsewhere = false } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "towline-workflow-"));
  const git = (cwd: string, ...args: string[]) =>
    execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], {
      cwd,
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: dir, GIT_CONFIG_NOSYSTEM: "1" },
    }).trim();
  const person = join(dir, "person");
  const bare = join(dir, "ada", "pack.git");
  git(dir, "init", "-q", "--bare", "-b", "main", bare);
  git(bare, "config", "http.receivepack", "true");
  git(dir, "init", "-q", "-b", "main", person);
  const action = join(dir, "_actions", "towline");
  for (const path of elsewhere ? [...ours, "site", "plugins"] : ours)
    cpSync(join(project, path), join(elsewhere ? action : person, path), { recursive: true });
  write(person, { ".gitignore": "node_modules\n", ...files });
  git(person, "add", "-A");
  git(person, "commit", "-q", "-m", "base");
  git(person, "push", "-q", bare, "main");
  const server = await serveGit(dir, token);
  const bin = join(dir, "bin");
  // The service's npm, without the download: the same packages are here already.
  script(
    bin,
    "npm",
    `#!/bin/sh
into=.; if [ "$2" = --prefix ]; then into=$3; fi
if [ "$1" = ci ]; then exec ln -s ${realpathSync(join(project, "node_modules"))} "$into/node_modules"; fi
PATH=$(printf %s "$PATH" | sed "s|^${bin}:||") exec npm "$@"
`,
  );
  const run = async (workflow: string, given: Partial<Given> & Pick<Given, "github">): Promise<Map<string, RanJob>> => {
    const workspace = join(dir, "workspace");
    rmSync(workspace, { recursive: true, force: true });
    mkdirSync(workspace);
    const uses = (used: string, inputs: Record<string, string>) => {
      if (elsewhere && /^[\w-]+\/towline@/.test(used)) return action;
      if (!used.startsWith("actions/checkout@")) return;
      git(workspace, "init", "-q", "-b", "main", ".");
      git(workspace, "remote", "add", "origin", bare);
      const { ref = "main" } = inputs;
      const branch = !/^[0-9a-f]{40}$/.test(ref);
      const wanted = branch ? `+refs/heads/${ref}:refs/remotes/origin/${ref}` : ref;
      git(workspace, "fetch", "-q", "--no-tags", `--depth=${inputs["fetch-depth"]}`, "origin", wanted);
      git(workspace, "checkout", "-q", ...(branch ? ["-B", ref, `origin/${ref}`] : ["--detach", ref]));
      git(workspace, "remote", "set-url", "origin", `${server.url}/ada/pack.git`);
    };
    const home = elsewhere ? person : project;
    return runWorkflow(readFileSync(join(home, ".github", "workflows", workflow), "utf8"), {
      uses,
      ...given,
      github: { token, repository: "ada/pack", ...given.github },
      workspace,
      temp: dir,
      env: {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: dir,
        GIT_CONFIG_NOSYSTEM: "1",
        CI: "true",
        GITHUB_ACTIONS: "true",
        GITHUB_SERVER_URL: server.url,
        GITHUB_REPOSITORY: "ada/pack",
        ...given.env,
      },
    });
  };
  return {
    dir,
    bare,
    person,
    action,
    bin,
    workspace: join(dir, "workspace"),
    git,
    run,
    server,
    token,
    close: async () => {
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function write(dir: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}

export function script(folder: string, name: string, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), 0o755);
}
