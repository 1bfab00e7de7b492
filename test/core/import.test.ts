// Other tools' files, as they are met in the wild, to host records.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Entry, parseEntry } from "../../src/core/entry.ts";
import { detectFormat, type ImportFormat, import_formats, importAs } from "../../src/core/import.ts";
import { expandRange } from "../../src/core/import-inventory.ts";
import type { Imported } from "../../src/core/import-machine.ts";
import { type Present, planImport } from "../../src/core/import-plan.ts";

const sample = (file: string) => ({
  file,
  text: readFileSync(join(import.meta.dirname, "..", "fixtures", "inventories", file), "utf8"),
});
const nobody: Present = { hosts: new Map(), broken: new Set() };
const keys = { fallback: "env:TOWLINE_SSH_KEY" };
const told = ({ problems }: Pick<Imported, "problems">) =>
  problems.map(({ line, level, message }) => `${line} ${level[0]} ${message}`);

/** Slug → the fields of its record, as towline reads it. */
function recordsOf(file: string, text = sample(file).text, present = nobody) {
  const source = { file, text };
  const format = detectFormat(source);
  if (format === null) throw new Error(`${file} was not known`);
  const plan = planImport([{ file, ...importAs(format, source) }], present, keys);
  const records = plan.hosts.flatMap(({ host, path, text: record }) => {
    if (record === undefined) return [];
    const { entry, problems } = parseEntry(path, "host", record);
    expect([path, problems]).toEqual([path, []]);
    const { slots, transport, ...data } = (entry as Entry<"host">).data as Record<string, unknown>;
    const short = { ...data, ...(slots === 2 ? {} : { slots }) } as Record<string, unknown>;
    for (const [name, usual] of [
      ["port", 22],
      ["network", "public"],
      ["key", keys.fallback],
    ] as const)
      if (short[name] === usual) delete short[name];
    return [[host, short]];
  });
  return { format, plan, records: Object.fromEntries(records) };
}

test("the classic JSON", () => {
  const { format, plan, records } = recordsOf("picoclaw-fleet.json");
  expect(format).toBe("classic");
  expect(records).toEqual({
    "pi-kitchen": { address: "192.168.50.57", user: "pi", arch: "arm64", key: "file:~/.ssh/id_ed25519" },
    "visionfive-2": { address: "vf2.example.org", user: "user", arch: "riscv64" },
    nuc: { address: "10.0.0.4", user: "towline", arch: "amd64" },
  });
  expect(told(plan)).toEqual([
    "10 w `colour` is not known",
    "12 e host 4 has neither `name` nor `host`",
    "14 w `defaults` is about agents, not machines",
  ]);
  expect(plan.problems.at(-1)?.fix).toContain(
    "`runtime: picoclaw`, `provider: openrouter`, `env: [OPENROUTER_API_KEY]`",
  );
});

test("an Ansible inventory in INI: ranges, groups of groups, whose variable counts, jumps", () => {
  const { format, plan, records } = recordsOf("inventory.ini");
  expect(format).toBe("ansible-ini");
  const web = { user: "deploy", port: 22022, labels: ["eu", "webservers"] };
  const db = {
    user: "postgres",
    port: 22022,
    labels: ["eu", "dbservers"],
    key: "file:~/.ssh/db key",
    jump: "bastion-example-org",
  };
  expect(records).toEqual({
    "mail-example-org": { address: "mail.example.org", user: "root" },
    "web01-example-org": { address: "web01.example.org", ...web },
    "web02-example-org": { address: "web02.example.org", ...web },
    "web03-example-org": { address: "web03.example.org", ...web },
    "www-example-org": { address: "203.0.113.10", ...web, port: 2222 },
    "db-a-example-org": { address: "db-a.example.org", ...db },
    "db-b-example-org": { address: "db-b.example.org", ...db },
    "bastion-example-org": { address: "bastion.example.org", labels: ["bastions"] },
  });
  expect(told(plan)).toEqual([
    "15 w `ansible_password` is a password, and towline logs in with keys",
    "10 e `old`: ansible_host is worked out by Ansible and unknown here",
    "11 w `win` is not reached by SSH (ansible_connection is `winrm`)",
  ]);
  expect(JSON.stringify(plan)).not.toContain("not-a-real-one");
});

test("an Ansible inventory in YAML: nested groups, an IPv6 address, what is locked by vault", () => {
  const { format, plan, records } = recordsOf("inventory.yml");
  expect(format).toBe("ansible-yaml");
  const web = { user: "deploy", labels: ["eu", "webservers"] };
  expect(records).toEqual({
    "mail-example-org": { address: "mail.example.org", user: "deploy" },
    "web01-example-org": { address: "web01.example.org", ...web },
    "web02-example-org": { address: "web02.example.org", ...web },
    www: { address: "2001:db8::10", port: 2222, key: "file:~/.ssh/www", ...web },
    "db-a": { address: "db-a.example.org", user: "postgres", labels: ["eu", "dbservers"] },
  });
  expect(told(plan)).toEqual([
    "28 w `wrong` of the group `eu` is not known",
    "18 w `ansible_password` is a password, and towline logs in with keys",
  ]);
});

