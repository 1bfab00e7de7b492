import { expect, test } from "vitest";
import { type Entry, parseEntry } from "../../src/core/entry.ts";
import { parseTarget, placeText } from "../../src/core/machine-address.ts";
import { type Around, hostSlug, newHost, type Wanted } from "../../src/core/new-host.ts";

test.each([
  ["pi@192.168.50.57", { user: "pi", address: "192.168.50.57" }, "192.168.50.57"],
  ["pi@pi.local:2222", { user: "pi", address: "pi.local", port: 2222 }, "pi.local:2222"],
  ["web1", { address: "web1" }, "web1"],
  ["me@[2001:db8::7]:2200", { user: "me", address: "2001:db8::7", port: 2200 }, "[2001:db8::7]:2200"],
  ["me@2001:db8::7", { user: "me", address: "2001:db8::7" }, "2001:db8::7"],
  ["[fe80::1%eth0]", { address: "fe80::1%eth0" }, "fe80::1%eth0"],
  ["ssh://me@host.example.org:22/", { user: "me", address: "host.example.org", port: 22 }, "host.example.org"],
  ["DOMAIN\\me@host", { user: "DOMAIN\\me", address: "host" }, "host"],
  ["me@corp@host", { user: "me@corp", address: "host" }, "host"],
])("%s is a machine", (text, target, place) => {
  expect(parseTarget(text)).toEqual(target);
  expect(placeText(target)).toBe(place);
});

test.each([
  "",
  "@",
  "me@",
  "@host",
  "-l",
  "me@-host",
  "me@host:",
  "me@host:0",
  "me@host:65536",
  "me@[::1",
  "me@[host]x",
  "me@a..b",
  "me@1.2.3",
  "me@256.1.1.1",
  "me@:::",
  "me@fe80::1%",
  "me@fe80::1%;x",
  "me@host/../x",
  "a b@host",
  "$(x)@host",
  "me@host;x",
  "me@ho\nst",
  `me@${"a".repeat(300)}`,
  "m\u0000e@host",
  "me@ünder.example",
])("%j is none", (text) => expect(typeof parseTarget(text)).toBe("string"));

const host = (id: string, fields: string) =>
  [id, parseEntry(`hosts/${id}.md`, "host", `---\n${fields}\n---\n`).entry as Entry<"host">] as const;
const workflow = "jobs:\n  tick:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: npm run tick\n";
const around: Around = {
  hosts: new Map([host("gate", "address: gate.example.org\nuser: ops")]),
  broken: new Set(["torn"]),
  workflow,
  networks: ["public"],
  user: "me",
};
const plain: Wanted = { label: [], key: "env:TOWLINE_SSH_KEY" };

test("a private address behind a hosted runner gets a network of its own, and the ways out are named", () => {
  const at = { address: "192.168.50.57" };
  const found = newHost(at, plain, around);
  expect(found).toEqual({
    fields: { ...at, user: "me", key: plain.key, network: "lan" },
    notes: [expect.stringContaining("self-hosted runner")],
  });
  // Where ticks do reach that network, as in a pack that no CI service sees, there is nothing to find a way out of.
  expect(newHost(at, plain, { ...around, networks: ["public", "lan"] })).toMatchObject({
    fields: { network: "lan" },
    notes: [expect.not.stringContaining("self-hosted runner")],
  });
  for (const [wanted, more] of [
    [{ ...plain, network: "public" }, around],
    [{ ...plain, jump: "gate" }, around],
    [plain, { ...around, workflow: null }],
    [plain, { ...around, workflow: workflow.replace("ubuntu-24.04", "self-hosted") }],
  ] as [Wanted, Around][]) {
    const other = newHost(at, wanted, more);
    expect(other).toMatchObject({ notes: [] });
    expect("fields" in other && other.fields.network).toBeUndefined();
  }
});

test("what cannot stand in a record, or stands there already", () => {
  const refused = (wanted: Partial<Wanted>, target = { address: "new.example.org" }) => {
    const found = newHost(target, { ...plain, ...wanted }, around);
    return "refused" in found ? found.refused : null;
  };
  expect(refused({})).toBeNull();
  expect(refused({ name: "torn" })).toContain("there is a hosts/torn.md");
  expect(refused({ network: "a b" })).toContain("no name of a network");
  expect(refused({}, { address: "GATE.example.org", user: "ops" } as never)).toContain("as gate (hosts/gate.md)");
  expect(refused({ jump: "gate" }, { address: "gate.example.org", user: "ops" } as never)).toBeNull();
});

test.each([
  ["raspberrypi", "raspberrypi"],
  ["Web 01", "web-01"],
  ["../../etc", "etc"],
  ["\u001b[31mred", "31mred"],
  ["", "x"],
  ["42", "x42"],
  ["con", "x-con"],
  ["$(touch x)", "touch-x"],
  ["a".repeat(300), "a".repeat(63)],
])("%j is called %s here", (name, id) => expect(hostSlug(name)).toBe(id));
