// Tasks about repositories, and guards of agents: what cannot be right is named where it stands.
import { expect, test } from "vitest";
import { checked, places } from "./pack.ts";

const task = (more: string) => `---\ntitle: T\nagent: scout\n${more}---\nLook.\n`;
const agent = (more: string) => `---\nruntime: claude\nhosts: label:web\n${more}---\nCareful.\n`;

test.each<[string, Record<string, string>, string[]]>([
  [
    "sound ones",
    {
      "tasks/a.md": task("repo: .\nsetup: npm ci\nverify: npm test\n"),
      "tasks/b.md": task("repo: owner/name\n"),
      "tasks/c.md": task("repo: git@example.org:a/b.git\n"),
      "reviews/a-0123456789.md": "# Review of a-0123456789\n\n- src/a.ts:3: name it\n",
      "agents/scout.md": agent(
        "guard: {allow: [src/**], deny: '*.pem', max_files: 5, max_lines: 100, permit: [lock-files, modes]}\n",
      ),
    },
    [],
  ],
  ["no address", { "tasks/a.md": task("repo: over there\n") }, ["tasks/a.md:4 repo"]],
  ["a helper of git's as an address", { "tasks/a.md": task("repo: 'ext::sh -c x'\n") }, ["tasks/a.md:4 repo"]],
  ["a login in it", { "tasks/a.md": task("repo: https://a:b@example.org/x\n") }, ["tasks/a.md:4 repo"]],
  ["a draft is only warned of", { "tasks/a.md": task("repo: x\nstatus: draft\n") }, ["tasks/a.md:4 repo?"]],
  ["on every host", { "tasks/a.md": task("repo: .\nhosts: all\n") }, ["tasks/a.md:4 repo-each"]],
  [
    "setup and verify of nothing",
    { "tasks/a.md": task("setup: npm ci\nverify: npm test\n") },
    ["tasks/a.md:4 no-repo?", "tasks/a.md:5 no-repo?"],
  ],
  [
    "paths of nothing, paths that are slow, and too many",
    {
      "tasks/a.md": task("paths: src/**\n"),
      "tasks/b.md": task(`repo: .\npaths: '${"*a".repeat(9)}'\n`),
      "tasks/c.md": task(`repo: .\npaths: [${"x, ".repeat(20)}y]\n`),
      "tasks/d.md": task("repo: .\npaths: [src/**/a/**/*.ts, docs/]\n"),
    },
    ["tasks/a.md:4 no-repo?", "tasks/b.md:5 invalid", "tasks/c.md:5 invalid"],
  ],
  [
    "a permit that is none",
    { "agents/scout.md": agent("guard: {permit: [everything]}\n") },
    ["agents/scout.md:4 invalid"],
  ],
])("%s", (_, files, found) => {
  const judged = checked(files);
  expect(places(judged).map((place) => place.replace(/^([^:]+:\d+):\d+/, "$1"))).toEqual(found);
  expect(JSON.stringify(judged.problems)).not.toContain("a:b@");
});

test.each([
  [120, []],
  [121, ["tasks/a.md:2:8 title?"]],
  [500, ["tasks/a.md:2:8 title?"]],
  [501, ["tasks/a.md:2:8 title"]],
])("a title of %i characters", (length, found) => {
  const long = "x".repeat(length as number);
  expect(
    places(checked({ "tasks/a.md": `---\ntitle: ${long}\nagent: scout\n---\nLook.\n`, "agents/scout.md": agent("") })),
  ).toEqual(found);
});

test("the service's own token reaches no other repository: work there could not be pushed", () => {
  const workflow = (token: string) =>
    `jobs:\n  tick:\n    steps:\n      - run: npm run tick\n        env:\n          GITHUB_TOKEN: ${token}\n`;
  const found = (token: string, repo: string) =>
    places(
      checked({
        ".github/workflows/tick.yml": workflow(token),
        "tasks/a.md": task(`repo: ${repo}\n`),
        "agents/scout.md": agent(""),
      }),
    );
  expect(found("${{ github.token }}", "owner/name")).toEqual(["tasks/a.md:4:7 repo-token?"]);
  expect(found("${{ github.token }}", ".")).toEqual([]);
  expect(found("${{ secrets.APP_TOKEN }}", "owner/name")).toEqual([]);
});
