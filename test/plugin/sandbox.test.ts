// What a plugin may not do, one by one; and that it is the process, not its good will, that keeps it from it.
import { existsSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { readAll } from "../../src/plugin/read.ts";
import { PluginFault } from "../../src/plugin/sandbox.ts";
import { openSession, pollOf, type World } from "../../src/plugin/session.ts";
import { denied, hostile, prying } from "./hostile.ts";
import { codeOf, down, plugin } from "./write.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 60_000 });

const env = { TURSO_AUTH_TOKEN: "a-secret-value", PAGER_TOKEN: "another-secret" };
const world: World = {
  now: new Date("2026-11-20T09:00:00Z"),
  zone: "UTC",
  known: [],
  hosts: async () => [],
  secret: (name) => (env as Record<string, string>)[name],
  read: (wishes) => readAll(wishes, env, undefined),
};

async function polled(text: string, settings = {}, wall = 30_000) {
  const session = await openSession(codeOf(text), settings, { limits: { wall } });
  try {
    return await pollOf(session, settings, world);
  } finally {
    await session.close();
  }
}

test("one that behaves gives what is so", async () => {
  expect(await polled(plugin(down))).toEqual({
    things: [{ subject: "shop", kind: "shop.down", title: "The shop is down" }],
  });
});

describe("one that", () => {
  test.each(hostile)("$what", async ({ text, why, hangs }) => {
    const met = await polled(text, {}, hangs ? 1000 : 30_000).catch((thrown: Error) => thrown);
    expect(met).toBeInstanceOf(PluginFault);
    expect((met as Error).message).toMatch(why);
  });
});

test("what the process keeps from it", async () => {
  const met = new Map((await polled(prying, {}, 60_000))?.things.map(({ subject, title }) => [subject, title]));
  for (const [what, , why] of denied) expect(`${what}: ${met.get(what)}`).toMatch(why);
  expect(met.size).toBe(denied.length);
  expect(existsSync("/tmp/towline-plugin-was-here")).toBe(false);
});

test("its environment is empty, its secrets are those that both sides name", async () => {
  const tells = plugin(
    'return [{ subject: "s", kind: "shop.down", title: JSON.stringify([process.env, context.secrets]) }];',
    'secrets = ["PAGER_TOKEN"];',
  );
  expect(await polled(tells, { secrets: ["PAGER_TOKEN", "TURSO_AUTH_TOKEN"] })).toMatchObject({
    things: [{ title: '[{},{"PAGER_TOKEN":"another-secret"}]' }],
  });
});

test("its folder goes with it", async () => {
  const tells = plugin('return [{ subject: "s", kind: "shop.down", title: import.meta.dirname }];');
  const folder = (await polled(tells))?.things[0]?.title ?? "";
  expect(folder).toMatch(/towline-plugin-/);
  expect(existsSync(folder)).toBe(false);
});
