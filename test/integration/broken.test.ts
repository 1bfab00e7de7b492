// Three bad records among a thousand good ones: the good ones run, the three are named, nothing of theirs is carried out.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TickOutcome } from "../../src/shell/tick-run.ts";
import { machine } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { towline } from "./real.ts";

const count = 1000;
const hosts = ["h1", "h2", "h3", "h4"];
const bad = ["tasks/bomb.md", "tasks/broken.md", "tasks/evil.md"];
const bomb = `---\na: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghij"
  .split("")
  .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[i]}`).join(",")}]`)
  .join("\n")}\ntitle: *j\n---\n\nx\n`;

describe("a thousand good tasks beside three bad ones", () => {
  let pack: TestPack;
  let outcome: TickOutcome;
  let seconds: number;
  const machines = Object.fromEntries(hosts.map((name) => [name, machine({ slots: 256 })]));
  const canary = () => join(pack.dir, "canary");

  beforeAll(async () => {
    pack = testPack({
      ...basics([]),
      "towline.yml":
        "id: big\nname: big\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 5s, max_starts: 5000}\n",
      ...Object.fromEntries(hosts.map((name, i) => [`hosts/${name}.md`, md(`address: 127.0.0.${i + 1}\nslots: 256`)])),
      ...Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`tasks/good-${i}.md`, md(`title: Good ${i}`, `echo ${i}`)]),
      ),
      "tasks/broken.md": "---\ntitle: Broken\npriority: [high\n---\n\nx\n",
      "tasks/bomb.md": bomb,
    });
    pack.push({
      "tasks/evil.md": `---js\n{ title: (require("fs").writeFileSync(${JSON.stringify(canary())}, "x"), "Evil") }\n---\n\nx\n`,
    });
    const began = performance.now();
    outcome = await runTick(pack.clone, machines, (job) => ({ stdout: `${job}\n` }));
    seconds = (performance.now() - began) / 1000;
  }, 300_000);
  afterAll(() => pack.remove());

  test("the good ones run, each once, in a sane time", () => {
    const journal = hosts.flatMap((name) => machines[name]?.journal ?? []);
    expect(journal).toHaveLength(count);
    expect(new Set(journal).size).toBe(count);
    const states = [...outcome.state.status.values()].filter((one) => one.id.startsWith("good-"));
    expect(states.filter((one) => one.data.state === "done")).toHaveLength(count);
    expect(seconds).toBeLessThan(40);
  });

  test("the three are named in the outcome, with a line and what to do, and in OVERVIEW.md", () => {
    const named = outcome.state.problems.filter((one) => one.level === "error");
    expect(named.map((one) => one.path).sort()).toEqual(bad);
    expect(named.map((one) => one.code).sort()).toEqual(["alias", "language", "yaml"]);
    expect(named.find((one) => one.path === "tasks/broken.md")?.line).toBeGreaterThan(1);
    expect(named.every((one) => one.fix.length > 5)).toBe(true);
    const overview = pack.file("OVERVIEW.md");
    for (const path of bad) expect(overview).toContain(`\`${path}:`);
    expect(existsSync(canary())).toBe(false);
  });

  test("towline check names the three, and nothing else as an error", async () => {
    pack.git("pull", "-q", "origin", "main");
    const said = await towline(["check", "--repo", pack.clone, "--format", "json"]);
    expect(said.code).toBe(1);
    const found = JSON.parse(said.out);
    const problems: { path: string; level: string }[] = Array.isArray(found) ? found : found.problems;
    expect([...new Set(problems.filter((one) => one.level === "error").map((one) => one.path))].sort()).toEqual(bad);
    expect(existsSync(canary())).toBe(false);
  });

  test("the next tick changes nothing", async () => {
    const began = performance.now();
    const next = await runTick(pack.clone, machines, () => ({}));
    expect(next.commits).toEqual([]);
    expect((performance.now() - began) / 1000).toBeLessThan(20);
  });
});

test.each([
  ["a broken line", "id: p\nzone: [\n", /towline\.yml:[23]:\d+: /],
  ["a wrong value", "id: p\ntick:\n  patience: soon\n", /towline\.yml:3:\d+: .*patience/],
  ["no id", "name: p\n", /towline\.yml:1:\d+: .*id/],
])("settings with %s: exit 3 and the place", async (_, text, words) => {
  const pack = testPack({ ...basics(["ann"]), "towline.yml": text });
  try {
    for (const verb of [["tick", "--no-sync", "--no-site"], ["plan"]]) {
      const said = await towline([...verb, "--repo", pack.clone]);
      expect([verb[0], said.code]).toEqual([verb[0], 3]);
      expect(said.err).toMatch(words);
      expect(said.err).not.toContain("    at ");
    }
    expect(pack.at("log", "--format=%an", "main").trim()).toBe("person");
  } finally {
    pack.remove();
  }
});
