// The plan comment: what a merge would change, from two commits as data.
import { describe, expect, test } from "vitest";
import { sound } from "../check/pack.ts";
import { cli } from "../fakes/cli.ts";
import { clone, env, git, origin, write } from "../repo/origin.ts";

const now = "2026-11-21T12:00:00Z";
const pupdate = (n: number, at: string, kind: string, title: string) =>
  JSON.stringify({ id: `p-${n}`, at, source: "hosts", kind, subject: `web${n}`, title, verdict: "ignored" });
const rule = (kind: string, more = "") =>
  `---\nwhen: {kind: ${kind}}\nthen: [{memo: "see to {{subject}}"}]\n${more}---\n`;
const pack: Record<string, string> = {
  ...sound,
  "agents/scout.md": "---\nruntime: claude\nhosts: label:web\nbudget: {usd: 0.5, day: {usd: 2}}\n---\nCareful.\n",
  "agents/costly.md": "---\nruntime: claude\nhosts: label:web\n---\nCareful.\n",
  "rules/loud.md": rule("disk.low"),
  "tasks/one.md": "---\ntitle: One\nstatus: paused\n---\nuptime\n",
  "tasks/due.md": "---\ntitle: Due anyway\n---\nuptime\n",
  "pupdates/2026/11/13/old.ndjson": `${pupdate(9, "2026-11-13T10:00:00Z", "disk.low", "too old")}\n`,
  "pupdates/2026/11/19/t.ndjson": [
    pupdate(1, "2026-11-19T10:00:00Z", "disk.low", "disk of web1 is low, @ada fixes #1"),
    pupdate(2, "2026-11-20T10:00:00Z", "disk.low", "disk of web2 | is low <img src=x>"),
    pupdate(3, "2026-11-20T11:00:00Z", "backup.late", "a backup is late"),
    '{"torn": ',
  ].join("\n"),
};

function proposed(files: Record<string, string>): string {
  const dir = clone(origin(pack));
  git(dir, "checkout", "-q", "-b", "proposal");
  write(dir, files);
  git(dir, "add", "-A");
  git(dir, "commit", "-q", "-m", "proposal");
  git(dir, "checkout", "-q", "main");
  return dir;
}
const commentOn = (dir: string) =>
  cli(dir, ["plan", "--head", "proposal", "--comment", "--now", now, "--at", "main"], env);

describe("towline plan --comment", () => {
  test("policy first, then what would start, where, for how much, and the rules of the last week", async () => {
    const dir = proposed({
      "agents/scout.md": "---\nruntime: claude\nhosts: label:web\nbudget: {usd: 5, day: {usd: 200}}\n---\nCareful.\n",
      "hosts/web2.md": "---\naddress: web2.example.org\nuser: bot\nlabels: [web]\n---\n",
      "src/x.ts": "process.exit(1)\n",
      "tasks/one.md": "---\ntitle: One\n---\nuptime\n",
      "tasks/costly.md": "---\ntitle: Costly\nagent: costly\n---\nuptime\n",
      "rules/loud.md": rule("disk.low", "off: true\n"),
      "rules/more.md": rule("backup.late"),
    });
    const { out, code } = await commentOn(dir);
    expect(code).toBe(0);
    expect(out.split("\n", 1)[0]).toBe("### What merging this would do");
    const places = [
      "Policy changes (5)",
      "The next tick would start 2",
      "Rules, over the 3 pupdates of the last 7 days",
    ];
    const found = places.map((words) => out.indexOf(words));
    expect(found, out).toEqual(found.toSorted((a, b) => a - b));
    expect(found[0], out).toBeGreaterThan(0);
    expect(out).toContain("`src/x.ts`: is run by ticks, beside the keys");
    expect(out).toContain("budget.usd 0.5 → 5; budget.day.usd 2 → 200");
    expect(out).toMatch(/`hosts\/web2\.md`: \*\*new\*\*: address web2\.example\.org/);
    expect(out).toMatch(/\*\*one\*\* .*: scout, claude, on one of web1, web2; at most 2 minutes, \$5\.00/);
    expect(out).toMatch(/\*\*costly\*\* .*; at most 2 minutes, \*\*no limit in money\*\*/);
    expect(out).toContain("due without it, too, but now on one of web1, web2: due");
    expect(out).toContain("for at most $5.00 and 1 without a limit");
    expect(out).toMatch(/loud: fired 2, would have fired \*\*0\*\*: disk of web1/);
    expect(out).toMatch(/more: fired 0, would have fired \*\*1\*\*: a backup is late/);
    expect(out).not.toMatch(/@ada|fixes #1|(?<!\\)<img|(?<!\\)\| is low/);
    expect((await commentOn(dir)).out).toBe(out);
  });

  test("nothing that counts is said in a few words; broken settings are named", async () => {
    const { out } = await commentOn(proposed({ "docs/x.md": "hello\n" }));
    expect(out).toContain("`docs/x.md`: is read by nobody but people");
    expect(out).toContain("The next tick would start nothing because of it.");
    expect(out).not.toContain("Rules, over");
    const broken = await commentOn(proposed({ "towline.yml": "id: [\n" }));
    expect(broken.out).toContain("**The settings cannot be read**: towline.yml:");
    expect(broken.code).toBe(0);
  });

  test("names of files cannot leave their place in the text", async () => {
    const { out } = await commentOn(proposed({ "hosts/a`b @ada\n### Approved\n.md": "x", "x<b>|`.txt": "x" }));
    expect(out).not.toMatch(/^### Approved|@ada/m);
    expect(out.split("\n").filter((line) => (line.match(/(?<!\\)`/g)?.length ?? 0) % 2 === 1)).toEqual([]);
  });
});
