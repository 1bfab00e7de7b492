// A company's own GitHub: REST below /api/v3, GraphQL below /api, a certificate of its own authority, and a proxy before it.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as proxyServer } from "node:http";
import { createServer, type Server } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const dir = mkdtempSync(join(tmpdir(), "towline-ca-"));
const at = (name: string) => join(dir, name);
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "ignore" });
const asked: string[] = [];
const passed: string[] = [];
let server: Server;
let proxy: ReturnType<typeof proxyServer>;
let port = 0;
let way = "";

const listen = (one: Server | typeof proxy) =>
  new Promise<number>((done) => one.listen(0, "127.0.0.1", () => done((one.address() as AddressInfo).port)));
const end = (one: Server | typeof proxy) =>
  new Promise((done) => {
    one.closeAllConnections();
    one.close(done);
  });

beforeAll(async () => {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=towline test authority");
  openssl(
    ...["req", "-x509", ...key, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "hub.key", "-out", "hub.pem"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"],
  );
  server = createServer(
    { key: readFileSync(at("hub.key")), cert: readFileSync(at("hub.pem")) },
    (request, response) => {
      const path = request.url?.split("?")[0] ?? "";
      asked.push(`${request.method} ${path}`);
      const latest = { tag_name: "v1.0.0", assets: [file(request.headers.host ?? "")] };
      const found = path === `${repo}/releases/latest` ? latest : answers[path];
      response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(found ?? { message: "Not Found" }));
    },
  );
  proxy = proxyServer();
  proxy.on("connect", ({ url = "" }, socket) => {
    passed.push(url);
    const up = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      up.pipe(socket).pipe(up);
    });
    for (const one of [up, socket]) one.on("error", () => {});
  });
  port = await listen(server);
  way = `http://127.0.0.1:${await listen(proxy)}`;
});
afterAll(async () => {
  await end(server);
  await end(proxy);
  rmSync(dir, { recursive: true, force: true });
});

const sha = "a".repeat(40);
const side = (ref: string) => ({ ref, sha, repo: { id: 1 } });
const pull = { id: 1, number: 1, state: "open", title: "t", head: side("towline/one"), base: side("main") };
const repo = "/api/v3/repos/alice/pack";
const answers: Record<string, unknown> = {
  "/dl/tool": "bytes",
  [`${repo}/pulls`]: [pull],
  "/api/graphql": {
    data: { repository: { pullRequest: { reviewThreads: { pageInfo: { hasNextPage: false }, nodes: [] } } } },
  },
};
/** Not what its digest says: so it is seen that the file itself came, and nothing has to be unpacked. */
const file = (host: string) => ({
  name: "tool",
  size: JSON.stringify("bytes").length,
  url: `https://${host}${repo}/releases/assets/1`,
  browser_download_url: `https://${host}/dl/tool`,
  digest: `sha256:${"0".repeat(64)}`,
});
const came = /^\[\]\ntool is not what its checksum says/;

/** In a process of its own: node reads its authorities when it starts. */
async function asks(env: Record<string, string>, door = port): Promise<string> {
  const src = (path: string) => JSON.stringify(join(import.meta.dirname, "..", "..", "src", path));
  const script = `
    import { createForge } from ${src("forges/index.ts")};
    import { createReleases } from ${src("shell/release.ts")};
    import { platformOf } from ${src("core/release.ts")};
    import { settings } from ${src("core/schema.ts")};
    const url = "https://localhost:${door}/api/v3";
    const all = settings.parse({ id: "p", forge: { name: "github", url }, releases: { tool: { github: "alice/pack", api: url, asset: "tool" } } });
    const env = process.env;
    const forge = createForge(all.forge, {}, { env, origin: async () => null });
    const said = (asked) => asked.then((one) => JSON.stringify(one), (thrown) => thrown.message);
    console.log(await said(forge.threads({ repo: ".", branch: "towline/one", head: "" })));
    const releases = createReleases(all, env);
    const machine = platformOf("x86_64");
    console.log(await said(releases.find("tool", undefined, machine).then((one) => releases.get("tool", one, machine))));`;
  const given = { PATH: process.env.PATH, GITHUB_TOKEN: "t0ken", GITHUB_REPOSITORY: "alice/pack", ...env };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env: given });
  return stdout;
}

test("is asked at its own paths when its authority is named, and not otherwise", async () => {
  expect(await asks({ NODE_EXTRA_CA_CERTS: at("ca.pem") })).toMatch(came);
  expect(asked).toEqual([`GET ${repo}/pulls`, "POST /api/graphql", `GET ${repo}/releases/latest`, "GET /dl/tool"]);
  asked.length = 0;
  expect(await asks({})).toMatch(/localhost:\d+ gives (UNABLE_TO_VERIFY|SELF_SIGNED)/);
  expect(asked).toEqual([]);
});

test("is reached through the proxy that the environment names: by the forge, and for releases", async () => {
  const named = { NODE_EXTRA_CA_CERTS: at("ca.pem"), HTTPS_PROXY: way };
  // Nobody listens there but behind the proxy.
  expect(await asks(named, 2)).toMatch(came);
  expect(new Set(passed)).toEqual(new Set(["localhost:2"]));
});
