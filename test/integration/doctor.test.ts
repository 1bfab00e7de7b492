// `towline doctor` and `towline upgrade` over real repositories, and an API that answers as GitHub's does.
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
  const plain = await cli(dir, ["doctor"], env);
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

test("a shallow clone guesses its growth by what lies in it; what cannot be mended is not touched", async () => {
  const dir = clone(origin(files), "--depth=1");
  const { out } = await cli(dir, ["doctor", "--offline"], env);
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
