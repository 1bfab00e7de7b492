// `towline init` over real repositories: nothing that is there is written over, and what the forge says is heeded.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { clone as cloned, env, git, hook, type Origin, origin, tempDir, write } from "../repo/origin.ts";

const person = { ...env, PATH: "/usr/bin:/bin" };
const code = { "src/a.ts": "export {};\n", ".gitattributes": "* text=auto\n", "README.md": "# Mine\n" };
const run = async (dir: string, ...args: string[]) => {
  const said = await cli(dir, ["init", ...args, "--yes", "--json"], person);
  return { ...said, made: said.out === "" ? null : JSON.parse(said.out) };
};
const clone = (from: Origin) => {
  const dir = cloned(from);
  git(dir, "config", "user.name", "Ada");
  git(dir, "config", "user.email", "ada@example.org");
  return dir;
};
const at = ({ bare }: Origin, path: string, ref = "main") => git(bare, "show", `${ref}:${path}`);
const paths = ({ bare }: Origin, ref: string) => git(bare, "ls-tree", "-r", "--name-only", ref).split("\n");

describe("beside code", () => {
  test("in the folder: what was there stays, the ledger gets a branch of its own, nothing is committed", async () => {
    const from = origin(code);
    const dir = clone(from);
    const { made, code: rc } = await run(dir);
    expect(rc).toBe(0);
    expect(made).toMatchObject({
      where: "here",
      ledger: "towline-ledger",
      kept: [".gitattributes"],
      check: { errors: 0, warnings: 0 },
    });
    expect(readFileSync(join(dir, ".gitattributes"), "utf8")).toBe(code[".gitattributes"]);
    expect(readFileSync(join(dir, "README.md"), "utf8")).toBe("# Mine\n");
    expect(git(dir, "rev-parse", "HEAD")).toBe(git(from.bare, "rev-parse", "main"));
    const again = await run(dir);
    expect([again.code, again.said]).toEqual([2, expect.stringContaining("is a pack already")]);
  });

  test("on no branch nothing is written that could be pushed to none; --push and --pr are two answers to one question", async () => {
    const from = origin(code);
    const dir = clone(from);
    git(dir, "checkout", "-q", "--detach");
    const said = await run(dir);
    expect([said.code, said.said]).toEqual([3, expect.stringMatching(/on no branch[\s\S]*git switch main/)]);
    const both = await run(dir, "--push", "--pr");
    expect([both.code, both.said]).toEqual([2, expect.stringContaining("give one of them")]);
    expect(git(dir, "status", "--porcelain")).toBe("");
    expect((await run(dir, "--push")).made).toMatchObject({ where: "pushed" });
  });

  test("--push: one commit on origin, and nothing of what the person has in hand", async () => {
    const from = origin(code);
    const dir = clone(from);
    write(dir, { "src/half.ts": "// not done\n", "src/a.ts": "export const a = 1;\n" });
    git(dir, "add", "src/half.ts");
    const { made } = await run(dir, "--push");
    expect(made).toMatchObject({ where: "pushed", kept: [".gitattributes"] });
    expect(paths(from, "main")).toEqual(expect.arrayContaining(["towline.yml", ".towline.json", "agents/scout.md"]));
    expect(paths(from, "main")).not.toContain("src/half.ts");
    expect(at(from, "src/a.ts")).toBe("export {};");
    expect(git(from.bare, "log", "-1", "--format=%an", "main")).toBe("Ada");
    expect(readFileSync(join(dir, "src/a.ts"), "utf8")).toBe("export const a = 1;\n");
  });

  test("a default branch that refuses the push gets a branch to merge", async () => {
    const from = origin(code);
    hook(
      from,
      "update",
      '[ "$1" != refs/heads/main ] || { echo "GH006: Protected branch update failed" >&2; exit 1; }',
    );
    const { made, code: rc } = await run(clone(from), "--push");
    expect(rc).toBe(0);
    expect(made).toMatchObject({ where: "proposed", branch: "towline/init", check: { errors: 0, warnings: 0 } });
    expect(paths(from, "main")).not.toContain("towline.yml");
    expect(at(from, "src/a.ts", "towline/init")).toBe("export {};");
    expect(made.next[0].does).toBe("Merge it");
  });
});

test("nobody to ask, a folder inside a repository, words that are no answer: said so, and nothing is written", async () => {
  const dir = join(tempDir(), "new");
  expect(await cli(dir, ["init"], person)).toMatchObject({
    code: 2,
    said: expect.stringContaining("nobody is there to be asked"),
  });
  const inner = join(clone(origin(code)), "src");
  expect(await run(inner)).toMatchObject({ code: 2, said: expect.stringContaining("a pack is a whole repository") });
  for (const wrong of [
    ["--ledger", "moon"],
    ["--site", "pages"],
    ["--runtime", "x"],
    ["--zone", "Mars/Base"],
  ])
    expect((await run(dir, ...wrong)).code).toBe(2);
  expect(existsSync(dir)).toBe(false);
});

