// People on a forge, over real git: an issue becomes work and is answered, comments are obeyed, and what was not said is said later.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readBeatText } from "../../src/core/beat.ts";
import { conversations_path } from "../../src/core/conversations.ts";
import type { Poller } from "../../src/ports.ts";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { type FakeTalks, fakeTalks } from "../fakes/talks.ts";

vi.setConfig({ testTimeout: 90_000 });

let p: TestPack;
let talks: FakeTalks;
let ann: FakeMachine;
beforeEach(() => {
  talks = fakeTalks();
  talks.rights.set("7", "write").set("9", "read");
  ann = machine();
});
afterEach(() => p?.remove());

const fine: Script = () => ({ stdout: "all fine, @everyone", at: "2026-11-20T10:00:00Z" });
const issue = (by: string): Poller => ({
  name: "github",
  poll: async () => [
    {
      source: "github",
      subject: "o/r#5",
      family: "issue",
      kind: "issue.labelled",
      title: "Look at the logs",
      actor: { login: `user${by}`, id: by },
      data: { repo: "o/r", number: 5, body: "Please.", bot: false },
    },
  ],
});
const beat = () => {
  try {
    return readBeatText(p.at("show", "refs/towline/beat:beat.json"));
  } catch {
    return null;
  }
};
const tick = (time: string, script: Script = fine, pollers: Poller[] = []) =>
  runTick(p.clone, { ann }, script, {
    now: `2026-11-20T${time}:00Z`,
    conversations: talks,
    talked: beat()?.talked,
    pollers,
  });
const done = () => talks.done.map(({ to, what }) => `${to} ${what}`);
const files = (folder: string) => p.at("ls-tree", "-r", "--name-only", "main", folder).trim();

describe("an issue", () => {
  test("is work, an answer, and closed: in one tick; the next one does nothing at all", async () => {
    p = testPack({ ...basics(["ann"]), "towline.yml": `${basics(["ann"])["towline.yml"]}owners: ["user7:7"]\n` });
    const first = await tick("10:00", fine, [issue("7")]);
    expect(first.starts).toHaveLength(1);
    expect(done()).toEqual(["o/r#5 comment", "o/r#5 comment", "o/r#5 close"]);
    expect(talks.done[1]).toHaveProperty("text", expect.stringContaining("all fine, @everyone"));
    expect(talks.box?.body).toContain("Nothing waits for you.");
    const { writes } = talks;
    const next = await tick("10:30", fine, [issue("7")]);
    expect(next.commits).toEqual([]);
    expect(talks.writes).toBe(writes);
    // With the next commit it is forgotten what was to be said.
    p.push({ "tasks/more.md": md("title: More", "more") });
    await tick("11:00", fine, [issue("7")]);
    expect(p.file(conversations_path)).toBe("");
    expect(talks.done).toHaveLength(3);
  });

  test("of somebody without rights is nothing; while rights are not known it waits", async () => {
    p = testPack(basics(["ann"]));
    await tick("10:00", fine, [issue("9")]);
    expect(files("queue/")).toBe("");
    talks.rights.delete("8");
    talks.broken.permission = "down";
    const other = {
      ...issue("7"),
      poll: async () =>
        (await issue("7").poll({} as never, new Date(), { known: [] })).map((one) => ({ ...one, subject: "o/r#6" })),
    };
    await tick("10:30", fine, [other]);
    expect(files("queue/")).toBe("");
    await tick("11:00", fine, [other]);
    expect(files("queue/")).toMatch(/^queue\/look-at-the-logs-q[0-9a-f]{8}\.md$/);
    expect(done()).toEqual(["o/r#6 comment", "o/r#6 comment", "o/r#6 close"]);
  });
});

describe("comments", () => {
  const asks: Script = (_, { epoch }) =>
    epoch === 1
      ? { stdout: "half", outbox: { "01-ask.md": "May I drop the table?" }, at: "2026-11-20T10:00:00Z" }
      : { stdout: "dropped", at: "2026-11-20T11:00:00Z" };

  test("answer a question: the inbox shows it, one person is called, and the same tick goes on with the job", async () => {
    p = testPack({
      ...basics(["ann"]),
      "towline.yml": `${basics(["ann"])["towline.yml"]}owners: ["user7:7"]\n`,
      "tasks/drop.md": md("title: Drop", "drop it"),
    });
    await tick("10:00", asks);
    expect(done()).toEqual(["inbox comment"]);
    expect(talks.done[0]).toMatchObject({ mention: "user7" });
    expect(talks.box?.body).toContain("May I drop the table?");
    const number = /`\/towline answer ([0-9a-f]{4}) …`/.exec(talks.box?.body ?? "")?.[1];
    talks.say("c0", "2026-11-20T10:10:00Z", "inbox", `/towline answer ${number} no`, "9");
    expect((await tick("10:30", asks)).commits).toEqual([]);
    talks.say("c1", "2026-11-20T10:40:00Z", "inbox", `/towline answer ${number} yes`);
    const came = await tick("11:00", asks);
    expect(came.starts).toHaveLength(1);
    expect(p.file("status/drop.md")).toContain("state: done");
    expect(done()).toEqual(["inbox comment", "inbox comment"]);
    expect(talks.box?.body).toContain("Nothing waits for you.");
    expect((await tick("11:30", asks)).commits).toEqual([]);
  });

  test("that could not be read are read by the next tick, and this one goes on without", async () => {
    p = testPack({ ...basics(["ann"]), "tasks/drop.md": md("title: Drop", "drop it") });
    talks.say("c1", "2026-11-20T09:50:00Z", "inbox", "/towline stop");
    talks.broken.hear = "down";
    const first = await tick("10:00");
    expect(first.degraded).toEqual([expect.stringContaining("comments could not be read: hear: no answer")]);
    expect(first.starts).toHaveLength(1);
    await tick("10:30");
    p.push({ "tasks/more.md": md("title: More", "more") });
    expect((await tick("11:00")).starts).toEqual([]);
    expect(p.file("OVERVIEW.md")).toContain("by user7 stops everything");
  });
});

test.each(["down", "lost"] as const)("a forge that is %s while something is said hears it later, once", async (how) => {
  p = testPack(basics(["ann"]));
  talks.broken.post = how;
  const first = await tick("10:00", fine, [issue("7")]);
  expect(first.degraded).toEqual(["forge: not everything could be said: post: no answer"]);
  const next = await tick("10:30", fine, [issue("7")]);
  expect(next.commits).toEqual([]);
  expect(next.degraded).toEqual([]);
  expect(done()).toEqual(["o/r#5 comment", "o/r#5 comment", "o/r#5 close"]);
});
