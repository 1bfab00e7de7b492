// A server that answers as Gitea's API (v1) does, as far as its plugin asks: pull requests, reviews, who may what.
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface User {
  id: number;
  login: string;
}
export interface GiteaPull {
  number: number;
  html_url: string;
  state: "open" | "closed";
  merged: boolean;
  title: string;
  body: string;
  head: { ref: string; sha: string; repo_id: number };
  base: { ref: string; repo_id: number };
  merged_by?: User;
  closed_at?: string;
}

/** `bare`: where branches are pushed to. */
export async function gitea(bare: string) {
  const pulls: GiteaPull[] = [];
  const reviews: object[] = [];
  const closers: User[] = [];
  const asked: string[] = [];
  const may: Record<string, object> = {
    alice: { permission: "owner", user: { id: 1, login: "alice" } },
    bob: { permission: "write", user: { id: 2, login: "bob" } },
  };
  const tip = (branch: string) =>
    execFileSync("git", ["rev-parse", `refs/heads/${branch}`], { cwd: bare, encoding: "utf8" }).trim();
  const answer = async (method: string, path: string, body: () => Promise<string>): Promise<unknown> => {
    const at = path.replace("/api/v1/repos/alice/pack", "");
    const number = Number(/^\/(?:pulls|issues)\/(\d+)/.exec(at)?.[1]);
    if (at === "") return { default_branch: "main" };
    if (method === "POST" && at === "/pulls") {
      const { head, base, title, body: words } = JSON.parse(await body()) as Record<string, string>;
      const one = pulls.length + 1;
      const heads = { head: { ref: head ?? "", sha: "", repo_id: 7 }, base: { ref: base ?? "", repo_id: 7 } };
      const html_url = `https://git.example/alice/pack/pulls/${one}`;
      pulls.push({
        ...heads,
        number: one,
        html_url,
        state: "open",
        merged: false,
        title: title ?? "",
        body: words ?? "",
      });
      return pulls.at(-1);
    }
    if (method === "PATCH") return Object.assign(pulls[number - 1] ?? {}, JSON.parse(await body()));
    if (at === "/pulls") {
      for (const one of pulls) if (one.state === "open") one.head.sha = tip(one.head.ref);
      return pulls;
    }
    if (at.endsWith("/reviews")) return reviews;
    if (at.endsWith("/timeline")) return [{ type: "comment" }, ...closers.map((user) => ({ type: "close", user }))];
    return may[/^\/collaborators\/(\w+)\/permission$/.exec(at)?.[1] ?? ""];
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const said = await answer(request.method ?? "", pathname, () => text(request));
    response.writeHead(said === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(said ?? { message: "not found" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pulls, reviews, closers, asked, close };
}
