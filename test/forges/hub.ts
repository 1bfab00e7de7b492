// GitHub as people and ticks see it: the stand-in behind a counter, and a bare repository that both see alike. What the
// stand-in lacks is added on the way: heads that move with their branches, and merges on top of what came in between.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Octokit } from "@octokit/rest";
import { createEmulator } from "emulate";
import { git } from "../repo/origin.ts";
import { up } from "./bridge.ts";
import { canary, name } from "./stands.ts";

interface Pull {
  number: number;
  head: { ref: string; sha: string };
  merged?: boolean;
  merged_at?: string | null;
}

export interface Hub {
  url: string;
  /** `METHOD path` of all that ticks asked. */
  asked: string[];
  as(login: string): Octokit["rest"];
  id(login: string): Promise<string>;
  /** All in one commit, as the button does it. */
  squash(pull: number, branch: string): Promise<void>;
  close(): Promise<void>;
}

/** `people` may write, `strangers` are only there. Ticks have a token of alice's own, as a single maintainer gives it. */
export async function hubOf(bare: string, people: string[], strangers: string[]): Promise<Hub> {
  const users = ["alice", ...people, ...strangers];
  const token = (login: string) => ({ login, scopes: ["repo"] });
  const tokens = [[canary, token("alice")], ...users.map((login) => [login, token(login)])];
  const server = await createEmulator({
    service: "github",
    port: 0,
    seed: {
      tokens: Object.fromEntries(tokens),
      github: {
        users: users.map((login) => ({ login })),
        repos: [{ owner: "alice", name: "pack", auto_init: true }],
      },
    },
  });
  const direct = new Octokit({ baseUrl: server.url, auth: "alice" }).rest;
  for (const username of people) await direct.repos.addCollaborator({ ...name, username, permission: "push" });
  let known = "";
  const heads = new Map<string, string>();
  const merged = new Map<number, string>();
  /** What was pushed is there before anything is asked. */
  const follow = async () => {
    const now = git(bare, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/");
    if (now === known) return;
    known = now;
    await up(bare, direct, name);
    for (const row of now.split("\n")) heads.set(...(row.split(" ") as [string, string]));
  };
  const mended = (one: Pull): Pull => {
    const at = merged.get(one.number);
    const sha = heads.get(one.head.ref) ?? one.head.sha;
    return { ...one, head: { ...one.head, sha }, ...(at ? { merged: true, merged_at: at } : {}) };
  };
  const asked: string[] = [];
  let turn = Promise.resolve();
  const proxy = createServer(async (request, response) => {
    try {
      const body = await bodyOf(request);
      const { authorization = "", accept = "" } = request.headers;
      if (authorization.endsWith(canary)) asked.push(`${request.method} ${request.url}`);
      turn = turn.then(follow);
      await turn;
      const answer = await fetch(`${server.url}${request.url}`, {
        method: request.method ?? "GET",
        headers: { authorization, accept, "content-type": "application/json" },
        ...(body.length > 0 ? { body } : {}),
      });
      const link = answer.headers.get("link");
      const text = await answer.text();
      const about = answer.ok && /\/pulls(\/\d+)?(\?.*)?$/.test(request.url ?? "") ? JSON.parse(text) : null;
      const content = answer.headers.get("content-type") ?? "application/json";
      response.writeHead(answer.status, { "content-type": content, ...(link ? { link } : {}) });
      if (about === null) response.end(text);
      else response.end(JSON.stringify(Array.isArray(about) ? about.map(mended) : mended(about)));
    } catch (thrown) {
      response.destroy(thrown as Error);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    as: (auth) => new Octokit({ baseUrl: url, auth }).rest,
    id: async (username) => String((await direct.users.getByUsername({ username })).data.id),
    async squash(number, branch) {
      const tree = git(bare, "merge-tree", "--write-tree", "main", branch);
      const commit = git(bare, "commit-tree", tree, "-p", "main", "-m", `All in one (#${number})`);
      git(bare, "update-ref", "refs/heads/main", commit);
      merged.set(number, new Date().toISOString());
      await direct.pulls.update({ ...name, pull_number: number, state: "closed" });
    },
    async close() {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await server.close();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
