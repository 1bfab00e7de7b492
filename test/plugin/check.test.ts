// What `towline check` says of plugins, and how they are named in towline.yml.

import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { withPlugin } from "../../src/core/plugin-edit.ts";
import { secretNames } from "../../src/core/secret-names.ts";
import { checked, places, sound } from "../check/pack.ts";
import { down, plugin } from "./write.ts";

const settings = (text: string) => ({ "towline.yml": `${sound["towline.yml"]}${text}` });
const there = { "plugins/shop.ts": plugin(down) };

test("one that is not there, one that nobody named, one with two files, one that is not pinned", () => {
  expect(places(checked({ ...settings("plugins: {shop: {}}\n"), ...there }))).toEqual([]);
  expect(places(checked(there))).toEqual(["plugins/shop.ts:1:1 plugin-not-named?"]);
  const missing = checked({ ...settings("plugins:\n  shp: {}\n"), ...there });
  expect(places(missing)).toEqual(["plugins/shop.ts:1:1 plugin-not-named?", "towline.yml:6:8 unknown-plugin"]);
  expect(missing.problems.at(-1)?.fix).toBe("did you mean `shop`?");
  expect(places(checked({ ...settings("plugins: [shop]\n"), ...there, "plugins/shop.js": "x" }))).toEqual([
    "plugins/shop.js:1:1 plugin-twice",
  ]);
  expect(places(checked(settings("plugins: {shop: {package: towline-shop}}\n")))).toEqual([
    "towline.yml:5:17 plugin-pin",
  ]);
  // Code of other programs is nobody's plugin.
  expect(places(checked({ "plugins/rollup.js": "export default () => ({});" }))).toEqual([]);
});

test("an action of a rule needs its plugin", () => {
  const rule = (action: string) => ({ "rules/r.md": `---\nwhen: {kind: shop.down}\nthen: [{${action}: x}]\n---\n` });
  const on = { ...settings("plugins: {shop: {}}\n"), ...there };
  expect(places(checked({ ...on, ...rule("shop.page") }))).toEqual([]);
  const wrong = checked({ ...on, ...rule("shp.page") });
  expect(wrong.problems).toMatchObject([
    { path: "rules/r.md", line: 3, code: "unknown-action", fix: "did you mean `shop`?" },
  ]);
  const off = { ...settings("plugins: {shop: {off: true}}\n"), ...there };
  expect(checked({ ...off, ...rule("shop.page") }).problems[0]?.message).toMatch(/switched off/);
});

test("what its settings name is a secret that the workflow must hand over", () => {
  const named = settings("plugins:\n  shop:\n    url: env:SHOP_URL\n    token: SHOP_TOKEN\n    secrets: [SHOP_KEY]\n");
  const workflow = "jobs: {t: {steps: [{run: towline tick, env: {SHOP_URL: x, SHOP_KEY: x}}]}}\n";
  const found = checked({
    ...named,
    ...there,
    ".github/workflows/tick.yml": workflow
      .replace("{run", "\n{run")
      .replace("SHOP_URL", "\nSHOP_URL")
      .replace("SHOP_KEY", "\nSHOP_KEY"),
  });
  expect(found.problems.map(({ code, line, message }) => `${line} ${code} ${message}`)).toEqual([
    "7 poller-token `plugins.shop` reads the variable SHOP_TOKEN, and .github/workflows/tick.yml does not set it",
  ]);
  const names = secretNames([{ path: "towline.yml", text: named["towline.yml"] }]).names.filter(
    ({ optional }) => !optional,
  );
  expect(names.map(({ name }) => name)).toEqual(["SHOP_KEY", "SHOP_TOKEN", "SHOP_URL"]);
});

