// Comments with commands, in whole ticks as values: who is heard, what comes of it, and that it comes once.
import { describe, expect, test } from "vitest";
import { conversations_path, readTalks } from "../../src/core/conversations.ts";
import type { Heard } from "../../src/core/obey.ts";
import type { FakeRun } from "../fakes/fleet.ts";
import { world } from "../fakes/world.ts";

const records = (more: Record<string, string> = {}) => ({
  "towline.yml": "id: pack\nowners: [ann:7]\n",
  "agents/ann.md": "---\nruntime: shell\n---\n",
  "hosts/one.md": "---\naddress: one\ntransport: local\n---\n",
  "tasks/drop.md": "---\ntitle: Drop it\nagent: ann\n---\n\necho hi\n",
  ...more,
});
const start = Date.parse("2026-11-20T10:00:00Z");
const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString();
const done: FakeRun = { stdout: "dropped" };
const asking: FakeRun = { stdout: "half of it", outbox: { "01-ask.md": "May I drop the table?" } };

type World = ReturnType<typeof world>;
type More = Partial<Omit<Heard, "by">> & { by?: Partial<Heard["by"]> };
let count = 0;
function say(one: World, minutes: number, body: string, more: More = {}): void {
  const { by, ...rest } = more;
  one.said.push({
    id: `github:${++count}`,
    at: at(minutes),
    edited: false,
    own: false,
    body,
    place: { subject: "inbox", kind: "inbox" },
    ...rest,
    by: { login: "ann", id: "7", bot: false, permission: "write", ...by },
  });
}
const talks = (one: World) => readTalks(one.files.get(conversations_path));
const replies = (one: World) =>
  talks(one).posts.flatMap((post) => (post.what === "comment" ? [post.text.replaceAll("\u2060", "")] : []));
const only = (one: World, folder: string) => {
  const found = [...one.files].filter(([path]) => path.startsWith(`${folder}/`));
  expect(found).toHaveLength(1);
  return found[0] as [string, string];
};
const idle = (one: World, minutes: number) => expect(one.tick(at(minutes), () => done)).toEqual([]);

/** A pack whose one task has run. */
function ran(more: Record<string, string> = {}): World {
  const one = world(records(more));
  one.tick(at(0), () => done);
  one.tick(at(1), () => done);
  return one;
}

describe("run", () => {
  test("makes a task of its own from people's, once a comment", () => {
    const one = ran();
    say(one, 2, "/towline run drop");
    one.tick(at(3), () => done);
    const [path, text] = only(one, "queue");
    expect(path).toMatch(/^queue\/drop-q[0-9a-f]{8}\.md$/);
    expect(text).toContain("asked_by: ann");
    expect(text).toContain("echo hi");
    expect(one.files.get("tasks/drop.md")).toBe(records()["tasks/drop.md"]);
    one.tick(at(4), () => done);
    expect(one.starts).toHaveLength(2);
    expect(replies(one)[0]).toMatch(/^✓ Drop it \(`tasks\/drop.md`\) runs once more, as drop-q[0-9a-f]{8} /);
    idle(one, 5);
    expect(
      [...one.files].find(
        ([file]) => file.startsWith("pupdates/") && one.files.get(file)?.includes("command.given"),
      )?.[1],
    ).toContain('"login":"ann"');
  });

  test("raises the number of a task of the queue, and says no where a run is open", () => {
    const one = ran();
    say(one, 2, "/towline run drop");
    one.tick(at(3), () => done);
    const id = only(one, "queue")[0].slice(6, -3);
    one.tick(at(4), () => done);
    say(one, 5, `/towline run ${id}`);
    one.tick(at(6), () => null);
    expect(replies(one).at(-1)).toContain("runs again (`run: 2`)");
    expect(only(one, "queue")[1]).toContain("run: 2");
    expect(one.starts).toHaveLength(3);
    say(one, 7, `/towline run ${id}`);
    one.tick(at(8), () => null);
    expect(replies(one).at(-1)).toContain("is open already");
  });

  test("names what was meant, and what is in the way", () => {
    const one = ran({ "tasks/rest.md": "---\ntitle: Rest\nagent: ann\nstatus: paused\n---\n\necho\n" });
    say(one, 2, "/towline run dropp");
    say(one, 3, "/towline run rest");
    say(one, 4, "/towline run");
    say(one, 5, "/towline rnu drop");
    one.tick(at(6), () => done);
    expect(replies(one)).toEqual([
      "✕ there is no task and no open job `dropp`: did you mean `/towline run drop`?.",
      "✕ tasks/rest.md says `status: paused`: set it to ready there.",
      "✕ `run` names no task: write `/towline run TASK` (drop …).",
      "✕ there is no command `rnu`: did you mean `/towline run TASK`?.",
    ]);
    expect(one.starts).toHaveLength(1);
  });
});

