// What a new pack is offered, what it gets, and which of its files stay towline's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestOf, type Fate, fates, listed, readGenerated, renderGenerated } from "../../src/core/generated.ts";
import { idFor, offer, pagesOf } from "../../src/core/init-choice.ts";
import { editorFiles } from "../../src/core/init-editor.ts";
import { packWorkflows, runLine, type Wished, workflow_files } from "../../src/core/init-workflows.ts";
import { slug } from "../../src/core/scalar.ts";
import { readYaml } from "../../src/core/split.ts";
import { tickEnv } from "../../src/core/tick-env.ts";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "../workflows/github-parser.ts";
import { read, rules } from "../workflows/rules.ts";

const root = join(import.meta.dirname, "..", "..");
const own = new Map(workflow_files.map((path) => [path as string, readFileSync(join(root, path), "utf8")]));
const wished: Wished = { version: "1.2.3", cron: "7,37 * * * *", pages: false, github: false, environment: null };

describe("workflows of a pack", () => {
  const variants: [string, Wished][] = [
    ["the smallest", wished],
    ["with all", { ...wished, cron: "7 */2 * * *", pages: true, github: true, environment: "towline" }],
  ];
  test.each(variants)("%s: GitHub's parser and every rule accept them", async (_name, how) => {
    for (const [path, text] of packWorkflows(own, how)) {
      const parsed = parseWorkflow({ name: path, content: text }, new NoOperationTraceWriter());
      expect(parsed.context.errors.getErrors().map(({ message }) => message)).toEqual([]);
      const template = parsed.value && (await convertWorkflowTemplate(parsed.context, parsed.value));
      expect(template?.errors ?? []).toEqual([]);
      const file = read(path, text);
      for (const [name, rule] of Object.entries(rules)) {
        // A pack has no lockfile: the version that it pins is named whole, and this line alone may fetch it.
        const own = (one: string) =>
          name === "adhoc-packages" &&
          /^(tick|check): /.test(one) &&
          one.includes(runLine("1.2.3", one.split(":")[0] ?? ""));
        expect([path, name, rule(file).filter((one) => !own(one))]).toEqual([path, name, []]);
      }
    }
  });

  test("they run the version that the pack pins, and hand over what the template's ticks get", () => {
    const files = packWorkflows(own, wished);
    const tick = files.get(".github/workflows/tick.yml") ?? "";
    expect(tick).toContain("towline@1.2.3 towline ci tick\n");
    expect(files.get(".github/workflows/check.yml")).toContain(
      'towline@1.2.3 towline ci check --fetch "refs/pull/$NUMBER/head"\n',
    );
    expect([...files.values()].join()).not.toMatch(/npm (ci|run)/);
    expect([...(tickEnv(tick)?.keys() ?? [])]).toEqual([
      ...(tickEnv(own.get(".github/workflows/tick.yml") ?? "")?.keys() ?? []),
    ]);
    expect(Object.keys((readYaml(tick) as { jobs: object }).jobs)).toEqual(["tick"]);
  });

  test("keys sit in their environment, and Pages beside none", () => {
    const tick = packWorkflows(own, variants[1]?.[1] ?? wished).get(".github/workflows/tick.yml") ?? "";
    const { jobs } = readYaml(tick) as { jobs: Record<string, { environment?: unknown; permissions: object }> };
    expect(jobs.tick?.environment).toBe("towline");
    expect(jobs.tick?.permissions).toEqual({
      contents: "write",
      checks: "read",
      "pull-requests": "write",
      issues: "write",
      statuses: "write",
    });
    expect(Object.keys(jobs)).toEqual(["tick", "pages"]);
  });
});

describe("what is offered", () => {
  const seen = { folder: "My Pack", tracked: [], github: undefined };
  test("a folder by itself: the ledger on the default branch, the free minutes, no site", () => {
    expect(offer(seen)).toMatchObject({ name: "My Pack", id: "my-pack", ledger: null, every: 1800, site: null });
  });
  test.each([
    ["code", { tracked: ["README.md", "src/a.ts"] }, "towline-ledger"],
    ["a protected branch", { protected: true }, "towline-ledger"],
    ["a README and a licence", { tracked: ["README.md", "LICENSE", ".gitignore"] }, null],
  ])("%s", (_what, more, ledger) => expect(offer({ ...seen, ...more }).ledger).toBe(ledger));
  test("a public repository gets its page and more ticks; a private one, or one not known, no page", () => {
    const github = { repository: "ada/pack" };
    expect(offer({ ...seen, github, private: false })).toMatchObject({
      every: 900,
      site: { publish: "pages", base: "/pack/" },
    });
    expect(offer({ ...seen, github, private: true }).site).toBe(null);
    expect(offer({ ...seen, github }).site).toBe(null);
    expect(offer({ ...seen, github, private: true, plan: "enterprise" }).every).toBe(900);
    expect(pagesOf("ada/Ada.github.io")).toEqual({ publish: "pages" });
  });
  test("an id is one whatever the name", () => {
    for (const name of ["Ünïcode!", "42", "***"]) expect(slug.safeParse(idFor(name)).success).toBe(true);
  });
});

test("the editor's files are what their readers take", () => {
  for (const [path, text] of editorFiles) if (!path.startsWith(".git")) expect(() => JSON.parse(text)).not.toThrow();
});

describe("files that are kept up to date", () => {
  const known = {
    version: "1.0.0",
    files: { a: digestOf("a1\n"), b: digestOf("b1\n"), c: digestOf("c1\n"), d: digestOf("d2\n") },
  };
  const fresh = new Map(["a", "b", "c", "d", "e", "f"].map((path) => [path, `${path}2\n`]));
  const there = new Map([
    ["a", "a1\n"],
    ["b", "mine\n"],
    ["d", "d2\n"],
    ["f", "theirs\n"],
  ]);
  test("what a person changed, removed or had before is left", () => {
    const kept = fates(fresh, there, known);
    expect(Object.fromEntries(kept.map(({ path, fate }) => [path, fate]))).toEqual({
      a: "changed",
      b: "edited",
      c: "gone",
      d: "same",
      e: "new",
      f: "edited",
    } satisfies Record<string, Fate>);
    const after = listed(kept, known, "2.0.0");
    // Next time, too.
    const again = fates(
      fresh,
      new Map([...there, ["a", "a2\n"], ["e", "e2\n"]]),
      readGenerated(renderGenerated(after)),
    );
    expect(again.filter(({ fate }) => fate !== "same").map(({ path, fate }) => [path, fate])).toEqual([
      ["b", "edited"],
      ["c", "gone"],
      ["f", "edited"],
    ]);
  });
  test("line ends alone are no change of a person's", () => {
    expect(fates(new Map([["a", "a2\n"]]), new Map([["a", "a1\r\n"]]), known)[0]?.fate).toBe("changed");
  });
  test("without the list everything that is there is a person's", () => {
    expect(fates(fresh, there, readGenerated("{")).filter(({ fate }) => fate === "changed")).toEqual([]);
  });
});
