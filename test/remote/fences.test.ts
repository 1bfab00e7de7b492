// What keeps a run from starting twice: seals, and the journal, the only file that must be on the disk before a run
// starts; fences are put up again from it.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { StartRequest } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "4" });
let dir: string;
let home: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  home = join(dir, "home");
  mkdirSync(join(home, ".local", "bin"), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

const request = (job: string, script: string): StartRequest => ({
  job,
  epoch: 1,
  day: "2026/11/20",
  deadline: 30,
  keep: 4096,
  slots: 4,
  launch: { files: { script }, secret: [], command: "sh ./script" },
});

const open = () => createFleet({ env: { PATH: path }, home }).open("one", host, "p");

test("an epoch below the seal never starts, also when nothing else is known of the job", async () => {
  const session = await open();
  expect(await session.seal("a", 3)).toEqual({ started: null });
  expect(await session.start({ ...request("a", 'touch "$HOME/old"'), epoch: 2 })).toEqual({
    state: "sealed",
    epoch: 3,
  });
  session.close();
  const later = await open();
  expect(await later.start({ ...request("a", 'touch "$HOME/old"'), epoch: 1 })).toEqual({ state: "sealed", epoch: 3 });
  expect(await later.start({ ...request("a", "true"), epoch: 3 })).toEqual({ state: "started" });
  while ((await later.wait([{ job: "a", epoch: 3 }], 5000)).length === 0);
  later.close();
  expect(existsSync(join(home, "old"))).toBe(false);
});

test("a machine with another identity than the pinned one is refused", async () => {
  const { identity } = (await open()).facts;
  const fleet = () => createFleet({ env: { PATH: path }, home });
  await expect(fleet().open("one", { ...host, identity: "f".repeat(32) }, "p")).rejects.toMatchObject({
    kind: "not-enrolled",
  });
  (await fleet().open("one", { ...host, identity }, "p")).close();
});

test("the journal is brought to the disk before the agent runs", async () => {
  // The host looks into ~/.local/bin first: here stand-ins say what they are asked, and do it.
  for (const tool of ["sync", "dd"]) {
    const file = join(home, ".local", "bin", tool);
    writeFileSync(file, `#!/bin/sh\necho "${tool} $*" >>"$HOME/synced"\nPATH=${path} exec ${tool} "$@"\n`);
    chmodSync(file, 0o755);
  }
  const session = await open();
  rmSync(join(home, "synced"), { force: true });
  await session.start(request("a", 'cp "$HOME/synced" "$HOME/seen" || :\n'));
  while ((await session.wait([{ job: "a", epoch: 1 }], 5000)).length === 0);
  session.close();
  expect(readFileSync(join(home, "seen"), "utf8")).toMatch(/^(sync p\/journal|dd .*of=p\/journal .*fsync|sync )$/m);
});

test("after a restart a fence that never reached the disk stands again", async () => {
  const session = await open();
  await session.start(request("a", "true"));
  while ((await session.wait([{ job: "a", epoch: 1 }], 5000)).length === 0);
  session.close();
  const root = join(home, ".towline", "p");
  rmSync(join(root, "jobs", "a"), { recursive: true });
  rmSync(join(root, "held"), { recursive: true });
  mkdirSync(join(root, "held"));
  writeFileSync(join(root, "boot"), "another boot\n");
  const again = await open();
  expect(again.facts.held).toMatchObject([{ job: "a", epoch: 1 }]);
  expect(await again.start(request("a", 'touch "$HOME/twice"'))).toEqual({ state: "already", epoch: 1 });
  again.close();
  expect(existsSync(join(home, "twice"))).toBe(false);
});
