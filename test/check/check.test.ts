import { describe, expect, test } from "vitest";
import { render } from "../../src/core/check-format.ts";
import { hostedRunner, isPrivate } from "../../src/core/check-hosts.ts";
import { loops } from "../../src/core/loops.ts";
import { unsafePath } from "../../src/core/path.ts";
import { checked, file, places, sound } from "./pack.ts";

const task = (fields: string, body = "x\n") => `---\ntitle: T\n${fields}---\n${body}`;

test("a sound pack has no problems", () => {
  const found = checked({
    "README.md": "# Hi\n",
    "tasks/README.md": "no record\n",
    "site/x.bin": "",
    "skills/dig/notes.txt": "n",
  });
  expect(found).toEqual({ problems: [], records: 3 });
});

test("a broken task, a ---js task and an alias bomb beside 1,000 good tasks: exactly the three are named", () => {
  const good = Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [
      `tasks/good-${i}.md`,
      task(`after: ${i === 0 ? "one" : `good-${i - 1}`}\n`),
    ]),
  );
  const bomb = `---\ntitle: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n---\n`;
  (globalThis as { pwned?: boolean }).pwned = undefined;
  const found = checked({
    ...good,
    "tasks/broken.md": "---\ntitle: x\n  bad: [\n---\n",
    "tasks/js.md": "---js\n{title: (globalThis.pwned = true, 'x')}\n---\n",
    "tasks/bomb.md": bomb,
  });
  expect(found.problems.map((p) => [p.path, p.code])).toEqual([
    ["tasks/bomb.md", "alias"],
    ["tasks/broken.md", "yaml"],
    ["tasks/js.md", "language"],
  ]);
  expect(found.problems.every((p) => p.level === "error" && p.line > 0 && p.column > 0 && p.fix !== "")).toBe(true);
  expect((globalThis as { pwned?: boolean }).pwned).toBeUndefined();
  expect(found.records).toBe(1006);
});

test("10,000 records are checked in a few seconds, and twice the same", () => {
  const many = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [
      `tasks/t-${i}.md`,
      task(`agent: scout\nhosts: label:web\npriority: 3\nafter: [${i === 0 ? "one" : `t-${i - 1}`}]\n`),
    ]),
  );
  const start = performance.now();
  const found = checked(many);
  expect(performance.now() - start).toBeLessThan(25_000);
  expect(found.problems).toEqual([]);
  expect(checked(many)).toEqual(found);
});

describe("texts", () => {
  test.each<[string, Record<string, string | null>, string[]]>([
    [
      "a merge conflict, also above the first line",
      {
        "tasks/a.md": "<<<<<<< HEAD\n---\ntitle: a\n---\n=======\n>>>>>>> x\n",
        "tasks/b.md": task("x: 1\n<<<<<<< HEAD\nagent: a\n=======\nagent: b\n>>>>>>> b\n"),
      },
      ["tasks/a.md:1:1 conflict", "tasks/b.md:4:1 conflict"],
    ],
    [
      "a merge conflict in the settings",
      { "towline.yml": "id: a\n<<<<<<< HEAD\nzone: UTC\n=======\nzone: CET\n>>>>>>> x\n" },
      ["towline.yml:2:1 conflict"],
    ],
    [
      "wrong types at their place",
      { "tasks/a.md": task("priority: high\nrun: -1\ndue: tomorrow\n") },
      ["tasks/a.md:3:11 invalid", "tasks/a.md:4:6 invalid", "tasks/a.md:5:6 invalid"],
    ],
    ["an unknown field is a warning", { "tasks/a.md": task("pirority: 2\n") }, ["tasks/a.md:3:1 unknown-field?"]],
    [
      "settings: syntax, types, zone, unknown names",
      { "towline.yml": "id: a\nzone: [\n" },
      ["towline.yml:3:1 settings"],
    ],
    [
      "settings: a wrong type",
      { "towline.yml": "id: a\ndefaults: {agent: scout}\ntick:\n  every: often\n" },
      ["towline.yml:4:10 settings"],
    ],
    [
      "settings: names",
      {
        "towline.yml":
          "id: a\nzone: Mars/Base\nledgre: {}\ndefaults:\n  agent: scuot\n  runtime: shel\ntick:\n  evry: 5m\n",
      },
      [
        "towline.yml:2:7 zone",
        "towline.yml:3:9 unknown-field?",
        "towline.yml:5:10 unknown-agent",
        "towline.yml:6:12 unknown-runtime",
        "towline.yml:8:9 unknown-field?",
      ],
    ],
    [
      "lines of the ledger that are no JSON",
      { "state/open.ndjson": '{"a":1}\n{"b":\n' },
      ["state/open.ndjson:2:1 json"],
    ],
  ])("%s", (_, files, wanted) => expect(places(checked(files))).toEqual(wanted));

  test("too big, and not UTF-8", () => {
    const found = checked({}, { files: [file("tasks/big.md", null), { ...file("tasks/utf16.md", null), size: 100 }] });
    expect(places(found)).toEqual(["tasks/big.md:1:1 too-big", "tasks/utf16.md:1:1 encoding"]);
  });
});

