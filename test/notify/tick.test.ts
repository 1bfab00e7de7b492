// The whole way: something happens, a rule notifies, the tick commits and then tells the channel, once.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { cli } from "../fakes/cli.ts";
import { basics, md, testPack } from "../fakes/pack.ts";

vi.setConfig({ testTimeout: 120_000 });
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

test("a tick tells what it has written down, and no other tick tells it again", async () => {
  const got: string[] = [];
  const server = createServer((request, response) => {
    request.on("data", (part) => got.push(String(part)));
    request.on("end", () => response.end("ok"));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  ends.push(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/topic`;
  const pack = testPack({
    ...basics([], `notify:\n  channels:\n    phone: {kind: ntfy, url: "${url}"}\n`),
    "tasks/a.md": md("title: A", "echo"),
    "rules/r.md": md("when: {kind: task.blocked}\nthen: [{notify: 'stuck: {{subject}}'}]"),
  });
  ends.push(() => pack.remove());
  const first = await cli(pack.clone, ["tick", "--no-site", "--no-sync"]);
  expect(first.code).toBe(0);
  expect(got).toEqual([expect.stringMatching(/: stuck: a$/)]);
  await cli(pack.clone, ["tick", "--no-site", "--no-sync"]);
  expect(got.length).toBe(1);
});
