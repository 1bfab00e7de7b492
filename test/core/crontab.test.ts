// What goes on without towline.
import { expect, test } from "vitest";
import { cronOfEvery, crontab } from "../../src/core/crontab.ts";
import { readState } from "../../src/core/state.ts";

test.each([
  ["15 6 * * 1-5", "15 6 * * 1-5"],
  ["15m", "*/15 * * * *"],
  ["6h", "0 */6 * * *"],
  ["24h", "0 0 * * *"],
  ["1d", "0 0 * * *"],
  ["7d", "0 0 * * 0"],
  ["7m", null],
  ["90s", null],
  ["5h", null],
  ["0 0 6 * * *", null],
  ["@daily", null],
])("%s", (every, cron) => expect(cronOfEvery(every)).toBe(cron));

test("one line a machine for each, none that runs where a script would not do, and no word of a record is code", () => {
  const files = {
    "towline.yml": 'id: p\nname: "p % rm"\ndefaults: {agent: hand}\n',
    "agents/hand.md": "---\nruntime: shell\n---\n",
    "agents/mind.md": "---\nruntime: claude\n---\n",
    "hosts/a.md": "---\naddress: a.example\nuser: bot\n---\n",
    "hosts/b.md": '---\naddress: "b\'; rm -rf / #%"\nport: 2222\njump: a\n---\n',
    "tasks/each.md": "---\ntitle: Each\nevery: 6h\nhosts: all\n---\ndf\n",
    "tasks/ask.md": "---\ntitle: Ask\nagent: mind\nevery: 1d\n---\nWhy?\n",
    "tasks/rest.md": "---\ntitle: Rest\nstatus: paused\nevery: 1d\nhosts: a\n---\ntrue\n",
    "tasks/once.md": "---\ntitle: Once\n---\ntrue\n",
  };
  const sources = Object.entries(files).map(([path, text]) => ({ path, mode: "100644", text }));
  const { state } = readState({ policy: "0", ledger: null }, sources);
  if (!state) throw new Error("no state");
  const { text, files: made, tasks } = crontab(state, "/out/tasks", (body) => body);
  expect(tasks).toBe(3);
  expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
    "0 */6 * * * ssh -o BatchMode=yes -- bot@a.example 'sh -s' < /out/tasks/each.sh",
    "0 */6 * * * ssh -o BatchMode=yes -p 2222 -J bot@a.example:22 -- 'b'\\''; rm -rf / #\\%' 'sh -s' < /out/tasks/each.sh",
  ]);
  expect(text).toContain("# 0 0 * * *  claude did it; what it was told is in ask.md");
  expect(text).toContain("# it is paused\n# 0 0 * * * ssh");
  expect([...made.keys()].sort()).toEqual(["ask.md", "each.sh", "rest.sh"]);
});