describe("names", () => {
  test.each<[string, Record<string, string | null>, string[]]>([
    [
      "ids",
      {
        "tasks/Big.md": task(""),
        "tasks/123.md": task(""),
        "tasks/con.md": task(""),
        "agents/a_b.md": "---\nruntime: shell\n---\n",
      },
      ["agents/a_b.md:1:1 id", "tasks/123.md:1:1 id", "tasks/Big.md:1:1 id", "tasks/con.md:1:1 path"],
    ],
    [
      "queue names and places",
      {
        "tasks/x-q0123abcd.md": task(""),
        "queue/y.md": task(""),
        "queue/ab/z-q0123abcd.md": task(""),
        "queue/zz/w-q0123abcd.md": task(""),
      },
      ["queue/y.md:1:1 id", "queue/zz/w-q0123abcd.md:1:1 place", "tasks/x-q0123abcd.md:1:1 id"],
    ],
    [
      "what is deployed",
      {
        "towline.yml":
          "id: a\ndefaults:\n  api_key_env: TURSO_AUTH_TOKEN\nreleases:\n  tool: {url: 'https://x.example/{version}/{cpu}'}\n  other: {npm: other, github: a/b}\n",
      },
      ["towline.yml:6:10 settings"],
    ],
    [
      "where it comes from, and which key goes with it",
      {
        "towline.yml":
          "id: a\ndefaults:\n  api_key_env: TURSO_AUTH_TOKEN\nreleases:\n  tool: {url: 'https://x.example/{version}/{cpu}'}\n",
        "agents/a.md": "---\nruntime: picoclaw\ndeploy: if-missing\napi_key_env: GITHUB_TOKEN\n---\n",
        "agents/b.md": "---\nruntime: claude\ndeploy: if-missing\n---\n",
        "agents/c.md": "---\nruntime: picoclaw\ndeploy: if-missing\napi_key_env: MODEL_KEY\n---\n",
        "hosts/h.md":
          "---\naddress: h.example\napi_key_env: TOWLINE_SSH_KEY\nruntimes: {picoclaw: one two, tool: 1.0}\n---\n",
      },
      [
        "agents/a.md:4:14 agent-api_key_env",
        "agents/b.md:3:9 agent-deploy",
        "hosts/h.md:3:14 host-api_key_env",
        "hosts/h.md:4:22 pin",
        "tasks/one.md:1:1 no-agent",
        "towline.yml:3:16 api_key_env",
        "towline.yml:5:15 pattern",
      ],
    ],
    [
      "owners by name alone",
      { "towline.yml": "id: a\nowners: ['ann:7', dave]\n" },
      ["tasks/one.md:1:1 no-agent", "towline.yml:2:9 owner?"],
    ],
    ["too deep", { "tasks/sub/a.md": task("") }, ["tasks/sub/a.md:1:1 place"]],
    [
      "the same id twice",
      { "queue/a-q0123abcd.md": task(""), "queue/ab/a-q0123abcd.md": task("") },
      ["queue/a-q0123abcd.md:1:1 same-id", "queue/ab/a-q0123abcd.md:1:1 same-id"],
    ],
    [
      "case twins, in folders too",
      { "docs/Readme.txt": "", "docs/README.txt": "", "Tasks/x.txt": "" },
      ["docs/Readme.txt:1:1 twin", "tasks/one.md:1:1 twin"],
    ],
    ["accent twins", { "docs/\u00e9.txt": "", "docs/e\u0301.txt": "" }, ["docs/\u00e9.txt:1:1 twin"]],
    [
      "not a record by its ending",
      { "tasks/todo.yaml": "", "hosts/web.txt": "" },
      ["hosts/web.txt:1:1 not-read?", "tasks/todo.yaml:1:1 not-read?"],
    ],
  ])("%s", (_, files, wanted) => expect(places(checked(files))).toEqual(wanted));

  test("symlinks and submodules where records are; elsewhere they are no business of ours", () => {
    const found = checked(
      {},
      {
        files: [
          file("tasks/l.md", "", "120000"),
          file("agents", "", "120000"),
          file("jobs/2026", "", "160000"),
          file("docs/link", "", "120000"),
        ],
      },
    );
    expect(places(found)).toEqual(["agents:1:1 symlink", "jobs/2026:1:1 gitlink", "tasks/l.md:1:1 symlink"]);
  });

  test("paths that must never be written", () => {
    const bad = [
      "",
      "/a",
      "a//b",
      "../a",
      "a/./b",
      ".git/x",
      "a/.GIT",
      "a/git~1",
      "a\u0000b",
      "a\nb",
      "a\\b",
      "-a",
      "a/-b",
      "a.",
      "a /b",
      "aux.md",
      "a/\ud800",
      `a/${"é".repeat(128)}`,
      "C:/x",
    ];
    expect(bad.filter((path) => unsafePath(path) === null)).toEqual([]);
    expect(
      ["a", "a/b.md", ".github/x", "ü/é.md", "a b/c", "gitlab/x", "console.md", "a-b"].filter(
        (path) => unsafePath(path) !== null,
      ),
    ).toEqual([]);
  });
});

