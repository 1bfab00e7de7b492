// A static server for a built site on this machine. Not for the open internet.
import { createReadStream } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve, sep } from "node:path";
import { outside } from "../errors.ts";
import { type Heard, version_file, versionWith } from "./site-beat.ts";

export interface ServeOptions {
  /** 0: any free port. */
  port: number;
  host: string;
  /** Path under which the site was built. Default `/`. */
  base?: string;
  /** What is known of ticks besides what the site was built with. */
  heard?: () => Heard | undefined;
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".txt": "text/plain; charset=utf-8",
  ".xml": "application/xml; charset=utf-8",
  ".woff2": "font/woff2",
};

const headers = {
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "frame-ancestors 'none'",
};

/** Serves a folder. The folder may be swapped for a newer build while it is served. */
export async function serveSite(dir: string, options: ServeOptions): Promise<{ url: string; close(): Promise<void> }> {
  const base = `/${(options.base ?? "/").replace(/^\/+|\/+$/g, "")}/`.replace("//", "/");
  const server = createServer((request, response) => {
    void answer(dir, base, options, request, response).catch(() => plain(response, 500, "The file could not be read."));
  });
  await new Promise<void>((done, fail) => {
    server.once("error", (thrown: NodeJS.ErrnoException) =>
      fail(
        thrown.code === "EADDRINUSE"
          ? outside(`port ${options.port} is in use`, "choose another with --port, or 0 for any")
          : outside(`cannot listen on ${options.host}:${options.port}: ${thrown.message}`),
      ),
    );
    server.listen(options.port, options.host, done);
  });
  const { port } = server.address() as AddressInfo;
  const name = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${name}:${port}${base}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  dir: string,
  base: string,
  { host, heard }: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
) {
  if (request.method !== "GET" && request.method !== "HEAD")
    return plain(response, 405, "Only reading is possible here.");
  if (!ownName(host, request.headers.host)) return plain(response, 421, "This server answers to its local name only.");
  const path = decoded((request.url ?? "/").split(/[?#]/, 1)[0] as string);
  if (path === null) return plain(response, 400, "This address is malformed.");
  if (path === "/" && base !== "/") return response.writeHead(302, { location: base }).end();
  const found = path.startsWith(base) ? await fileAt(dir, path.slice(base.length)) : null;
  if (found === "folder") return response.writeHead(301, { location: `${encodeURI(path)}/` }).end();
  const file = found ?? (await fileAt(dir, "404.html"));
  if (file === null || file === "folder") return plain(response, 404, "There is no such page.");
  const now = path === base + version_file ? heard?.() : undefined;
  const said = found && now ? versionWith(await readFile(file.path, "utf8"), now) : null;
  const type = types[extname(file.path)] ?? "application/octet-stream";
  response.writeHead(found ? 200 : 404, {
    ...headers,
    "content-type": type,
    "content-length": said ? Buffer.byteLength(said) : file.size,
  });
  if (request.method === "HEAD") return response.end();
  if (said) return response.end(said);
  createReadStream(file.path)
    .on("error", () => response.destroy())
    .pipe(response);
}

/** On loopback, another name in the request means that some web page points its own name at us to read along. */
function ownName(host: string, asked: string | undefined): boolean {
  if (!["127.0.0.1", "::1", "localhost"].includes(host)) return true;
  const name = (asked ?? "").replace(/:\d+$/, "");
  return ["127.0.0.1", "[::1]", "localhost"].includes(name);
}

function decoded(path: string): string | null {
  try {
    const text = decodeURIComponent(path);
    return text.includes("\0") || text.includes("\\") ? null : text;
  } catch {
    return null;
  }
}

/** A regular file below the folder, `folder` when only the slash is missing, or null. Hidden names do not exist. */
async function fileAt(dir: string, path: string): Promise<{ path: string; size: number } | "folder" | null> {
  if (path.split("/").some((part) => part.startsWith("."))) return null;
  try {
    const root = await realpath(dir);
    const file = await realpath(resolve(join(root, path.endsWith("/") || path === "" ? `${path}index.html` : path)));
    if (!file.startsWith(root + sep)) return null;
    const facts = await stat(file);
    if (facts.isDirectory()) return "folder";
    return facts.isFile() ? { path: file, size: facts.size } : null;
  } catch {
    return null;
  }
}

function plain(response: ServerResponse, status: number, text: string) {
  if (response.headersSent) return response.destroy();
  return response.writeHead(status, { ...headers, "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
