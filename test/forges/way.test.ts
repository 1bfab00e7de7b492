// As whom, and by which way, GitHub is asked: an App's short-lived tokens, a proxy, and nothing at all while nobody asks.
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { createEmulator } from "emulate";
import { afterEach, expect, test } from "vitest";
import { settings } from "../../src/core/schema.ts";
import { exit, type Fault } from "../../src/errors.ts";
import { createForge, type ForgeOptions, forgesOf } from "../../src/forges/index.ts";
import { canary, served } from "./stands.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
const env = { GITHUB_REPOSITORY: "alice/pack", APP_KEY: pem };
const forgeAt = (url: string, more: object, options: Partial<ForgeOptions> = {}) => {
  const { forge } = settings.parse({ id: "p", forge: { name: "github", url, ...more } });
  return createForge(forge, undefined as never, { env, origin: async () => null, paced: false, ...options });
};

async function hub() {
  const server = await createEmulator({
    service: "github",
    port: 0,
    seed: {
      github: {
        users: [{ login: "alice" }],
        repos: [{ owner: "alice", name: "pack", auto_init: true }],
        apps: [
          {
            app_id: 12,
            slug: "towline-app",
            name: "Towline",
            private_key: pem,
            permissions: { issues: "write", pull_requests: "write", contents: "write", metadata: "read" },
            installations: [
              {
                installation_id: 34,
                account: "alice",
                repository_selection: "all",
                permissions: { issues: "write", pull_requests: "write", contents: "write", metadata: "read" },
              },
            ],
          },
        ],
      },
    },
  });
  closing.push(() => server.close());
  return server;
}

test("an App's key buys a token, which is kept while it lasts and masked before it is used", async () => {
  const { url } = await hub();
  const kept: [string, string][] = [];
  const forge = forgeAt(url, { app: { id: "12", key: "APP_KEY" } }, { keep: (...one) => kept.push(one) });
  const id = String(((await (await fetch(`${url}/users/alice`)).json()) as { id: number }).id);
  expect(await forge.permission(".", { login: "alice", id })).toBe("admin");
  expect(await forge.permission(".", { login: "alice", id })).toBe("admin");
  const tokens = kept.filter(([name]) => name === "APP_KEY (installation)");
  expect(tokens).toEqual([["APP_KEY (installation)", expect.stringMatching(/^ghs_/)]]);
  expect(kept[0]).toEqual(["APP_KEY", pem]);
  // As pasted into many a secret.
  const pasted = { env: { ...env, APP_KEY: pem.replaceAll("\n", "\\n") } };
  const again = forgeAt(url, { app: { id: "12", key: "APP_KEY", installation: "34" } }, pasted);
  expect(await again.permission(".", { login: "alice", id })).toBe("admin");
});

test("an App that is not there, or a key that is none, is for a person, and shows no key", async () => {
  const { url } = await hub();
  const asked = (id: string, key: string) =>
    forgeAt(url, { app: { id, key: "APP_KEY" } }, { env: { ...env, APP_KEY: key } })
      .comments({ repo: ".", number: 1 })
      .then(
        () => null,
        (thrown) => thrown as Fault,
      );
  for (const [id, key] of [
    ["99", pem],
    ["12", "no key"],
  ] as const) {
    const thrown = await asked(id, key);
    expect(thrown?.code).toBe(exit.configuration);
    expect(`${thrown?.message} ${thrown?.advice}`).not.toContain(pem.split("\n")[1]);
  }
});

/** A proxy that notes where it was sent. */
async function proxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer();
  server.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const up = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      up.pipe(socket).pipe(up);
    });
    for (const one of [up, socket]) one.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test("goes through the proxy that the environment names, and past it where that says so", async () => {
  const one = await served();
  closing.push(one.close);
  const { url, asked } = await proxy();
  const through = { GITHUB_TOKEN: canary, GITHUB_REPOSITORY: "alice/pack", HTTP_PROXY: url };
  expect(await one.forge({ env: through }).permission(".", { login: "alice", id: "1" })).toBe("admin");
  expect(asked).toEqual([new URL(one.hub.url).host]);
  for (const NO_PROXY of ["127.0.0.1", "x.example, *", `127.0.0.1:${new URL(one.hub.url).port}`, ".0.0.1"]) {
    const past = { ...through, NO_PROXY };
    expect(await one.forge({ env: past }).permission(".", { login: "alice", id: "1" })).toBe("admin");
    expect(asked).toHaveLength(1);
  }
  const other = { ...through, NO_PROXY: "27.0.0.1, 127.0.0.1:1" };
  expect(await one.forge({ env: other }).permission(".", { login: "alice", id: "1" })).toBe("admin");
  expect(one.hub.asked).toHaveLength(6);
  // What is written is the same by that way.
  expect(await one.forge({ env: through }).propose(one.work)).toContain("/pull/1");
});

test("one forge a pack, made anew when its settings change", () => {
  const of = forgesOf(undefined as never, { env, origin: async () => null });
  const at = (forge: unknown) => of(settings.parse({ id: "p", forge }));
  expect(at("github")).toBe(at("github"));
  expect(at("github")).not.toBe(at("git"));
  expect(of(settings.parse({ id: "p" })).name).toBe("git");
});

test("nothing of GitHub's is loaded before something is asked of it", () => {
  const index = join(import.meta.dirname, "..", "..", "src", "forges", "index.ts");
  const script = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ resolve(specifier, context, next) { seen.push(specifier); return next(specifier, context); } });
    const { createForge } = await import(${JSON.stringify(index)});
    createForge({ name: "github", token: "T", wall: 1 }, {}, { env: {}, origin: async () => null });
    const before = seen.some((one) => /octokit|undici|github-session/.test(one));
    await createForge({ name: "github", token: "T", wall: 1 }, {}, { env: {}, origin: async () => null }).permission(".", {});
    console.log(before, seen.some((one) => /octokit/.test(one)));`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    stdio: "pipe",
  });
  expect(said.trim()).toBe("false true");
});
