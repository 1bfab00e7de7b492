// An agent's own words, from a shell on a machine to a person and back: the real program, the real line, a real memo.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 90_000 });

let pack: TestPack | undefined;
let home: string | undefined;
afterEach(() => {
  pack?.remove();
  if (home) rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

const script = `if [ -f inbox/01-answer.md ]; then
  towline tell bob "$(tail -n 1 inbox/01-answer.md)"
  towline done
  echo dropped
else
  towline status half; towline confess 'I looked too late'
  towline ask 'May I drop it?'
fi`;

test("a script asks, a person answers in the memo, the same job goes on and tells another agent", async () => {
  home = mkdtempSync(join(tmpdir(), "towline-home-"));
  mkdirSync(join(home, "h"));
  pack = testPack({
    ...basics([]),
    "hosts/here.md": md("address: localhost\ntransport: local\nslots: 4"),
    "agents/bob.md": md("runtime: shell"),
    "tasks/drop.md": md("title: Drop it", script),
  });
  const p = pack;
  const at = join(home, "h");
  const tick = async () => {
    const { code, said } = await cli(
      p.clone,
      ["tick", "--json", "--no-sync", "--no-site"],
      { ...process.env, HOME: at },
      at,
    );
    expect([code, said]).toEqual([0, expect.not.stringContaining("fault of ours")]);
  };
  const list = (folder: string) => p.at("ls-tree", "-r", "--name-only", "main", folder).trim();
  await tick();
  const job = list("jobs/");
  expect(p.file(job)).toMatch(/state: asking[\s\S]*status: half/);
  expect(p.file("status/drop.md")).toContain("state: waiting");
  const news = list("pupdates/")
    .split("\n")
    .map((path) => p.file(path))
    .join("");
  expect(news).toContain('"kind":"job.confessed"');

  const memo = list("memos/");
  expect(p.file(memo)).toContain("May I drop it?");
  p.push({ [memo]: p.file(memo).replace("status: open", "status: answered\nanswer: on Sunday only") });
  await tick();
  expect(p.file(job)).toMatch(/state: finished[\s\S]*epoch: 2[\s\S]*ready: true[\s\S]*dropped/);
  expect(p.file("status/drop.md")).toContain("state: done");
  expect(list("jobs/")).toBe(job);

  p.push({ "tasks/look.md": md("title: Look\nagent: bob", "cat inbox/*.md") });
  await tick();
  expect(p.file("status/look.md")).toMatch(/From deckhand, .*\n\n```text\non Sunday only/);
  expect(p.file("state/letters.ndjson")).toBe("");
});
