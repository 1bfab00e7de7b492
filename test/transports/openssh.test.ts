// The system's ssh client: pinned keys whatever ssh_config says, one login, and a way out when that is gone.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../../src/core/schema.ts";
import type { Connection, HostSession } from "../../src/ports.ts";
import { enrollHost } from "../../src/shell/enroll.ts";
import { createFleet, type FleetOptions } from "../../src/shell/fleet.ts";
import { openssh } from "../../src/transports/openssh.ts";
import { pinnedFingerprint } from "../../src/transports/ssh.ts";
import { hostOf, type Key, makeKey, needsSshClient, needsSshd, type Serve, type Served, serve } from "./servers.ts";

const missing = needsSshd ?? needsSshClient;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

describe.skipIf(missing !== null)(`the system's ssh${missing ? ` [${missing}]` : ""}`, () => {
  let dir: string;
  let key: Key;
  let one: Served;
  const up: Served[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-test-"));
    key = makeKey(join(dir, "id"));
    one = await raise("one");
  });
  afterAll(async () => {
    await Promise.all(up.map((server) => server.stop()));
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });

  async function raise(name: string, more: Partial<Serve> = {}): Promise<Served> {
    mkdirSync(join(dir, name));
    const made = await serve({ dir: join(dir, name), key, ...more });
    up.push(made);
    return made;
  }
  const record = (served: Served, more: Record<string, string> = {}) =>
    hostOf(served, { transport: "openssh", ...more });
  const fleetOf = (records: Record<string, Host>, more: Partial<FleetOptions> = {}) => {
    const fleet = createFleet({
      env: { PATH, KEY: key.text, TMPDIR: dir },
      home: dir,
      hosts: (name) => records[name],
      connectTimeout: 10_000,
      ...more,
    });
    return { open: (name: string) => fleet.open(name, records[name] as Host, "pack-a"), close: () => fleet.close?.() };
  };
  const open = (host: Host, more: Partial<FleetOptions> = {}) => fleetOf({ one: host }, more).open("one");
  const logins = (served: Served) => served.log().match(/Accepted publickey/g)?.length ?? 0;
  const fingerprint = () => pinnedFingerprint(one.record.host_key as string);

  async function ended(session: HostSession, job: string, script: string): Promise<string> {
    const launch = { files: { script }, secret: [], command: "sh ./script" };
    const wanted = { job, epoch: 1, day: "2026/11/20", deadline: 30, keep: 16384, slots: 40, launch };
    expect(await session.start(wanted)).toEqual({ state: "started" });
    for (const end = Date.now() + 20_000; Date.now() < end; )
      if ((await session.wait([{ job, epoch: 1 }], 5000)).length > 0)
        return Buffer.from((await session.fetch(job, 1)).stdout.head).toString();
    throw new Error(`${job} never ended`);
  }

  async function said(connection: Connection, command: string): Promise<string> {
    const pipe = await connection.exec(command);
    pipe.stdin.end();
    let text = "";
    for await (const chunk of pipe.stdout) text += Buffer.from(chunk).toString();
    return text;
  }

  describe("the host's key", () => {
    test("a pinned line and a pinned fingerprint let the host in", async () => {
      for (const host_key of [one.record.host_key as string, fingerprint()])
        (await open(record(one, { host_key }))).close();
    });

    test("another key than the pinned one is refused, and both are shown", async () => {
      const other = makeKey(join(dir, "other")).public;
      for (const host_key of [other, pinnedFingerprint(other)]) {
        const refused = open(record(one, { host_key }));
        await expect(refused).rejects.toMatchObject({ kind: "changed-key" });
        await expect(refused).rejects.toThrow(fingerprint());
        await expect(refused).rejects.toThrow(pinnedFingerprint(other));
      }
    });

    test("enrolment shows the key, and pins it", async () => {
      const pack = join(dir, "pack");
      mkdirSync(join(pack, "hosts"), { recursive: true });
      const { address, port, user } = one.record;
      const file = join(pack, "hosts", "one.md");
      writeFileSync(
        file,
        `---\naddress: ${address}\nport: ${port}\nuser: ${user}\nkey: env:KEY\ntransport: openssh\n---\n`,
      );
      const env = { PATH, KEY: key.text };
      const enroll = (answer: boolean) =>
        enrollHost({ dir: pack, host: "one", env, home: dir, confirm: async () => answer });
      await expect(enroll(false)).rejects.toThrow(fingerprint());
      expect(await enroll(true)).toMatchObject({ host_key: fingerprint(), missing: [] });
      expect(readFileSync(file, "utf8")).toContain(`host_key: ${fingerprint()}`);
      (await open(record(one, { host_key: fingerprint() }))).close();
      const seen: Uint8Array[] = [];
      const { host_key: _, ...unpinned } = one.record;
      const look = openssh({ env: { PATH, HOME: dir }, folders: [dir] }).connect(
        "one",
        record({ ...one, record: unpinned }),
        {
          password: "",
          timeout: 10_000,
          onUnknownKey: (_, shown) => seen.push(shown as Uint8Array) > 0,
        },
      );
      await expect(look).rejects.toMatchObject({ kind: "refused" });
      expect(Buffer.from(seen[0] as Uint8Array).toString("base64")).toBe(one.record.host_key?.split(" ")[1]);
      await expect(open(record({ ...one, record: unpinned }))).rejects.toMatchObject({ kind: "unknown-key" });
    });

    test("a certificate of the host, by the authority that is pinned", async () => {
      const ca = makeKey(join(dir, "host-ca"));
      const other = makeKey(join(dir, "other-ca"));
      const settings = [`HostCertificate ${join(dir, "certified", "host_key-cert.pub")}`];
      mkdirSync(join(dir, "certified"));
      const hostKey = makeKey(join(dir, "certified", "host_key"));
      execFileSync("ssh-keygen", ["-q", "-s", ca.file, "-I", "h", "-h", "-n", "127.0.0.1", `${hostKey.file}.pub`]);
      const made = await serve({ dir: join(dir, "certified"), key, settings });
      up.push(made);
      (await open(record(made, { host_key: `@cert-authority ${ca.public}` }))).close();
      await expect(open(record(made, { host_key: `@cert-authority ${other.public}` }))).rejects.toMatchObject({
        kind: "changed-key",
      });
    });
  });

  describe("logging in", () => {
    test.each(["rsa", "ecdsa", "ed25519"])("a %s key that stands in a variable", async (type) => {
      const own = makeKey(join(dir, `key-${type}`), "", type);
      const host = await raise(`host-${type}`, { key: own });
      (await open(record(host), { env: { PATH, KEY: own.text } })).close();
      await expect(open(record(host))).rejects.toMatchObject({ kind: "refused" });
    });

    test("a key in a file, locked or not, with a certificate beside it", async () => {
      const ca = makeKey(join(dir, "user-ca"));
      writeFileSync(join(dir, "ca.pub"), `${ca.public}\n`);
      const host = await raise("by-ca", { key: ca, settings: [`TrustedUserCAKeys ${join(dir, "ca.pub")}`] });
      for (const [name, passphrase] of [
        ["plain", ""],
        ["shut", "open sesame"],
      ] as const) {
        const own = makeKey(join(dir, name), passphrase);
        const asked = record(host, { key: `file:~/${name}`, key_passphrase: "env:PHRASE" });
        const env = { PATH, PHRASE: "open sesame" };
        await expect(open(asked, { env })).rejects.toMatchObject({ kind: "refused" });
        const user = one.record.user as string;
        execFileSync("ssh-keygen", ["-q", "-s", ca.file, "-I", name, "-n", user, `${own.file}.pub`]);
        (await open(asked, { env })).close();
      }
    });

    test("who cannot be reached, and why, in time", async () => {
      await expect(open(record(one, { port: "9" }))).rejects.toMatchObject({
        kind: "unreachable",
        message: expect.stringContaining("nothing listens there"),
      });
      await expect(open(record(one, { address: "no.such.host.invalid" }))).rejects.toMatchObject({
        kind: "unreachable",
      });
      const silent = createServer((socket) => socket.on("error", () => {}).resume());
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const { port } = silent.address() as { port: number };
      const from = Date.now();
      await expect(open(record(one, { port: String(port) }), { connectTimeout: 1500 })).rejects.toMatchObject({
        kind: "unreachable",
      });
      expect(Date.now() - from).toBeLessThan(12_000);
      silent.close();
      await expect(open(record(one), { env: { PATH: "/nonexistent", KEY: key.text } })).rejects.toMatchObject({
        code: 3,
      });
    });

    test("servers that turn logins away are asked again", async () => {
      const narrow = await raise("narrow", { settings: ["MaxStartups 2"] });
      const names = Array.from({ length: 8 }, (_, i) => `r${i}`);
      const fleet = fleetOf(Object.fromEntries(names.map((name) => [name, record(narrow, { root: `~/${name}` })])), {
        connectTimeout: 30_000,
      });
      for (const session of await Promise.all(names.map((name) => fleet.open(name)))) session.close();
    });
  });

  describe("the shared connection", () => {
    test("one login carries everything; nothing is left behind", async () => {
      const host = await raise("shared");
      const folders = [join(dir, "dens")];
      mkdirSync(folders[0] as string);
      const transport = openssh({ env: { PATH, HOME: dir }, folders });
      const connection = await transport.connect("one", record(host), { key: key.text, timeout: 10_000 });
      expect(await Promise.all(["a", "b", "c"].map((word) => said(connection, `echo ${word}`)))).toEqual([
        "a\n",
        "b\n",
        "c\n",
      ]);
      expect(logins(host)).toBe(1);
      connection.close();
      await expect(connection.exec("true")).rejects.toMatchObject({ kind: "lost" });
      await expect.poll(() => readdirSync(folders[0] as string), { timeout: 10_000 }).toEqual([]);
    });

    test("a master that was killed, a socket that is stale, a path that is too long: each command logs in by itself", async () => {
      const host = await raise("masters");
      const short = join(dir, "m");
      mkdirSync(short);
      const transport = openssh({ env: { PATH, HOME: dir }, folders: [short] });
      const connection = await transport.connect("one", record(host), { key: key.text, timeout: 10_000 });
      expect(mastersIn(short)).toHaveLength(1);
      for (const pid of mastersIn(short)) process.kill(pid, "SIGKILL");
      await expect.poll(() => mastersIn(short)).toEqual([]);
      expect(await said(connection, "echo still here")).toBe("still here\n");
      expect(logins(host)).toBe(2);
      connection.close();
      const long = join(dir, "l".repeat(90));
      mkdirSync(long);
      const plain = await openssh({ env: { PATH, HOME: dir }, folders: [long] })
        .connect("one", record(host), {
          key: key.text,
          timeout: 10_000,
        })
        .catch((thrown) => thrown);
      // The agent's own socket has no shorter path either: a key that stands in a variable needs one.
      expect(plain).toMatchObject({ code: 3 });
      const bare = await openssh({ env: { PATH, HOME: dir }, folders: [long] }).connect("one", record(host), {
        key: key.text,
        keyFile: key.file,
        timeout: 10_000,
      });
      const before = logins(host);
      expect(await said(bare, "echo and here")).toBe("and here\n");
      expect(logins(host)).toBe(before + 1);
      expect(existsSync(long) && mastersIn(long)).toEqual([]);
      bare.close();
    });

    test("a network that falls silent is noticed", async () => {
      const sockets: Socket[] = [];
      const proxy = createServer((near) => {
        const far = createConnection({ host: "127.0.0.1", port: one.port });
        sockets.push(near, far);
        for (const socket of [near, far]) socket.on("error", () => {});
        near.pipe(far).pipe(near);
      });
      await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
      const { port } = proxy.address() as { port: number };
      const session = await open(record(one, { port: String(port) }));
      for (const socket of sockets) socket.unpipe().pause();
      const from = Date.now();
      await expect(session.probe()).rejects.toMatchObject({ kind: "lost" });
      expect(Date.now() - from).toBeLessThan(25_000);
      session.close();
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });

    test("one channel at a time is enough for a whole run", async () => {
      const small = await raise("small", { settings: ["MaxSessions 1"] });
      const session = await open(record(small));
      expect(await ended(session, "small", "echo done")).toBe("done\n");
      session.close();
    });

    test("no key and no text of a task stands on a command line or in the client's environment", async () => {
      const session = await open(record(one));
      const word = `needle-${"n".repeat(20)}`;
      const going = ended(session, "hush", `sleep 0.5\n: ${word}\necho ok`);
      const seen: string[] = [];
      for (let i = 0; i < 10; i++) {
        for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
          for (const file of ["cmdline", "environ"])
            if (file === "cmdline" || commandOf(pid).startsWith("ssh ")) seen.push(textOf(`/proc/${pid}/${file}`));
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      expect(await going).toBe("ok\n");
      session.close();
      const all = seen.join("\n");
      expect(all).toContain("BatchMode=yes");
      expect(all).not.toContain(word);
      expect(all).not.toContain("PRIVATE KEY");
      expect(all).not.toContain(key.text.split("\n")[2] as string);
    });
  });

  describe("the person's own ssh_config", () => {
    /** A PATH whose ssh reads this as ssh_config: the real one belongs to whoever runs the tests. */
    const withConfig = (name: string, lines: string[]) => {
      const bin = join(dir, `bin-${name}`);
      mkdirSync(bin);
      writeFileSync(join(bin, "config"), `${lines.join("\n")}\n`);
      writeFileSync(join(bin, "ssh"), `#!/bin/sh\nexec /usr/bin/ssh -F '${join(bin, "config")}' "$@"\n`);
      chmodSync(join(bin, "ssh"), 0o755);
      return { env: { PATH: `${bin}:${PATH}`, KEY: key.text } };
    };

    test("names, ports, users and ways count", async () => {
      const { address, port, user } = one.record;
      const proxy = `ProxyCommand /bin/sh -c 'echo used >>${join(dir, "proxied")}; exec /usr/bin/ssh -F none -i ${key.file} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -W %h:%p -p ${port} ${user}@${address}'`;
      const more = withConfig("ways", ["Host bow", `HostName ${address}`, `Port ${port}`, `User ${user}`, proxy]);
      const { user: _, ...record_ } = one.record;
      const session = await open(record({ ...one, record: record_ }, { address: "bow", port: "22" }), more);
      expect(await ended(session, "ways", "echo hello")).toBe("hello\n");
      session.close();
      expect(readFileSync(join(dir, "proxied"), "utf8")).toContain("used");
    });

    test("what would weaken or break it does not", async () => {
      const other = makeKey(join(dir, "evil")).public;
      const trap = createServer().listen(0, "127.0.0.1");
      const more = withConfig("evil", [
        "Host *",
        "StrictHostKeyChecking no",
        "UserKnownHostsFile /dev/null",
        `KnownHostsCommand /bin/echo %H ${one.record.host_key}`,
        "NoHostAuthenticationForLocalhost yes",
        "HostKeyAlias elsewhere",
        "FingerprintHash md5",
        "ForwardAgent yes",
        "RequestTTY force",
        "RemoteCommand echo hijacked",
        "LocalForward 127.0.0.1:1 127.0.0.1:2",
        "RemoteForward 127.0.0.1:1 127.0.0.1:2",
        "ExitOnForwardFailure yes",
        "PermitLocalCommand yes",
        `LocalCommand touch ${join(dir, "local-command")}`,
        "ControlPath /dev/null/x",
        "ControlMaster auto",
        "BatchMode no",
        "SendEnv KEY",
      ]);
      const session = await open(record(one), more);
      expect(await ended(session, "evil", 'echo "$SSH_AUTH_SOCK|$SSH_TTY|$KEY"')).toBe("||\n");
      session.close();
      expect(existsSync(join(dir, "local-command"))).toBe(false);
      for (const host_key of [other, pinnedFingerprint(other)])
        await expect(open(record(one, { host_key }), more)).rejects.toMatchObject({ kind: "changed-key" });
      trap.close();
    });
  });

  describe("jump hosts", () => {
    test.each([
      ["ssh", "openssh"],
      ["openssh", "ssh"],
      ["openssh", "openssh"],
    ])("a host by %s behind one by %s; the way is logged in to once", async (far, near) => {
      const gate = await raise(`gate-${far}-${near}`);
      const two = await raise(`two-${far}-${near}`);
      const records = {
        gate: record(gate, { transport: near }),
        one: record(one, { jump: "gate", transport: far }),
        two: record(two, { jump: "gate", transport: far }),
      };
      const fleet = fleetOf(records);
      const sessions = await Promise.all([fleet.open("one"), fleet.open("two")]);
      expect(await ended(sessions[1] as HostSession, `jump-${far}-${near}`, "echo far")).toBe("far\n");
      for (const session of sessions) session.close();
      fleet.close();
      expect(logins(gate)).toBe(1);
      const dead = fleetOf({ ...records, one: record(one, { jump: "gate", transport: far, port: "9" }) });
      await expect(dead.open("one")).rejects.toMatchObject({ kind: "unreachable" });
      dead.close();
    });
  });
});

const textOf = (path: string) => {
  try {
    return readFileSync(path, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
};
const commandOf = (pid: string) => textOf(`/proc/${pid}/cmdline`);

/** Shared connections whose socket is below this folder. */
const mastersIn = (folder: string) =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => commandOf(pid).includes(`ControlPath=${folder}/`) && commandOf(pid).includes("ControlMaster=yes"))
    .map(Number);
