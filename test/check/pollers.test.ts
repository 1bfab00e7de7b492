// Settings of pollers, and whether the shipped workflow gives them what they need.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checked, places, sound } from "./pack.ts";

const path = ".github/workflows/tick.yml";
const shipped = readFileSync(join(import.meta.dirname, "..", "..", path), "utf8");
const polling = (github: string) => `${sound["towline.yml"]}pollers:\n  github:${github}`;
const found = (github: string, workflow: string | null = null) =>
  checked({ "towline.yml": polling(github), ...(workflow === null ? {} : { [path]: workflow }) });

describe("settings", () => {
  test.each([
    [
      "all of them",
      "\n    repos: [., a/b, a/b.c]\n    token: HUB\n    url: https://hub.example/api/v3\n    stale: 5d\n",
      [],
    ],
    ["a slip in a name", "\n    lable: x\n", ["towline.yml:7:12 unknown-field?"]],
    ["no repository", " {repos: [a]}\n", ["towline.yml:6:20 settings"]],
    ["a repository out of its place", " {repos: [a/..]}\n", ["towline.yml:6:20 settings"]],
    ["an address in clear text", " {url: http://hub.example}\n", ["towline.yml:6:17 settings"]],
    ["an address with a login", " {url: https://a:b@hub.example}\n", ["towline.yml:6:17 settings"]],
    ["an address that is none", " {url: hub}\n", ["towline.yml:6:17 settings"]],
    ["a loopback address", " {url: http://localhost:4000}\n", []],
    ["a duration without a unit", " {stale: 5}\n", ["towline.yml:6:19 settings"]],
  ])("%s", (_, github, wanted) => expect(places(found(github))).toEqual(wanted));

  test("an unknown poller is named with its place and the nearest one", () => {
    const said = checked({ "towline.yml": `${sound["towline.yml"]}pollers:\n  gitbub: {}\n  rss: {}\n` });
    expect(said.problems.map((one) => [one.line, one.message, one.fix])).toEqual([
      [6, "there is no poller `gitbub`", "did you mean `github`?"],
      [7, "there is no poller `rss`", "this version has github, calendar, http, repo"],
    ]);
  });

  test("a token in the place of its variable's name is not repeated", () => {
    const said = found(" {token: ghp_canary0123456789}\n");
    expect(places(said)).toEqual(["towline.yml:6:19 settings"]);
    expect(JSON.stringify(said)).not.toContain("canary");
  });
});

describe("the workflow of the ticks", () => {
  const rights = "      # pull-requests: read\n      # issues: read\n      # checks: read\n";
  const full = shipped.replace(rights, rights.replaceAll("# ", ""));

  test("as shipped lacks the rights that a private repository needs; with its comments taken out, nothing", () => {
    const said = found(" {}\n", shipped);
    expect(places(said)).toEqual(["towline.yml:6:11 poller-rights?"]);
    expect(said.problems[0]?.fix).toContain("`pull-requests: read`, `issues: read`, `checks: read`");
    expect(full).not.toBe(shipped);
    expect(places(found(" {}\n", full))).toEqual([]);
    expect(places(found(" {}\n", full.replace("checks: read", "checks: none")))).toEqual([
      "towline.yml:6:11 poller-rights?",
    ]);
  });

  test("that does not hand the token over is told by its name", () => {
    const said = found(" {token: HUB_TOKEN}\n", full);
    expect(places(said)).toEqual(["towline.yml:6:11 poller-token?"]);
    expect(said.problems[0]?.message).toContain("`HUB_TOKEN`");
    const given = full.replace("          GITHUB_TOKEN:", "          HUB_TOKEN: x\n          GITHUB_TOKEN:");
    expect(places(found(" {token: HUB_TOKEN}\n", given))).toEqual([]);
  });

  test("that sets no variable for another source is told by its name", () => {
    const text = `${sound["towline.yml"]}pollers:\n  http:\n    - {name: a, url: env:PLACE, headers: {x-key: env:KEY}}\n`;
    const said = checked({ [path]: shipped, "towline.yml": text });
    expect(said.problems.map((one) => one.message)).toEqual([
      expect.stringContaining("`http.a` reads the variable KEY"),
      expect.stringContaining("`http.a` reads the variable PLACE"),
    ]);
    const given = shipped.replace(
      "          GITHUB_TOKEN:",
      "          PLACE: x\n          KEY: y\n          GITHUB_TOKEN:",
    );
    expect(given).not.toBe(shipped);
    expect(checked({ [path]: given, "towline.yml": text }).problems).toEqual([]);
  });

  test("is not looked at by a pack that polls nothing", () => {
    expect(places(checked({ [path]: shipped }))).toEqual([]);
  });
});
