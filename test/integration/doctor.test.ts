// `towline doctor` and `towline upgrade` over real repositories, and an API that answers as GitHub's does.
import { generateKeyPairSync, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forgeFacts } from "../../src/shell/forge-facts.ts";
import { cli } from "../fakes/cli.ts";
import { clone, env, git, origin } from "../repo/origin.ts";

const tick = readFileSync(join(import.meta.dirname, "..", "..", ".github", "workflows", "tick.yml"), "utf8");
const files = {
  "towline.yml": "id: pack-1\ndefaults: {agent: scout}\n",
  ".github/workflows/tick.yml": tick,
  "agents/scout.md": "---\nruntime: shell\nenv: [API_KEY]\n---\n",
  "hosts/web1.md": "---\naddress: web1.example.org\nuser: bot\nkey: env:TOWLINE_SSH_KEY\n---\n",
};
const answers: Record<string, unknown> = {
  "/repos/ada/pack": { private: false, default_branch: "main" },
  "/repos/ada/pack/actions/workflows/tick.yml": { state: "disabled_inactivity" },
  "/repos/ada/pack/actions/permissions/workflow": { can_approve_pull_request_reviews: false },
  "/repos/ada/pack/environments": { environments: [] },
  "/repos/ada/other": { private: true, default_branch: "main" },
  "/repos/ada/other/environments": {
    environments: [
      { name: "all", deployment_branch_policy: null },
      { name: "main", deployment_branch_policy: { custom_branch_policies: true } },
      { name: "wide", deployment_branch_policy: { custom_branch_policies: true } },
      { name: "guarded", deployment_branch_policy: { protected_branches: true, custom_branch_policies: false } },
    ],
  },
  "/repos/ada/other/environments/main/deployment-branch-policies": { branch_policies: [{ name: "main" }] },
  "/repos/ada/other/environments/wide/deployment-branch-policies": {
    branch_policies: [{ name: "main" }, { name: "*" }],
  },
  "/repos/ada/pack/actions/variables/TOWLINE_STOP": { value: "1" },
};
let server: Server;
const asked: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url?.split("?")[0]}`);
    const found = answers[(request.url ?? "").split("?")[0] ?? ""];
    response.writeHead(found ? 200 : 403, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { message: "Resource not accessible by integration" }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterAll(() => server.close());

test("what keeps the pack from working, by the files and by the forge; then upgrade mends its part", async () => {
  const dir = clone(origin(files));
  // Beside a folder no CI service runs, and nothing is said of its schedule, secrets and minutes.
  const local = await cli(dir, ["doctor", "--json"], env);
  expect([JSON.parse(local.out).forecast.minutes, local.out.includes("API_KEY")]).toEqual([null, false]);
  const plain = await cli(dir, ["doctor"], { ...env, GITHUB_REPOSITORY: "ada/pack" });
  expect(plain.code).toBe(1);
  expect(plain.out).toContain("agents/scout.md:3: `API_KEY` is used here");
  expect(plain.out).toContain("○ not looked at: the forge's settings");
  expect(plain.out).toMatch(/^A month: 1,440 of 2,000 min, \$0, \d+ kB a year$/m);

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ci = { ...env, GITHUB_TOKEN: "t0ken", GITHUB_API_URL: url, GITHUB_REPOSITORY: "ada/pack" };
  const { out } = await cli(dir, ["doctor", "--json"], ci);
  const told = JSON.parse(out) as { findings: { code: string }[]; untold: string[] };
  expect(told.findings.map(({ code }) => code).sort()).toEqual([
    "disabled-schedule",
    "environment",
    "public-pack",
    "stopped",
    "unmapped-secret",
  ]);
  expect(told.untold.join()).toContain("names of secrets");
  expect(out).not.toContain("t0ken");
  expect(new Set(asked.map((one) => one.split(" ")[0]))).toEqual(new Set(["GET"]));

  expect((await cli(dir, ["upgrade", "--check"], env)).code).toBe(1);
  expect(git(dir, "status", "--porcelain")).toBe("");
  const mended = await cli(dir, ["upgrade"], env);
  expect([mended.code, mended.out]).toEqual([
    0,
    expect.stringMatching(/tick\.yml:\d+: \+ API_KEY: \$\{\{ secrets\.API_KEY \}\}/),
  ]);
  expect(git(dir, "diff", "--numstat")).toBe("1\t0\t.github/workflows/tick.yml");
  expect((await cli(dir, ["upgrade", "--check"], env)).code).toBe(0);
  expect((await cli(dir, ["doctor"], env)).code).toBe(0);
  expect((await cli(dir, ["doctor", "--forecast"], env)).out).toMatch(/^A month: .*\n$/);
});

test("an App is asked with its own key what it was granted; without the key that is said", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = String(privateKey.export({ type: "pkcs1", format: "pem" }));
  const rights = { contents: "write", pull_requests: "write", statuses: "write", checks: "read", metadata: "read" };
  const owner = { login: "acme", type: "Organization" };
  const seen: string[] = [];
  const granted = { permissions: rights, html_url: "https://hub.example/settings/installations/34" };
  const replies: Record<string, unknown> = {
    "/app": { slug: "towline-pack", owner, permissions: rights },
    "/repos/ada/pack/installation": granted,
  };
  const hub = createServer((request, response) => {
    const [, head = "", claims = "", mark = ""] =
      /^bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(request.headers.authorization ?? "") ?? [];
    const own = verify("RSA-SHA256", Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(mark, "base64url"));
    seen.push(`${request.method} ${request.url} ${own}`);
    const found = own ? replies[request.url ?? ""] : undefined;
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { message: "Not Found" }));
  });
  await new Promise<void>((done) => hub.listen(0, "127.0.0.1", done));
  try {
    const url = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
    const settings = `id: pack-1\nforge:\n  name: github\n  url: ${url}\n  app: {id: 12, key: APP_KEY}\n`;
    const dir = clone(origin({ "towline.yml": settings }));
    const ask = (more: object) =>
      cli(dir, ["doctor"], {
        ...env,
        GITHUB_REPOSITORY: "ada/pack",
        GITHUB_SERVER_URL: "https://hub.example",
        ...more,
      });
    const lacking = await ask({ APP_KEY: pem });
    expect(lacking.out).toContain(
      "✕ towline.yml:5: the App towline-pack lacks `issues: write` at ada/pack, which the ticks need",
    );
    expect(lacking.out).toContain("https://hub.example/organizations/acme/settings/apps/towline-pack/permissions");
    expect(lacking.code).toBe(1);
    expect(seen).toEqual(["GET /app true", "GET /repos/ada/pack/installation true"]);
    granted.permissions = { ...rights, ...{ issues: "write" } };
    expect((await ask({ APP_KEY: pem })).out).not.toContain("the App");
    delete replies["/repos/ada/pack/installation"];
    expect((await ask({ APP_KEY: pem })).out).toMatch(
      /the App towline-pack is not installed at ada\/pack\n.*\n.*https:\/\/hub\.example\/apps\/towline-pack\/installations\/new/,
    );
    const wrong = await ask({ APP_KEY: "none", GITHUB_TOKEN: "t0ken" });
    expect(wrong.out).toContain("○ not looked at: what the App may do: the variable APP_KEY holds no private key");
    expect((await ask({ GITHUB_TOKEN: "t0ken" })).out).toContain("what the App may do: set APP_KEY, and run it again");
  } finally {
    hub.close();
  }
});

test("a shallow clone guesses its growth by what lies in it; what cannot be mended is not touched", async () => {
  const dir = clone(origin(files), "--depth=1");
  const { out } = await cli(dir, ["doctor", "--offline"], { ...env, GITHUB_REPOSITORY: "ada/pack" });
  expect(out).toMatch(/min, \$0, about \d+ kB a year$/m);
  writeFileSync(join(dir, ".github", "workflows", "tick.yml"), "jobs: [");
  const broken = await cli(dir, ["upgrade"], env);
  expect([broken.code, broken.said]).toEqual([3, expect.stringContaining("cannot be read as YAML")]);
});

test("an environment is limited when no branch but the default one, or a protected one, may use it", async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const where = { url, web: "https://github.com", repository: "ada/other", token: "t0ken", variable: "T" };
  const { environments } = await forgeFacts(where);
  const limited = Object.fromEntries((environments ?? []).map((one) => [one.name, one.limited]));
  expect(limited).toEqual({ all: false, main: true, wide: false, guarded: true });
});
