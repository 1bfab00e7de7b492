// What a deploy writes into people's files: a pin into a host's record, and picoclaw's own settings. Nothing else moves.
import { describe, expect, test } from "vitest";
import { parseEntry } from "../../src/core/entry.ts";
import { configure, environment, modelsFor, secure, type Wrote, withdrawn } from "../../src/core/picoclaw-settings.ts";
import { settings as schema } from "../../src/core/schema.ts";
import { secretNames } from "../../src/core/secret-names.ts";
import { keysFor, sha } from "../../src/shell/deploy-settings.ts";
import { setPin } from "../../src/shell/pin-record.ts";

const pin = `1.2.3 sha256:${"a".repeat(64)}`;
const q = JSON.stringify(pin);

describe("a pin in a record", () => {
  test.each([
    ["no runtimes", "address: a\n", `address: a\nruntimes: {picoclaw: ${q}}\n`],
    [
      "a list",
      "runtimes: [ollama, shell] # mine\nslots: 2\n",
      `runtimes: {ollama: "", shell: "", picoclaw: ${q}} # mine\nslots: 2\n`,
    ],
    [
      "a list over lines",
      "runtimes:\n  - ollama\n  - picoclaw\nslots: 2 # two\n",
      `runtimes: {ollama: "", picoclaw: ${q}}\nslots: 2 # two\n`,
    ],
    ["one name", "runtimes: ollama\n", `runtimes: {ollama: "", picoclaw: ${q}}\n`],
    ["nothing behind it", "runtimes:\nslots: 1\n", `runtimes: {picoclaw: ${q}}\nslots: 1\n`],
    ["an older pin", 'runtimes: {picoclaw: "1.0 sha256:bb", b: "2"} # x\n', `runtimes: {picoclaw: ${q}, b: "2"} # x\n`],
    ["a map", 'runtimes: {ollama: ""}\n', `runtimes: {ollama: "", picoclaw: ${q}}\n`],
    ["an empty map", "runtimes: {}\n", `runtimes: {picoclaw: ${q}}\n`],
    [
      "a map over lines",
      "runtimes:\n  ollama: 1 # one\n  # c\nslots: 2\n",
      `runtimes:\n  ollama: 1 # one\n  picoclaw: ${q}\n  # c\nslots: 2\n`,
    ],
    [
      "a pin over lines",
      "runtimes:\n  picoclaw: old # one\nslots: 2\n",
      `runtimes:\n  picoclaw: ${q} # one\nslots: 2\n`,
    ],
    [
      "line ends of Windows",
      "runtimes:\r\n  ollama:\r\nslots: 2\r\n",
      `runtimes:\r\n  ollama:\r\n  picoclaw: ${q}\r\nslots: 2\r\n`,
    ],
  ])("beside %s", (_, before, after) => {
    const [open, close] = before.includes("\r\n")
      ? ["---\r\n", "---\r\nnotes: {x}\r\n"]
      : ["---\n", "---\nnotes: {x}\n"];
    expect(setPin(open + before + close, "picoclaw", pin)).toBe(open + after + close);
    // Said twice, it changes nothing.
    expect(setPin(open + after + close, "picoclaw", pin)).toBe(open + after + close);
  });

  test.each([
    ["comments in a list", "runtimes:\n  - ollama # why\n  - shell\n"],
    ["something else", "runtimes: {picoclaw: [1, 2]}\n"],
    ["a comment where the pin would go", 'runtimes: {\n  ollama: "" # here }\n  }\n'],
  ])("is left to people beside %s", (_, header) => {
    expect(setPin(`---\n${header}---\n`, "picoclaw", pin)).toBeNull();
  });
});

const entry = <K extends "agent" | "host">(kind: K, id: string, fields: string) => {
  const { entry: made, problems } = parseEntry(`${kind}s/${id}.md`, kind, `---\n${fields}\n---\n`);
  if (!made) throw new Error(problems[0]?.message);
  return made;
};
const none = new Map<string, string>();

test("the keys that go to hosts are among the secrets that a pack lives by", () => {
  const { names } = secretNames([
    {
      path: "towline.yml",
      text: "id: p\ndefaults:\n  api_key_env: ONE_KEY\nreleases:\n  picoclaw: {github: a/b, token: TWO_TOKEN}\n",
    },
    { path: "agents/a.md", text: "---\nruntime: picoclaw\napi_key_env: THREE_KEY\n---\n" },
    { path: "hosts/h.md", text: "---\naddress: h\napi_key_env: FOUR_KEY\n---\n" },
  ]);
  expect(
    names
      .filter((one) => !one.optional)
      .map(({ name, uses }) => [name, ...uses.map((use) => `${use.path}:${use.line}`)]),
  ).toEqual([
    ["FOUR_KEY", "hosts/h.md:3"],
    ["ONE_KEY", "towline.yml:3"],
    ["THREE_KEY", "agents/a.md:3"],
    ["TWO_TOKEN", "towline.yml:5"],
  ]);
});