describe("links", () => {
  test.each<[string, Record<string, string | null>, string[], string]>([
    [
      "an agent that is not there",
      { "tasks/a.md": task("agent: scuot\n") },
      ["tasks/a.md:3:8 unknown-agent"],
      "did you mean `scout`?",
    ],
    [
      "a draft is only warned of",
      { "tasks/a.md": task("agent: nobody\nstatus: draft\n") },
      ["tasks/a.md:3:8 unknown-agent?"],
      "add agents/nobody.md",
    ],
    ["no agent and no default", { "towline.yml": "id: a\n" }, ["tasks/one.md:1:1 no-agent"], "defaults"],
    [
      "a host",
      { "tasks/a.md": task("hosts: [web1, web2]\n") },
      ["tasks/a.md:3:15 unknown-host"],
      "did you mean `web1`?",
    ],
    [
      "a label written as a host",
      { "tasks/a.md": task("hosts: web\n") },
      ["tasks/a.md:3:8 unknown-host"],
      "did you mean `label:web`?",
    ],
    [
      "a label that no host has, in a task and an agent",
      { "tasks/a.md": task("hosts: label:wbe\n"), "agents/b.md": "---\nruntime: shell\nhosts: label:db\n---\n" },
      ["agents/b.md:3:8 unknown-host?", "tasks/a.md:3:8 unknown-host"],
      "labels: [db]",
    ],
    [
      "a label that no host has, in an agent that a ready task uses",
      {
        "tasks/a.md": task("agent: b\n"),
        "tasks/c.md": task("agent: c\nstatus: draft\n"),
        "tasks/d.md": task("agent: c\nhosts: any\n"),
        "agents/b.md": "---\nruntime: shell\nhosts: label:db\n---\n",
        "agents/c.md": "---\nruntime: shell\nhosts: label:db\n---\n",
      },
      ["agents/b.md:3:8 unknown-host", "agents/c.md:3:8 unknown-host?"],
      "labels: [db]",
    ],
    [
      "a task to wait for",
      { "tasks/a.md": task("after: [one, oen]\n") },
      ["tasks/a.md:3:14 unknown-task"],
      "did you mean `one`?",
    ],
    [
      "skills",
      {
        "skills/dig.md": "---\n---\n",
        "skills/pack/SKILL.md": "---\n---\n",
        "agents/b.md": "---\nruntime: shell\nskills: [dig, pack, digg]\n---\n",
      },
      ["agents/b.md:3:21 unknown-skill"],
      "did you mean `dig`?",
    ],
    [
      "a runtime",
      { "agents/b.md": "---\nruntime: picoclow\n---\n" },
      ["agents/b.md:2:10 unknown-runtime"],
      "did you mean `picoclaw`?",
    ],
    [
      "an agent that lacks what its runtime cannot do without",
      { "agents/b.md": "---\nruntime: ollama\nurl: http://gpu:11434\n---\n" },
      ["agents/b.md:1:1 agent-model"],
      "like `model: llama3.2`",
    ],
    [
      "secrets that no agent gets, keys in place of names, and logins that contradict each other",
      {
        "agents/b.md": "---\nruntime: shell\nenv: [OTHER, WEB1_KEY]\n---\n",
        "agents/c.md": "---\nruntime: shell\nenv: sk-123\n---\n",
        "agents/d.md": "---\nruntime: claude\nauth: env\n---\n",
        "agents/e.md": "---\nruntime: claude\nenv: [ANTHROPIC_API_KEY]\n---\n",
        "agents/f.md": "---\nruntime: claude\nauth: env\nenv: [ANTHROPIC_API_KEY]\n---\n",
        "hosts/web2.md": "---\naddress: web2.example.org\nlabels: [web]\nkey: env:WEB1_KEY\n---\n",
      },
      [
        "agents/b.md:3:14 agent-env",
        "agents/c.md:3:6 agent-env",
        "agents/d.md:3:7 agent-auth",
        "agents/e.md:3:7 agent-env",
      ],
      "take it out, or give the agent a secret of its own",
    ],
    [
      "a rhythm",
      {
        "tasks/a.md": task('every: "0 7 * *"\n'),
        "tasks/b.md": task("every: often\n"),
        "tasks/c.md": task('every: "0 7 * * 1-5"\n'),
        "tasks/d.md": task("every: 6h\n"),
      },
      ["tasks/a.md:3:8 every", "tasks/b.md:3:8 every"],
      "0 7 * * 1-5",
    ],
    [
      "a jump",
      { "hosts/b.md": "---\naddress: b\njump: wbe1\n---\n" },
      ["hosts/b.md:3:7 unknown-host"],
      "did you mean `web1`?",
    ],
  ])("%s", (_, files, wanted, fix) => {
    const found = checked(files);
    expect(places(found)).toEqual(wanted);
    expect(found.problems[0]?.fix).toContain(fix);
  });

  test("a record with an error is not a missing record", () => {
    const found = checked({
      "agents/scout.md": "---\nruntime: [\n---\n",
      "hosts/web1.md": "---\nport: 1\n---\n",
      "tasks/a.md": task("agent: scout\nhosts: [web1, label:web]\nafter: b\n"),
      "tasks/b.md": "nothing",
    });
    expect(found.problems.map((p) => p.path)).toEqual(["agents/scout.md", "hosts/web1.md", "tasks/b.md"]);
  });

  test("circles are named once, with their way", () => {
    const found = checked({
      "tasks/a.md": task("after: c\n"),
      "tasks/b.md": task("after: [one, a]\n"),
      "tasks/c.md": task("after: b\n"),
      "tasks/d.md": task("after: a\n"),
      "tasks/self.md": task("after: self\n"),
      "hosts/h1.md": "---\naddress: a\njump: h2\n---\n",
      "hosts/h2.md": "---\naddress: b\njump: h1\n---\n",
    });
    expect(found.problems.map((p) => [p.path, p.code, p.message.split(";")[0]])).toEqual([
      ["hosts/h1.md", "cycle", "`jump` goes in a circle: h1 → h2 → h1"],
      ["tasks/a.md", "cycle", "`after` goes in a circle: a → c → b → a"],
      ["tasks/self.md", "cycle", "`after` goes in a circle: self → self"],
    ]);
  });

  test("loops in long and knotted graphs", () => {
    const chain = new Map(Array.from({ length: 50_000 }, (_, i) => [`n${i}`, [`n${i + 1}`]]));
    expect(loops(chain)).toEqual([]);
    chain.set("n50000", ["n0"]);
    expect(loops(chain)[0]?.length).toBe(50_002);
    expect(
      loops(
        new Map([
          ["a", ["b", "c"]],
          ["b", ["a"]],
          ["c", ["a"]],
          ["d", ["a", "x"]],
        ]),
      ),
    ).toEqual([["a", "b", "a"]]);
  });
});

