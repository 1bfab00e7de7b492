// Which machine a name stands for, over real SSH: set up anew, removed, renamed, twice in the inventory, shared by packs.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { host as hostForm } from "../../src/core/schema.ts";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, realPack, towline } from "./real.ts";

const packs: TestPack[] = [];
const state = (p: TestPack, task: string) => /^state: (\w+)$/m.exec(p.file(`status/${task}.md`))?.[1];
const met = (p: TestPack) =>
  p
    .file("state/hosts.ndjson")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe.skipIf(lacksSshd)(`machines and their names, ${needs}`, { timeout: 400_000 }, () => {
  let dir: string;
  let up: Machines;
  let bow: Machine;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-hosts-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
    bow = up.machines[0] as Machine;
  });
  afterEach(() => {
    for (const pack of packs.splice(0)) pack.remove();
    rmSync(join(bow.home, "marks"), { force: true });
  });
  afterAll(async () => {
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });

  const record = (more = "", name = bow) =>
    md(
      `address: 127.0.0.1\nport: ${name.port}\nuser: ${name.user}\nkey: env:TOWLINE_TEST_KEY\nhost_key: ${name.hostKey}\n${more}`,
    );
  function pack(files: Record<string, string>, id: string): TestPack {
    const made = realPack(up.machines, files, "tick: {patience: 1s}\n", id);
    packs.push(made);
    return made;
  }
  const run = (p: TestPack, ...args: string[]) => towline([...args, "--repo", p.clone], keyOf(up.machines));
  async function tick(p: TestPack) {
    const said = await run(p, "tick", "--json", "--no-sync", "--no-site");
    expect([said.code, said.err]).toEqual([0, expect.not.stringContaining("fault of ours")]);
    return JSON.parse(said.out);
  }
  const mark = (name: string, then = "") => `echo ${name} >> "$HOME/marks"\n${then}`;

  test("set up anew: no work for it until enroll --replace, which closes the old life's jobs; on_lost decides", async () => {
    const p = pack({ "tasks/first.md": md("title: First", mark("first")) }, "anew");
    await tick(p);
    expect(state(p, "first")).toBe("done");
    const [{ identity: old }] = met(p);
    p.push({
      "tasks/long.md": md("title: Long", mark("long", "sleep 4")),
      "tasks/again.md": md("title: Again\non_lost: retry", mark("again", 'ls "$HOME/anew" || sleep 4')),
    });
    await tick(p);
    expect([state(p, "long"), state(p, "again")]).toEqual(["running", "running"]);
    rmSync(join(bow.home, ".towline"), { recursive: true, force: true });
    writeFileSync(join(bow.home, "anew"), "");
    p.push({ "tasks/next.md": md("title: Next", mark("next")) });
    await tick(p);
    await tick(p);
    expect(state(p, "next")).toBe("queued");
    expect(p.file("status/long.md")).toContain("was set up anew");
    expect(met(p)[0].identity).toBe(old);
    expect(marks(up.machines).filter((line) => line.startsWith("next"))).toEqual([]);

    const said = await run(p, "fleet", "enroll", "bow", "--replace", "--json");
    expect(said.code).toBe(0);
    const enrolled = JSON.parse(said.out);
    expect(enrolled.closed.map((id: string) => id.split("-")[0]).sort()).toEqual(["again", "long"]);
    expect(enrolled.identity).not.toBe(old);
    expect(met(p)[0].identity).toBe(enrolled.identity);
    expect(state(p, "long")).toBe("lost");
    expect(p.file("OVERVIEW.md")).toContain("was lost on bow");
    const text = p.git("show", ":hosts/bow.md");
    p.push({ "hosts/bow.md": text.replace(/\n---\n\n/, `\nidentity: ${enrolled.identity}\n---\n\n`) });
    await tick(p);
    await tick(p);
    expect([state(p, "next"), state(p, "again"), state(p, "long")]).toEqual(["done", "done", "lost"]);
    const job = p.at("ls-tree", "-r", "--name-only", "main", "jobs/").match(/\S+again-\S+/)?.[0] ?? "";
    expect(p.file(job)).toMatch(/epoch: 2\n[\s\S]*attempt: 2\n/);

    // Pinned now: another machine under the name is refused by the record, and enroll without --replace says how.
    rmSync(join(bow.home, ".towline"), { recursive: true, force: true });
    const refused = await run(p, "fleet", "enroll", "bow", "--yes");
    expect([refused.code, refused.err]).toEqual([3, expect.stringContaining("--replace")]);
    p.push({ "tasks/more.md": md("title: More", mark("more")) });
    await tick(p);
    expect(state(p, "more")).toBe("queued");
    await delay(4000); // what the old life had running ends by itself
  });

  test.each([
    ["removed", (): Record<string, string | null> => ({ "hosts/bow.md": null }), "blocked"],
    ["renamed", () => ({ "hosts/bow.md": null, "hosts/prow.md": record() }), "done"],
  ])("%s while a job runs: it is collected, by a runner with an empty disk", async (how, change, after) => {
    const p = pack({ "tasks/slow.md": md("title: Slow", mark(`${how}`, "sleep 3; echo late but here")) }, `n-${how}`);
    await tick(p);
    expect(state(p, "slow")).toBe("running");
    p.push({ ...change(), "tasks/other.md": md("title: Other", mark("other")) });
    await delay(3500);
    const fresh = join(p.dir, "fresh");
    p.git("clone", "-q", "--depth=1", `file://${p.origin}`, fresh);
    const said = await towline(["tick", "--no-sync", "--no-site", "--repo", fresh], keyOf(up.machines));
    expect(said.code).toBe(0);
    expect(p.file("status/slow.md")).toContain("late but here");
    expect([state(p, "slow"), state(p, "other")]).toEqual(["done", after]);
    expect(marks(up.machines).filter((line) => line.startsWith(how))).toHaveLength(1);
    // Nothing is left open there, so the old name is forgotten.
    await tick(p);
    p.push({ "tasks/last.md": md("title: Last", mark("last")) });
    await tick(p);
    expect(p.file("state/hosts.ndjson")).not.toContain('"host":"bow"');
  });

  test("renamed, and reached by another address: the machine itself says that it holds the job", async () => {
    const p = pack({ "tasks/slow.md": md("title: Slow", mark("moved", "sleep 3; echo moved along")) }, "moved");
    await tick(p);
    const row = met(p)[0];
    p.push({
      "hosts/bow.md": null,
      "hosts/prow.md": record(`identity: ${row.identity}`),
      "state/hosts.ndjson": `${JSON.stringify({ ...row, at: { ...row.at, port: 9 } })}\n`,
    });
    await delay(3500);
    await tick(p);
    expect(state(p, "slow")).toBe("done");
    expect(p.file("status/slow.md")).toContain("moved along");
  });

  test("one machine under two names: one of them works, the other is refused, whichever answers first", async () => {
    const p = pack({ "tasks/t0.md": md("title: T0\nhosts: bow", mark("t0")) }, "twins");
    await tick(p);
    // It was met as bow before there was another name: a first tick looks at every host that is there.
    p.push({ "hosts/abaft.md": record() });
    for (let n = 1; n < 4; n++) p.push({ [`tasks/t${n}.md`]: md(`title: T${n}`, mark(`t${n}`)) });
    const told = await tick(p);
    expect(told.started.map((one: { host: string }) => one.host)).toEqual(["bow", "bow", "bow"]);
    p.push({ "tasks/each.md": md("title: Each\nhosts: all", mark("each")) });
    await tick(p);
    expect(marks(up.machines).filter((line) => line.startsWith("each"))).toHaveLength(1);
    expect(p.file("OVERVIEW.md")).toContain("is the same machine as bow");
  });

  test("two packs on one machine share its slots, and nothing else", async () => {
    const one = { "hosts/bow.md": record("slots: 1") };
    const a = pack(
      {
        ...one,
        "tasks/hold.md": md("title: Hold", mark("a", 'while [ ! -e "$HOME/go-on" ]; do sleep 0.1; done; echo held')),
      },
      "shared",
    );
    const b = pack({ ...one, "tasks/hold.md": md("title: Hold", mark("b")) }, "shared");
    const first = await tick(a);
    expect(first.started).toHaveLength(1);
    expect((await tick(b)).started).toHaveLength(0);
    expect(reason(b, "hold")).toContain("has no free slot");
    const id: string = first.started[0].job;
    expect((await run(b, "job", "cancel", id)).code).toBe(2);
    // Spoken to directly, in the other pack's name: nothing of the first one's can be seen or moved.
    const keyring = { env: keyOf(up.machines), home: dir, secrets: noSecrets };
    const data = hostForm.parse({
      address: "127.0.0.1",
      port: String(bow.port),
      user: bow.user,
      host_key: bow.hostKey,
      key: "env:TOWLINE_TEST_KEY",
      slots: "1",
    });
    const other = JSON.parse(b.file("state/pack.json")).pack;
    const session = await createFleet(keyring).open("bow", data, other);
    expect(session.facts).toMatchObject({ held: [], slots: { used: 1 } });
    await expect(session.fetch(id, 1)).rejects.toMatchObject({ kind: "altered" });
    await session.cancel(id, 1);
    expect(await session.seal(id, 9)).toEqual({ started: null });
    await session.ack([{ job: id, epoch: 1, sha256: "0".repeat(64) }]);
    session.close();
    writeFileSync(join(bow.home, "go-on"), "");
    await delay(500);
    await tick(a);
    expect(a.file("status/hold.md")).toContain("held");
    await tick(b);
    expect([state(a, "hold"), state(b, "hold")]).toEqual(["done", "done"]);
    expect(marks(up.machines).map((line) => line.split(" ")[0])).toEqual(["a", "b"]);
  });

  const reason = (p: TestPack, task: string) => /^reason: (.*)$/m.exec(p.file(`status/${task}.md`))?.[1];
});
