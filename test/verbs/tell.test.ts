// What `tick` and `watch` print, with a real machine: this one, without SSH.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function made(files: Record<string, string>): TestPack {
  const root = mkdtempSync(join(tmpdir(), "towline-root-"));
  const pack = testPack({
    ...basics([]),
    "towline.yml": "id: tell\nname: tell\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 8s}\n",
    "hosts/home.md": md(`address: localhost\ntransport: local\nroot: ${root}\nslots: 1`),
    "hosts/away.md": md("address: 127.0.0.1\nport: 1\nkey: agent\nlabels: [far]"),
    ...files,
  });
  ends.push(() => {
    pack.remove();
    rmSync(root, { recursive: true, force: true });
  });
  return pack;
}

const run = (pack: TestPack, ...args: string[]) => cli(pack.clone, args);

test("a tick says why a run failed, which host is silent, and what this clone has not pushed", async () => {
  const pack = made({
    "tasks/fails.md": md("title: F\nhosts: home", "echo boom >&2; exit 7"),
    "tasks/far.md": md("title: Far\nhosts: label:far", "true"),
    "tasks/far2.md": md("title: Far 2\nhosts: label:far", "true"),
  });
  writeFileSync(join(pack.clone, "tasks/late.md"), md("title: L", "true"));
  pack.git("add", "-A");
  pack.git("commit", "-q", "-m", "late");
  const { out, said } = await run(pack, "tick", "--no-site");
  expect(out).toContain("✕ fails  exit 7: boom  (home)\n");
  expect(out).toMatch(/^\? away does not answer: (?!away).*; 2 tasks wait \(far, far2\)$/m);
  expect(said).toContain(
    "this clone has 1 commit that origin's default branch does not have; this tick does not see it: git push",
  );
  expect(said).toContain("sync: ");
  const json = JSON.parse((await run(pack, "tick", "--no-site", "--no-sync", "--json")).out);
  expect(json).toMatchObject({ ended: [], unpushed: 1, down: [{ host: "away", tasks: ["far", "far2"] }] });
  expect((await run(pack, "tick", "--no-site")).said).not.toContain("sync: 0");
});

test("watch names the tasks, and says what waits once", async () => {
  const pack = made({
    "tasks/slow.md": md("title: S\nhosts: home\ntimeout: 2s", "sleep 30"),
    "tasks/next.md": md("title: N\nhosts: home\npriority: 3", "echo hi"),
  });
  const { out } = await run(pack, "watch", "--every", "1s", "--ticks", "4");
  expect(out).toMatch(/^\S+Z {2}\d started, \d ended, \d commits?$/m);
  expect(out).toContain("  ● started slow on home\n");
  expect(out).toMatch(/^ {2}◐ slow {2}ran into its time limit.* {2}\(home\)$/m);
  expect(out).toContain("  ✓ next  (home)\n");
});
