// Settings of the forge, and whether the shipped workflow gives it what it needs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checked, places, sound } from "./pack.ts";

const path = ".github/workflows/tick.yml";
const shipped = readFileSync(join(import.meta.dirname, "..", "..", path), "utf8");
const found = (forge: string, workflow: string | null = null, more: Record<string, string> = {}) =>
  checked({
    "towline.yml": `${sound["towline.yml"]}forge:${forge}`,
    ...(workflow === null ? {} : { [path]: workflow }),
    ...more,
  });

describe("settings", () => {
  test.each([
    ["git", " git\n", []],
    ["github", " github\n", []],
    ["an address to link to", " https://code.example/a/b\n", []],
    [
      "all of them",
      "\n  name: github\n  url: https://hub.example/api/v3\n  app: {id: 12, key: APP_KEY, installation: 34}\n  wall: 10s\n",
      [],
    ],
    ["one that is not known", " gitlab\n", ["towline.yml:5:8 unknown-forge"]],
    ["one that is not known, with settings", "\n  name: gitlab\n", ["towline.yml:6:3 unknown-forge"]],
    ["an address in clear text", " {name: github, url: http://hub.example}\n", ["towline.yml:5:28 settings"]],
    [
      "an installation that is no number",
      " {name: github, app: {id: 1, key: K, installation: x}}\n",
      ["towline.yml:5:58 settings"],
    ],
    ["a slip below it", " {name: github, wal: 10s}\n", ["towline.yml:5:28 unknown-field?"]],
    [
      "a slip two below it",
      "\n  name: github\n  app: {id: 1, key: K, instalation: 2}\n",
      ["towline.yml:7:37 unknown-field?"],
    ],
  ])("%s", (_, forge, wanted) => expect(places(found(forge))).toEqual(wanted));

  test.each([
    ["forge:\n  name: github\n  wal: 10s\n", "forge.wal", "did you mean `wall`?"],
    ["releases:\n  claude: {npm: a, versoin: 1.2.3}\n", "releases.claude.versoin", "did you mean `version`?"],
    [
      "pollers:\n  calendar:\n    - {name: team, file: a.ics, led: 5m}\n",
      "pollers.calendar.0.led",
      "did you mean `lead`?",
    ],
    ["accounts:\n  max: {budgt: {}}\n", "accounts.max.budgt", "did you mean `budget`?"],
    ["site: {pubish: pages}\n", "site.pubish", "did you mean `publish`?"],
    ["embeddings: {url: https://m.example/v1, model: m, leest: 50}\n", "embeddings.leest", "did you mean `least`?"],
  ])("a slip in %j", (text, field, fix) => {
    const { problems } = checked({ "towline.yml": `${sound["towline.yml"]}${text}` });
    const said = problems.filter(({ code }) => code === "unknown-field");
    expect(said).toMatchObject([{ message: `\`${field}\` is not a setting`, fix }]);
  });

  test("a token in the place of its variable's name is not repeated", () => {
    expect(JSON.stringify(found(" {name: github, token: ghp_canary0123456789}\n"))).not.toContain("canary");
  });
});

test("the workflow has to hand the token over, with the right to open pull requests", () => {
  const said = found(" github\n", shipped.replace(/pull-requests: write/, "pull-requests: read"));
  expect(places(said)).toEqual(["towline.yml:5:8 forge-rights?"]);
  expect(said.problems[0]?.fix).toContain("`pull-requests: write`, `issues: write`, `statuses: write`");
  const rights = ["contents: write", "pull-requests: write", "issues: write", "statuses: write"];
  const granted = shipped.replace("contents: write", rights.join("\n      "));
  for (const one of rights) {
    const without = found(" github\n", granted.replace(one, one.replace("write", "read")));
    expect(without.problems.map(({ message }) => message)).toEqual([expect.stringContaining(one)]);
  }
  expect(places(found(" github\n", granted))).toEqual([]);
  expect(places(found(" {name: github, token: HUB}\n", granted))).toEqual(["towline.yml:5:8 forge-token?"]);
  expect(places(found(" {name: github, app: {id: 1, key: APP}}\n", granted))).toEqual(["towline.yml:5:8 forge-token?"]);
});

test("the CI service's own token ends at the pack's repository", () => {
  const task = { "tasks/far.md": "---\ntitle: Far\nrepo: acme/shop\n---\nMend it.\n" };
  expect(places(found(" github\n", null, task))).toEqual(["tasks/far.md:3:7 forge-reach?"]);
  expect(places(found(" {name: github, token: HUB}\n", null, task))).toEqual([]);
  expect(places(found(" git\n", null, task))).toEqual([]);
});
