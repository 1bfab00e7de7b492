// Hosts as people have them: behind jump hosts, on IPv6, with locked keys, behind servers that allow little at once.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, host as hostSchema } from "../../src/core/schema.ts";
import type { HostSession, RawResult } from "../../src/ports.ts";
import { createFleet, type FleetOptions } from "../../src/shell/fleet.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { ssh } from "../../src/transports/ssh.ts";
import {
  hostOf,
  type Key,
  makeKey,
  needsDropbear,
  needsIpv6,
  needsSshClient,
  needsSshd,
  type Serve,
  type Served,
  serve,
} from "./servers.ts";

const skipped = (missing: string | null) => (missing ? ` [${missing}]` : "");

let dir: string;
let key: Key;
const up: Served[] = [];
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  if (needsSshd === null) key = makeKey(join(dir, "id"));
});
afterAll(async () => {
  await Promise.all(up.map((one) => one.stop()));
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

async function raise(name: string, more: Partial<Serve> = {}): Promise<Served> {
  const own = join(dir, name);
  mkdirSync(own);
  const one = await serve({ dir: own, key, ...more });
  up.push(one);
  return one;
}

/** A fleet that knows these records; `env` besides the key. */
function fleetOf(records: Record<string, Host>, more: Partial<FleetOptions> = {}) {
  const fleet = createFleet({ env: { KEY: key.text }, home: dir, hosts: (name) => records[name], ...more });
  return {
    open: (name: string) => fleet.open(name, records[name] as Host, "pack-a"),
    close: () => fleet.close?.(),
  };
}

const logins = (one: Served) => one.log().match(/Accepted publickey/g)?.length ?? 0;

async function run(session: HostSession, job: string, script: string): Promise<RawResult> {
  const launch = { files: { script }, secret: [], command: "sh ./script" };
  const wanted = { job, epoch: 1, day: "2026/11/20", deadline: 30, keep: 16384, slots: 40, launch };
  expect(await session.start(wanted)).toEqual({ state: "started" });
  for (const end = Date.now() + 20_000; Date.now() < end; )
    if ((await session.wait([{ job, epoch: 1 }], 5000)).length > 0) return session.fetch(job, 1);
  throw new Error(`${job} never ended`);
}

describe.skipIf(needsSshd !== null)(`behind a jump host${skipped(needsSshd)}`, () => {
  let gate: Served;
  let own: Key;
  let web: Served[];
  const records = (more: Record<string, Record<string, string>> = {}): Record<string, Host> => ({
    gate: hostOf(gate, { key: "env:GATE", ...more.gate }),
    ...Object.fromEntries(web.map((one, i) => [`web${i}`, hostOf(one, { jump: "gate", ...more[`web${i}`] })])),
  });
  const env = () => ({ KEY: key.text, GATE: own.text });
  beforeAll(async () => {
    own = makeKey(join(dir, "gate-id"));
    gate = await raise("gate", { key: own });
    web = await Promise.all(["web0", "web1", "web2"].map((name) => raise(name)));
  });

  test("each hop has its own key, and the jump host is logged in to once for all that are behind it", async () => {
    const before = logins(gate);
    const all = records({ gate: { off: "true", cordon: "repair" } });
    const fleet = fleetOf(all, { env: env() });
    const sessions = await Promise.all(["web0", "web1", "web2"].map((name) => fleet.open(name)));
    expect(new Set(sessions.map((one) => one.facts.identity)).size).toBe(3);
    expect(
      Buffer.from(
        (await run(sessions[0] as HostSession, "hop", "echo $SSH_CONNECTION | wc -w; echo $HOME")).stdout.head,
      ).toString(),
    ).toContain(web[0]?.home);
    expect(logins(gate) - before).toBe(1);
    for (const session of sessions) session.close();
    fleet.close();
    await expect
      .poll(() => gate.log(), { timeout: 10_000 })
      .toMatch(/Disconnected from user|Received disconnect|Connection closed by/);
  });

  test("a host behind a host behind a host", async () => {
    const all = records({ web1: { jump: "web0" }, web2: { jump: "web1" } });
    const fleet = fleetOf(all, { env: env() });
    const session = await fleet.open("web2");
    expect(session.facts.cores).toBeGreaterThan(0);
    session.close();
    fleet.close();
  });

  test("every hop shows its pinned key, or nothing goes on", async () => {
    const wrong = web[0]?.record.host_key as string;
    const far = fleetOf(records({ web1: { host_key: wrong } }), { env: env() });
    await expect(far.open("web1")).rejects.toMatchObject({ kind: "changed-key" });
    far.close();
    const before = logins(gate);
    const near = fleetOf(records({ gate: { host_key: wrong } }), { env: env() });
    const refused = near.open("web1");
    await expect(refused).rejects.toMatchObject({ kind: "unreachable" });
    await expect(refused).rejects.toThrow(/^web1 is behind gate \(jump\): gate shows the key SHA256:/);
    expect(logins(gate)).toBe(before);
  });

  test("a key that may pass on to these machines, and do nothing else, is enough at a jump host", async () => {
    const may = `restrict,port-forwarding,permitopen="127.0.0.1:${web[0]?.port}",command="/bin/false"`;
    const bare = await raise("bare", { key: { ...key, public: `${may} ${key.public}` } });
    for (const transport of ["ssh", ...(needsSshClient ? [] : ["openssh"])]) {
      const fields = { web0: { jump: "bare" }, web1: { jump: "bare" } };
      const all = { ...records(fields), bare: hostOf(bare, { transport, off: "true" }) };
      const fleet = fleetOf(all, { env: { ...env(), PATH: process.env.PATH, TMPDIR: dir } });
      (await fleet.open("web0")).close();
      await expect(fleet.open("web1")).rejects.toMatchObject({ kind: "unreachable" });
      fleet.close();
    }
  });

  test("a jump host that passes nothing on is named", async () => {
    const shut = await raise("shut", { settings: ["AllowTcpForwarding no"] });
    const fleet = fleetOf({ ...records({ web0: { jump: "shut" } }), shut: hostOf(shut) });
    const refused = fleet.open("web0");
    await expect(refused).rejects.toMatchObject({ kind: "unreachable" });
    await expect(refused).rejects.toThrow("shut does not pass connections on (AllowTcpForwarding");
    fleet.close();
    const dead = fleetOf(records({ web0: { port: "9" } }), { env: env() });
    await expect(dead.open("web0")).rejects.toThrow(/gate cannot reach it/);
    dead.close();
  });

  test("a circle, and a jump host without a record, are mistakes of the records", async () => {
    const loop = fleetOf(records({ gate: { jump: "web1" }, web1: { jump: "gate" } }), { env: env() });
    await expect(loop.open("web1")).rejects.toMatchObject({ code: 3 });
    await expect(loop.open("web1")).rejects.toThrow("web1 → gate → web1");
    const none = fleetOf(records({ web1: { jump: "nobody" } }));
    await expect(none.open("web1")).rejects.toMatchObject({
      code: 3,
      message: expect.stringContaining("hosts/nobody.md"),
    });
    const here = fleetOf({
      ...records({ web1: { jump: "here" } }),
      here: hostSchema.parse({ address: "x", transport: "local" }),
    });
    await expect(here.open("web1")).rejects.toMatchObject({ code: 3 });
  });

  test("a jump host that dies takes its sessions along; whoever comes next makes the way anew", async () => {
    const other = await raise("other");
    const all = { ...records({ web0: { jump: "other" }, web1: { jump: "other" } }), other: hostOf(other) };
    const fleet = fleetOf(all);
    const session = await fleet.open("web0");
    execFileSync("sh", ["-c", `kill -9 $(cat /proc/${other.pid}/task/${other.pid}/children)`]);
    await expect(session.probe()).rejects.toMatchObject({ kind: "lost" });
    await expect(fleet.open("web1")).rejects.toThrow("other");
    const again = await fleet.open("web1");
    expect(again.facts.identity).toMatch(/^[0-9a-f]{32}$/);
    again.close();
    fleet.close();
  });
});

describe.skipIf(needsSshd !== null || needsDropbear !== null)(
  `behind dropbear${skipped(needsSshd ?? needsDropbear)}`,
  () => {
    test("dropbear leads to OpenSSH, and OpenSSH to dropbear", async () => {
      const [one, two] = await Promise.all([raise("drop", { server: "dropbear" }), raise("open")]);
      const there = fleetOf({ one: hostOf(one), two: hostOf(two, { jump: "one" }) });
      (await there.open("two")).close();
      there.close();
      const back = fleetOf({ two: hostOf(two), one: hostOf(one, { jump: "two" }) });
      (await back.open("one")).close();
      back.close();
    });
  },
);

describe.skipIf(needsSshd !== null)(`a jump host that never answers${skipped(needsSshd)}`, () => {
  let silent: Server;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    silent = createServer((socket) => void sockets.add(socket.on("error", () => {})));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test("all hosts behind it are given up within its one deadline, and it is named", async () => {
    const { port } = silent.address() as { port: number };
    const fields = { address: "127.0.0.1", port: String(port), host_key: key.public, key: "env:KEY" };
    const names = Array.from({ length: 30 }, (_, i) => `h${i}`);
    const behind = names.map((name) => [name, hostSchema.parse({ ...fields, port: "1", jump: "gate" })]);
    const fleet = fleetOf({ gate: hostSchema.parse(fields), ...Object.fromEntries(behind) }, { connectTimeout: 1500 });
    const from = Date.now();
    const ends = await Promise.allSettled(names.map((name) => fleet.open(name)));
    expect(Date.now() - from).toBeLessThan(12_000);
    expect(sockets.size).toBe(1);
    for (const end of ends)
      expect(end).toMatchObject({
        reason: { kind: "unreachable", message: expect.stringMatching(/^h\d+ is behind gate \(jump\): gate /) },
      });
    fleet.close();
  });
});

describe.skipIf(needsSshd !== null)(`servers that allow little${skipped(needsSshd)}`, () => {
  test("one channel at a time is enough for a whole run", async () => {
    const small = await raise("small", { settings: ["MaxSessions 1"] });
    const fleet = fleetOf({ small: hostOf(small) });
    const session = await fleet.open("small"); // the program is missing there: three commands, one after the other
    const result = await run(session, "small", "echo done");
    await session.ack([result]);
    expect((await session.probe()).held).toEqual([]);
    session.close();
    fleet.close();
    expect(logins(small)).toBe(1);
  });

  test("a command waits for its turn where one runs already, and is refused where none can ever run", async () => {
    const turn = await raise("turn", { settings: ["MaxSessions 1"] });
    const connection = await ssh().connect("turn", hostOf(turn), { key: key.text, timeout: 10_000 });
    const first = await connection.exec("sleep 0.6; echo one");
    const second = connection.exec("echo two");
    for (const pipe of [first, await second]) {
      pipe.stdin.end();
      let said = "";
      for await (const chunk of pipe.stdout) said += Buffer.from(chunk).toString();
      expect(said).toBe(pipe === first ? "one\n" : "two\n");
    }
    connection.close();
    const none = await raise("none", { settings: ["MaxSessions 0"] });
    const shut = await ssh().connect("none", hostOf(none), { key: key.text, timeout: 10_000 });
    await expect(shut.exec("true")).rejects.toMatchObject({ kind: "refused" });
    shut.close();
  });

  test("many records behind one sshd do not knock it over", async () => {
    const narrow = await raise("narrow", { settings: ["MaxStartups 3", "MaxSessions 4"] });
    const names = Array.from({ length: 12 }, (_, i) => `r${i}`);
    const fleet = fleetOf(Object.fromEntries(names.map((name) => [name, hostOf(narrow, { root: `~/${name}` })])), {
      connectTimeout: 20_000,
    });
    const sessions = await Promise.all(names.map((name) => fleet.open(name)));
    expect(new Set(sessions.map((one) => one.facts.identity)).size).toBe(12);
    for (const session of sessions) session.close();
  });
});

describe.skipIf(needsSshd !== null)(`addresses${skipped(needsSshd)}`, () => {
  test.skipIf(needsIpv6 !== null)(`an IPv6 address, with brackets and without${skipped(needsIpv6)}`, async () => {
    const six = await raise("six", { listen: "::1" });
    const fleet = fleetOf({
      a: hostOf(six),
      b: hostOf(six, { address: "[::1]" }),
      c: hostOf(six, { address: "[::1]", port: "9" }),
    });
    const [a, b] = await Promise.all([fleet.open("a"), fleet.open("b")]);
    expect(a.facts.identity).toBe(b.facts.identity);
    await expect(fleet.open("c")).rejects.toThrow("c ([::1]:9): nothing listens there");
    a.close();
    b.close();
  });

  test("a name with several addresses: the one that answers", async () => {
    const four = await raise("four");
    const fleet = fleetOf({ four: hostOf(four, { address: "localhost" }) });
    const session = await fleet.open("four");
    expect(session.facts.cores).toBeGreaterThan(0);
    session.close();
  });
});

describe.skipIf(needsSshd !== null)(`keys${skipped(needsSshd)}`, () => {
  let one: Served;
  let locked: Key;
  beforeAll(async () => {
    locked = makeKey(join(dir, "locked"), "correct horse");
    one = await raise("one", { key: locked });
  });
  const record = (fields: Record<string, string>) => ({
    one: hostOf(one, fields),
    two: hostOf(one, { ...fields, root: "~/two" }),
  });

  test("a real ssh agent", async () => {
    const agent = execFileSync("ssh-agent", ["-s"], { encoding: "utf8" });
    const [, socket = ""] = /SSH_AUTH_SOCK=([^;]+)/.exec(agent) ?? [];
    const [, pid = ""] = /SSH_AGENT_PID=(\d+)/.exec(agent) ?? [];
    try {
      const open = makeKey(join(dir, "agent-id"));
      const host = await raise("agented", { key: open });
      const fleet = fleetOf({ one: hostOf(host, { key: "agent" }) }, { env: { SSH_AUTH_SOCK: socket } });
      await expect(fleet.open("one")).rejects.toMatchObject({ kind: "refused" });
      execFileSync("ssh-add", ["-q", open.file], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      (await fleet.open("one")).close();
    } finally {
      process.kill(Number(pid));
    }
  });

  test("a locked key opens with the passphrase that its record names, which is a secret from then on", async () => {
    const secrets = createSecrets({});
    const env = { PHRASE: "correct horse" };
    const fleet = fleetOf(record({ key: "file:~/locked", key_passphrase: "env:PHRASE" }), { env, secrets });
    (await fleet.open("one")).close();
    expect(secrets.mask("it says correct horse")).toBe("it says ⟨redacted PHRASE⟩");
  });

  test("a person is asked once for all hosts with the same key", async () => {
    const asked: string[] = [];
    const secrets = createSecrets({});
    const ask = async (question: string) => {
      asked.push(question);
      return "correct horse";
    };
    const fleet = fleetOf(record({ key: "file:~/locked" }), { env: {}, secrets, ask });
    for (const session of await Promise.all([fleet.open("one"), fleet.open("two")])) session.close();
    expect(asked).toEqual(["Passphrase of the SSH key ~/locked: "]);
    expect(secrets.mask("correct horse")).toContain("redacted");
  });

  test("without a passphrase, or with a wrong one, it says what to do, and shows none", async () => {
    const fault = async (fields: Record<string, string>, more: Partial<FleetOptions>) =>
      fleetOf(record({ key: "file:~/locked", ...fields }), { env: {}, ...more })
        .open("one")
        .catch((thrown) => thrown);
    const nobody = await fault({}, {});
    expect(nobody).toMatchObject({ code: 3, message: expect.stringContaining("nobody is there to type it") });
    expect(nobody.advice).toContain("key_passphrase: env:NAME");
    expect(await fault({}, { ask: async () => null })).toMatchObject({ code: 3 });
    const lock = { key_passphrase: "env:PHRASE" };
    expect(await fault(lock, {})).toMatchObject({ code: 3, message: expect.stringContaining("PHRASE") });
    const wrong = await fault(lock, { env: { PHRASE: "wrong donkey" } });
    expect(wrong).toMatchObject({ code: 3, message: expect.stringContaining("does not open") });
    expect(`${wrong.message} ${wrong.advice}`).not.toContain("donkey");
  });
});
