// This repository is a working pack: its own records are read as any pack's are.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { everyFault } from "../../src/core/due.ts";
import { type Entry, kindOf, parseEntry } from "../../src/core/entry.ts";
import { examples } from "../../src/core/markdown.ts";
import { actionOf, judge, unknownOperators } from "../../src/core/rules.ts";
import { settings } from "../../src/core/schema.ts";
import { selectHosts } from "../../src/core/select.ts";
import { readYaml } from "../../src/core/split.ts";
import { action_names } from "../../src/core/triage.ts";

const root = join(import.meta.dirname, "..", "..");
const listed = execFileSync("git", ["-C", root, "ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
});
const paths = listed.split("\n").filter((path) => kindOf(path) !== null && existsSync(join(root, path)));
const read = (path: string) => parseEntry(path, kindOf(path) as "task", readFileSync(join(root, path), "utf8"));
const entries = paths.flatMap((path) => read(path).entry ?? []) as Entry[];
const of = <K extends Entry["kind"]>(kind: K) => entries.filter((entry): entry is Entry<K> => entry.kind === kind);

describe("records of this repository", () => {
  test.each(paths)("%s has nothing to mend", (path) => expect(read(path).problems).toEqual([]));

  test("towline.yml is read whole", () => {
    const given = readYaml(readFileSync(join(root, "towline.yml"), "utf8")) as Record<string, unknown>;
    expect(settings.parse(given).id).toBe("towline");
    expect(Object.keys(given).filter((name) => !(name in settings.shape))).toEqual([]);
  });

  test("links between records hold, and schedules can be read", () => {
    const names = new Set(entries.map((entry) => `${entry.kind}:${entry.id}`));
    for (const { data } of of("task")) {
      expect(names).toContain(`agent:${data.agent ?? "deckhand"}`);
      for (const before of data.after ?? []) expect(names).toContain(`task:${before}`);
      if (data.every) expect(everyFault(data.every)).toBeNull();
      expect(selectHosts(data.hosts, of("host"))).not.toEqual([]);
    }
  });

  test("nothing starts by accident: every host is cordoned", () => {
    for (const { data } of of("host")) expect(data.cordon).toBeTruthy();
  });
});

describe("rules of this repository", () => {
  test.each(of("rule").map((rule) => [rule.id, rule] as const))("%s does what its examples say", (_id, rule) => {
    expect(unknownOperators(rule.data.when)).toEqual([]);
    const actions = rule.data.then.map(actionOf);
    for (const action of actions) expect(action_names).toContain(action);
    const cases = examples(rule.body).map(({ text }) => readYaml(text) as { pupdate: object; verdict: string });
    expect(cases.map((one) => one.verdict)).toEqual(expect.arrayContaining([actions[0], "ignored"]));
    for (const one of cases) expect(judge(rule.data.when, one.pupdate).ok ? actions[0] : "ignored").toBe(one.verdict);
  });
});

test("`towline check` finds nothing to mend in it", () => {
  const told = execFileSync(process.execPath, [join(root, "bin", "towline"), "check", "--repo", root, "--json"], {
    encoding: "utf8",
  });
  expect(JSON.parse(told)).toMatchObject({ ok: true, errors: 0, warnings: 0 });
});

describe("papers", () => {
  test("AGENTS.md fits on a screen or two", () => {
    expect(readFileSync(join(root, "AGENTS.md"), "utf8").split("\n").length).toBeLessThanOrEqual(80);
  });

  const names = ["README.md", "AGENTS.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md"];
  test.each(names)("%s: its links inside the repository lead somewhere", (name) => {
    const text = readFileSync(join(root, name), "utf8");
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((found) => found[1] ?? "");
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });

  test("DECISIONS.md names the versions that are installed", () => {
    const text = readFileSync(join(root, "DECISIONS.md"), "utf8");
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
      string,
      Record<string, string>
    >;
    const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const [name, version] of Object.entries(wanted)) {
      const row = text.split("\n").find((line) => line.startsWith("|") && line.includes(`\`${name}\``));
      expect(`${name}: ${row}`).toContain(version);
    }
  });
});