test("a secret that the workflow of the ticks never sets", () => {
  const agent = { "agents/b.md": "---\nruntime: shell\nenv: [ONE_KEY, TWO_KEY]\n---\n" };
  const tick = "on: push\njobs:\n  tick:\n    runs-on: [self-hosted]\n    env:\n      ONE_KEY: x\n";
  const found = checked({ ...agent, ".github/workflows/tick.yml": tick });
  expect(places(found)).toEqual(["agents/b.md:3:16 agent-secret?"]);
  expect(found.problems[0]?.fix).toContain("`TWO_KEY: …`");
  expect(places(checked(agent))).toEqual([]);
});

describe("hosts", () => {
  const tick = "on: push\njobs:\n  tick:\n    runs-on: ubuntu-24.04\n";
  test("a private address and a runner of the CI service", () => {
    const lan = { ".github/workflows/tick.yml": tick, "hosts/nas.md": "---\naddress: 192.168.1.9\n---\n" };
    const found = checked(lan);
    expect(places(found)).toEqual(["hosts/nas.md:2:10 private-address"]);
    for (const word of ["self-hosted", "mesh VPN", "jump", "towline watch", "network: lan"])
      expect(found.problems[0]?.fix).toContain(word);
    for (const fields of ["network: lan", "jump: web1", "cordon: true", "transport: local"])
      expect(places(checked({ ...lan, "hosts/nas.md": `---\naddress: 192.168.1.9\n${fields}\n---\n` }))).toEqual([]);
    expect(
      places(checked({ ...lan, ".github/workflows/tick.yml": tick.replace("ubuntu-24.04", "[self-hosted, linux]") })),
    ).toEqual([]);
    expect(places(checked({ "hosts/nas.md": lan["hosts/nas.md"] }))).toEqual([]);
  });

  test("which job it is that ticks, and whether it joins the private network", () => {
    const nas = { "hosts/nas.md": "---\naddress: 100.101.1.2\n---\n" };
    const steps = (...lines: string[]) => `    steps:\n${lines.map((line) => `      - ${line}\n`).join("")}`;
    const pages = "  pages:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/deploy-pages@x\n";
    const found = (text: string) => places(checked({ ...nas, ".github/workflows/tick.yml": text }));
    const run = steps("run: npm run --silent tick");
    expect(found(tick + run + pages)).toEqual(["hosts/nas.md:2:10 private-address"]);
    expect(found(tick.replace("ubuntu-24.04", "[self-hosted, linux]") + run + pages)).toEqual([]);
    expect(found(tick + steps("uses: tailscale/github-action@x", "run: npm run --silent tick") + pages)).toEqual([]);
    expect(found(tick + run + pages.replace("actions/deploy-pages", "tailscale/github-action"))).toHaveLength(1);
  });

  test("a way to others is called even where it takes no work; this machine is no way", () => {
    const lan = { ".github/workflows/tick.yml": tick };
    const gate = (fields: string) => ({ "hosts/gate.md": `---\naddress: 10.0.0.1\n${fields}\n---\n` });
    const behind = { "hosts/far.md": "---\naddress: 10.0.0.2\njump: gate\n---\n" };
    expect(places(checked({ ...lan, ...gate("off: true") }))).toEqual([]);
    expect(places(checked({ ...lan, ...gate("off: true"), ...behind }))).toEqual([
      "hosts/gate.md:2:10 private-address",
    ]);
    expect(places(checked({ ...gate("transport: local"), ...behind }))).toEqual(["hosts/far.md:3:7 jump-local"]);
  });

  test("which addresses are private, which runners are hosted", () => {
    expect(
      [
        "10.1.2.3",
        "172.16.0.1",
        "172.31.9.9",
        "192.168.0.1",
        "169.254.1.1",
        "fd00::1",
        "[fc12::1]",
        "fe80::1",
        "nas.local",
        "NAS.Local.",
        "100.64.0.1",
        "100.127.255.1",
      ].filter((a) => !isPrivate(a)),
    ).toEqual([]);
    expect(
      [
        "11.0.0.1",
        "172.32.0.1",
        "172.15.0.1",
        "192.169.0.1",
        "100.63.0.1",
        "100.128.0.1",
        "2001:db8::1",
        "10.example.org",
        "local",
        "127.0.0.1",
      ].filter(isPrivate),
    ).toEqual([]);
    expect(hostedRunner("jobs: {a: {runs-on: self-hosted}, b: {runs-on: [macos-15]}}")).toBe("macos-15");
    expect(hostedRunner("jobs: {a: {runs-on: [self-hosted, ubuntu-24.04]}}")).toBeNull();
    expect(hostedRunner("x: &a 1\njobs:\n  t:\n    runs-on: ubuntu-latest\n    y: *a\n")).toBe("ubuntu-latest");
    expect(hostedRunner("")).toBeNull();
  });

  test("one machine under two names", () => {
    const found = checked({
      "hosts/w2.md": "---\naddress: WEB1.example.org\nuser: bot\n---\n",
      "hosts/w3.md": "---\naddress: web1.example.org\nuser: bot\nport: 2222\nidentity: i1\n---\n",
      "hosts/w4.md": "---\naddress: w4\nidentity: i1\n---\n",
      "hosts/w5.md": "---\naddress: web1.example.org\nuser: bot\nroot: /srv/b\n---\n",
    });
    expect(places(found)).toEqual([
      "hosts/w2.md:2:10 same-host",
      "hosts/w3.md:5:11 same-host",
      "hosts/w4.md:3:11 same-host",
      "hosts/web1.md:2:10 same-host",
    ]);
  });
});

