// GitHub as people and ticks see it: the stand-in behind a counter, and a bare repository that both see alike. What the
// stand-in lacks is added on the way: heads that move with their branches and are refs, statuses of commits, and merges on top of what came in between.
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
  merged_by?: object | null;
}

export interface Hub {
  url: string;
  /** `METHOD path` of all that ticks asked. */
  asked: string[];
  statuses: { sha: string; state: string; context: string; description: string }[];
  as(login: string): Octokit["rest"];
  id(login: string): Promise<string>;
  /** All in one commit, as the button does it. */
  squash(pull: number, branch: string, by?: object): Promise<void>;
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
  const { data: alice } = await direct.users.getByUsername({ username: "alice" });
  let known = "";
  const heads = new Map<string, string>();
  const merged = new Map<number, { at: string; by: object }>();
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
    git(bare, "update-ref", `refs/pull/${one.number}/head`, sha);
    return { ...one, head: { ...one.head, sha }, ...(at ? { merged: true, merged_at: at.at, merged_by: at.by } : {}) };
  };
  const mendOf = (url: string) => {
    if (/\/pulls(\/\d+)?(\?.*)?$/.test(url)) return mended;
    return /\/comments(\?.*)?$/.test(url) ? asWritten : null;
  };
  const asked: string[] = [];
  const statuses: Hub["statuses"] = [];
  let turn = Promise.resolve();
  const proxy = createServer(async (request, response) => {
    try {
      const body = await bodyOf(request);
      const { authorization = "", accept = "" } = request.headers;
      if (authorization.endsWith(canary)) asked.push(`${request.method} ${request.url}`);
      turn = turn.then(follow);
      await turn;
      const stated = statusAt(statuses, request, body);
      if (stated) {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(stated));
        return;
      }
      const answer = await fetch(`${server.url}${request.url}`, {
        method: request.method ?? "GET",
        headers: { authorization, accept, "content-type": "application/json" },
        ...(body.length > 0 ? { body } : {}),
      });
      if (answer.status === 404 && request.method === "GET" && /\/issues\/\d+$/.test(request.url ?? "")) {
        // To the stand-in a pull request is no issue: who closed it is known nowhere else. Here alice does.
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ closed_by: alice }));
        return;
      }
      const link = answer.headers.get("link");
      const text = await answer.text();
      const mend = answer.ok ? mendOf(request.url ?? "") : null;
      const content = answer.headers.get("content-type") ?? "application/json";
      response.writeHead(answer.status, { "content-type": content, ...(link ? { link } : {}) });
      const about = mend === null ? null : JSON.parse(text);
      if (mend === null) response.end(text);
      else response.end(JSON.stringify(Array.isArray(about) ? about.map(mend) : mend(about)));
    } catch (thrown) {
      response.destroy(thrown as Error);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    statuses,
    as: (auth) => new Octokit({ baseUrl: url, auth }).rest,
    id: async (username) => String((await direct.users.getByUsername({ username })).data.id),
    async squash(number, branch, by = alice) {
      const tree = git(bare, "merge-tree", "--write-tree", "main", branch);
      const commit = git(bare, "commit-tree", tree, "-p", "main", "-m", `All in one (#${number})`);
      git(bare, "update-ref", "refs/heads/main", commit);
      merged.set(number, { at: new Date().toISOString(), by });
      await direct.pulls.update({ ...name, pull_number: number, state: "closed" });
    },
    async close() {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await server.close();
    },
  };
}

/** The stand-in touches what is new once more: a little later it looks like edited. */
function asWritten<T extends { created_at: string; updated_at: string }>(one: T): T {
  const soon = Date.parse(one.updated_at) - Date.parse(one.created_at) < 1000;
  return soon ? { ...one, updated_at: one.created_at } : one;
}

function statusAt(statuses: Hub["statuses"], { method, url }: IncomingMessage, body: Buffer): object | null {
  const [, posted] = /\/statuses\/([0-9a-f]{40})$/.exec(url ?? "") ?? [];
  if (method === "POST" && posted) {
    statuses.unshift({ ...JSON.parse(body.toString()), sha: posted });
    return { id: statuses.length, ...statuses[0] };
  }
  const [, of] = /\/commits\/([0-9a-f]{40})\/status\?/.exec(url ?? "") ?? [];
  if (!of) return null;
  const found = statuses.filter(({ sha }) => sha === of);
  // Only the newest word of each context counts.
  const last = found.filter((one, at) => found.findIndex(({ context }) => context === one.context) === at);
  return { state: "pending", statuses: last.map((one, at) => ({ id: at + 1, target_url: null, ...one })) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
