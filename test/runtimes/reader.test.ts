import { expect, test } from "vitest";
import { runtime_offer } from "../../src/core/plugin-offers.ts";
import type { State } from "../../src/core/state.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { readerOf } from "../../src/shell/result-reader.ts";

const state = () => ({}) as State;
type Found = NonNullable<State["plugged"]> extends Map<string, infer One> ? One : never;
const learns = (found: Found) => async (of: State, name: string) => {
  of.plugged = new Map([[name, found]]);
};

test("ours is asked without a look at plugins", async () => {
  const plug = () => Promise.reject(new Error("asked"));
  expect(await readerOf({ runtimes, plug }, state(), "shell")).toBe(runtimes.shell);
});

test("a plugin's is looked at when it is needed", async () => {
  const plug = learns({ offer: runtime_offer.parse({ says: "x" }) });
  expect(await readerOf({ runtimes, plug }, state(), "mine")).toMatchObject({ name: "mine" });
});

test("one that fails, or is named no more, is never read as something else", async () => {
  const failing = await readerOf({ runtimes, plug: learns({ fault: "it threw" }) }, state(), "mine");
  expect(failing).toMatch(/the plugin mine, by which its answer is read, fails: it threw/);
  expect(await readerOf({ runtimes }, state(), "mine")).toMatch(/names no plugin mine any more/);
});