describe("rules", () => {
  const rule = (when: string, then = "- ignore: true", body = "") =>
    `---\nwhen:\n${when}\nthen:\n  ${then}\n---\n${body}`;
  test.each<[string, string, string[]]>([
    ["an operator", rule("  kind: job.failed\n  data.age: {gtt: 3d}"), ["rules/r.md:4:19 unknown-operator"]],
    ["an operator deep inside", rule("  any:\n    - not: {data.x: {perfix: a}}"), ["rules/r.md:4:30 unknown-operator"]],
    ["a field", rule("  knid: job.failed"), ["rules/r.md:3:9 unknown-field"]],
    ["a kind that looks like a slip", rule("  kind: [job.faield, alert.mine]"), ["rules/r.md:3:9 unknown-kind?"]],
    ["an empty condition", "---\nwhen: {}\nthen: [{ignore: true}]\n---\n", ["rules/r.md:2:7 never"]],
    ["branches that are none", rule("  any: nothing"), ["rules/r.md:3:8 condition"]],
    ["an action", rule("  kind: push", "- mmo: x"), ["rules/r.md:5:10 unknown-action"]],
    ["actions that there are", rule("  kind: push", "- wake: scout\n  - reflect: x"), []],
    [
      "channels that there are not",
      rule("  kind: push", "- notify: x\n  - call: ops"),
      ["rules/r.md:5:13 no-channel?", "rules/r.md:6:11 no-channel?"],
    ],
    [
      "examples that come true",
      rule(
        "  kind: push",
        "- ignore: true",
        "\n## Examples\n\n```yaml\npupdate: {kind: push}\nverdict: ignore\n```\n\n```yaml\n- {kind: pull, verdict: ignored}\n- {kind: push, verdict: ignore}\n```\n",
      ),
      [],
    ],
    [
      "examples that do not",
      rule(
        "  kind: push",
        "- ignore: true",
        "Why.\n\n## Examples\n\n```yaml\npupdate: {kind: push}\nverdict: memo\n```\n\n```yaml\nkind: [\n```\n\n```yaml\nkind: push\n```\n",
      ),
      ["rules/r.md:12:1 example", "rules/r.md:17:1 example", "rules/r.md:21:1 example"],
    ],
  ])("%s", (_, text, wanted) => expect(places(checked({ "rules/r.md": text }))).toEqual(wanted));

  test("the judge can be given", () => {
    const text = rule("  kind: push", "- ignore: true", "## Examples\n\n```yaml\nkind: x\nverdict: memo\n```\n");
    expect(places(checked({ "rules/r.md": text }, { judge: () => "memo" }))).toEqual([]);
  });
});