describe("picoclaw's settings", () => {
  const ours = (wrote: Wrote) => ({ wrote, sha });

  test("know the models of the pack's agents, the default first, and none where no key is named", () => {
    const host = entry("host", "h", "address: a");
    const agents = [
      entry("agent", "a", "runtime: picoclaw\nmodel: two\nprovider: openai\napi_key_env: OPENAI_KEY"),
      entry("agent", "b", "runtime: shell\nmodel: three"),
      entry("agent", "c", "runtime: picoclaw\nmodel: local\nprovider: ollama\nurl: http://127.0.0.1:11434"),
      entry("agent", "d", "runtime: picoclaw\nmodel: four\noff: true"),
    ];
    const settings = (defaults: object) => schema.parse({ id: "p", defaults });
    expect(modelsFor(settings({ api_key_env: "KEY", model: "one" }), agents, host)).toEqual([
      { name: "one", provider: "anthropic", variable: "KEY" },
      { name: "two", provider: "openai", variable: "OPENAI_KEY" },
      { name: "local", provider: "ollama", base: "http://127.0.0.1:11434", variable: "KEY" },
    ]);
    expect(modelsFor(settings({}), agents.slice(1, 2), host)).toEqual([]);
    expect(modelsFor(settings({}), [], entry("host", "i", "address: a\napi_key_env: HERE\nprovider: groq"))).toEqual([
      { name: null, provider: "groq", variable: "HERE" },
    ]);
  });

  test("get no key that is not set, is more than a line, or is the pack's own", () => {
    const models = [{ name: "m", provider: "p", variable: "KEY" }];
    expect([...keysFor(models, () => " sk-1 \n", new Set())]).toEqual([["KEY", "sk-1"]]);
    expect(() => keysFor(models, () => "", new Set())).toThrow("KEY is not set here");
    expect(() => keysFor(models, () => "a\nb", new Set())).toThrow("more than one line");
    expect(() => keysFor(models, () => "sk-1", new Set(["KEY"]))).toThrow("the pack's own");
    for (const name of ["TURSO_AUTH_TOKEN", "GITHUB_TOKEN", "PATH"])
      expect(() => keysFor([{ name: "m", provider: "p", variable: name }], () => "x", new Set())).toThrow(
        "given to no agent",
      );
  });

  test("of the first releases have their keys by provider, and lose them again", () => {
    const old =
      '{"agents":{"defaults":{"model":"glm"}},"providers":{"anthropic":{"api_key":"","api_base":"x"},"zhipu":{"api_key":"z"}}}';
    const models = [{ name: "claude", provider: "anthropic", variable: "KEY" }];
    const made = configure(old, models, true, new Map([["KEY", "sk-1"]]), ours({}));
    if (typeof made === "string") throw new Error(made);
    expect(JSON.parse(made.config)).toEqual({
      agents: { defaults: { model: "claude", provider: "anthropic" } },
      providers: { anthropic: { api_key: "sk-1", api_base: "x" }, zhipu: { api_key: "z" } },
    });
    const gone = withdrawn(
      { config: made.config, security: null, env: null },
      { added: [], names: [], classic: made.classic },
      ours(made.wrote),
    );
    expect(gone.config).not.toContain("sk-1");
    expect(JSON.parse(gone.config ?? "").providers.zhipu).toEqual({ api_key: "z" });
  });

  test("are left alone where they cannot be understood", () => {
    const models = [{ name: "m", provider: "p", variable: null }];
    expect(configure("{nonsense", models, false, none, ours({}))).toMatch(/no JSON/);
    expect(configure('{"model_list":{}}', models, false, none, ours({}))).toMatch(/no list/);
    expect(
      configure('{"model_list":[]}', [{ name: null, provider: "p", variable: null }], false, none, ours({})),
    ).toMatch(/none of p/);
    expect(secure("a: [", new Map([["m", "k"]]), ours({}))).toMatch(/cannot be read/);
    expect(secure("- a\n", new Map([["m", "k"]]), ours({}))).toMatch(/cannot be read/);
  });

  test("keep people's own keys behind ours, deploy after deploy, and are theirs again at the end", () => {
    const slot = (...keys: string[]) =>
      `model_list:\n  m:0:\n    api_keys:\n${keys.map((key) => `      - ${key}\n`).join("")}`;
    const once = secure(slot("theirs"), new Map([["m", "old"]]), ours({}));
    if (typeof once === "string") throw new Error(once);
    expect(once.security).toBe(slot("old", "theirs"));
    const twice = secure(once.security, new Map([["m", "new"]]), ours(once.wrote));
    if (typeof twice === "string") throw new Error(twice);
    expect(twice.security).toBe(slot("new", "theirs"));
    const without = (security: string | null, env: string | null, wrote: Wrote) =>
      withdrawn({ config: null, security, env }, { added: [], names: ["m"], classic: [] }, ours(wrote));
    expect(without(twice.security, null, twice.wrote).security).toBe(slot("theirs"));
    // The same key as ours, but there before us.
    expect(secure(slot("same"), new Map([["m", "same"]]), ours({}))).toEqual({ security: slot("same"), wrote: {} });
    const theirs = "export A=hers\n# PROVIDER=x\n";
    const env = environment(theirs, { A: "sk-1", B: "it's $HOME" }, ours({}));
    expect([env.env, env.theirs]).toEqual([`${theirs}B='it'\\''s $HOME'\n`, ["A"]]);
    expect(JSON.stringify([once.wrote, env.wrote])).not.toMatch(/old|HOME/);
    const again = environment(env.env, { A: "sk-1", B: "b" }, ours(env.wrote));
    expect(again.env).toBe(`${theirs}B=b\n`);
    expect(without(null, again.env, again.wrote).env).toBe(theirs);
    const providers = (key: string) => `{"providers":{"p":{"api_key":"${key}"}}}`;
    const models = [{ name: "m", provider: "p", variable: "KEY" }];
    const classic = configure(providers("hers"), models, false, new Map([["KEY", "sk-1"]]), ours({}));
    expect(JSON.parse((classic as { config: string }).config).providers).toEqual({ p: { api_key: "hers" } });
  });
});
