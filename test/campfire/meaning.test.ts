// Signals that say the same in other words: a model that the settings name is asked what they mean, and is never in the way.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askMeanings } from "../../src/shell/meanings.ts";
import { md } from "../fakes/pack.ts";
import { type Camp, camp } from "./camp.ts";

const token = "sk-meaning-0123456789abcdef";
const asked: { input: string[]; key: string | undefined }[] = [];
let broken = false;
/** What is about waiting means the same; everything else something of its own. */
const others: string[] = [];
function meaningOf(text: string): number[] {
  const own = /sleep|pause/i.test(text)
    ? 0
    : 1 + (others.includes(text) ? others.indexOf(text) : others.push(text) - 1);
  return Array.from({ length: 20 }, (_, at) => (at === own ? 1 : 0));
}
const server = createServer(async (request, response) => {
  let text = "";
  for await (const part of request) text += part;
  const { input } = JSON.parse(text) as { input: string[] };
  asked.push({ input, key: request.headers.authorization });
  if (broken) return void response.writeHead(500).end();
  const data = input.map((one, index) => ({ index, embedding: meaningOf(one) }));
  response.end(JSON.stringify({ data }));
});
let url: string;
const camps: Camp[] = [];

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => {
  server.close();
  for (const one of camps) one.remove();
});

/** One agent works, once a day. */
function stand(): Camp {
  const made = camp(
    {
      "towline.yml": `id: camp\nzone: UTC\nembeddings: {url: "${url}", model: small, token: MEANING_KEY}\n`,
      "tasks/log.md": md('title: Rare\nagent: bob\nevery: "0 9 1 1 *"', "x"),
    },
    { MEANING_KEY: token },
  );
  camps.push(made);
  return made;
}
const candidates = ({ pack }: Camp) =>
  pack
    .at("grep", "-h", "witnesses", "main", "--", "state/")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { text: string; witnesses: number });

const first = "I put a sleep into that test.";
const other = `Wieder mit einer Pause gearbeitet, nie abgefragt; ${token}`;

test("what two say in other words becomes a candidate; texts are asked for once, masked, and not in a quiet tick", async () => {
  asked.length = 0;
  broken = false;
  const one = stand();
  await one.day(0);
  expect(asked).toEqual([]);
  one.confess = [first, "The colour of the button was wrong."];
  await one.day(1);
  expect(asked.map(({ input }) => input.length)).toEqual([2]);
  expect(one.pack.at("ls-tree", "--name-only", "main", "state/")).not.toContain("candidates");
  one.confess = [other];
  expect((await one.day(2)).degraded).toEqual([]);
  expect(candidates(one)).toMatchObject([{ witnesses: 2, text: expect.stringContaining("Wieder mit einer Pause") }]);
  expect(asked.slice(1)).toMatchObject([{ input: [expect.stringContaining("Pause")], key: `Bearer ${token}` }]);
  expect(JSON.stringify(asked.map(({ input }) => input))).not.toContain(token);
  await one.day(3);
  await one.day(3);
  expect(asked).toHaveLength(2);
  // Where it cannot be asked, words have to do: that is said once, and takes no candidate away.
  broken = true;
  one.confess = ["The door of the till was left open.", "A pause, once more."];
  const late = await one.day(4);
  expect(late.degraded).toEqual([
    expect.stringMatching(/^signals: 127\.0\.0\.1:\d+ gives no embeddings: it answers 500; .* by their words alone$/),
  ]);
  expect(late.commits).toBeGreaterThan(0);
  expect(asked).toHaveLength(3);
  expect(candidates(one)).toMatchObject([{ witnesses: 2 }]);
  broken = false;
  one.confess = ["One more thing about invoices."];
  expect((await one.day(5)).degraded).toEqual([]);
  expect(candidates(one)).toMatchObject([{ witnesses: 3 }]);
});

test("a secret in what was said is masked before it is asked about, and what it means is known by what was said", async () => {
  asked.length = 0;
  broken = false;
  const said = `I took ${token} from the file.`;
  const mask = (text: string) => text.replaceAll(token, "***");
  const cache = mkdtempSync(join(tmpdir(), "towline-meaning-"));
  const settings = { url, model: "small", least: 60 };
  const { vectors, least } = await askMeanings({ secret: () => undefined, mask, cache, env: {} }, settings, [said]);
  expect(asked.map(({ input }) => input)).toEqual([["I took *** from the file."]]);
  expect([...vectors.keys(), least]).toEqual([said, 60]);
  const never = askMeanings(
    { secret: () => undefined, mask, cache, env: {}, signal: AbortSignal.abort() },
    { ...settings, model: "other" },
    [said],
  );
  await expect(never).rejects.toThrow(/gives no embeddings/);
  rmSync(cache, { recursive: true });
});
