import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Entry, parseEntry } from "../../src/core/entry.ts";
import { example_host } from "../../src/core/example-host.ts";
import { type ExportFormat, exportFleet } from "../../src/core/export-fleet.ts";
import { detectFormat, importAs } from "../../src/core/import.ts";
import { planImport } from "../../src/core/import-plan.ts";

const host = (id: string, fields: string) =>
  parseEntry(`hosts/${id}.md`, "host", `---\n${fields}\n---\n`).entry as Entry<"host">;
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH3JNItjen3cICQT1rLbx7kbD9YDbSq5V8CCzls7Wjer";
const fleet = [
  host("gate", "address: gate.example.org\nuser: ops\nport: 2222\nkey: file:~/.ssh/gate key"),
  host(
    "pi",
    `address: 2001:db8::7\nuser: pi\nport: 2200\nlabels: [arm, kitchen-1, all]\nkey: env:TOWLINE_SSH_KEY\nhost_key: ${key}`,
  ),
  host(
    "db",
    `address: 10.0.0.5\nuser: towline\njump: gate\nslots: 4\nnetwork: lan\nhost_key: SHA256:${"A".repeat(43)}\ncordon: 'a "new" disk, soon'`,
  ),
  host("gone", "address: gone.example.org\noff: true"),
  host("here", "address: localhost\ntransport: local"),
  host("evil", "address: -oProxyCommand=x"),
];
const made = (format: ExportFormat) =>
  exportFleet(format, { hosts: fleet, keyFile: (name) => `/home/me/keys/${name}` });

test("an ssh_config", () => {
  expect(made("ssh_config")).toBe(`# evil was left out: -oProxyCommand=x cannot be an address, or its user none
Host db
    HostName 10.0.0.5
    User towline
    ProxyJump gate

Host gate
    HostName gate.example.org
    User ops
    Port 2222
    IdentityFile "~/.ssh/gate key"
    IdentitiesOnly yes

Host pi
    HostName 2001:db8::7
    User pi
    Port 2200
    IdentityFile /home/me/keys/TOWLINE_SSH_KEY
    IdentitiesOnly yes
`);
});

test("an Ansible inventory", () => {
  expect(made("ansible")).toBe(`# evil was left out: -oProxyCommand=x cannot be an address, or its user none
all:
  hosts:
    db:
      ansible_host: 10.0.0.5
      ansible_user: towline
      ansible_ssh_common_args: -J ops@gate.example.org:2222
    gate:
      ansible_host: gate.example.org
      ansible_port: 2222
      ansible_user: ops
      ansible_ssh_private_key_file: ~/.ssh/gate key
    here:
      ansible_host: localhost
      ansible_connection: local
    pi:
      ansible_host: 2001:db8::7
      ansible_port: 2200
      ansible_user: pi
      ansible_ssh_private_key_file: /home/me/keys/TOWLINE_SSH_KEY
  children:
    arm:
      hosts:
        pi: {}
    kitchen_1:
      hosts:
        pi: {}
`);
});

test("known_hosts holds whole keys, and says whose it lacks", () => {
  expect(made("known_hosts")).toBe(
    `# db: its key is pinned by its fingerprint only\n# evil: no key is pinned\n# gate: no key is pinned\n[2001:db8::7]:2200 ${key}\n`,
  );
});

test("what is exported comes back as it was", () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/).filter((word) => !/^(all|ungrouped)$/.test(word));
  const machine = fc.record({
    address: fc.constantFrom("a.example.org", "203.0.113.9", "2001:db8::1", "fe80::1%eth0"),
    port: fc.option(
      fc.integer({ min: 1, max: 65535 }).filter((port) => port !== 22),
      { nil: undefined },
    ),
    user: fc.option(
      fc.stringMatching(/^[a-z][a-z0-9_-]{0,10}$/).filter((user) => user !== "git"),
      { nil: undefined },
    ),
    labels: fc.uniqueArray(label, { maxLength: 3 }),
    key: fc.constantFrom("file:~/.ssh/id", "file:/keys/with space"),
  });
  fc.assert(
    fc.property(machine, fc.constantFrom<ExportFormat>("json", "csv", "ansible", "ssh_config"), (one, format) => {
      const fields = Object.entries(one).filter(([, value]) => value !== undefined && String(value) !== "");
      const entry = host(
        "one",
        fields
          .map(([name, value]) => `${name}: ${JSON.stringify(Array.isArray(value) ? value : String(value))}`)
          .join("\n"),
      );
      const text = exportFleet(format, { hosts: [entry], keyFile: () => null });
      const source = { file: "x", text };
      const found = detectFormat(source);
      if (found === null) throw new Error(text);
      const plan = planImport(
        [{ file: "x", ...importAs(found, source) }],
        { hosts: new Map(), broken: new Set() },
        { fallback: "agent" },
      );
      expect([text, plan.problems]).toEqual([text, []]);
      const back = parseEntry("hosts/one.md", "host", plan.hosts[0]?.text ?? "").entry?.data;
      const { labels = [], ...rest } = entry.data;
      expect([text, { ...back, labels: [...(back?.labels ?? [])].sort() }]).toEqual([
        text,
        { ...rest, labels: format === "ssh_config" ? [] : labels.toSorted() },
      ]);
    }),
    { numRuns: 200 },
  );
});

test("the example is the template's own", () => {
  expect(readFileSync(join(import.meta.dirname, "..", "..", "hosts", "example.md"), "utf8")).toBe(example_host);
});
