// Which host gets a job: only one that may, has the runtime and a free slot; of those the least busy.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Entry, parseEntry } from "../../src/core/entry.ts";
import { closed, type HostAnswer, obstacle, type Placing, place } from "../../src/core/place.ts";
import { isEach, selectHosts } from "../../src/core/select.ts";
import type { HostAllow, HostFacts } from "../../src/ports.ts";

const host = (id: string, fields = "") => {
  const { entry, problems } = parseEntry(`hosts/${id}.md`, "host", `---\naddress: 127.0.0.1\n${fields}\n---\n`);
  if (!entry) throw new Error(problems[0]?.message);
  return entry;
};
interface Facts {
  load?: number;
  cores?: number;
  used?: number;
  runtimes?: string[];
}
const up = ({ load = 0, cores = 1, used = 0, runtimes = ["shell"] }: Facts = {}): HostAnswer => ({
  facts: {
    identity: "i",
    boot: "b",
    skew: 0,
    cores,
    load,
    memory: { total: 1, free: 1 },
    disk: { total: 1, free: 1 },
    arch: "x86_64",
    system: "Linux",
    slots: { total: 4, used },
    runtimes: Object.fromEntries(runtimes.map((name) => [name, ""])),
    held: [],
  },
});
const down: HostAnswer = { fault: "unreachable", message: "does not answer" };
const placing = (
  hosts: Entry<"host">[],
  answers: Record<string, HostAnswer>,
  more: Partial<Placing> = {},
): Placing => ({
  hosts,
  answers: new Map(Object.entries(answers)),
  given: new Map(),
  runtime: "shell",
  of: { pack: "p", runtime: "shell" },
  networks: ["public"],
  zone: "UTC",
  now: new Date("2026-11-20T10:00:00Z"),
  ...more,
});

test("coding work goes only where git is and a worktree has room; a job that has one there goes on", () => {
  const on = (more: Partial<HostFacts>, work?: Placing["work"]) => {
    const { facts } = up() as { facts: HostFacts };
    return obstacle(host("ann"), placing([], { ann: { facts: { ...facts, ...more } } }, { work }));
  };
  const trees = [{ job: "mine", mirror: "m", used: 1 }];
  expect(on({ git: false }, {})).toMatchObject({ blocked: expect.stringContaining("needs git") });
  expect(on({ git: false })).toBeNull();
  expect(on({ stand: 40, trees }, { job: "other" })).toMatchObject({ wait: expect.stringContaining("40 worktrees") });
  expect(on({ stand: 40, trees }, { job: "mine" })).toBeNull();
  expect(on({ stand: 39 }, {})).toBeNull();
  expect(on({ stand: 40 })).toBeNull();
});

describe("one choice", () => {
  const two = [host("ann"), host("bob")];
  test("the one that has the runtime; one that can be given it only where none has", () => {
    const of = { pack: "p", runtime: "picoclaw" };
    const wanted = { runtime: "picoclaw", of };
    const answers = { ann: up({ load: 0 }), bob: up({ load: 3, runtimes: ["picoclaw"] }) };
    expect(place(placing(two, answers, { ...wanted, deploys: true }))).toEqual({ host: "bob" });
    const none = { ann: up({ load: 1 }), bob: up({ load: 0 }) };
    expect(place(placing(two, none, { ...wanted, deploys: true }))).toEqual({ host: "bob" });
    expect(place(placing(two, none, wanted))).toMatchObject({
      blocked: expect.stringMatching(/is not installed on ann, bob/),
    });
    // A pin is what a deploy must put there, not a word that it is there; a name without one is such a word.
    const pinned = [host("cal", `runtimes: {picoclaw: "1.0.0 sha256:${"a".repeat(64)}"}`)];
    expect(place(placing(pinned, { cal: up() }, wanted))).toMatchObject({
      blocked: expect.stringMatching(/not installed/),
    });
    expect(place(placing([host("dan", "runtimes: [picoclaw]")], { dan: up() }, wanted))).toEqual({ host: "dan" });
  });
  test("the least load per core", () => {
    expect(place(placing(two, { ann: up({ load: 2, cores: 2 }), bob: up({ load: 3, cores: 8 }) }))).toEqual({
      host: "bob",
    });
  });
  const allowing = (allow: Partial<HostAllow>, used = 0): HostAnswer => {
    const { facts } = up({ used }) as { facts: HostFacts };
    return { facts: { ...facts, allow: { packs: ["any"], runtimes: ["any"], slots: null, amiss: null, ...allow } } };
  };
  test.each<[string, Partial<HostAllow>]>([
    ["no line `pack p`", { packs: ["q", "p-2"] }],
    ["no line `runtime shell`", { runtimes: ["claude"] }],
    ["no line `pack p`", { packs: [] }],
    ["`slots 0`", { slots: 0 }],
    ["line 3 of allow", { amiss: "line 3 of allow" }],
  ])("what its owner does not allow is refused in their name: %s", (why, allow) => {
    const [ann] = two as [Entry<"host">];
    const placed = place(placing([ann], { ann: allowing(allow) }));
    expect(placed).toMatchObject({ blocked: expect.stringContaining(why) });
    expect(placed).toMatchObject({ blocked: expect.stringContaining("refused by the host's owner") });
    expect(place(placing(two, { ann: allowing(allow), bob: up({ load: 9 }) }))).toEqual({ host: "bob" });
  });
  test("the owner's slots count where they are fewer than the record's", () => {
    const [ann] = two as [Entry<"host">];
    expect(place(placing([ann], { ann: allowing({ slots: 2 }, 1) }))).toEqual({ host: "ann" });
    expect(place(placing([ann], { ann: allowing({ slots: 2 }, 2) }))).toEqual({
      wait: "ann has no free slot (2 in use)",
    });
    expect(place(placing([ann], { ann: allowing({ slots: 99 }, 4) }))).toMatchObject({ wait: expect.any(String) });
  });
  test("equal hosts go by name, and jobs given in this pass count as load", () => {
    expect(place(placing(two, { ann: up(), bob: up() }))).toEqual({ host: "ann" });
    expect(place(placing(two, { ann: up(), bob: up() }, { given: new Map([["ann", 1]]) }))).toEqual({ host: "bob" });
  });
  test("a runtime that the host's record names counts as there: what runs in a container cannot be found", () => {
    const named = host("cid", "runtimes: [ollama]");
    expect(place(placing([named], { cid: up() }, { runtime: "ollama" }))).toEqual({ host: "cid" });
    expect(place(placing(two, { ann: up(), bob: up() }, { runtime: "ollama" }))).toHaveProperty("blocked");
  });
  test("of a plugin's, whose program may have another name, the words say how a host is told to have it", () => {
    expect(place(placing(two, { ann: up(), bob: up() }, { runtime: "mine" }))).toEqual({
      blocked: expect.stringMatching(/^mine is not installed on ann, bob: .*write `runtimes: \[mine\]` into/),
    });
  });
  test("a runtime that is there wins over an idle host without it", () => {
    const answers = { ann: up(), bob: up({ load: 9, runtimes: ["picoclaw"] }) };
    expect(place(placing(two, answers, { runtime: "picoclaw" }))).toEqual({ host: "bob" });
  });
  test("a runtime that nobody has needs a person, and the words say what to do", () => {
    const said = place(placing(two, { ann: up(), bob: up() }, { runtime: "picoclaw" }));
    expect(said).toEqual({
      blocked: expect.stringMatching(/^picoclaw is not installed on ann, bob: put it on the PATH/),
    });
  });
  test("a runtime that a silent host may have is waited for", () => {
    expect(place(placing(two, { ann: up(), bob: down }, { runtime: "picoclaw" }))).toEqual({
      wait: "bob does not answer",
    });
  });
  test("no host, closed hosts, hosts that were not asked", () => {
    expect(place(placing([], {}))).toEqual({ blocked: "no host matches its `hosts:` selector" });
    expect(place(placing(two, {}))).toHaveProperty("wait");
    const shut = [host("ann", "cordon: repair"), host("bob", "off: true"), host("cid", "network: lab")];
    const said = place(placing(shut, { ann: up(), bob: up(), cid: up() })) as { blocked: string };
    for (const word of ["ann is cordoned (repair)", "bob is switched off", "cid is on network lab"])
      expect(said.blocked).toContain(word);
  });
  test("`cordon: false` is no cordon", () => expect(closed(host("ann", "cordon: false"), ["public"])).toBeNull());
});

