// `towline plugin …` as an author uses it: begin one, look at it, set it up, see what ticks run.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { packageHere, pinnedPackage } from "../../src/plugin/code.ts";
import { cli } from "../fakes/cli.ts";
import { basics, type TestPack, testPack } from "../fakes/pack.ts";
import { scripted } from "../pollers/script.ts";
import { down, plugin } from "./write.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 120_000 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function pack(settings = "", files: Record<string, string> = {}): TestPack {
  const made = testPack({ ...basics([], settings), ".gitignore": "node_modules\n", ...files });
  ends.push(() => made.remove());
  return made;
}

const rowsOf = async (p: TestPack) =>
  JSON.parse((await cli(p.clone, ["plugin", "list", "--json"])).out) as Record<string, string>[];

test("one that was begun is sound, is named, and runs once it is on the default branch", async () => {
  const p = pack();
  const begun = await cli(p.clone, ["plugin", "new", "shop-status"]);
  expect([begun.code, begun.out.split("\n")[0]]).toEqual([
    0,
    "plugins/shop-status.ts was written, and towline.yml names it.",
  ]);
  const looked = await cli(p.clone, ["plugin", "check"]);
  expect([looked.code, looked.out]).toEqual([
    0,
    expect.stringMatching(/^✓ shop-status: .*\n {4}makes shop_status\.down: /),
  ]);
  expect(await rowsOf(p)).toMatchObject([{ plugin: "shop-status", state: "not named", digest: null }]);
  const text = readFileSync(join(p.clone, "plugins/shop-status.ts"), "utf8");
  const settings = readFileSync(join(p.clone, "towline.yml"), "utf8");
  p.push({ "plugins/shop-status.ts": text, "towline.yml": settings });
  const [on] = await rowsOf(p);
  expect(on).toEqual({
    plugin: "shop-status",
    place: "plugins/shop-status.ts",
    state: "on",
    digest: expect.any(String),
  });
  writeFileSync(join(p.clone, "plugins/shop-status.ts"), `${text}// changed\n`);
  expect(await rowsOf(p)).toMatchObject([
    { state: "on", digest: on?.digest, here: expect.not.stringMatching(on?.digest as string) },
  ]);
  const twice = await cli(p.clone, ["plugin", "new", "shop-status"]);
  expect([twice.code, twice.said]).toEqual([2, expect.stringMatching(/is there already/)]);
});

test("begun under a name of towline's own, or where a file stands for the folder: said, and nothing written", async () => {
  const p = pack();
  for (const [kind, name] of Object.entries({ runtime: "claude", transport: "ssh", forge: "github" })) {
    const own = await cli(p.clone, ["plugin", "new", name, "--kind", kind]);
    expect([own.code, own.said]).toEqual([2, expect.stringContaining(`${name} is a ${kind} of towline's own`)]);
  }
  writeFileSync(join(p.clone, "plugins"), "a list\n");
  const file = await cli(p.clone, ["plugin", "new", "shop"]);
  expect([file.code, file.said]).toEqual([3, expect.stringMatching(/plugins.*\n {2}look at the file, its folder/)]);
  expect(p.git("status", "--porcelain")).toBe("?? plugins\n");
});

test("setup asks for what is required, tries it, and writes it; what does not work is not written", async () => {
  const server = await scripted({
    "/t/json": { body: '{"id":"a","time":1,"event":"message","message":"hello"}\n' },
    "/other/json": { status: 500 },
  });
  ends.push(() => server.close());
  const p = pack();
  await cli(p.clone, ["plugin", "new", "mail", "--like", "inbox"]);
  const before = readFileSync(join(p.clone, "towline.yml"), "utf8");
  const run = (...set: string[]) => cli(p.clone, ["plugin", "setup", "mail", ...set.flatMap((one) => ["--set", one])]);
  expect((await run()).said).toBe("`url` must be set\n  write --set url=…");
  expect((await run("ulr=x")).said).toMatch(/^--set ulr=x names no option\n {2}there is url, token, back/);
  const away = await run(`url=${server.url}/other`);
  expect([away.code, away.said]).toEqual([
    4,
    expect.stringMatching(/^mail did not work with these settings: 127\.0\.0\.1:\d+ answers 500\n/),
  ]);
  expect(readFileSync(join(p.clone, "towline.yml"), "utf8")).toBe(before);
  const good = await run(`url=${server.url}/t`, "back=2h");
  expect([good.code, good.out.split("\n")[0]]).toEqual([0, "✓ mail works: it gives 1 thing now"]);
  expect(server.asked.at(-1)).toBe("GET /t/json?poll=1&since=7200s");
  expect(readFileSync(join(p.clone, "towline.yml"), "utf8")).toBe(
    `${before}plugins:\n  mail:\n    url: "${server.url}/t"\n    back: 2h\n`,
  );
});

