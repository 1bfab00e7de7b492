// What is told because nothing happens: only where a rule asks for it, once, and not while it is not so.
import { expect, test } from "vitest";
import { md } from "../fakes/pack.ts";
import { world } from "../fakes/world.ts";

const rule = (kind: string) => md(`when: {kind: ${kind}}\nthen: [{memo: '{{title}}'}]`);
const pack = (more: Record<string, string>) =>
  world({
    "towline.yml": "id: w\nname: w\n",
    "agents/hand.md": md("runtime: shell"),
    "hosts/home.md": md("address: 127.0.0.1\nslots: 1"),
    ...more,
  });
const done = () => ({ stdout: "done" });
const told = (changes: Map<string, unknown>[], kind: string) =>
  changes.flatMap((all) => [...all]).filter(([path, text]) => path.startsWith("pupdates/") && `${text}`.includes(kind));

test("a task whose time is long over is told once, and again only of another time", () => {
  const one = pack({
    "rules/r.md": rule("task.overdue"),
    "tasks/a.md": md("title: A\nagent: hand\ndue: 2026-11-20T09:00:00Z", "echo"),
  });
  one.down.add("home");
  expect(told(one.tick("2026-11-20T09:30:00Z", done), "task.overdue")).toEqual([]);
  expect(told(one.tick("2026-11-20T10:00:00Z", done), "task.overdue").length).toBe(1);
  expect(one.tick("2026-11-20T10:30:00Z", done)).toEqual([]);
  one.down.clear();
  for (const at of ["11:00", "11:30", "12:00"]) one.tick(`2026-11-20T${at}:00Z`, done);
  expect([...one.files].find(([path]) => path.startsWith("memos/"))?.[1]).toContain("closed by itself");
});

test("a week without anything is told once", () => {
  const one = pack({
    "rules/r.md": rule("week.quiet"),
    "tasks/a.md": md("title: A\nagent: hand", "echo"),
  });
  for (let n = 0; n < 3; n++) one.tick("2026-11-01T10:00:00Z", done);
  expect(one.tick("2026-11-08T09:00:00Z", done)).toEqual([]);
  expect(told(one.tick("2026-11-08T10:00:00Z", done), "week.quiet").length).toBe(1);
  expect(told(one.tick("2026-11-20T10:00:00Z", done), "week.quiet")).toEqual([]);
});

test("nobody hears of either who did not ask", () => {
  const one = pack({ "tasks/a.md": md("title: A\nagent: hand", "echo") });
  for (let n = 0; n < 3; n++) one.tick("2026-11-01T10:00:00Z", done);
  expect(one.tick("2026-12-01T10:00:00Z", done)).toEqual([]);
});
