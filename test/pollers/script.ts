// A server that answers as it is told to: for what GitHub's stand-in cannot do.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** Sent as JSON, a text as it is. */
  body?: unknown;
  /** `cut`: the connection ends half-way through the body. `never`: no answer at all. */
  end?: "cut" | "never";
}

export interface Scripted {
  url: string;
  /** `GET /path?query` of every request. */
  asked: string[];
  /** Value of each request's `authorization`. */
  tokens: (string | undefined)[];
  close(): Promise<void>;
}

export const pullOf = (more: object = {}) => ({
  id: 1,
  number: 1,
  title: "Mend the log",
  html_url: "https://github.example/alice/pack/pull/1",
  state: "open",
  user: { id: 583231, login: "alice" },
  author_association: "MEMBER",
  labels: [{ name: "ops" }],
  created_at: "2026-11-20T09:00:00Z",
  updated_at: "2026-11-20T09:00:00Z",
  draft: false,
  head: { ref: "mend", sha: "a".repeat(40) },
  base: { ref: "main" },
  merged_at: null,
  ...more,
});

/** Answers by path; a list of replies is given out one by one, and the last one stays. */
export async function scripted(replies: Record<string, Reply | Reply[]>): Promise<Scripted> {
  const counts = new Map<string, number>();
  const made: Scripted = { url: "", asked: [], tokens: [], close: async () => {} };
  const server = createServer((request, response) => {
    made.asked.push(`${request.method} ${request.url}`);
    made.tokens.push(request.headers.authorization);
    const path = (request.url ?? "").split("?", 1)[0] as string;
    const all = [replies[path] ?? []].flat();
    const nth = counts.get(path) ?? 0;
    counts.set(path, nth + 1);
    send(
      request,
      response,
      all[Math.min(nth, all.length - 1)] ?? { body: path.endsWith("/check-runs") ? { check_runs: [] } : [] },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  made.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  made.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return made;
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (reply.end === "never") return;
  const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? []);
  response.writeHead(reply.status ?? 200, {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...reply.headers,
  });
  if (reply.end !== "cut") return void response.end(text);
  response.write(text.slice(0, Math.ceil(text.length / 2)));
  setTimeout(() => request.socket.destroy(), 50);
}