describe("changes against a base", () => {
  const memo = (status: string, more = "", body = "b\n") =>
    `---\nkind: ask\ntitle: T\nsubject: s\ncreated: 2026-11-21T09:00:00Z\nexpires: 2026-11-28T09:00:00Z\nstatus: ${status}\n${more}---\n${body}`;
  const job = (state: string) =>
    `---\ntask: one\nstate: ${state}\nrun:\n  occurrence: a\n  run_id: r\n  epoch: 1\n  tick: t\n  claimed_at: 2026-11-21T09:00:00Z\n  deadline: 60s\n  input_hash: h\n---\n`;
  const queued = (fields: string) => `---\ntitle: Q\n${fields}---\nx\n`;
  const against = (before: Record<string, string>, now: Record<string, string>) =>
    checked(now, {
      base: {
        name: "main",
        changed: [...new Set([...Object.keys(before), ...Object.keys(now)])],
        files: Object.entries(before).map(([path, text]) => file(path, text)),
      },
    });
  const m = "memos/2026/11/m.md";
  const q = "queue/q-q0123abcd.md";
  const j = "jobs/2026/11/21/one-0123456789.md";

  test("what people may do", () => {
    expect(
      places(
        against(
          { [m]: memo("open"), [q]: queued("status: ready\n") },
          {
            [m]: memo("answered", "answer: yes\n"),
            [q]: queued("status: paused\nrun: 2\n"),
            "reflections/2026/11/mine.md": "---\ntimestamp: 2026-11-21T09:00:00Z\ntitle: T\n---\n",
            "tasks/new.md": task(""),
          },
        ),
      ),
    ).toEqual([]);
    expect(places(against({ [j]: job("claimed") }, { [j]: job("claimed") }))).toEqual([]);
  });

  test("what they may not", () => {
    expect(places(against({ [m]: memo("open") }, { [m]: memo("open").replace("title: T", "title: U") }))).toEqual([
      `${m}:3:8 ledger`,
    ]);
    expect(places(against({ [m]: memo("open") }, { [m]: memo("open", "", "changed\n") }))).toEqual([`${m}:9:1 ledger`]);
    expect(places(against({ [m]: memo("open") }, {}))).toEqual([`${m}:1:1 ledger`]);
    expect(places(against({}, { [m]: memo("open") }))).toEqual([`${m}:1:1 ledger`]);
    expect(places(against({ [q]: queued("agent: scout\n") }, { [q]: queued("") }))).toEqual([`${q}:1:1 ledger`]);
    expect(places(against({}, { [q]: queued("") }))).toEqual([`${q}:1:1 ledger`]);
    expect(places(against({ "OVERVIEW.md": "a", "state/x": "1" }, { "OVERVIEW.md": "b", "state/x": "2" }))).toEqual([
      "OVERVIEW.md:1:1 ledger",
      "state/x:1:1 ledger",
    ]);
    const r = "reflections/2026/11/r.md";
    const text = "---\ntimestamp: 2026-11-21T09:00:00Z\ntitle: T\n---\n";
    expect(places(against({ [r]: text }, { [r]: text.replace("T\n---", "U\n---") }))).toEqual([`${r}:3:8 ledger`]);
  });

  test("moves of a job that its life does not have", () => {
    const found = against({ [j]: job("finished") }, { [j]: job("claimed") });
    expect(places(found)).toEqual([`${j}:3:8 ledger`, `${j}:3:8 transition`]);
    expect(found.problems[1]?.message).toBe("a job cannot go from finished to claimed: nothing follows it");
    expect(places(against({ [j]: job("claimed") }, { [j]: job("started") }))).toEqual([`${j}:3:8 ledger`]);
  });
});

