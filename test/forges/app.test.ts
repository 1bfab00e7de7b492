// `towline forge app create` against a server that does what GitHub does with a manifest, and the browser's part by hand.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { main } from "../../src/cli.ts";
import { exit } from "../../src/errors.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { clone, origin } from "../repo/origin.ts";

const pem = String(
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" }),
);
const secrets = ["client-s3cret-canary", "webhook-s3cret-canary", pem.split("\n")[3] as string];
const code = "a1b2c3d4e5f6a7b8";
let hub: Server;
let url = "";
const asked: { line: string; body: string; authorization: string | undefined }[] = [];
const replies: { status: number; body: object }[] = [];
let repo = "";
let home = "";

beforeAll(async () => {
  hub = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    asked.push({ line: `${request.method} ${request.url}`, body, authorization: request.headers.authorization });
    const made = {
      id: 4711,
      slug: "towline-pack",
      html_url: `${url}/apps/towline-pack`,
      pem,
      client_id: "Iv1.x",
      client_secret: secrets[0],
      webhook_secret: secrets[1],
    };
    const { status, body: said } = replies.shift() ?? { status: 201, body: made };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
  });
  await new Promise<void>((done) => hub.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
  repo = clone(origin({ "towline.yml": "id: pack-1\n" }));
});
afterAll(() => hub.close());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "towline-app-"));
  asked.length = 0;
  replies.length = 0;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

interface Run {
  out: string;
  said: string;
  code: number;
}

/** `browser` gets the address that a person opens. */
async function create(args: string[], browser: (start: string) => Promise<void>): Promise<Run> {
  const run: Run = { out: "", said: "", code: 0 };
  const browsed = Promise.withResolvers<void>();
  const say = (line: string) => {
    run.said += `${line}\n`;
    const start = /open (http:\S+)/.exec(line)?.[1];
    if (start) browser(start).then(browsed.resolve, browsed.reject);
  };
  const ran = main(["forge", "app", "create", "--repo", repo, ...args], {
    env: { PATH: process.env.PATH, GITHUB_SERVER_URL: url, GITHUB_API_URL: `${url}/api/v3` },
    cwd: home,
    home,
    clock: systemClock(),
    report: { progress: say, note: say, warning: say, error: say, summary: async () => {} },
    secrets: createSecrets({}),
    terminal: false,
    out: (text) => {
      run.out += text;
    },
    exit: (to) => {
      run.code = to;
    },
  });
  // A browser that finds a fault does not come back.
  await Promise.race([ran, browsed.promise.then(() => ran)]);
  return run;
}

const unquoted = (text: string) => text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");

type Manifest = { redirect_url: string; default_permissions: object } & Record<string, unknown>;

/** Opens the page, presses the button, and comes back as GitHub sends a browser back. */
async function press(
  start: string,
  back: (to: URL, state: string) => Promise<void>,
): Promise<{ manifest: Manifest; to: URL }> {
  const answer = await fetch(start);
  const page = await answer.text();
  expect(answer.headers.get("content-security-policy")).toContain(`form-action ${url}`);
  expect(page).not.toContain("<script");
  const manifest = JSON.parse(unquoted(/name="manifest" value="([^"]*)"/.exec(page)?.[1] ?? ""));
  const to = new URL(unquoted(/action="([^"]*)"/.exec(page)?.[1] ?? ""));
  await back(new URL(manifest.redirect_url), to.searchParams.get("state") ?? "");
  return { manifest, to };
}
const returned = async (to: URL, state: string, given = code) => {
  to.search = new URLSearchParams({ code: given, state }).toString();
  return (await fetch(to)).status;
};

