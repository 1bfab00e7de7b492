// The way to a GitHub App: a page on this machine sends the browser to GitHub, GitHub sends it back with a code, and the
// code buys the App's key, once. The key goes into one file; nobody sees it.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { z } from "zod";
import { type AppWish, endPage, newAppPage, startPage } from "../core/app-manifest.ts";
import { configuration, outside } from "../errors.ts";
import { ApiFault, createApi } from "./github-api.ts";

interface Flow {
  /** Where a person begins. Only who knows it can. */
  start: string;
  /** The code that GitHub sent along; throws a Fault when none comes. */
  code: Promise<string>;
  close(): void;
}

interface Wanted {
  web: string;
  org?: string | undefined;
  wish: Omit<AppWish, "back">;
  port: number;
  /** ms. */
  patience: number;
}

const code_form = /^[\w-]{8,200}$/;

export async function beginFlow({ web, org, wish, port, patience }: Wanted): Promise<Flow> {
  const door = randomBytes(16).toString("hex");
  const state = randomBytes(16).toString("hex");
  let take: (code: string) => void = () => {};
  let fail: (fault: Error) => void = () => {};
  const code = new Promise<string>((resolve, reject) => {
    [take, fail] = [resolve, reject];
  });
  code.catch(() => {});
  const server = createServer((request, response) => {
    const at = hostOf(server);
    // A page from elsewhere that takes this machine's name for its own gets nothing.
    if (request.headers.host !== at || request.method !== "GET") return answer(response, 403, "No.");
    const url = new URL(request.url ?? "/", `http://${at}`);
    if (url.pathname === `/${door}`) return begin(response);
    if (url.pathname !== "/back" || !same(url.searchParams.get("state") ?? "", state))
      return answer(response, 404, "Nothing is here.");
    const given = url.searchParams.get("code") ?? "";
    if (!code_form.test(given)) return answer(response, 400, "GitHub sent no code along.");
    answer(response, 200, "The App is made. The rest is said where you started towline.");
    take(given);
  });
  const begin = (response: ServerResponse) => {
    const back = `http://${hostOf(server)}/back`;
    send(response, 200, startPage({ ...wish, back }, newAppPage(web, org, state)), new URL(web).origin);
  };
  await listening(server, port);
  const timer = setTimeout(() => fail(outside("nobody came back from GitHub", "run it again")), patience);
  return {
    start: `http://${hostOf(server)}/${door}`,
    code,
    close() {
      clearTimeout(timer);
      server.close();
      server.closeAllConnections();
    },
  };
}

const hostOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`;

const same = (one: string, other: string) =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      reject(configuration(`port ${port} of this machine cannot be used (${code})`, "name another: --port")),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
}

const answer = (response: ServerResponse, status: number, text: string) => send(response, status, endPage(text));

/** `form`: the one place to which the page may send something. */
function send(response: ServerResponse, status: number, body: string, form = "'none'"): void {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action ${form}`,
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    connection: "close",
  });
  response.end(body);
}

const made = z.object({
  id: z.number().int().positive().transform(String),
  slug: z.string().regex(/^[\w-]{1,100}$/),
  html_url: z.string().regex(/^https?:\/\/[^\s<>"'`]{1,300}$/),
  pem: z.string().regex(/^-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{100,20000}$/),
});
export type MadeApp = z.infer<typeof made>;

/** The code for the App's key. It counts once, for an hour. `keep` hears of the key before anything else is done. */
export async function exchange(
  code: string,
  { url, fetch }: { url: string; fetch: typeof globalThis.fetch },
  keep: (name: string, value: string) => void,
): Promise<MadeApp> {
  const api = createApi({ url, token: "", variable: "no variable", wall: 30, fetch });
  try {
    const app = await api.get("the new App", ({ apps }) => apps.createFromManifest({ code }), made);
    keep("the App's key", app.pem);
    return app;
  } catch (thrown) {
    if (!(thrown instanceof ApiFault)) throw thrown;
    throw outside(
      `GitHub gave no key for the new App: ${thrown.message}`,
      "delete the App on GitHub, where it was made (Settings → Developer settings), and run this again",
      thrown,
    );
  } finally {
    api.close();
  }
}

/** A new file that only its owner reads. One that is there already stays. */
export async function writeKey(file: string, pem: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(pem.endsWith("\n") ? pem : `${pem}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw configuration(
      code === "EEXIST" ? `${file} is there already, and stays as it is` : `${file} cannot be written (${code})`,
      "name another file: --key-file; the App's page on GitHub makes a new key",
    );
  }
}