test("a ledger on its own branch: its records count, those on the default branch do not", () => {
  const ledger = [file("queue/a-q0123abcd.md", task("")), file("queue/b-q0123abcd.md", "---\ntitle: [\n---\n")];
  const found = checked(
    {
      "tasks/two.md": task("after: a-q0123abcd\n"),
      "memos/x.md": "broken",
      "memos/y.md": "broken",
      "reflections/README.md": "hello",
    },
    { ledger },
  );
  expect(places(found)).toEqual(["memos/x.md:1:1 misplaced?", "queue/b-q0123abcd.md:3:9 yaml"]);
});

describe("output", () => {
  const found = checked({
    "tasks/a%b, c:d.md": "no",
    "rules/r.md": "---\nwhen: {kind: puhs}\nthen: [{ignore: true}]\n---\n",
  });

  test("text", () => {
    expect(render(found, "text")).toBe(
      [
        "rules/r.md:2:14: warning: `puhs` is no kind of pupdate that towline makes",
        "    did you mean `push`?",
        "tasks/a%b, c:d.md:1:1: error: the name `a%b, c:d` must be lower-case letters, digits and dashes, at most 64",
        "    rename the file: its name is the record's id",
        "tasks/a%b, c:d.md:1:1: error: the file does not start with a `---` line",
        "    start it with `---`, the fields, and a second `---`",
        "5 records checked: 2 errors, 1 warning",
        "",
      ].join("\n"),
    );
    expect(render(checked({}), "text")).toBe("3 records checked, nothing to mend\n");
  });

  test("annotations, escaped", () => {
    const lines = render(found, "github").split("\n");
    expect(lines[0]).toMatch(
      /^::warning file=rules\/r\.md,line=2,col=14,title=towline check%3A unknown-kind::.*%0Adid you mean `push`\?$/,
    );
    expect(lines[1]).toMatch(/^::error file=tasks\/a%25b%2C c%3Ad\.md,line=1,col=1,title=/);
    const evil = {
      problems: [
        {
          path: "::add-mask::x\n::set-env",
          line: 1,
          column: 1,
          level: "error" as const,
          code: "c",
          message: "a\r\n::error::b",
          fix: "f",
        },
      ],
      records: 1,
    };
    expect(
      render(evil, "github")
        .split("\n")
        .filter((l) => l.startsWith("::")),
    ).toHaveLength(1);
    expect(
      render(evil, "text")
        .split("\n")
        .filter((l) => l.startsWith("::")),
    ).toHaveLength(0);
  });

  test("json", () => {
    const told = JSON.parse(render(found, "json"));
    expect(told).toMatchObject({ version: 1, ok: false, errors: 2, warnings: 1, records: 5 });
    expect(Object.keys(told.problems[0]).sort()).toEqual(["code", "column", "fix", "level", "line", "message", "path"]);
  });
});