test("the App is made, its key lies in one file, and what comes next is said", async () => {
  let seen: Awaited<ReturnType<typeof press>> | undefined;
  const {
    out,
    said,
    code: ended,
  } = await create(["--name", "Towline pack"], async (start) => {
    seen = await press(start, async (to, state) => {
      // Guessed, from elsewhere, or without a code: nothing is bought for that.
      expect(await returned(new URL(to), "0".repeat(state.length))).toBe(404);
      expect(await returned(new URL(to), state, "../../user")).toBe(400);
      expect(await named(to, "evil.example")).toBe(403);
      expect(await fetch(new URL("/", to)).then(({ status }) => status)).toBe(404);
      expect(asked).toEqual([]);
      expect(await returned(to, state)).toBe(200);
    });
  });
  expect(ended).toBe(0);
  expect(seen?.to.pathname).toBe("/settings/apps/new");
  expect(seen?.manifest).toMatchObject({ name: "Towline pack", public: false, default_events: [] });
  expect(seen?.manifest.default_permissions).toMatchObject({
    contents: "write",
    pull_requests: "write",
    checks: "read",
  });
  expect(seen?.manifest).not.toHaveProperty("hook_attributes");
  expect(asked.map(({ line }) => line)).toEqual([`POST /api/v3/app-manifests/${code}/conversions`]);
  const file = join(home, ".config", "towline", "TOWLINE_APP_KEY.pem");
  expect(readFileSync(file, "utf8")).toBe(pem);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(out).toContain(`${url}/apps/towline-pack/installations/new`);
  expect(out).toContain(`gh secret set TOWLINE_APP_KEY --env towline < '${file}'`);
  expect(out).toContain(`  url: ${url}/api/v3\n     app: {id: 4711, key: TOWLINE_APP_KEY}`);
  for (const secret of secrets) expect(out + said).not.toContain(secret);
});

const named = (to: URL, host: string) =>
  new Promise<number | undefined>((done) => {
    get(to, { headers: { host } }, (response) => {
      response.resume();
      done(response.statusCode);
    });
  });

test("for an organisation, as JSON, under a name of one's own", async () => {
  let page = "";
  const args = ["--org", "acme", "--secret", "PACK_KEY", "--key-file", "key.pem", "--json", "--no-browser"];
  const { out } = await create(args, async (start) => {
    page = (await press(start, async (to, state) => void (await returned(to, state)))).to.pathname;
  });
  expect(page).toBe("/organizations/acme/settings/apps/new");
  const told = JSON.parse(out);
  expect(told).toMatchObject({
    app: { id: "4711", slug: "towline-pack" },
    key: { secret: "PACK_KEY", file: join(home, "key.pem") },
  });
  expect(told.settings).toContain("app: {id: 4711, key: PACK_KEY}");
  for (const secret of secrets) expect(out).not.toContain(secret);
});

test("a code that does not count, half an answer, and a file that is there leave nothing half done", async () => {
  const go = (start: string) => press(start, async (to, state) => void (await returned(to, state))).then(() => {});
  replies.push({ status: 404, body: { message: "Not Found" } });
  const late = await create([], go);
  expect([late.code, late.out]).toEqual([exit.outside, ""]);
  expect(late.said).toContain("GitHub gave no key for the new App");
  replies.push({ status: 201, body: { id: 1, slug: "x", html_url: url, pem: "no key" } });
  expect((await create([], go)).code).toBe(exit.outside);
  // The code counts once: what was not answered is not asked again.
  replies.push({ status: 502, body: {} });
  asked.length = 0;
  expect((await create([], go)).code).toBe(exit.outside);
  expect(asked).toHaveLength(1);

  writeFileSync(join(home, "key.pem"), "mine");
  const before = await create(["--key-file", "key.pem"], go);
  expect(before.code).toBe(exit.configuration);
  expect(before.said).not.toContain("open http");
  expect(readFileSync(join(home, "key.pem"), "utf8")).toBe("mine");
});

test.each([
  ["--name", "<b>"],
  ["--org", "a/b"],
  ["--secret", "GITHUB_TOKEN"],
  ["--port", "99999"],
  ["--wait", "0"],
])("%s %s is refused before anything is begun", async (...args) => {
  const { code: ended, said } = await create(args, async () => {});
  expect(ended).toBe(exit.usage);
  expect(said).not.toContain("open http");
});
