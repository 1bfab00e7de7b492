// Runtimes and transports that plugins offer: what is made of them, and what a plugin that lies or fails costs.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { forge_questions, runtime_offer } from "../../src/core/plugin-offers.ts";
import { judgeDeclared } from "../../src/core/plugins.ts";
import { agent, host as hostSchema, type PluginSettings, settings as settingsSchema } from "../../src/core/schema.ts";
import { bringUp, type Machine } from "../../src/demo/machines.ts";
import { offered as offeredForge } from "../../src/forges/offered.ts";
import { forgeCalls } from "../../src/plugin/forge.ts";
import { kit } from "../../src/plugin/kit.ts";
import { createPlug } from "../../src/plugin/plug.ts";
import { worldOf } from "../../src/plugin/poller.ts";
import { offered } from "../../src/runtimes/offered.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { openRepo } from "../../src/shell/repo.ts";
import { createScan } from "../../src/shell/scan.ts";
import type { Targets } from "../../src/shell/target.ts";
import { codeOf as codeOfPack } from "../../src/verbs/code.ts";
import { plugOf } from "../../src/verbs/plug.ts";
import { wireUp } from "../../src/wire.ts";
import { type FakeMachine, machine } from "../fakes/fleet.ts";
import { basics, md, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { gitea } from "../forges/gitea.ts";
import { anyAssignment, folders, run } from "../runtimes/runs.ts";
import { carrier } from "../transports/carrier.ts";
import { codeOf } from "./write.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 120_000 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** The class with this offer, as a plugin's file. */
const offering = (offer: string, before = "") => `
import { Plugin } from "towline/plugin";
${before}
export default class extends Plugin {
  static api = 1;
  title = "Offers something";
  ${offer}
}
`;

describe("what is declared is judged before anything is made of it", () => {
  const declared = (offers: object, name = "mine") =>
    judgeDeclared(
      {
        ...{ api: 1, title: "t", every: "30m", kinds: {}, options: {}, needs: [], secrets: [], actions: {}, hooks: [] },
        ...{ has: [], ...offers },
      },
      name,
    );
  const way = { says: "x", program: "tunnel", args: ["{address}"] };
  test.each<[string, object, RegExp, string?]>([
    ["no object", { runtime: "claude" }, /at `runtime`/],
    ["a field that is none", { runtime: { says: "x", command: "rm -rf /" } }, /at `runtime`: .*command/],
    [
      "a path as a program",
      { runtime: { says: "x", program: "../../bin/sh" } },
      /`runtime\.program`: .*without a path/,
    ],
    ["an option as a program", { transport: { ...way, program: "-x" } }, /without a path/],
    ["a line break", { runtime: { says: "x", args: ["a\nb"] } }, /without control characters/],
    [
      "a slot that nothing fills",
      { runtime: { says: "x", args: ["{secret}"] } },
      /`\{secret\}` is filled in by nothing/,
    ],
    ["the prompt within a word", { runtime: { says: "x", args: ["--file={prompt}"] } }, /a word of its own/],
    ["the prompt in a variable", { runtime: { says: "x", env: { TEXT: "{prompt}" } } }, /filled in by nothing/],
    ["a variable of the machine", { runtime: { says: "x", env: { LD_PRELOAD: "/x" } } }, /the machine's own/],
    ["JSON without a place", { runtime: { says: "x", output: "json" } }, /does not say where the answer is/],
    ["a place that is none", { runtime: { says: "x", output: "json", read: { answer: "a[0]" } } }, /names with dots/],
    ["the name of a runtime of ours", { runtime: { says: "x" } }, /`claude` is towline's own/, "claude"],
    ["the name of a transport of ours", { transport: way }, /`local` is towline's own/, "local"],
    ["a forge that cannot show", { forge: { says: "x", can: ["propose"] } }, /must have `show` and `propose`/],
    [
      "the name of a forge of ours",
      { forge: { says: "x", can: ["show", "propose"] } },
      /`git` is towline's own/,
      "git",
    ],
    ["too many words", { transport: { ...way, args: Array(61).fill("x") } }, /at `transport\.args`/],
  ])("%s", (_, offers, why, name) => {
    const judged = declared(offers, name);
    expect("fault" in judged && judged.fault).toMatch(why);
  });
  test("one that is sound, and one that offers nothing under such a name", () => {
    expect(declared({ runtime: { says: "x" }, transport: way })).toHaveProperty("value");
    expect(declared({}, "claude")).toHaveProperty("value");
  });
});

test("each word is one argument of the program, whatever is in it; no shell reads any of it", async () => {
  const bin = mkdtempSync(join(tmpdir(), "towline-test-"));
  folders.push(bin);
  writeFileSync(
    join(bin, "odd.model"),
    '#!/bin/sh\nfor a in "$@"; do printf "[%s]" "$a"; done\nprintf " %s|%s" "$TONE" "$KEY"\ncat\n[ -z "$4" ] || cat "$4"\n',
  );
  chmodSync(join(bin, "odd.model"), 0o755);
  const odd = "a b  '\"$(touch pwned)`touch pwned`;*\\ ";
  const runtime = offered(
    "mine",
    runtime_offer.parse({
      ...{ says: "x", program: "odd.model", env: { TONE: "$HOME {model}" } },
      args: [["--model", "{model}"], odd, "{character}", ["--url", "{url}"], "--", "-{job}"],
    }),
  );
  const given = anyAssignment({ agent: agent.parse({ runtime: "mine", model: "m 1" }), secrets: { KEY: "s3" } });
  const { result, folder } = await run(runtime.launch(given), { PATH: `${bin}:/usr/bin:/bin` });
  const { answer } = runtime.outcome(result);
  expect(answer).toContain(`[--model][m 1][${odd}][${folder}/character][--][-disk-0123456789] $HOME m 1|s3`);
  expect(answer).toContain("Say how full the disks are.");
  expect(answer).toMatch(/You are terse\.$/);
  const lacking = runtime.launch(anyAssignment({ agent: agent.parse({ runtime: "mine" }) }));
  const without = await run(lacking, { PATH: "/usr/bin:/bin" });
  expect(runtime.outcome(without.result).why).toMatch(/^exit 127: odd\.model is not installed on this host/);
});

function pack(settings: string, files: Record<string, string>) {
  const made = testPack({ ...basics(["ann"], settings), ...files });
  ends.push(() => made.remove());
  return made;
}

/** Ticks of one pack over a machine that has the program. */
function ticks(p: ReturnType<typeof pack>) {
  const ann: FakeMachine = machine({ runtimes: ["shell", "mine"] });
  let opened: ReturnType<typeof openRepo> | undefined;
  const tick = async (minute: number) => {
    // Opened once: that costs as much as the rest.
    opened ??= openRepo(p.clone, { env: process.env });
    const repo = await opened;
    const plug = createPlug({ env: {}, secret: () => undefined, folders: [p.clone], repo });
    return runTick(p.clone, { ann }, (job) => (job.startsWith("slow") ? { hangs: true } : { stdout: "fine\n" }), {
      repo,
      plug: plug.runtime,
      now: new Date(Date.UTC(2026, 10, 20, 9, minute)).toISOString(),
    });
  };
  return { tick, ann };
}

const agents = { "agents/writer.md": md("runtime: mine") };
const sound = offering('runtime = { says: "a model of ours", args: ["--quiet"] };');

test("work by a plugin's runtime is done; one that is broken holds its own work back, with a reason, and no other", async () => {
  const p = pack("plugins: {mine: {}}\n", {
    ...agents,
    "plugins/mine.ts": offering('runtime = { says: "x", args: "--quiet" };'),
    "tasks/essay.md": md("title: Essay\nagent: writer", "Write."),
    "tasks/disk.md": md("title: Disk", "df"),
  });
  const { tick, ann } = ticks(p);
  const first = await tick(0);
  expect(first.degraded).toEqual([expect.stringMatching(/^plugin mine failed: what it declares is amiss at `runtime/)]);
  expect(ann.journal).toEqual([expect.stringMatching(/^disk-/)]);
  expect(p.file("status/essay.md")).toMatch(/state: blocked[\s\S]*agents\/writer\.md: runtime `mine` is a plugin/);
  // Nothing new: no commit, however often.
  expect((await tick(1)).commits).toEqual([]);
  p.push({ "plugins/mine.ts": offering('title2 = "no runtime at all";') });
  await tick(2);
  expect(p.file("status/essay.md")).toMatch(/it offers no runtime/);
  p.push({ "plugins/mine.ts": sound });
  const last = await tick(3);
  expect(last.degraded).toEqual([]);
  const [request] = [...ann.runs.values()].map((one) => one.request).slice(-1);
  expect(request).toMatchObject({ runtime: "mine", launch: { files: { program: "mine", "args/000": "--quiet" } } });
  expect(p.file("status/essay.md")).toMatch(/state: done[\s\S]*fine/);
  p.push({
    "towline.yml": basics([], "")["towline.yml"] as string,
    "tasks/essay.md": md("title: Essay\nagent: writer\nrun: 2", "W"),
  });
  await tick(4);
  expect(p.file("status/essay.md")).toMatch(/runtime `mine` is not known/);
});

test("a result whose plugin has come to fail stays on its host until it can be read", async () => {
  const p = pack("plugins: {mine: {}}\n", {
    ...agents,
    "plugins/mine.ts": sound,
    "tasks/slow.md": md("title: Slow\nagent: writer", "Write."),
  });
  const { tick, ann } = ticks(p);
  await tick(0);
  const [held] = [...ann.runs.values()];
  if (!held) throw new Error("nothing was started");
  p.push({ "plugins/mine.ts": offering("", 'throw new Error("no");') });
  Object.assign(held.run, { hangs: false, stdout: "at last\n" });
  await tick(1);
  const files = p.at("ls-tree", "-r", "--name-only", "main", "jobs").trim().split("\n");
  const job = files.find((path) => /slow-[0-9a-f]+\.md$/.test(path)) as string;
  expect(p.file(job)).toMatch(
    /state: started[\s\S]*the plugin mine, by which its answer is read, fails: plugins\/mine\.ts:3: no/,
  );
  const named = p.file("towline.yml");
  p.push({ "plugins/mine.ts": sound, "towline.yml": named.replace("plugins: {mine: {}}", "") });
  await tick(2);
  expect(p.file(job)).toMatch(/state: started[\s\S]*cannot be read: towline\.yml names no plugin mine any more/);
  expect(ann.acked).toEqual([]);
  p.push({ "towline.yml": named });
  await tick(3);
  expect(p.file(job)).toMatch(/state: finished[\s\S]*at last/);
  expect(ann.journal).toHaveLength(1);
});

test("a plugin's transport carries SSH with the pinned key; towline.yml says what it may start", async () => {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  folders.push(dir);
  const bin = join(dir, "bin");
  const up = await bringUp({ dir, count: 1, server: "built-in" });
  ends.push(() => up.down());
  const [one] = up.machines as [Machine];
  mkdirSync(bin);
  writeFileSync(join(bin, "carry"), carrier, { mode: 0o755 });
  const p = pack("", {
    "plugins/tunnel.ts": offering(
      'transport = { says: "by carry", program: "carry", args: ["{address}", "{port}", ["--as", "{user}"]], env: ["CARRY_TOKEN"] };',
    ),
    "plugins/plain.ts": offering(""),
  });
  const repo = await openRepo(p.clone, { env: process.env });
  const tips = await repo.local();
  const env = { KEY: one.keyText, CARRY_TOKEN: "t0k", PATH: `${bin}:${process.env.PATH}`, SSH_AUTH_SOCK: "/none" };
  const plug = createPlug({ env, secret: (name) => (env as Record<string, string>)[name], folders: [], repo });
  const open = async (plugins: object, more: Record<string, string> = {}) => {
    const settings = settingsSchema.parse({ id: "p", plugins });
    const record = hostSchema.parse({
      ...{ address: one.address, port: String(one.port), user: one.user, host_key: one.hostKey, key: "env:KEY" },
      ...{ transport: "tunnel", ...more },
    });
    const fleet = createFleet({
      env,
      home: dir,
      connectTimeout: 5000,
      offers: (n) => plug.transport({ settings, tips }, n),
    });
    const session = await fleet.open("one", record, "pack-a");
    ends.unshift(() => session.close());
    return session;
  };
  const granted = { tunnel: { program: "carry", secrets: ["CARRY_TOKEN"] }, plain: {} };
  expect((await open(granted)).facts.runtimes).toHaveProperty("shell");
  const calls = () => readFileSync(join(bin, "calls"), "utf8").trim().split("\n");
  const [words, seen] = JSON.parse(calls()[0] as string);
  expect(words).toEqual([one.address, String(one.port), "--as", one.user]);
  expect(seen).toEqual({ PATH: env.PATH, HOME: dir, CARRY_TOKEN: "t0k" });
  await expect(open({ tunnel: {} })).rejects.toThrow(/wants to start carry here, which towline\.yml does not allow/);
  await expect(open({ tunnel: { program: "carry" } })).rejects.toThrow(/wants CARRY_TOKEN for carry/);
  await expect(open(granted, { transport: "plain" })).rejects.toThrow(/plain offers no transport/);
  await expect(open({})).rejects.toThrow(/there is no transport `tunnel`/);
  await expect(open(granted, { address: "-oProxyCommand=x" })).rejects.toThrow(/`address` begins with a dash/);
  const other = `SHA256:${"A".repeat(43)}`;
  await expect(open(granted, { host_key: other })).rejects.toMatchObject({ kind: "changed-key" });
  await expect(open(granted, { port: "1" })).rejects.toThrow(/carry \(transport tunnel\) ended: no way: ECONNREFUSED/);
  expect(calls()).toHaveLength(3);
});

describe("a forge that", () => {
  const work = { repo: ".", branch: "towline/x-1", head: "a".repeat(40) };
  const bob = { login: "bob", id: "2" };
  const is = { number: 1, url: "https://f.example/1", state: "open", title: "t", head: "b".repeat(40), base: "main" };
  const nowhere = {
    fetch: async () => ({
      looked: { tip: "c", heads: new Map() },
      contains: async () => false,
      holds: async () => null,
    }),
  } as unknown as Targets;
  const forge = (answers: Record<string, unknown>) =>
    offeredForge("mine", { can: [...forge_questions], ask: async (what) => answers[what] }, nowhere);
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["says a script for an address", { show: { ...is, url: "javascript:alert(1)" } }, /to `show` is amiss at `url`/],
    ["says no commit", { show: { ...is, head: "main" } }, /amiss at `head`/],
    ["says nothing", { show: undefined }, /to `show` is amiss/],
    ["gives words for a list", { show: is, reviews: "fine" }, /to `reviews` is amiss/],
    ["proposes to nowhere", { propose: "#1" }, /to `propose` is amiss/],
  ])("%s is not believed", async (_, answers, why) => {
    const one = forge(answers);
    const asked = answers.propose ? one.propose(work) : answers.reviews ? one.remarks(work) : one.show(work);
    await expect(asked).rejects.toMatchObject({ code: 4, message: expect.stringMatching(why) });
  });
  test("calls work merged that git has not, or lets strangers close it, moves nothing", async () => {
    expect(await forge({ show: { ...is, state: "merged", merged_by: bob } }).stands(work)).toEqual({
      refused: expect.stringContaining("the default branch has not that work"),
    });
    const closed = { show: { ...is, state: "closed", closed_by: bob } };
    for (const [permission, standing] of [
      [{ id: "2", may: "write" }, "closed"],
      [{ id: "3", may: "admin" }, { refused: expect.stringContaining("closed by bob") }],
      [{ id: "2", may: "read" }, { refused: expect.stringContaining("closed by bob") }],
    ] as const)
      expect(await forge({ ...closed, permission }).stands(work)).toEqual(standing);
    await expect(forge({ ...closed, permission: "admin" }).stands(work)).rejects.toThrow(/to `permission` is amiss/);
    expect(await forge({ permission: "admin" }).permission(".", bob)).toBe("none");
    const robot = { ...closed, show: { ...closed.show, closed_by: { ...bob, bot: true } } };
    expect(await forge({ ...robot, permission: { id: "2", may: "admin" } }).stands(work)).toHaveProperty("refused");
  });

  test("never answers, sends where it is asked, or wants keys that it may not have, is a fault of it alone", async () => {
    const asking = (show: string) => {
      const text = offering(`forge = { says: "x", propose: () => ({ answer: "" }), show: (asked) => (${show}) };`);
      const own = settingsSchema.parse({ id: "p", plugins: { x: {} } });
      const ports = { env: { KEY: "k" }, secret: () => undefined, folders: [] };
      return forgeCalls({
        ...{ name: "x", ports, signal: undefined, own: own.plugins.x as PluginSettings },
        world: worldOf("x", ports, own, new Date(), { known: [] }),
        code: async () => codeOf(text),
      })("show", { work });
    };
    for (const [show, why] of [
      ["{ fetch: {} }", /the forge x: it comes to no answer within 8 steps/],
      ['{ send: { a: { url: "https://127.0.0.1:9/" } } }', /wants to send something where it is only asked/],
      ['{ fetch: { a: { url: "https://127.0.0.1:9/", token: "KEY" } } }', /wants the variable KEY, which its settings/],
      ["(() => { throw new Error('odd'); })()", /the forge x: plugins\/x\.ts:\d+: odd/],
    ] as const)
      await expect(asking(show)).rejects.toMatchObject({ code: 4, message: expect.stringMatching(why) });
  });
});

test("the kit shows what is made of an offer, without a host and without a forge", async () => {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  folders.push(dir);
  const file = join(dir, "mine.ts");
  const json = 'output: "json", read: { answer: "text", cost: "usd", tokens: { input: "n" } }';
  writeFileSync(file, offering(`runtime = { says: "x", args: [["-m", "{model}"], "{prompt}"], ${json} };`));
  const mine = await kit(file);
  expect(await mine.offers()).toMatchObject({ runtime: { says: "x", model: true }, transport: undefined });
  const { program, args, input } = await mine.words({ model: "small" }, "Count it.");
  expect([program, args]).toEqual(["mine", ["-m", "small", "prompt"]]);
  expect(input).toContain("Count it.");
  expect(await mine.reads('{"text":"three","usd":0.5,"n":7}')).toMatchObject({
    ...{ state: "finished", answer: "three", cost: 0.5, tokens: { input: 7 } },
  });
  const gitea = await kit("plugins/gitea.ts");
  const settings = { url: "https://git.example", token: "T", repo: "alice/pack" };
  const work = { repo: ".", branch: "towline/x-1", head: "a".repeat(40), title: "Mend it", body: "" };
  const fetched = {
    ...{ pulls: "[]", base: '{"default_branch":"trunk"}' },
    again: JSON.stringify([
      { number: 3, html_url: "https://git.example/3", state: "open", head: { ref: work.branch }, base: {} },
    ]),
  };
  expect(await gitea.ask("propose", { work }, { settings, fetched })).toBe("https://git.example/3");
  expect(gitea.sent.made).toMatchObject({
    ...{ url: "https://git.example", path: "/api/v1/repos/alice/pack/pulls", token: "T", method: "POST" },
    body: { head: work.branch, base: "trunk", title: "Mend it" },
  });
  const stranger = { person: { login: "x", id: "1" } };
  for (const repo of ["../../admin", "../admin", "admin/.."])
    await expect(gitea.ask("permission", { ...stranger, repo }, { settings })).rejects.toThrow(/is no owner\/name/);
});

test("towline.yml names a plugin's forge, which is asked as the default branch has it; no other name is one", async () => {
  const hub = await gitea("/nowhere");
  ends.push(() => hub.close());
  const shipped = readFileSync(join(import.meta.dirname, "../../plugins/gitea.ts"), "utf8");
  const forge = `forge: gitea\nplugins: {gitea: {url: "env:GITEA", token: GITEA_TOKEN, repo: alice/pack}}\n`;
  const p = pack(forge, { "plugins/gitea.ts": shipped });
  // What stands in the work tree is nobody's forge.
  writeFileSync(join(p.clone, "plugins/gitea.ts"), offering("", 'throw new Error("no");'));
  const env = { ...process.env, GITEA: hub.url, GITEA_TOKEN: "a-gitea-secret" };
  const code = codeOfPack({ ...wireUp(), env }, p.clone, createScan());
  const of = (text: string) => code.forge(settingsSchema.parse({ id: "p", forge: text }));
  const work = { repo: ".", branch: "towline/x-1", head: "a".repeat(40) };
  expect(of("gitea").name).toBe("gitea");
  expect(await of("gitea").show(work)).toBeNull();
  expect(await of("gitea").permission(".", { login: "bob", id: "2" })).toBe("write");
  expect(hub.asked[0]).toBe(
    "GET /api/v1/repos/alice/pack/pulls?state=all&sort=recentupdate&limit=50 Bearer a-gitea-secret",
  );
  await expect(of("gitae").show(work)).rejects.toThrow(/there is no forge `gitae`/);
});

test("a proposal that is checked out names no program to start here, and no keys for a forge", async () => {
  const way = 'transport = { says: "by carry", program: "carry", args: ["{address}"] };';
  const asks = 'forge = { says: "asks", show: () => ({ answer: null }), propose: () => ({ answer: null }) };';
  const p = pack("", { "plugins/mine.ts": offering(way) });
  const verb = () => plugOf(wireUp(), p.clone);
  const settings = readFileSync(join(p.clone, "towline.yml"), "utf8");
  const granted = `${settings}\nplugins: {mine: {program: carry, network: true}}\n`;
  p.git("checkout", "-q", "-b", "proposal");
  writeFileSync(join(p.clone, "towline.yml"), granted);
  writeFileSync(join(p.clone, "plugins/mine.ts"), offering(`${way} ${asks}`));
  p.git("commit", "-q", "-a", "-m", "proposal");
  await expect(verb().transports("mine")).rejects.toThrow(/there is no transport `mine`/);
  await expect(verb().forges("mine")).rejects.toThrow(/there is no forge `mine`/);
  p.push({ "towline.yml": granted });
  expect((await verb().transports("mine")).offer.program).toBe("carry");
  await expect(verb().forges("mine")).rejects.toThrow(/mine offers no forge/);
});