describe("cancel", () => {
  test("writes the wish down, and whoever reaches the host ends it", () => {
    const one = world(records());
    one.tick(at(0), () => null);
    say(one, 1, "/towline cancel drop");
    one.tick(at(2), () => null);
    expect(only(one, "jobs")[1]).toContain("by: ann");
    expect(replies(one)[0]).toMatch(/^✓ to be ended: drop-[0-9a-f]{10} on one\.$/);
    say(one, 3, "/towline cancel drop");
    one.tick(at(4), () => null);
    expect(replies(one)[1]).toContain("is to be ended already");
  });

  test("of what does not run says what to do", () => {
    const one = ran();
    say(one, 2, "/towline cancel drop");
    one.tick(at(3), () => done);
    expect(replies(one)[0]).toBe(
      "✕ no run of drop is open: to keep it from running, set `status: paused` in tasks/drop.md.",
    );
  });
});

describe("answer, approve, drop", () => {
  const asked = () => {
    const one = world(records());
    one.tick(at(0), () => asking);
    one.tick(at(1), () => asking);
    const number = /-([0-9a-f]{4})[0-9a-f]{4}\.md$/.exec(only(one, "memos")[0])?.[1] as string;
    return { one, number };
  };

  test("the only question is meant without a number, and its job goes on with the words", () => {
    const { one } = asked();
    say(one, 2, "/towline answer yes, on Sunday");
    one.tick(at(3), () => done);
    expect(only(one, "memos")[1]).toMatch(/status: answered\nanswer: yes, on Sunday\nanswered_by: ann/);
    one.tick(at(4), () => done);
    one.tick(at(5), () => done);
    expect([...one.sent.values()].at(-1)?.assignment?.questions).toEqual([
      { question: "May I drop the table?", answer: "yes, on Sunday" },
    ]);
  });

  test("by its number; a wrong one is no answer", () => {
    const { one, number } = asked();
    say(one, 2, "/towline answer 00000000 yes");
    one.tick(at(3), () => done);
    expect(replies(one)[0]).toMatch(
      /^✕ nothing that is open has the number `00000000`: there is `\/towline answer [0-9a-f]{4}`/,
    );
    expect(only(one, "memos")[1]).toContain("status: open");
    say(one, 4, `/towline answer ${number} no\nnever`);
    one.tick(at(5), () => done);
    expect(only(one, "memos")[1]).toMatch(/answer: \|-\n {2}no\n {2}never/);
  });

  test("what was asked after the comment was written is not what it answers", () => {
    const { one } = asked();
    say(one, -5, "/towline answer yes");
    one.tick(at(2), () => asking);
    expect(replies(one)).toEqual([expect.stringContaining("nothing here waits for an answer")]);
    expect(only(one, "memos")[1]).toContain("status: open");
  });

  test("approve says yes, drop puts it away and ends its job", () => {
    const { one } = asked();
    say(one, 2, "/towline approve");
    one.tick(at(3), () => done);
    expect(only(one, "memos")[1]).toContain("answer: 'yes'");
    const other = asked();
    say(other.one, 2, `/towline drop ${other.number}`);
    other.one.tick(at(3), () => done);
    expect(only(other.one, "memos")[1]).toContain("status: dismissed");
    expect(only(other.one, "jobs")[1]).toContain("state: cancelled");
  });

  test("approve lets a task that an agent asked for become work", () => {
    const one = world(
      records({
        "rules/ask.md":
          "---\nwhen: {kind: job.replied}\nthen:\n  - task: {title: More, agent: ann, prompt: echo more}\n---\n",
      }),
    );
    one.tick(at(0), () => ({ stdout: "x", outbox: { "01-reply.md": "more, please" } }));
    one.tick(at(1), () => done);
    const id = only(one, "queue")[0].slice(6, -3);
    expect(only(one, "queue")[1]).toContain("status: draft");
    say(one, 2, `/towline run ${id}`);
    say(one, 3, `/towline approve ${id}`);
    one.tick(at(4), () => done);
    expect(replies(one)).toEqual([`✕ ${id} waits to be released: /towline approve ${id}.`, "✓ released: More"]);
    expect(only(one, "queue")[1]).toContain("status: ready");
    expect(only(one, "memos")[1]).toContain("status: answered");
    one.tick(at(5), () => done);
    expect(one.starts.at(-1)).toContain(id);
  });
});

