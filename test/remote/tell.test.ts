// Messages that are put before a run: under each shell, and whatever its agent puts in their place.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostSession } from "../../src/ports.ts";
import { type Place, variants } from "../transports/places.ts";

const some = variants.slice(0, 3).filter(({ missing }) => missing === null);
const id = (n: number) => String(n).padStart(16, "0");

describe.each(some)("$name", ({ up }) => {
  let place: Place;
  let session: HostSession;
  beforeAll(async () => {
    place = await up();
    session = await place.fleet().open("one", place.host, "p");
  }, 60_000);
  afterAll(async () => {
    session.close();
    await place.down();
  });
  async function start(job: string, script: string) {
    const launch = { files: { script }, secret: [], command: "sh ./script" };
    const request = { job, epoch: 1, day: "2026/11/20", deadline: 60, keep: 8192, slots: 8, launch };
    expect(await session.start(request)).toEqual({ state: "started" });
  }
  async function result(job: string) {
    for (let tries = 0; (await session.wait([{ job, epoch: 1 }], 2000)).length === 0; tries++)
      if (tries > 30) throw new Error("it never ended");
    return Buffer.from((await session.fetch(job, 1)).stdout.head).toString();
  }
  const hears = async (job: string) => {
    for (const end = Date.now() + 20_000; ; await sleep(50)) {
      if ((await session.probe()).held.some((held) => held.job === job && held.hears)) return;
      if (Date.now() > end) throw new Error(`${job} never heard`);
    }
  };

  test("they come as they were sent, count once they were shown, and never come again", async () => {
    await start(
      "one",
      `: >.hears
until [ -e inbox/tell-${id(1)}.md ]; do sleep 0.1; done
cat inbox/tell-${id(1)}.md
until [ -e go ]; do sleep 0.1; done
towline status x 2>&1
until [ -e inbox/tell-${id(2)}.md ]; do sleep 0.1; done
rm .hears
until [ -e inbox/tell-${id(4)}.md ] || [ "$((tries += 1))" -gt 15 ]; do sleep 0.1; done
ls inbox`,
    );
    await hears("one");
    const text = "It's 100% \\n `x` $(y) ü\n\nend 0123\nletter 1\n";
    const first = { id: id(1), text };
    expect(await session.tell("one", 1, [first])).toEqual([]);
    expect(await session.tell("one", 1, [{ ...first, text: "another" }])).toEqual([]);
    const shown = async (letters: (typeof first)[]) => {
      for (const end = Date.now() + 20_000; ; await sleep(50)) {
        const ids = await session.tell("one", 1, letters);
        if (ids.length > 0) return ids;
        if (Date.now() > end) throw new Error("it was never shown");
      }
    };
    await session.tell("one", 1, [{ id: "../../go", text: "" }]);
    await start("two", "touch ../../one/1/go");
    await result("two");
    expect(await shown([first])).toEqual([id(1)]);
    expect(await session.tell("one", 1, [first, { id: id(2), text: "b" }])).toEqual([id(1)]);
    await sleep(500);
    await session.tell("one", 1, [{ id: id(4), text: "too late" }]);
    const out = await result("one");
    expect(out).toContain(text);
    expect(out.match(/100%/g)).toHaveLength(2);
    expect(out.trim().split("\n").slice(-2)).toEqual([`tell-${id(1)}.md`, `tell-${id(2)}.md`]);
    // It has ended: what it was shown is known all the same, and nothing more comes to it.
    expect(await session.tell("one", 1, [first, { id: id(2), text: "b" }, { id: id(3), text: "c" }])).toEqual([id(1)]);
  });

  test("what its agent puts in their place holds nobody up", async () => {
    await start(
      "bad",
      `: >.hears
mkfifo ../1.letter inbox
until [ -e done ]; do sleep 0.1; done
rm inbox; mkdir -p inbox/tell-${id(6)}.md; mkfifo inbox/tell-${id(7)}.md; : >ready
sleep 20`,
    );
    await hears("bad");
    expect(await session.tell("bad", 1, [{ id: id(5), text: "a" }])).toEqual([]);
    await start("three", "touch ../../bad/1/done; until [ -e ../../bad/1/ready ]; do sleep 0.1; done");
    await result("three");
    const more = [6, 7, 8].map((n) => ({ id: id(n), text: "x" }));
    expect(await session.tell("bad", 1, more)).toEqual([]);
    await session.cancel("bad", 1);
    await result("bad");
    expect(await session.tell("none", 1, more)).toEqual([]);
    expect(existsSync("go")).toBe(false);
  });
});
