import { expect, test } from "vitest";
import { roleFile, taskFile } from "../../src/core/brief.ts";
import type { Entry } from "../../src/core/entry.ts";
import { type Asked, type Knowledge, toldTo } from "../../src/core/knowledge.ts";

const entry = <K extends "insight" | "learning" | "skill">(kind: K, path: string, data: object, body = "text\n") =>
  ({
    path,
    id: path.split("/").at(-1)?.replace(/\.md$/, "") ?? "",
    kind,
    data,
    body,
    bodyLine: 1,
  }) as unknown as Entry<K>;
const insight = (id: string, more: object = {}, body?: string) =>
  entry("insight", `insights/${id}.md`, { status: "active", ...more }, body);
const learning = (id: string, more: object = {}) =>
  entry("learning", `learnings/${id}.md`, { status: "active", ...more });
const asked: Asked = {
  agent: "scout",
  skills: ["release"],
  labels: ["web"],
  repo: "owner/site",
  now: new Date("2026-11-20T10:00:00Z"),
  paths: ["src/a.ts", "README.md"],
};
const names = (knowledge: Partial<Knowledge>, more: Partial<Asked> = {}) => {
  const told = toldTo({ insights: [], learnings: [], skills: [], ...knowledge }, { ...asked, ...more });
  return [...told.insights, ...told.learnings, ...told.skills].map((one) => one.name);
};

test("insights go to whom they are for, while they are active and not expired, forty at most", () => {
  const insights = [
    insight("all"),
    insight("mine", { scope: ["scout"] }),
    insight("label", { scope: ["label:web"] }),
    insight("repo", { scope: ["owner/*"] }),
    insight("theirs", { scope: ["reviewer", "label:db", "other/*"] }),
    insight("retired", { status: "retired" }),
    insight("old", { expires: "2026-11-19T00:00:00Z" }),
    insight("still", { expires: "2026-11-21T00:00:00Z" }),
  ];
  expect(names({ insights })).toEqual(["all", "label", "mine", "repo", "still"]);
  expect(names({ insights: Array.from({ length: 60 }, (_, at) => insight(`i${at}`)) })).toHaveLength(40);
});

test("learnings apply by path and language; where no path is known, only what is for all", () => {
  const learnings = [
    learning("any"),
    learning("ts", { applies: ["typescript"] }),
    learning("docs", { applies: ["docs/**", "*.md"] }),
    learning("py", { applies: ["python", "*.toml"] }),
    learning("gone", { status: "retired" }),
  ];
  expect(names({ learnings })).toEqual(["any", "ts", "docs"]);
  expect(names({ learnings }, { paths: null })).toEqual(["any"]);
});

test("skills are those that the agent names, as a file or in a folder", () => {
  const skills = [
    entry("skill", "skills/release.md", {}),
    entry("skill", "skills/deploy/SKILL.md", {}),
    entry("skill", "skills/other.md", {}),
  ];
  expect(names({ skills })).toEqual(["release"]);
  expect(names({ skills }, { skills: ["deploy", "release"] })).toEqual(["release", "deploy"]);
});

test("they stand in the role and the task, below headings of their own", () => {
  const told = toldTo(
    {
      insights: [insight("quiet", {}, "# Never at night\nAsk first.\u202e\n")],
      learnings: [learning("tests")],
      skills: [],
    },
    asked,
  );
  const briefing = {
    ...{ task: { title: "T" }, prompt: "p", agent: "scout", character: "", notes: "", branch: "towline/t", round: 1 },
    ...{ remarks: [], letters: [], told },
  };
  expect(roleFile(briefing)).toContain(
    "## What is known here\n\n### quiet (insights/quiet.md)\n\n#### Never at night\nAsk first.⟨U+202E⟩\n",
  );
  expect(taskFile(briefing)).toContain("## Rules for such work\n\n### tests (learnings/tests.md)\n\ntext\n");
  expect(taskFile({ ...briefing, told: undefined })).not.toContain("Rules");
  const people = { ...told, people: ["Ada", "Bob `x`"] };
  expect(taskFile({ ...briefing, told: people })).toContain("## Who knows this area\n\n```text\nAda\nBob `x`\n```\n");
});