test("what is amiss is said with its place, and is a finding", async () => {
  const p = pack("plugins: {good: {}, bad: {}, extra: {colour: red}}\n", {
    "plugins/good.ts": plugin(down),
    "plugins/bad.ts": plugin(down, "", 'throw new Error("no");'),
    "plugins/extra.ts": plugin(down),
    "rules/r.md": "---\nwhen: {kind: shop.down}\nthen: [{good.page: x}]\n---\n",
  });
  const said = await cli(p.clone, ["plugin", "check"]);
  expect(said.code).toBe(1);
  expect(said.out.split("\n").filter((line) => /^[✓✗]/.test(line))).toEqual([
    "✗ bad: plugins/bad.ts:3: no",
    "✗ extra: it has no option `colour` (it has none)",
    "✗ good: rules/r.md wants `good.page`, and it has no actions",
  ]);
  const unknown = await cli(p.clone, ["plugin", "check", "god"]);
  expect([unknown.code, unknown.said]).toEqual([2, "there is no plugin god\n  there is bad, extra, good"]);
});

test("a package runs only by the digest that towline.yml pins", async () => {
  const p = pack("plugins: {bought: {package: towline-bought}}\n");
  const root = join(p.clone, "node_modules", "towline-bought");
  const write = (more: string) => {
    mkdirSync(join(root, "lib"), { recursive: true });
    writeFileSync(join(root, "package.json"), '{"name":"towline-bought","exports":"./lib/main.js"}');
    writeFileSync(join(root, "lib", "kinds.js"), 'export const kinds = { "shop.down": "it is down" };\n');
    writeFileSync(join(root, "lib", "main.js"), plugin(down, "", 'import { kinds } from "./kinds.js";') + more);
  };
  write("");
  const [row] = await rowsOf(p);
  expect(row).toMatchObject({
    state: "refused",
    why: expect.stringMatching(/pins nothing: look at its code, then write `digest: /),
  });
  const settings = { package: "towline-bought", digest: row?.digest as string };
  p.push({ "towline.yml": basics([], `plugins: {bought: ${JSON.stringify(settings)}}\n`)["towline.yml"] as string });
  expect(await rowsOf(p)).toMatchObject([{ state: "on" }]);
  const looked = await cli(p.clone, ["plugin", "check"]);
  expect([looked.code, looked.out]).toEqual([0, expect.stringMatching(/^✓ bought: /)]);
  expect((await pinnedPackage([p.clone], "bought", settings)).entry).toBe("lib/main.js");
  write("// one byte more\n");
  await expect(pinnedPackage([p.clone], "bought", settings)).rejects.toThrow(
    /is another than the one that towline\.yml pins/,
  );
  await expect(packageHere([p.clone], "x", "towline-none")).rejects.toThrow(/is not installed/);
});

test("a runtime and a transport that were begun are sound, and check says what uses them", async () => {
  const p = pack("", { "agents/writer.md": "---\nruntime: mine\n---\n" });
  const begun = await cli(p.clone, ["plugin", "new", "mine", "--kind", "runtime"]);
  expect([begun.code, begun.out]).toEqual([0, expect.stringMatching(/An agent uses it by: runtime: mine\n/)]);
  await cli(p.clone, ["plugin", "new", "tunnel", "--kind", "transport"]);
  const host = (path: string) =>
    writeFileSync(join(p.clone, path), "---\naddress: a.example\ntransport: tunnel\n---\n");
  mkdirSync(join(p.clone, "hosts"), { recursive: true });
  host("hosts/one.md");
  const looked = await cli(p.clone, ["plugin", "check"]);
  expect([looked.code, looked.out]).toEqual([
    0,
    expect.stringMatching(/offers `runtime: mine`, by the program mine of/),
  ]);
  expect(looked.out).toMatch(/offers `transport: tunnel`, by cloudflared of the machine that ticks run on/);
  const settings = readFileSync(join(p.clone, "towline.yml"), "utf8");
  expect(settings).toMatch(/ {2}tunnel:\n {4}program: cloudflared\n/);
  writeFileSync(join(p.clone, "towline.yml"), settings.replace("program: cloudflared", "program: nc"));
  writeFileSync(join(p.clone, "agents/writer.md"), "---\nruntime: tunnel\n---\n");
  const wrong = await cli(p.clone, ["plugin", "check", "tunnel"]);
  expect([wrong.code, wrong.out]).toEqual([
    1,
    expect.stringMatching(/^✗ tunnel: agents\/writer\.md has `runtime: tunnel`, and/),
  ]);
  writeFileSync(join(p.clone, "agents/writer.md"), "---\nruntime: mine\n---\n");
  expect((await cli(p.clone, ["plugin", "check", "tunnel"])).out).toMatch(
    /write `program: cloudflared` below it there/,
  );
  const asks = await cli(p.clone, ["plugin", "new", "review", "--kind", "forge"]);
  expect([asks.code, asks.out]).toEqual([0, expect.stringMatching(/and `forge: review`\n/)]);
  const sound = await cli(p.clone, ["plugin", "setup", "review", "--set", "url=https://review.example"]);
  expect([sound.code, sound.out]).toEqual([0, expect.stringMatching(/^✓ review works: it gives 0 things now/)]);
  const rows = await rowsOf(p);
  expect(rows.map(({ plugin: name, used }) => [name, used])).toEqual([
    ["mine", ["agents/writer.md"]],
    ["review", undefined],
    ["tunnel", ["hosts/one.md"]],
  ]);
  const odd = await cli(p.clone, ["plugin", "new", "other", "--kind", "forg"]);
  expect([odd.code, odd.said]).toEqual([
    2,
    expect.stringMatching(/^there is no kind forg of plugin\n {2}there is poller, runtime, transport, forge/),
  ]);
});