test("an ssh_config: first value wins, patterns, denied patterns, jumps; nothing in it is run", () => {
  const { format, plan, records } = recordsOf("ssh_config");
  expect(format).toBe("ssh_config");
  expect(records).toEqual({
    bastion: { address: "bastion.example.org", user: "ops", port: 2222, key: "file:~/.ssh/bastion" },
    "web-1": { address: "web-1.internal.example.org", user: "deploy", jump: "bastion" },
    "web-3": { address: "web-3.internal.example.org", user: "me" },
    db: { address: "db.internal.example.org", user: "me" },
    "fe80-1-eth0": { address: "fe80::1%eth0", user: "root" },
    far: { address: "far", user: "me", cordon: "it is reached by a ProxyCommand: see `transport: openssh`" },
    near: { address: "near", user: "me", jump: "bastion" },
  });
  expect(told(plan)).toEqual([
    "1 w `Include ~/.ssh/config.d/*` is not followed",
    "29 w a `Match` block is not read: what it says depends on who asks",
    "4 w `github.com`: its user is `git`: that is a forge, no machine",
    "24 w `far`: it is reached by a ProxyCommand, which was not taken over",
    ...["web-1", "web-3", "db"].map(
      (name) => `17 w \`${name}\`: its key \`%d/.ssh/id_%r\` is no path that can be read here`,
    ),
    "20 e `old one`: `old one` cannot be its address: it is neither a host name nor an IP address",
    "20 w `fe80::1%eth0`: its key `%d/.ssh/id_%r` is no path that can be read here",
    "23 w `far`: its key `%d/.ssh/id_%r` is no path that can be read here",
    "26 w `near`: its key `%d/.ssh/id_%r` is no path that can be read here",
  ]);
});

test("a CSV with semicolons, quotes and rows that cannot be taken", () => {
  const { format, plan, records } = recordsOf("fleet.csv");
  expect(format).toBe("csv");
  expect(records).toEqual({
    "pi-1": { address: "192.168.1.10", user: "pi", labels: ["kitchen", "arm"] },
    "pi-two": { address: "192.168.1.11", user: "pi" },
    "192-168-1-12": { address: "192.168.1.12" },
  });
  expect(told(plan)).toEqual([
    "1 w the column `Colour` is not known",
    "7 e the row has 8 cells, the header 6",
    "5 e `bad`: `22x` is no port",
    "6 e `worse`: `-oProxyCommand=x` cannot be its address: it is neither a host name nor an IP address",
  ]);
});

describe("what is there already", () => {
  const here = (path: string, fields: string) => parseEntry(path, "host", `---\n${fields}\n---\n`).entry;
  const present = (...all: [string, string][]): Present => ({
    hosts: new Map(all.map(([id, fields]) => [id, here(`hosts/${id}.md`, fields)] as never)),
    broken: new Set(["torn"]),
  });
  const csv =
    "name,address,port,user,labels\none,one.example.org,,me,a b\ntwo,two.example.org,2222,me,\nthree,three.example.org,,,\ntorn,torn.example.org,,,\n";

  test("is kept: the same, another, known by another name, broken", () => {
    const { plan } = recordsOf(
      "x.csv",
      csv,
      present(
        ["one", "address: one.example.org\nuser: me\nlabels: [b, a]\nslots: 9\nkey: agent"],
        ["two", "address: two.example.org\nuser: you"],
        ["other", "address: Three.example.org"],
      ),
    );
    expect(plan.hosts.map(({ host, state, why, text }) => [host, state, why, text])).toEqual([
      ["one", "same", undefined, undefined],
      ["two", "differs", "`port` is 22 here, 2222 there; `user` is you here, me there", undefined],
      ["three", "known", "that machine is hosts/other.md", undefined],
      ["torn", "differs", "the record that is there cannot be read", undefined],
    ]);
  });

  test("a jump goes to a machine of the files or of the fleet; to nowhere, the machine waits behind a cordon", () => {
    const { records, plan } = recordsOf(
      "x.csv",
      "name,address,jump\na,a.example.org,b\nb,b.example.org,ops@gate.example.org:2222\nc,c.example.org,nowhere\nd,d.example.org,d\n",
      present(["gate", "address: gate.example.org"]),
    );
    expect([records.a, records.b, records.c, records.d]).toMatchObject([
      { jump: "b" },
      { jump: "gate" },
      { cordon: "it is reached over nowhere, which is not in the fleet yet" },
      { cordon: expect.any(String) },
    ]);
    expect(told(plan)).toHaveLength(2);
  });

  test("names that come to the same are told, the same machine twice is one", () => {
    const { records, plan } = recordsOf(
      "x.csv",
      "name,address\nweb_1,a.example.org\nweb-1,b.example.org\nweb_1,a.example.org\ncon,c.example.org\n42,d.example.org\n",
    );
    expect(Object.keys(records)).toEqual(["web-1", "x-con", "x42"]);
    expect(told(plan)).toEqual(["3 e `web-1` would be called `web-1` here, and so is `web_1` (x.csv:2)"]);
  });
});