test("nothing in a pack makes the check throw", () => {
  const odd = [
    "",
    "---\n---\n",
    "---\n- a\n---\n",
    "---\nx: !!js/function 1\n---\n",
    "---\n__proto__: {a: 1}\nconstructor: 2\n---\n",
    `---\n${"[".repeat(20_000)}\n---\n`,
    "---\ntitle: \u0000\n---\n",
    "\ufeff---\r\ntitle: a\r\n---\r\nx",
  ];
  for (const folder of ["tasks", "agents", "hosts", "rules", "insights", "jobs", "memos", "queue", "skills"])
    for (const text of odd) expect(Array.isArray(checked({ [`${folder}/x.md`]: text }).problems)).toBe(true);
  expect(Object.keys(sound).length).toBe(4);
});

describe("messages say the fault, and what to write", () => {
  test.each<[string, string, string]>([
    ["timeout: 5 parsecs\n", "`timeout` is `5 parsecs`, which is not a duration", "write a duration like 90s or 5m"],
    ["spread: both\n", "`spread` is `both`, which is not known", "write one of one, each"],
    ["spread: eech\n", "`spread` is `eech`, which is not known", "did you mean `each`? write one of one, each"],
    ["need: some\n", "`need` is `some`, which is not known", "write one of all, any"],
    ["run: -1\n", "`run` is `-1`, which is too small", "write at least 0"],
    ["priority: high\n", "`priority` is `high`, which is not a whole number", "write a whole number"],
    ["status:\n", "`status` is empty", "write one of draft, ready, paused, cancelled"],
    ["timeout: [1m]\n", "`timeout` is a list, not a text", "write a text"],
    ["verify: [a]\n", "`verify` is a list, not a text", "write a text"],
    ["budget: 3\n", "`budget` is `3`, which is not a map", "write a map like `name: value`"],
    ['agent: "scout\nhosts: any\n', 'a quote " is opened here and not closed', 'add the closing "'],
    ["domain: 'it''s\nrun: 1\n", "a quote ' is opened here and not closed", "add the closing '"],
  ])("%j", (fields, message, fix) => {
    const { problems } = checked({ "tasks/a.md": task(fields) });
    expect(problems.map((p) => p.message)).toEqual([message]);
    expect(problems[0]?.line).toBe(3);
    expect(problems[0]?.fix).toContain(fix);
  });

  test("a quote inside a value is not an open one", () => {
    const { problems } = checked({ "tasks/a.md": task('domain: it\'s\naccept: ["a", "b"]\neffect: "say \\"hi\\""\n') });
    expect(problems).toEqual([]);
  });

  test("one wrong field does not hide wrong links beside it", () => {
    const found = checked({
      "tasks/a.md": "---\ntitle: [1]\ntimeout: soon\nagent: scuot\nhosts: wbe1\nafter: oen\n---\nx\n",
    });
    expect(places(found)).toEqual([
      "tasks/a.md:2:8 invalid",
      "tasks/a.md:3:10 invalid",
      "tasks/a.md:4:8 unknown-agent",
      "tasks/a.md:5:8 unknown-host",
      "tasks/a.md:6:8 unknown-task",
    ]);
  });
});