describe("stop", () => {
  const two = { "tasks/late.md": "---\ntitle: Late\nagent: ann\ndue: 2026-11-20T10:30:00Z\n---\n\necho\n" };

  test("holds everything back until an owner takes it back", () => {
    const one = ran(two);
    say(one, 20, "/towline stop the disk is full", { by: { login: "eve", id: "9", permission: "write" } });
    one.tick(at(21), () => done);
    one.tick(at(40), () => done);
    expect(one.starts).toHaveLength(1);
    expect(one.files.get("status/late.md")).toContain("by eve stops everything");
    expect(one.files.get("OVERVIEW.md")).toContain("by eve stops everything");
    say(one, 41, "/towline stop off", { by: { login: "eve", id: "9", permission: "write" } });
    one.tick(at(42), () => done);
    expect(replies(one).at(-1)).toBe("✕ `stop off` on the pack's policy takes an owner or an admin.");
    expect(one.starts).toHaveLength(1);
    say(one, 43, "/towline stop off");
    one.tick(at(44), () => done);
    one.tick(at(45), () => done);
    expect(one.starts).toHaveLength(2);
  });

  test("for a while, and for what runs as well", () => {
    const one = ran(two);
    say(one, 20, "/towline stop 1h");
    one.tick(at(21), () => done);
    one.tick(at(40), () => done);
    expect(one.starts).toHaveLength(1);
    one.tick(at(81), () => null);
    expect(one.starts).toHaveLength(2);
    say(one, 82, "/towline stop now");
    one.tick(at(83), () => ({ ...done, end: "cancelled" as const }));
    expect(replies(one).at(-1)).toContain("what runs is ended");
    expect(one.state().talks.stop).toMatchObject({ by: "ann", cancel: true });
  });

  test("a stop that cannot be read still means stop", () => {
    expect(readTalks('{"by":"ann","at":"2026-\n').stop).toMatchObject({ by: "somebody" });
    expect(readTalks('{"comment":"x","at":"2026-\n').stop).toBeNull();
  });
});

describe("why", () => {
  test("says what the records say", () => {
    const one = ran();
    say(one, 2, "/towline why drop");
    one.tick(at(3), () => done);
    expect(replies(one)[0]).toMatch(/^✓ Drop it \(`status\/drop.md`\) is done: done at 2026-11-20T10:0\d:\d\dZ on one/);
  });
});

describe("who is heard", () => {
  const nobody: [string, More][] = [
    ["a stranger", { by: { login: "eve", id: "9", permission: "none" } }],
    ["a reader", { by: { login: "eve", id: "9", permission: "read" } }],
    ["an account that looks like the owner's", { by: { login: "аnn", id: "9", permission: "read" } }],
    ["a bot with every right", { by: { login: "ci[bot]", id: "9", bot: true, permission: "admin" } }],
    ["towline itself", { own: true, by: { permission: "admin" } }],
    ["an owner who was removed", { by: { permission: "none" } }],
    [
      "the author of a fork",
      {
        by: { login: "eve", id: "9", permission: "read" },
        place: { subject: "o/r#3", kind: "proposal", fork: "9" },
      },
    ],
  ];
  test.each(nobody)("not %s: nothing is done, nothing is said, nothing is written", (_, more) => {
    for (const body of ["/towline run drop", "/towline stop now", "/towline why drop", "/towline rnu"]) {
      const one = ran();
      say(one, 2, body, more);
      idle(one, 3);
    }
  });

  test("what a stranger wrote is remembered with the next commit, and does not count when they become one of us", () => {
    const one = ran();
    say(one, 2, "/towline run drop", { id: "early", by: { login: "eve", id: "9", permission: "none" } });
    say(one, 2, "/towline why drop");
    one.tick(at(3), () => done);
    expect(talks(one).heard.map(({ comment }) => comment)).toContain("early");
    one.said = [];
    say(one, 2, "/towline run drop", { id: "early", by: { login: "eve", id: "9", permission: "write" } });
    idle(one, 4);
  });

  test("while rights cannot be looked up nothing is done, and it is tried again", () => {
    const one = ran();
    say(one, 2, "/towline run drop", { id: "later", by: { permission: "unknown" } });
    idle(one, 3);
    (one.said[0] as Heard).by.permission = "write";
    one.tick(at(4), () => done);
    expect(one.starts).toHaveLength(2);
  });

  test("an edited comment counts for nobody, and its author is told once", () => {
    const one = ran();
    say(one, 2, "/towline run drop", { edited: true });
    one.tick(at(3), () => done);
    expect(replies(one)).toEqual(["✕ its text was changed after it was written: write it anew."]);
    expect(one.starts).toHaveLength(1);
    (one.said[0] as Heard).edited = false;
    idle(one, 4);
  });

  test("a comment that is over a week old is not heard", () => {
    const one = ran();
    say(one, -8 * 24 * 60, "/towline run drop");
    say(one, 2, "/towline run drop", { at: "some day" });
    idle(one, 3);
  });

  test("the same comment is obeyed once, however often it is read", () => {
    const one = ran();
    say(one, 2, "/towline run drop");
    one.said.push({ ...(one.said[0] as Heard) });
    one.tick(at(3), () => done);
    one.tick(at(4), () => done);
    idle(one, 5);
    expect(one.starts).toHaveLength(2);
    expect(replies(one)).toHaveLength(1);
  });
});
