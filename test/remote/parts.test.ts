// Parts of a result besides its streams: they come whole or not at all, and results without any stay what they were.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { HostSession, StartRequest } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { noSecrets } from "../../src/shell/secrets.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "8" });

let home: string;
let session: HostSession;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "towline-test-"));
  mkdirSync(join(home, "home"));
  session = await createFleet({ env: { PATH: path }, home: join(home, "home"), secrets: noSecrets }).open(
    "one",
    host,
    "p",
  );
});
afterAll(() => {
  session.close();
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

const control = (job: string, name: string) => join(home, "home", ".towline", "p", "jobs", job, `1.${name}`);

/** Runs the script to its end; it stands beside the job's control files. */
async function run(job: string, script: string) {
  const request: StartRequest = {
    job,
    epoch: 1,
    day: "2026/11/20",
    deadline: 60,
    keep: 4096,
    slots: 8,
    launch: { files: { script }, secret: [], command: "sh ./script" },
  };
  expect(await session.start(request)).toEqual({ state: "started" });
  for (let tries = 0; (await session.wait([{ job, epoch: 1 }], 2000)).length === 0; tries++)
    if (tries > 10) throw new Error("it never ended");
}

const texts = (parts: ReadonlyMap<string, Uint8Array> | undefined) =>
  [...(parts ?? [])].map(([name, bytes]) => [name, Buffer.from(bytes).toString("latin1")]);

test("they come by name, byte for byte, and count into the hash of the whole", async () => {
  await run("both", "echo said; printf 'a\\000b\\n\\n' >../1.code; printf 'outbox 1\\n' >../1.outbox");
  const result = await session.fetch("both", 1);
  expect(texts(result.parts)).toEqual([
    ["outbox", "outbox 1\n"],
    ["code", "a\0b\n\n"],
  ]);
  expect(Buffer.from(result.stdout.head).toString()).toBe("said\n");
  expect(await session.fetch("both", 1)).toEqual(result);
  // An older program leaves such a result alone: it would hand out half of it.
  expect(readFileSync(control("both", "sum"), "utf8")).toMatch(/^2 /);
  await session.ack([result]);
  expect(existsSync(control("both", "code"))).toBe(false);
});

test("a result without any is what it was before there were parts", async () => {
  await run("none", "echo said");
  expect((await session.fetch("none", 1)).parts).toBeUndefined();
  expect(readFileSync(control("none", "sum"), "utf8")).toMatch(/^1 /);
});

test("what is too big, or no file, is no part, and the rest is collected", async () => {
  symlinkSync("/etc/passwd", join(home, "elsewhere"));
  await run(
    "odd",
    `echo said; ln -s ${join(home, "elsewhere")} ../1.code; dd if=/dev/zero of=../1.outbox bs=1 seek=9999999 count=1`,
  );
  const result = await session.fetch("odd", 1);
  expect([result.parts, result.end, Buffer.from(result.stdout.head).toString()]).toEqual([
    undefined,
    "exited",
    "said\n",
  ]);
});

test("one that was altered after it was measured is measured anew, or refused", async () => {
  await run("late", "echo said; echo before >../1.outbox");
  writeFileSync(control("late", "outbox"), "longer than before\n");
  const again = await session.fetch("late", 1);
  expect([again.end, texts(again.parts)]).toEqual(["died", [["outbox", "longer than before\n"]]]);
  await run("same", "echo said; echo before >../1.outbox");
  writeFileSync(control("same", "outbox"), "beford\n");
  await expect(session.fetch("same", 1)).rejects.toMatchObject({ kind: "altered" });
  truncateSync(control("same", "outbox"));
  expect((await session.fetch("same", 1)).parts).toBeUndefined();
});
