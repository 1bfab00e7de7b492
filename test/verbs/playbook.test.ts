// What an agent would be told now, and what it was told: the same words.
import { afterAll, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { machine } from "../fakes/fleet.ts";
import { basics, md, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const pack = testPack({
  ...basics(["ann"]),
  "agents/scout.md": md("runtime: picoclaw\nskills: [release]\nenv: [API_TOKEN]", "Careful.\n"),
  "agents/hand.md": md("runtime: shell"),
  "hosts/ann.md": md("address: ann.example.org\nlabels: [web]", "The disk is slow."),
  "insights/quiet.md": md("scope: [label:web]", "Never at night."),
  "insights/repo.md": md("scope: [owner/*]", "Only for that repository."),
  "insights/gone.md": md("status: retired", "Not any more."),
  "learnings/types.md": md("applies: [typescript]", "Name the types."),
  "learnings/small.md": md("status: active", "In small steps."),
  "skills/release.md": md("title: Release", "Tag it."),
  "tasks/ask.md": md("title: Ask\nagent: scout\naccept: [it is counted]", "Count."),
  "tasks/script.md": md("title: Script\nagent: hand", "echo hi"),
});
afterAll(() => pack.remove());
const say = (...args: string[]) => cli(pack.clone, args);

test("what it would be told is what it is told, with what people wrote down for such an agent, and is kept", async () => {
  const book = await say("playbook", "scout", "ask");
  for (const text of [
    "# Ask",
    "Count.",
    "it is counted",
    "The disk is slow.",
    "Careful.",
    "### quiet",
    "### small",
    "Tag it.",
  ])
    expect(book.out).toContain(text);
  for (const text of ["Only for that repository", "Not any more", "Name the types"])
    expect(book.out).not.toContain(text);
  const asked = JSON.parse((await say("playbook", "scout", "tasks/ask.md", "--json")).out);
  expect(asked).toMatchObject({ host: "ann", insights: ["quiet"], learnings: ["small"] });
  expect(Object.keys(asked.texts)).toEqual(["AGENT.md", "TASK.md"]);
  const machines = { ann: machine({ slots: 8, runtimes: ["picoclaw", "shell"] }) };
  await runTick(pack.clone, machines, () => ({ stdout: "\n🦞 fine\n" }), { env: { API_TOKEN: "kx9-not-shown-77" } });
  const files = pack.at("ls-tree", "-r", "--name-only", "main", "jobs").trim().split("\n");
  const told = files.filter((path) => path.includes(".d/"));
  expect(told).toEqual([expect.stringMatching(/ask-\w+\.d\/told-1-\w{8}\.md$/)]);
  expect(pack.file(told[0] as string)).toBe(book.out);
  const record = pack.file(files.find((path) => /ask-\w+\.md$/.test(path)) as string);
  expect(record).toMatch(/^ {2}insights:\n {4}- quiet\n {2}learnings:\n {4}- small\n {2}told: told-1-\w{8}\.md$/m);
  expect(record).toMatch(/^\[What it was told\]\(ask-\w+\.d\/told-1-\w{8}\.md\)$/m);
  expect((await say("why", "learnings/small")).out).toMatch(
    /^learnings\/small\.md: active; 1 job given it\n {2}\S+ ask-/,
  );
  // Nothing reads it as a record, and a purge of the job takes it along.
  expect((await say("check")).said).toBe("");
  const id = /ask-\w+/.exec(told[0] as string)?.[0] as string;
  await say("purge", id);
  expect(pack.at("ls-tree", "-r", "--name-only", "main", "jobs")).not.toContain(".d/");
  expect(pack.file("status/ask.md")).not.toContain("told");
});

test("without a task it is what any task comes with; a script is told nothing; mistakes are named", async () => {
  expect((await say("playbook", "scout")).out).toMatch(/Careful\.[\s\S]*# \(the title of its task\)[\s\S]*### quiet/);
  expect((await say("playbook", "hand", "script")).out).toBe("hand runs scripts: it is told nothing in words.\n");
  expect(await say("playbook", "scot")).toMatchObject({
    code: 2,
    said: expect.stringContaining("did you mean scout?"),
  });
  expect((await say("playbook", "scout", "script")).said).toContain("towline playbook hand script");
});

test("of more learnings than anybody is told, those that are about the task are told", async () => {
  const many = testPack({
    ...basics(["ann"]),
    "agents/scout.md": md("runtime: picoclaw"),
    "hosts/ann.md": md("address: ann.example.org"),
    ...Object.fromEntries(
      Array.from({ length: 25 }, (_, at) => [`learnings/a${at}.md`, md("", `Paint wall ${at} in blue.`)]),
    ),
    "learnings/z.md": md("", "Each migration has a down step."),
    "tasks/ask.md": md("title: Add a column\nagent: scout", "By a migration."),
  });
  const asked = JSON.parse((await cli(many.clone, ["playbook", "scout", "ask", "--json"])).out);
  expect(asked.learnings).toHaveLength(20);
  expect(asked.learnings[0]).toBe("z");
  many.remove();
});
