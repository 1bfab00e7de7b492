// What ticks remember of insights and learnings: who was given them, and what becomes of those that are retired.
import { afterAll, expect, test } from "vitest";
import type { KnowledgeRow } from "../../src/core/knowledge-rows.ts";
import { cli } from "../fakes/cli.ts";
import { machine } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const packs: TestPack[] = [];
afterAll(() => {
  for (const pack of packs) pack.remove();
});

const stand = (files: Record<string, string>) => {
  const pack = testPack({
    ...basics(["ann"]),
    "agents/scout.md": md("runtime: picoclaw", "Careful.\n"),
    "hosts/ann.md": md("address: ann.example.org"),
    ...files,
  });
  packs.push(pack);
  const machines = { ann: machine({ slots: 8, runtimes: ["picoclaw", "shell"] }) };
  const tick = (now: string) => runTick(pack.clone, machines, () => ({ stdout: "\n🦞 fine\n" }), { now });
  const rows = () =>
    pack
      .file("state/knowledge.ndjson")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as KnowledgeRow);
  return { pack, tick, rows, row: (name: string) => rows().find(({ path }) => path === name) };
};

const memos = (pack: TestPack) =>
  pack
    .at("ls-tree", "-r", "--name-only", "main", "memos")
    .split("\n")
    .filter(Boolean)
    .map((path) => pack.file(path));

test("each counts once a job, a quiet tick writes nothing, and whoever retires one is told which jobs had it", async () => {
  const { pack, tick, row, rows } = stand({
    "insights/quiet.md": md("", "Never at night."),
    "insights/unread.md": md("scope: [label:web]", "Only there."),
    "learnings/small.md": md("", "In small steps."),
    "tasks/ask.md": md("title: Ask\nagent: scout", "Count."),
  });
  await tick("2026-11-20T10:00:00Z");
  expect(row("insights/quiet.md")).toMatchObject({ hits: 1, last_hit: "2026-11-20T10:00:00.000Z" });
  expect(row("learnings/small.md")).toMatchObject({ hits: 1 });
  expect(row("insights/unread.md")).toMatchObject({ hits: 0, confirmed: "2026-11-20T10:00:00.000Z" });
  expect(row("insights/unread.md")).not.toHaveProperty("last_hit");
  expect((await tick("2026-11-20T11:00:00Z")).commits).toEqual([]);

  // A person who changes one has looked at it; the other stays as it was.
  pack.push({ "insights/quiet.md": md("", "Never at night, nor at noon.") });
  await tick("2026-11-21T10:00:00Z");
  expect(row("insights/quiet.md")).toMatchObject({ hits: 1, confirmed: "2026-11-21T10:00:00.000Z" });
  expect(row("learnings/small.md")).toMatchObject({ confirmed: "2026-11-20T10:00:00.000Z" });

  pack.push({
    "insights/quiet.md": md("status: retired", "Never at night."),
    "learnings/small.md": null,
    "insights/unread.md": null,
  });
  await tick("2026-11-22T10:00:00Z");
  expect(rows()).toEqual([expect.objectContaining({ path: "insights/quiet.md", retired: true, hits: 1 })]);
  const said = memos(pack);
  expect(said).toHaveLength(2);
  const [job] = /ask-[0-9a-f]{10}/.exec(pack.at("ls-tree", "-r", "--name-only", "main", "jobs")) ?? [];
  for (const [name, how] of [
    ["insights/quiet.md", "is retired"],
    ["learnings/small.md", "was taken away"],
  ] as const) {
    const memo = said.find((text) =>
      text.includes(`${name} ${how}. Does work have to be looked at again? 1 job had it`),
    );
    expect(memo).toContain(`- [${job}](../../../jobs/2026/11/20/${job}.md)`);
  }
  expect(
    pack.at("grep", "-h", '"kind":"insight.retired"', "main", "--", "pupdates").split("\n").filter(Boolean),
  ).toHaveLength(2);
  expect((await tick("2026-11-22T11:00:00Z")).commits).toEqual([]);
  expect((await cli(pack.clone, ["check", "--at", "origin/main"])).said).toBe("");
});

test("of more insights than anybody is told, those that were confirmed last are; playbook says the same", async () => {
  const names = Array.from({ length: 45 }, (_, at) => `i${String(at).padStart(2, "0")}`);
  const { pack, tick } = stand({
    ...Object.fromEntries(names.map((name) => [`insights/${name}.md`, md("", `Words of ${name}.`)])),
  });
  await tick("2026-11-20T10:00:00Z");
  // The last ones by name are looked at again, and one comes in.
  pack.push({ "insights/i44.md": md("", "Said anew."), "insights/i43.md": md("", "Said anew, too.") });
  await tick("2026-11-21T10:00:00Z");
  pack.push({ "insights/zz-fresh.md": md("", "New here."), "tasks/ask.md": md("title: Ask\nagent: scout", "Count.") });
  const book = JSON.parse((await cli(pack.clone, ["playbook", "scout", "ask", "--json"])).out);
  expect(book.insights).toHaveLength(40);
  expect(book.insights.slice(0, 4)).toEqual(["zz-fresh", "i43", "i44", "i00"]);
  const words = (await cli(pack.clone, ["playbook", "scout", "ask"])).out;
  expect(words).toContain("### zz-fresh (insights/zz-fresh.md)\n\nNew here.");
  expect(words).not.toContain("Words of i42.");
  await tick("2026-11-22T10:00:00Z");
  const files = pack.at("ls-tree", "-r", "--name-only", "main", "jobs").trim().split("\n");
  expect(pack.file(files.find((path) => path.includes(".d/told-")) as string)).toBe(words);
});
