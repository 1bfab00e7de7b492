// A look at what a run prints while it prints: under each shell, byte for byte, and beyond what a host keeps.
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostSession } from "../../src/ports.ts";
import { type Place, variants } from "../transports/places.ts";

const some = variants.slice(0, 3).filter(({ missing }) => missing === null);

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

  async function start(job: string, script: string, keep: number) {
    const launch = { files: { script }, secret: [], command: "sh ./script" };
    const request = { job, epoch: 1, day: "2026/11/20", deadline: 60, keep, slots: 8, launch };
    expect(await session.start(request)).toEqual({ state: "started" });
  }

  /** Looks until it has ended and there is no more, or `until` says that it is enough. */
  async function look(job: string, until = (_: { out: string; whole: boolean }) => false) {
    const got = { out: Buffer.alloc(0), err: Buffer.alloc(0) };
    for (const end = Date.now() + 20_000; ; ) {
      const seen = await session.peek(job, 1, { out: got.out.length, err: got.err.length });
      got.out = Buffer.concat([got.out, seen.out]);
      got.err = Buffer.concat([got.err, seen.err]);
      const quiet = seen.out.length + seen.err.length === 0;
      const all = { ...got, state: seen.state, whole: seen.whole };
      if (quiet && seen.state !== "running") return all;
      if (until({ out: got.out.toString("latin1"), whole: seen.whole })) return all;
      if (Date.now() > end) throw new Error(`no end: ${seen.state} ${got.out}`);
      if (quiet) await sleep(50);
    }
  }

  test("it comes as it is printed, every byte once", async () => {
    await start(
      "some",
      "printf 'a\\000\\377\\n'; echo warned >&2; until [ -e go ]; do sleep 0.1; done; yes 123456789 | head -c 40000",
      65_536,
    );
    const half = await look("some", ({ out }) => out.length >= 4);
    expect([half.state, half.out.toString("latin1")]).toEqual(["running", "a\0\xff\n"]);
    writeFileSync(`${place.home}/.towline/p/jobs/some/1/go`, "");
    const all = await look("some");
    expect([all.state, all.whole, all.err.toString()]).toEqual(["ended", true, "warned\n"]);
    expect(all.out.equals(Buffer.from((await session.fetch("some", 1)).stdout.head))).toBe(true);
    expect(await session.peek("none", 1, { out: 0, err: 0 })).toMatchObject({ state: "none", whole: true });
  });

  test("of one that prints without end what is kept is shown, and that there is more", async () => {
    await start("much", "yes; sleep 60", 1000);
    const seen = await look("much", ({ out, whole }) => !whole && out.length > 1000);
    expect(seen.out.toString()).toMatch(/^(y\n)+y?$/);
    await session.cancel("much", 1);
  });
});