test("ranges, and those that would make too much", () => {
  expect(expandRange("a[1:3]")).toEqual(["a1", "a2", "a3"]);
  expect(expandRange("a[08:10]-[x:y]")).toEqual(["a08-x", "a08-y", "a09-x", "a09-y", "a10-x", "a10-y"]);
  expect(expandRange("a[1:9:4]")).toEqual(["a1", "a5", "a9"]);
  expect(expandRange("plain")).toEqual(["plain"]);
  for (const bad of ["a[1:999999999]", "a[1:9999][1:9999]", "a[3:1]", "a[1:b]", "a[1-3]", "a[1:5:0]", "a[", "a[1:3][b"])
    expect([bad, typeof expandRange(bad)]).toEqual([bad, "string"]);
});

describe("hostile files", () => {
  const names = [
    "../../x",
    "-oProxyCommand=x",
    "$(touch x)",
    "`x`",
    "a\u0000b",
    "x".repeat(300),
    "‮evil",
    "a\nb",
    "con",
    "__proto__",
    "constructor",
  ];
  test("a name is no path, no option, no command", () => {
    for (const name of names) {
      const hosts = {
        hosts: [
          { name, host: "ok.example.org" },
          { name: "n", host: name },
          { name: "u", host: "u.example.org", user: name },
        ],
      };
      const { plan } = recordsOf("x.json", JSON.stringify(hosts));
      for (const { path, text = "" } of plan.hosts) {
        expect(path).toMatch(/^hosts\/[a-z0-9][a-z0-9-]{0,62}\.md$/);
        const { entry } = parseEntry(path, "host", text);
        expect(entry?.data.address).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
        expect(entry?.data.user ?? "ok").toMatch(/^[A-Za-z0-9_]/);
        expect(text).not.toMatch(/[\u0000\u202e]/);
      }
    }
  });

  test("a bomb of aliases, a deep nest, loops of groups", () => {
    const bomb = `all:\n  vars:\n    a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghij"
      .split("")
      .map((c, i) => `    ${c}: &${c} [${`*${"abcdefghij"[i]},`.repeat(9)}]`)
      .join("\n")}\n  hosts:\n    one:\n`;
    expect(recordsOf("x.yml", bomb).plan.problems).not.toHaveLength(0);
    const deep = `{"hosts": ${"[".repeat(2000)}${"]".repeat(2000)}}`;
    expect(recordsOf("x.json", deep).plan.hosts).toEqual([]);
    const loop = "[a:children]\nb\n[b:children]\na\n[a]\none\n";
    expect(recordsOf("x.ini", loop).records).toEqual({ one: { address: "one", labels: ["b", "a"] } });
  });

  test("no text of whatever kind makes a reader throw, hang, or write elsewhere", () => {
    const piece = fc.constantFrom(
      "[a]",
      "[a:vars]",
      "\n",
      "Host ",
      "=",
      '"',
      "'",
      "x[1:3]",
      ":",
      "- ",
      "{",
      "}",
      "hosts:",
      "&a ",
      "*a",
      "!x ",
      ",",
      "\t",
      "#",
      "ansible_host=",
      "é",
      "\u0000",
    );
    const text = fc.array(fc.oneof(piece, fc.string({ maxLength: 6 })), { maxLength: 60 }).map((all) => all.join(""));
    fc.assert(
      fc.property(text, fc.constantFrom(...import_formats), (body, format: ImportFormat) => {
        const plan = planImport([{ file: "x", ...importAs(format, { file: "x", text: body }) }], nobody, keys);
        for (const { path, text: record = "" } of plan.hosts) {
          expect(path).toMatch(/^hosts\/[a-z0-9][a-z0-9-]{0,62}\.md$/);
          expect(parseEntry(path, "host", record).entry).not.toBeNull();
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("formats are told apart, or asked for", () => {
  const kinds: [string, string, string | null][] = [
    ["x", "web1\nweb2\n", "ansible-ini"],
    ["x", "\n# c\n[web]\nweb1\n", "ansible-ini"],
    ["x", "web:\n  hosts:\n    a:\n", "ansible-yaml"],
    ["x", "name,address\n", "csv"],
    ["x", "Host=a\n", "ssh_config"],
    ["x.txt", "just some words\n", null],
    ["x", "", null],
  ];
  for (const [file, text, format] of kinds) expect([text, detectFormat({ file, text })]).toEqual([text, format]);
});
