// `towline learn` with embeddings: asked of an address that the settings name, once a text, and never in the way.
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closest, fused } from "../../src/core/fuse.ts";
import { openEmbeddings } from "../../src/shell/embeddings.ts";
import { cli } from "../fakes/cli.ts";
import { md } from "../fakes/pack.ts";
import { env, git, tempDir, write } from "../repo/origin.ts";

/** A vector for each text, by a word in it; and what it was asked. */
const meanings: [RegExp, number[]][] = [
  [/column|Renam/, [1, 0, 0.1]],
  [/sleep/, [0, 1, 0]],
  [/./, [0, 0, 1]],
];
const asked: { input: string[]; authorization: string | undefined }[] = [];
const server = createServer(async (request, response) => {
  if (request.url?.startsWith("/moved/")) return void response.writeHead(307, { location: `${url}/embeddings` }).end();
  let text = "";
  for await (const part of request) text += part;
  const { input } = JSON.parse(text) as { input: string[] };
  asked.push({ input, authorization: request.headers.authorization });
  const data = input.map((one, index) => ({ index, embedding: meanings.find(([word]) => word.test(one))?.[1] }));
  response.end(JSON.stringify({ object: "list", data }));
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => server.close());

function pack(url: string): string {
  const dir = tempDir();
  git(dir, "init", "-q", "-b", "main", ".");
  write(dir, {
    "towline.yml": `id: p\nname: p\nembeddings: {url: "${url}", model: small, token: EMBED_KEY}\n`,
    "learnings/rename.md": md("", "Renaming takes three releases."),
    "learnings/no-sleep.md": md("", "Tests do not sleep."),
  });
  return dir;
}
const cache = () => mkdtempSync(join(tmpdir(), "towline-embed-"));
const run = (dir: string, home: string, ...args: string[]) =>
  cli(dir, ["learn", ...args], { ...env, XDG_CACHE_HOME: home, EMBED_KEY: "sk-very-secret-words-1234" });

test("finds what no word finds, asks for each text once, and keeps the token out of sight", async () => {
  const [dir, home] = [pack(url), cache()];
  const first = await run(dir, home, "give the column another name", "--json");
  expect((await run(dir, home, "is sk-very-secret-words-1234 bread")).code).toBe(0);
  expect(JSON.stringify(asked.pop()?.input)).not.toContain("sk-very");
  expect(JSON.parse(first.out)).toMatchObject([{ learning: "rename", score: 0, close: 100 }]);
  expect(asked).toMatchObject([{ authorization: "Bearer sk-very-secret-words-1234" }]);
  expect(asked[0]?.input).toHaveLength(3);
  const again = await run(dir, home, "give the column another name");
  expect(again.out).toContain("100 % alike in meaning");
  expect(asked).toHaveLength(1);
  expect(first.out + first.said + again.out + again.said).not.toContain("sk-very");
  expect((await run(dir, home, "bake bread")).out).toMatch(/^nothing applies/);
  expect(asked.slice(1).map(({ input }) => input)).toEqual([["bake bread"]]);
});

test("it goes the way that all requests of this machine go", async () => {
  const before = asked.length;
  const proxied = { ...env, XDG_CACHE_HOME: cache(), EMBED_KEY: "x", HTTP_PROXY: "http://127.0.0.1:9" };
  const { said, code } = await cli(pack(url), ["learn", "give the column another name"], proxied);
  expect([code, asked.length]).toEqual([0, before]);
  expect(said).toContain("gives no embeddings");
});

test("a server that somebody else wrote is understood", async () => {
  const mock = new LLMock({ logLevel: "silent" });
  await mock.start();
  try {
    const ask = openEmbeddings({ url: `${mock.url}/v1`, model: "text-embedding-3-small", cache: cache() });
    const vectors = await ask.vectors(["one", "two", "one"]);
    expect(new Set(vectors.map(({ length }) => length)).size).toBe(1);
    expect(vectors[2]).toEqual(vectors[0]);
    expect(vectors[1]).not.toEqual(vectors[0]);
  } finally {
    await mock.stop();
  }
});

test("words have to do where it cannot be asked", async () => {
  const dir = pack("http://127.0.0.1:9/v1");
  const { out, said, code } = await run(dir, cache(), "no sleep in these tests");
  expect(out).toContain("no-sleep");
  expect(said).toMatch(/127\.0\.0\.1:9 gives no embeddings: .*only words were looked at/);
  expect(code).toBe(0);
});

test("answers that are none are refused: too few, no numbers, no JSON", async () => {
  const ask = (response: () => Response) =>
    openEmbeddings({ url: "https://e.example/v1", model: "m", cache: cache(), fetch: async () => response() }).vectors([
      "a",
      "b",
    ]);
  const data = (list: unknown[]) => () => Response.json({ data: list });
  await expect(ask(data([{ embedding: [1] }]))).rejects.toThrow(/no vector for each/);
  await expect(ask(data([{ embedding: [1] }, { embedding: ["x"] }]))).rejects.toThrow(/no vector for each/);
  await expect(
    ask(
      data([
        { embedding: [1], index: 1 },
        { embedding: [2], index: 1 },
      ]),
    ),
  ).rejects.toThrow(/no vector/);
  await expect(ask(() => new Response("<html>"))).rejects.toThrow(/is no JSON/);
  await expect(ask(() => new Response("", { status: 500 }))).rejects.toThrow(/answers 500/);
  const turned = data([
    { embedding: [2], index: 1 },
    { embedding: [1], index: 0 },
  ]);
  expect(await ask(turned)).toEqual([[1], [2]]);
});

test("nothing is sent on to elsewhere", async () => {
  const before = asked.length;
  const moved = openEmbeddings({ url: url.replace("/v1", "/moved"), model: "m", cache: cache() });
  await expect(moved.vectors(["a"])).rejects.toThrow(/gives no embeddings/);
  expect(asked.length).toBe(before);
});

test("vectors of another model are not taken for those of this one", async () => {
  const home = cache();
  const of = (model: string, value: number) =>
    openEmbeddings({
      url: "https://e.example/v1",
      model,
      cache: home,
      fetch: async () => Response.json({ data: [{ embedding: [value] }] }),
    }).vectors(["a"]);
  expect(await of("one", 1)).toEqual([[1]]);
  expect(await of("two", 2)).toEqual([[2]]);
  expect(await of("one", 3)).toEqual([[1]]);
});

test("what both ways find goes before what one of them finds; vectors that cannot be compared find nothing", () => {
  const hit = (id: string, score = 5) => ({ id, score });
  expect(fused([hit("a"), hit("b")], [hit("c", 0), hit("b", 0)], 3)).toEqual([hit("b"), hit("a"), hit("c", 0)]);
  expect(closest(["a", "b", "c"], [[1, 0], [0, 0], [1]], [1, 0], 50)).toEqual([{ id: "a", score: 0, close: 100 }]);
});
