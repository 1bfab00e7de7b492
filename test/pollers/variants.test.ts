// What holds for every source that is no forge: nothing twice, nothing lost, no word of a secret, and a fault is a level.
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Settings, settings } from "../../src/core/schema.ts";
import { createPollers } from "../../src/pollers/index.ts";
import type { PollContext } from "../../src/ports.ts";
import { openRepo } from "../../src/shell/repo.ts";
import { basics, testPack } from "../fakes/pack.ts";
import { type Memory, memory } from "./hub.ts";
import { tagged, type Web, web } from "./web.ts";

vi.setConfig({ testTimeout: 60_000 });
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const key = "key_canary0123456789abcdef";
const now = new Date("2026-11-20T08:50:00Z");

interface Stage {
  settings: Settings;
  /** Makes one thing happen. */
  change(): Promise<void>;
  /** Breaks the source. */
  breaks(): Promise<void>;
  own?: () => Promise<PollContext["own"]>;
  /** `kind subject` of what the change is told as. */
  news: RegExp;
}

const named = (pollers: object) => settings.parse({ id: "test-pack", zone: "Europe/Berlin", pollers });

async function served(): Promise<Web> {
  const made = await web();
  ends.push(() => made.close());
  return made;
}

const event = (uid: string, at: string, more = "") =>
  `BEGIN:VEVENT\r\nUID:${uid}\r\nDTSTART:${at}\r\nSUMMARY:Stand-up @all <b>\r\n${more}END:VEVENT\r\n`;
const ics = (...events: string[]) => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${events.join("")}END:VCALENDAR\r\n`;

async function pack() {
  const made = testPack(basics([], ""));
  ends.push(() => made.remove());
  const repo = await openRepo(made.clone);
  return { made, own: async () => ({ repo, tips: await repo.fetch() }) };
}

const stages: Record<string, () => Promise<Stage>> = {
  async http() {
    const server = await served();
    const list = [{ id: 1, title: "Disk", status: "firing" }];
    server.answer = tagged(() => JSON.stringify({ data: list }));
    return {
      settings: named({
        http: [{ name: "alerts", url: server.url, token: "KEY", list: "data", state: "status", kind: "alert.changed" }],
      }),
      change: async () => void list.push({ id: 2, title: "Load\u202e\n::error::x", status: "firing" }),
      breaks: () => server.close(),
      news: /^alert\.changed alerts\/2$/,
    };
  },
  async "calendar by its address"() {
    const server = await served();
    const events = [event("a", "20261120T070000Z")];
    server.answer = tagged(() => ics(...events));
    return {
      settings: named({ calendar: [{ name: "team", url: server.url, headers: { "x-key": "env:KEY" } }] }),
      change: async () => void events.push(event("b", "20261120T090000Z")),
      breaks: () => server.close(),
      news: /^calendar\.starting team\/[0-9a-f]{12}$/,
    };
  },
  async "calendar in the pack"() {
    const { made, own } = await pack();
    made.push({ "team.ics": ics() });
    return {
      settings: named({ calendar: [{ name: "team", file: "team.ics" }] }),
      change: async () => made.push({ "team.ics": ics(event("b", "20261120T090000Z")) }),
      breaks: async () => made.push({ "team.ics": null }),
      own,
      news: /^calendar\.starting team\/[0-9a-f]{12}$/,
    };
  },
  async repo() {
    const { made, own } = await pack();
    let last = false;
    return {
      settings: named({ repo: {} }),
      change: async () => made.push({ "tasks/new.md": "---\ntitle: New\n---\nDo it.\n", "src/x.ts": "" }),
      breaks: async () => {
        last = true;
      },
      own: async () => {
        const given = await own();
        return last
          ? {
              ...given,
              repo: { ...given.repo, people: async () => null },
              tips: { ...given.tips, policy: "f".repeat(40) },
            }
          : given;
      },
      news: /^record\.changed tasks\/new\.md$/,
    };
  },
};

async function told(stage: Stage, ledger: Memory, poll = pollers(stage), at = now): Promise<string[]> {
  return ledger.take(await poll(ledger, at));
}

/** As a new process would poll: nothing is remembered but what stands in the ledger. */
const pollers = (stage: Stage, env: Record<string, string> = { KEY: key }) => {
  const [one] = createPollers({ env, origin: async () => null })(stage.settings);
  return async (ledger: Memory, at: Date) =>
    (await one?.poll(stage.settings, at, { known: ledger.rows, own: await stage.own?.() })) ?? [];
};

describe.each(Object.entries(stages))("%s", (_, make) => {
  test("tells a change once, in the commit that carries it, and nothing while nothing changes", async () => {
    const stage = await make();
    const ledger = memory(now);
    await told(stage, ledger);
    const rows = () => JSON.stringify(ledger.rows);
    const idle = rows();
    expect([await told(stage, ledger), rows()]).toEqual([[], idle]);
    await stage.change();
    const news = await told(stage, ledger);
    expect(news).toEqual([expect.stringMatching(stage.news)]);
    const after = rows();
    expect([await told(stage, ledger), await told(stage, ledger), rows()]).toEqual([[], [], after]);
  });

  test("tells it again, with the same id, when the commit that carried it was lost", async () => {
    const stage = await make();
    const [ledger, lost] = [memory(now), memory(now)];
    await told(stage, ledger);
    lost.take(await pollers(stage)(lost, now));
    await stage.change();
    expect(await told(stage, lost)).toEqual(await told(stage, ledger));
    const [one, other] = [ledger.raised.at(-1)?.id, lost.raised.at(-1)?.id];
    expect(one).toBe(other);
  });

  test("tells nothing twice when another ticker told it while this one was at work", async () => {
    const stage = await make();
    const ledger = memory(now);
    await told(stage, ledger);
    await stage.change();
    const [mine, theirs] = [await pollers(stage)(ledger, now), await pollers(stage)(ledger, now)];
    expect(ledger.take(theirs)).toHaveLength(1);
    expect(ledger.take(mine)).toEqual([]);
  });

  test("is a failed source when it cannot be read, forgets nothing, and is told once", async () => {
    const stage = await make();
    const ledger = memory(now);
    await told(stage, ledger);
    await stage.change();
    await told(stage, ledger);
    const before = ledger.rows.filter((row) => row.family !== "source" && row.family !== "cursor");
    await stage.breaks();
    expect(await told(stage, ledger)).toEqual([expect.stringMatching(/^source\.failed /)]);
    expect(await told(stage, ledger)).toEqual([]);
    expect(ledger.rows).toEqual(expect.arrayContaining(before));
  });

  test("gives levels of its own name, one line of harmless text each, and never what it is allowed with", async () => {
    const stage = await make();
    const ledger = memory(now);
    await told(stage, ledger);
    await stage.change();
    const all = [...(await pollers(stage)(ledger, now)), ...(await pollers(stage, {})(ledger, now))];
    expect(new Set(all.map((one) => one.source)).size).toBe(1);
    expect(JSON.stringify(all)).not.toContain(key);
    expect(all.map((one) => one.title).join("")).not.toMatch(/[\n\u202e]/);
  });
});