test.each([
  ["nothing there", "id: p\n", "id: p\nplugins:\n  shop:\n    url: https://shop.example\n"],
  ["no end of line", "id: p", "id: p\nplugins:\n  shop:\n    url: https://shop.example\n"],
  ["an empty list of them", "plugins: {} # none\nid: p\n", "plugins:\n  shop:\n    url: https://shop.example\nid: p\n"],
  [
    "others, indented otherwise",
    "plugins:\n    # mine\n    a: {}\nid: p\n",
    "plugins:\n    shop:\n      url: https://shop.example\n    # mine\n    a: {}\nid: p\n",
  ],
  ["itself, bare", "plugins:\n  shop:\n  b: {}\n", "plugins:\n  shop:\n    url: https://shop.example\n  b: {}\n"],
  ["itself, with settings", "plugins:\n  shop: {x: 1}\n", null],
  ["others on one line", "plugins: {a: {}}\n", null],
  ["no YAML", "plugins: {a\n", null],
])("a plugin is put into towline.yml: %s", (_what, before, after) => {
  const made = withPlugin(before, "shop", { url: "https://shop.example" });
  expect(made?.replaceAll('"', "") ?? null).toBe(after);
  if (made !== null) expect(parseDocument(made).toJS().plugins.shop).toEqual({ url: "https://shop.example" });
});

test("what plugins offer is known by its text: an agent's runtime, a host's transport, and names that are taken", () => {
  const offers = (what: string) => plugin(down, `${what} = {};`);
  const uses = (of: string, way = "ssh") => ({
    "agents/writer.md": `---\nruntime: ${of}\n---\n`,
    "hosts/far.md": `---\naddress: far.example\ntransport: ${way}\nhost_key: SHA256:${"A".repeat(43)}\nkey: agent\n---\n`,
  });
  const found = (files: Record<string, string>) =>
    checked(files)
      .problems.filter(({ code }) => /^(unknown-runtime|unknown-transport|plugin-name)$/.test(code))
      .map(({ path, line, message, fix }) => `${path}:${line} ${message}; ${fix}`);
  const mine = { "plugins/mine.ts": offers("runtime"), "plugins/way.ts": offers("transport") };
  const named = settings("plugins: {mine: {}, way: {program: nc}}\n");
  expect(found({ ...named, ...mine, ...uses("mine", "way") })).toEqual([]);
  expect(found({ ...named, ...mine, ...uses("way", "mine") })).toEqual([
    "agents/writer.md:2 the plugin `way` offers no runtime; name another",
    "hosts/far.md:3 the plugin `mine` offers no transport; name another",
  ]);
  expect(found({ ...settings("plugins: {mine: {}, way: {}}\n"), ...mine, ...uses("mien", "way") })).toEqual([
    expect.stringMatching(/^agents\/writer\.md:2 there is no runtime `mien`; /),
    "hosts/far.md:3 towline.yml does not say which program `way` may start where ticks run; write `program: …` below the plugin there; `towline plugin check way` names it",
  ]);
  // The same for all agents at once.
  const every = (runtime: string) => ({
    "towline.yml": `id: p\nzone: UTC\ndefaults: {runtime: ${runtime}}\nplugins: {mine: {}, way: {program: nc}}\n`,
  });
  expect(found({ ...mine, ...uses("mine"), ...every("mine") })).toEqual([]);
  expect(found({ ...mine, ...uses("mine"), ...every("way") })).toEqual([
    "towline.yml:3 the plugin `way` offers no runtime; name another",
  ]);
  expect(found({ ...uses("shell", "wya"), ...named, ...mine })).toEqual([
    "hosts/far.md:3 there is no transport `wya`; did you mean `way`?",
  ]);
  expect(found({ ...settings("plugins: {shell: {}}\n"), "plugins/shell.ts": offers("runtime") })).toEqual([
    "plugins/shell.ts:1 `shell` is a runtime of towline's own, and stays so whatever a plugin of that name offers; give the plugin another name",
  ]);
});

test("a forge is one of ours, or a plugin's", () => {
  const found = (text: string) =>
    checked({ ...settings(`plugins: {mine: {}, other: {}}\nforge: ${text}\n`), ...files })
      .problems.filter(({ code }) => code === "unknown-forge")
      .map(({ line, message, fix }) => `${line} ${message}; ${fix}`);
  const files = { "plugins/mine.ts": plugin(down, "forge = {};"), "plugins/other.ts": plugin(down) };
  expect(found("mine")).toEqual([]);
  expect(found("git")).toEqual([]);
  expect(found("gihub")).toEqual(["6 there is no forge `gihub`; did you mean `github`?"]);
  expect(found("{name: other}")).toEqual(["6 the plugin `other` offers no forge; name another"]);
});
