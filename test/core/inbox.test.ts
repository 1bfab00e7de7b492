// The inbox as a value: what it says, that a quiet tick leaves it alone, and that people are called once.
import { describe, expect, test } from "vitest";
import { conversations_path, type Post, post, postsDue, readTalks, talkRows } from "../../src/core/conversations.ts";
import { inboxOf } from "../../src/core/inbox.ts";
import type { FakeRun } from "../fakes/fleet.ts";
import { world } from "../fakes/world.ts";

const records = {
  "towline.yml": "id: pack\nowners: [ann:7, bob:8]\nzone: Europe/Berlin\n",
  "agents/ann.md": "---\nruntime: shell\n---\n",
  "hosts/one.md": "---\naddress: one\ntransport: local\n---\n",
  "tasks/drop.md": "---\ntitle: Drop it, @team\nagent: ann\n---\n\necho hi\n",
  "tasks/nightly.md": '---\ntitle: Nightly\nagent: ann\nevery: "0 3 * * *"\n---\n\necho hi\n',
};
const at = (minutes: number) => new Date(Date.parse("2026-11-20T10:00:00Z") + minutes * 60_000).toISOString();
const asking: FakeRun = { stdout: "half", outbox: { "01-ask.md": "May I drop the table?" } };
type World = ReturnType<typeof world>;
const web = { policy: "https://f.example/o/r/blob/main/", ledger: "https://f.example/o/r/blob/towline/" };
const box = (one: World, minutes = 0) => inboxOf(one.state(), new Date(at(minutes)), { web });
const calls = (one: World): Post[] =>
  readTalks(one.files.get(conversations_path)).posts.filter(({ to }) => to === "inbox");
const started = () => {
  const one = world(records);
  one.talks = true;
  return one;
};

describe("the inbox", () => {
  test("says what waits, what runs and what comes, with times that do not change by themselves", () => {
    const one = started();
    one.tick(at(0), () => null);
    expect(box(one).body).toMatch(
      /^Nothing waits for you\.\n\n### Runs\n\n- ● \[Drop it, @\u2060team\]\(https:\/\/f\.example\/o\/r\/blob\/towline\/jobs\/2026\/11\/20\/drop-[0-9a-f]{10}\.md\)\n {2}on one since 2026-11-20 11:00\n\n### Next \(Europe\/Berlin\)\n\n- 2026-11-21 03:00 \[Nightly\]\(https:/,
    );
    one.tick(at(1), () => asking);
    const { body, digest } = box(one, 1);
    expect(body).toMatch(
      /### Waits for you\n\n- \[drop asks: May I drop the table\?\]\(.*\/memos\/2026\/11\/.*\)\n {2}`\/towline answer [0-9a-f]{4} …` · until 2026-11-27 11:0\d\n/,
    );
    expect(body).toContain("Nothing runs.");
    expect(body).toContain("`/towline stop, /towline stop 2h, /towline stop off`");
    // Hours later, and in another tick, it is the same.
    expect(box(one, 600)).toMatchObject({ body, digest });
    expect(one.tick(at(30), () => null)).toEqual([]);
  });

  test("shows titles as they are read: no marks of code, and none that were made harmless", () => {
    const one = started();
    one.tick(at(0), () => asking);
    one.tick(at(1), () => asking);
    for (const [path, text] of one.files)
      if (path.startsWith("memos/"))
        one.files.set(path, text.replace(/^title: .*$/m, "title: Look at it (`towline review a-1`)"));
    expect(box(one).body).toContain("- [Look at it (towline review a-1)](");
  });

  test("one owner is called, once, when something new waits; nobody when it goes", () => {
    const one = started();
    one.tick(at(0), () => asking);
    one.tick(at(1), () => asking);
    expect(calls(one)).toHaveLength(1);
    expect(calls(one)[0]).toMatchObject({ what: "comment", mention: "ann" });
    expect(calls(one)[0]).toHaveProperty("text", expect.stringMatching(/^1 new thing for you:\n\n- drop asks/));
    expect(one.tick(at(30), () => null)).toEqual([]);
    for (const [path, text] of one.files)
      if (path.startsWith("memos/")) one.files.set(path, text.replace("status: open", "status: dismissed"));
    one.tick(at(31), () => null);
    expect(calls(one)).toHaveLength(1);
    expect(readTalks(one.files.get(conversations_path)).inbox).toBeNull();
  });

  test("nothing of it is written where there is no forge to talk on", () => {
    const one = world(records);
    one.tick(at(0), () => asking);
    one.tick(at(1), () => asking);
    expect(one.files.has(conversations_path)).toBe(false);
  });

  test("a stop stands above everything", () => {
    const one = started();
    one.files.set("STOP.md", "");
    expect(box(one).body).toMatch(/^\*\*‖ STOP\.md stops everything\*\*/);
  });
});

describe("posts", () => {
  const now = new Date(at(0));
  test("of one cause are one, are done in order and so many at a time, and are forgotten once done", () => {
    const talks = readTalks(undefined);
    for (let n = 0; n < 12; n++) {
      post(talks, `cause ${n}`, { at: at(0), to: "o/r#1", what: "comment", text: `${n}` });
      post(talks, `cause ${n}`, { at: at(1), to: "o/r#1", what: "comment", text: "again" });
    }
    expect(talks.posts).toHaveLength(12);
    const first = postsDue(talks, new Set());
    expect(first.map((one) => "text" in one && one.text)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    expect(postsDue(talks, new Set(first.map(({ id }) => id)))).toHaveLength(2);
    expect(readTalks(talkRows(talks, now))).toEqual(talks);
  });

  test("do not grow without end", () => {
    const talks = readTalks(undefined);
    for (let n = 0; n < 300; n++)
      post(talks, `${n}`, { at: at(0), to: "inbox", what: "comment", text: "x".repeat(50_000) });
    const kept = readTalks(talkRows(talks, now)).posts;
    expect(kept).toHaveLength(200);
    expect(kept.every((one) => "text" in one && one.text.length < 40_100)).toBe(true);
  });
});
