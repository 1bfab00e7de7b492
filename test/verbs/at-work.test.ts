// Who waits in a terminal hears of it after a second, and never when something was said already.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { atWork } from "../../src/verbs/at-work.ts";
import { quiet, type Wire } from "../../src/wire.ts";

const working = "● at work …";

async function heard(argv: string[], terminal: boolean, words?: (wire: Wire) => void): Promise<string[]> {
  const said: string[] = [];
  const outer = {
    terminal,
    report: { ...quiet, progress: (line: string) => said.push(line) },
    out: (text: string) => said.push(text),
  };
  const { wire, done } = atWork(outer as unknown as Wire, argv, 20);
  words?.(wire);
  await sleep(60);
  done();
  return said;
}

test("a silent verb says that it is at work; one that spoke, asks, or writes for programs does not", async () => {
  expect(await heard(["job", "diff", "x"], true)).toEqual([working]);
  expect(await heard([], true)).toEqual([working]);
  expect(await heard(["job", "diff", "x"], true, (wire) => wire.out("a"))).toEqual(["a"]);
  for (const argv of [["job", "diff", "x", "--json"], ["job", "attach", "x"], ["fleet", "add", "a@b"], ["init"]])
    expect(await heard(argv, true)).toEqual([]);
  expect(await heard(["job", "diff", "x"], false)).toEqual([]);
});