test("a file where the folder should be, an origin that does not answer, one whose HEAD names no branch", async () => {
  const top = tempDir();
  writeFileSync(join(top, "notes"), "mine\n");
  for (const dir of [join(top, "notes"), join(top, "notes", "pack")])
    expect(await cli(top, ["init", dir, "--yes"], person)).toMatchObject({
      code: 2,
      said: expect.stringContaining("notes is not a folder"),
    });

  const far = await cli(top, ["init", join(top, "far"), "--yes", "--origin", join(top, "nowhere.git")], person);
  expect([far.code, far.out]).toEqual([4, expect.stringMatching(/did not take it: .*nowhere\.git' does not appear/)]);
  expect(far.out).toMatch(/1\. Push it: {2}(cd far && )?git push -u origin HEAD\n/);

  git(top, "init", "-q", "--bare", "-b", "trunk", join(top, "o.git"));
  const dir = join(top, "near");
  expect((await cli(top, ["init", dir, "--yes", "--origin", join(top, "o.git")], person)).code).toBe(0);
  expect(await cli(dir, ["tick"], person)).toMatchObject({
    code: 3,
    said: expect.stringMatching(/has `main`, but its HEAD names another one\n.*symbolic-ref HEAD refs\/heads\/main/),
  });
});

test("what stands in a folder is kept, and a bare repository beside it is not taken over", async () => {
  const dir = join(tempDir(), "new");
  mkdirSync(dir);
  writeFileSync(join(dir, "README.md"), "mine\n");
  mkdirSync(`${dir}.git`);
  expect(await run(dir)).toMatchObject({ code: 3, said: expect.stringContaining("is there already") });
  git(tempDir(), "init", "-q", "--bare", "-b", "main", join(dir, "..", "o.git"));
  const { made } = await run(dir, "--origin", join(dir, "..", "o.git"));
  expect(made).toMatchObject({ where: "pushed", kept: ["README.md"] });
  expect(readFileSync(join(dir, "README.md"), "utf8")).toBe("mine\n");

  // What the doctor says of it, in words: what is missing before anything can run.
  const fresh = await cli(dir, ["doctor"], person);
  expect(fresh.code).toBe(0);
  expect(fresh.out).toMatch(
    /^! hosts\/example\.md:1: there is no machine yet that may be called, so nothing can run\n {4}towline fleet add/,
  );
  const tick = join(dir, ".github/workflows/tick.yml");
  writeFileSync(tick, readFileSync(tick, "utf8").replace(/towline@\S+/, "towline@9.9.9"));
  const hub = { ...person, GITHUB_REPOSITORY: "ada/pack" };
  expect((await cli(dir, ["doctor"], hub)).out).toContain("the ticks fetch towline 9.9.9, and the pack names");
});

test("with a token: visibility, plan, owner and the environment come from the forge", async () => {
  const asked: string[] = [];
  const answers: Record<string, unknown> = {
    "GET /repos/ada/pack": { private: false, default_branch: "main" },
    "GET /repos/ada/pack/branches/main": { protected: false },
    "GET /user": { login: "ada", id: 42, plan: { name: "free" } },
    "PUT /repos/ada/pack/environments/towline": { name: "towline" },
    "POST /repos/ada/pack/environments/towline/deployment-branch-policies": { name: "main" },
  };
  const server = createServer((request, response) => {
    const key = `${request.method} ${request.url?.split("?")[0]}`;
    asked.push(key);
    const found = answers[key];
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { message: "Not Found" }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const folder = tempDir();
    git(folder, "init", "-q", "--bare", "-b", "main", join(folder, "ada", "pack.git"));
    const hub = {
      ...person,
      GITHUB_TOKEN: "t0ken-of-ada",
      GITHUB_API_URL: api,
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `url.${folder}/.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://github.com/",
    };
    const args = ["init", "--yes", "--json", "--origin", "https://github.com/ada/pack.git"];
    const { out, code: rc, said } = await cli(join(folder, "here"), args, hub);
    expect([rc, said]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({
      every: 900,
      site: "pages",
      where: "pushed",
      check: { errors: 0, warnings: 0 },
    });
    const settings = readFileSync(join(folder, "here", "towline.yml"), "utf8");
    expect(settings).toContain("owners: [ada:42]");
    expect(settings).toContain("forge: github");
    expect(settings).toContain("site: {publish: pages, base: /pack/}");
    expect(readFileSync(join(folder, "here", ".github/workflows/tick.yml"), "utf8")).toContain("environment: towline");
    expect(asked).toContain("POST /repos/ada/pack/environments/towline/deployment-branch-policies");
    expect(out).not.toContain("t0ken");

    // Code is there, and the forge says that its branch is protected: nobody has to ask for a pull request.
    answers["GET /repos/ada/pack/branches/main"] = { protected: true };
    answers["POST /repos/ada/pack/pulls"] = { html_url: "https://github.com/ada/pack/pull/7" };
    const from = origin(code);
    const dir = clone(from);
    git(dir, "remote", "set-url", "origin", "https://github.com/ada/pack.git");
    const there = {
      ...hub,
      GIT_CONFIG_KEY_0: `url.${from.bare}.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://github.com/ada/pack.git",
    };
    const asks = await cli(dir, ["init", "--yes", "--json"], there);
    expect([asks.code, JSON.parse(asks.out)]).toEqual([
      0,
      expect.objectContaining({
        where: "proposed",
        ledger: "towline-ledger",
        url: "https://github.com/ada/pack/pull/7",
      }),
    ]);
    expect(paths(from, "main")).not.toContain("towline.yml");
  } finally {
    server.close();
  }
});
