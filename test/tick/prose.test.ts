// OVERVIEW.md in a model's words: asked for once, of the address that the settings name, and never in the way of a tick.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { draftOf } from "../../src/core/draft.ts";
import { writeProse } from "../../src/shell/prose.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { world } from "../fakes/world.ts";

const key = "sk-narrate-0123456789abcdef";
const packs: TestPack[] = [];
const mock = new LLMock({ strict: true, logLevel: "silent" });
const asked: { url: string | undefined; key: string | undefined; body: string }[] = [];
let answer: { status: number; body: string } | "never" | "moved" = "never";
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  asked.push({ url: request.url, key: request.headers.authorization, body });
  if (answer === "never") return;
  if (answer === "moved") return void response.writeHead(307, { location: "/elsewhere" }).end();
  response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
});
let url: string;

beforeAll(async () => {
  mock.onMessage("Mend the table", {
    content:
      "I would begin with [Mend the table](status/mend.md):\nno host is there for it, and [it waits for you](#waits).",
  });
  mock.onMessage("Count the logs", { content: "Two things went well. [Nothing](status/none.md) is left." });
  await mock.start();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(async () => {
  await mock.stop();
  server.closeAllConnections();
  server.close();
  for (const pack of packs) pack.remove();
});

function stand(narrate: string, title: string) {
  const pack = testPack({
    "towline.yml": `id: words\ndefaults: {agent: hand}\n${narrate}`,
    "agents/hand.md": md("runtime: shell"),
    "tasks/mend.md": md(`title: ${title}`, "x"),
  });
  packs.push(pack);
  const env = { ...process.env, NARRATE_KEY: key };
  return {
    pack,
    async tick() {
      const ran = await cli(pack.clone, ["tick", "--json", "--no-sync", "--no-site"], env);
      if (ran.code !== 0) throw new Error(ran.said);
      return { ...ran, commits: (JSON.parse(ran.out) as { commits: string[] }).commits };
    },
    overview: () => pack.file("OVERVIEW.md"),
    row: () => JSON.parse(pack.file("state/prose.ndjson")),
  };
}

test("a model that somebody else wrote is asked; what it adds is not taken, what it puts in words is, and a quiet tick asks nobody", async () => {
  const narrate = `narrate: {url: "${mock.url}/v1", model: small}\n`;
  const wrong = stand(narrate, "Mend the table");
  const said = await wrong.tick();
  // Its second link leads to no heading and no record that there is.
  expect(said.said).toContain("narrate: the template stands, since it cites #waits, which is not among the records");
  expect(wrong.overview()).toContain("I would look at [Mend the table](status/mend.md) first");
  const requests = mock.getRequests().length;
  expect(requests).toBe(1);
  expect((await wrong.tick()).commits).toEqual([]);
  expect(mock.getRequests()).toHaveLength(requests);
  mock.clearFixtures();
  mock.onMessage("Mend the table", {
    content: "I would begin with [Mend the table](status/mend.md):\nno host is there for it.",
  });
  const right = stand(narrate, "Mend the table");
  await right.tick();
  expect(right.overview()).toMatch(
    /^# pack\n\nSlow \w+: .*\*\*\n\nI would begin with \[Mend the table\]\(status\/mend\.md\): no host is there for it\.\n\n<sub>Put in words by small;/,
  );
  expect(right.overview()).toContain("## Waits for you");
  const before = right.overview();
  expect((await right.tick()).commits).toEqual([]);
  expect(right.overview()).toBe(before);
  expect(mock.getRequests()).toHaveLength(requests + 1);
  // Something else is so: it is asked anew.
  right.pack.push({ "tasks/more.md": md("title: Mend the table, too", "x") });
  await right.tick();
  expect(mock.getRequests()).toHaveLength(requests + 2);
  expect((await cli(right.pack.clone, ["check", "--at", "origin/main"])).said).toBe("");
});

test("no answer in time: the template stands, the tick is a good one, and it is not asked again", async () => {
  answer = "never";
  const one = stand(`narrate: {url: "${url}", model: small, token: NARRATE_KEY, wall: 1s}\n`, "Mend the table");
  const { said, commits } = await one.tick();
  expect(commits).toHaveLength(1);
  expect(said).toMatch(/narrate: the template stands, since 127\.0\.0\.1:\d+/);
  expect(one.row()).toMatchObject({ asked: 1, model: "small", why: expect.stringMatching(/timeout|aborted/i) });
  expect(one.overview()).toContain("I would look at");
  expect(said + one.overview() + JSON.stringify(one.row())).not.toContain(key);
  expect((await one.tick()).commits).toEqual([]);
  expect(asked).toHaveLength(1);
});

test.each([
  ["a fault of the server", { status: 500, body: "{}" }, /it answers 500/],
  ["no JSON", { status: 200, body: "<html>" }, /its answer is no JSON/],
  ["an answer without a text", { status: 200, body: '{"choices": []}' }, /its answer holds no text/],
  ["a place that leads elsewhere", "moved" as const, /./],
])("%s is no text; what is sent holds no secret, and goes nowhere else", async (_, how, why) => {
  answer = how;
  asked.length = 0;
  const w = world({
    ...basics(["ann"]),
    "towline.yml": `id: p\ndefaults: {agent: hand}\nnarrate: {url: "${url}", model: small, token: NARRATE_KEY}\n`,
    "tasks/mend.md": md(`title: Mend ${key}\nhosts: nowhere`, "x"),
  });
  w.tick("2026-11-20T10:00:00Z", () => null);
  const said: string[] = [];
  const options = {
    secret: () => key,
    mask: (text: string) => text.replaceAll(key, "***"),
    progress: (line: string) => void said.push(line),
    env: {},
  };
  const row = await writeProse(options, draftOf(w.state(), new Date("2026-11-20T11:00:00Z"), "t"));
  expect(row).toMatchObject({ asked: 1, why: expect.stringMatching(why) });
  expect(row).not.toHaveProperty("text");
  expect(said).toHaveLength(1);
  expect(asked.map(({ url }) => url)).toEqual(["/v1/chat/completions"]);
  expect(asked[0]?.key).toBe(`Bearer ${key}`);
  expect(asked[0]?.body).toContain("Mend ***");
});

test("without a word in the settings nobody is asked", async () => {
  asked.length = 0;
  const one = stand("", "Mend the table");
  await one.tick();
  expect(asked).toEqual([]);
  expect(one.pack.at("ls-tree", "-r", "--name-only", "main", "state")).not.toContain("prose");
});
