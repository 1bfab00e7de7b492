// The ping of each tick, and what a tick says when the one before it was long ago.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { basics, testPack } from "../fakes/pack.ts";

let server: Server;
let url: string;
const asked: string[] = [];
let status = 200;
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status).end("ok");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/p1ng-s3cret`;
});
afterAll(() => server.close());

test("each tick calls it once; what goes wrong there is told without the address, and the tick is well", async () => {
  const pack = testPack(basics([], "heartbeat: {url: HEARTBEAT_URL}\n"));
  const tick = (now: string, env = {}) =>
    cli(pack.clone, ["tick", "--no-sync", "--no-site", "--now", now], { ...process.env, ...env });
  const given = { HEARTBEAT_URL: url };
  expect((await tick("2026-11-20T10:00:00Z", given)).code).toBe(0);
  expect(asked).toEqual(["GET /p1ng-s3cret"]);
  status = 500;
  const failed = await tick("2026-11-20T10:30:00Z", given);
  expect([failed.code, failed.out]).toEqual([0, expect.stringContaining("127.0.0.1 was not reached: it answered 500")]);
  expect(failed.out).not.toContain("no tick had looked");
  const away = await tick("2026-11-20T11:00:00Z", { HEARTBEAT_URL: "http://127.0.0.1:1/p1ng-s3cret" });
  expect(away.out).toContain("heartbeat: 127.0.0.1 was not reached");
  const plain = await tick("2026-11-20T11:30:00Z", { HEARTBEAT_URL: "http://example.org/p1ng-s3cret" });
  expect(plain.out).toContain("heartbeat: heartbeat.url is no https address");
  const unset = await tick("2026-11-20T14:30:00Z");
  expect(unset.out).toContain("HEARTBEAT_URL is not set");
  expect(unset.out).toContain("no tick had looked for 3h; 30m are meant: the schedule was late");
  for (const { out } of [failed, away, plain]) expect(out).not.toContain("p1ng-s3cret");
  pack.remove();
});