test("whatever the fleet looks like, the choice is allowed and none is better", () => {
  const one = fc.record({
    slots: fc.integer({ min: 1, max: 3 }),
    used: fc.nat(3),
    given: fc.nat(2),
    load: fc.integer({ min: 0, max: 8 }),
    cores: fc.constantFrom(1, 2, 4),
    cordon: fc.boolean(),
    off: fc.boolean(),
    network: fc.constantFrom("public", "lab"),
    has: fc.boolean(),
    answers: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), (specs) => {
      const hosts = specs.map((s, i) =>
        host(`h${i}`, `slots: ${s.slots}\ncordon: ${s.cordon}\noff: ${s.off}\nnetwork: ${s.network}`),
      );
      const answers = Object.fromEntries(
        specs.map((s, i) => [
          `h${i}`,
          s.answers ? up({ load: s.load, cores: s.cores, used: s.used, runtimes: s.has ? ["picoclaw"] : [] }) : down,
        ]),
      );
      const given = new Map(specs.map((s, i) => [`h${i}`, s.given]));
      const asked = placing(hosts, answers, { given, runtime: "picoclaw" });
      const able = specs.flatMap((s, i) =>
        !s.cordon && !s.off && s.network === "public" && s.answers && s.has && s.slots - s.used - s.given > 0
          ? [{ id: `h${i}`, burden: (s.load + s.given) / s.cores }]
          : [],
      );
      const placed = place(asked);
      expect("host" in placed).toBe(able.length > 0);
      if (!("host" in placed)) return;
      const chosen = able.find((a) => a.id === placed.host);
      expect(chosen).toBeDefined();
      expect(able.every((a) => a.burden >= (chosen?.burden ?? Infinity))).toBe(true);
      expect(obstacle(hosts[Number(placed.host.slice(1))] as Entry<"host">, asked)).toBeNull();
      expect(place(asked)).toEqual(placed);
    }),
    { numRuns: 200 },
  );
});

describe("selectors", () => {
  const all = [host("web-2", "labels: [web]"), host("web-1", "labels: [web, eu]"), host("db", "labels: db")];
  const ids = (selectors?: string[]) => selectHosts(selectors, all).map((one) => one.id);
  test("names, labels, any, in name order and each once", () => {
    expect(ids()).toEqual(["db", "web-1", "web-2"]);
    expect(ids(["any"])).toEqual(["db", "web-1", "web-2"]);
    expect(ids(["label:web"])).toEqual(["web-1", "web-2"]);
    expect(ids(["label:eu", "web-1", "db"])).toEqual(["db", "web-1"]);
    expect(ids(["label:none", "nobody"])).toEqual([]);
  });
  test("`all` is each on any", () => {
    expect(isEach({ spread: "one", hosts: ["all"] })).toBe(true);
    expect(isEach({ spread: "one", hosts: ["any"] })).toBe(false);
    expect(isEach({ spread: "each" })).toBe(true);
  });
});
