// A server whose answers a test writes as it goes, and what it was asked.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digest } from "../../src/core/hash.ts";

export interface Web {
  url: string;
  /** `GET /path` and the headers of every request. */
  asked: { path: string; headers: IncomingMessage["headers"] }[];
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

export async function web(): Promise<Web> {
  const made: Web = { url: "", asked: [], answer: (_, response) => void response.end("[]"), close: async () => {} };
  const server = createServer((request, response) => {
    made.asked.push({ path: `${request.method} ${request.url}`, headers: request.headers });
    made.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  made.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  made.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return made;
}

/** Answers a text with a tag, and 304 to who knows it. */
export const tagged =
  (text: () => string): Web["answer"] =>
  (request, response) => {
    const tag = `"${digest(text())}"`;
    if (request.headers["if-none-match"] === tag) return void response.writeHead(304).end();
    response.writeHead(200, { etag: tag }).end(text());
  };
