import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { findSshd } from "../../src/demo/sshd.ts";
import { enrollHost } from "../../src/shell/enroll.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { setFields } from "../../src/shell/fleet-record.ts";
import { transport } from "../../src/transports/index.ts";
import { pinnedFingerprint } from "../../src/transports/ssh.ts";

const servers = [
  { server: "openssh" as const, missing: findSshd() ? null : "needs openssh-server (npm test -- --install)" },
  { server: "built-in" as const, missing: null },
];

for (const { server, missing } of servers)
  describe.skipIf(missing !== null)(`logging in at ${server}${missing ? ` [${missing}]` : ""}`, () => {
    let up: Machines;
    let one: Machine;
    let two: Machine;
    beforeAll(async () => {
      up = await bringUp({ dir: mkdtempSync(join(tmpdir(), "towline-test-")), count: 2, server });
      [one, two] = up.machines as [Machine, Machine];
    });
    afterAll(() => up.down());

    const open = (machine: Machine, more: Record<string, string | undefined> = {}, key = machine.keyText) => {
      const { address, port, user, hostKey } = machine;
      const fields = { address, port: String(port), user, host_key: hostKey, key: "env:KEY", ...more };
      const record = hostSchema.parse(
        Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
      );
      return createFleet({ env: { KEY: key }, home: up.keyFile, connectTimeout: 2000 }).open(
        machine.name,
        record,
        "pack-a",
      );
    };

    test("an unknown key is refused and shown", async () => {
      const refused = open(one, { host_key: undefined });
      await expect(refused).rejects.toMatchObject({ kind: "unknown-key" });
      await expect(refused).rejects.toThrow(one.hostKey);
    });

    test("a changed key is refused, and both are shown", async () => {
      const refused = open(one, { host_key: two.hostKey });
      await expect(refused).rejects.toMatchObject({ kind: "changed-key" });
      await expect(refused).rejects.toThrow(one.hostKey);
      await expect(refused).rejects.toThrow(two.hostKey);
    });

    test("a login that is not allowed is refused", async () => {
      const { private: other } = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
      await expect(open(one, {}, other)).rejects.toMatchObject({ kind: "refused" });
      await expect(open(one, { user: "nobody-here" })).rejects.toMatchObject({ kind: "refused" });
    });

    test("two machines are two, one is one", async () => {
      const sessions = await Promise.all([open(one), open(two)]);
      expect(sessions[0]?.facts.identity).not.toBe(sessions[1]?.facts.identity);
      for (const session of sessions) session.close();
    });

    test("what login scripts print is skipped", async () => {
      writeFileSync(join(two.home, ".bashrc"), "echo noise from a profile\nprintf 'no line end'\n");
      const session = await open(two);
      expect(session.facts.cores).toBeGreaterThan(0);
      session.close();
      rmSync(join(two.home, ".bashrc"));
    });

    test("enrolment pins key and identity, and keeps the rest of the record", async () => {
      const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
      execFileSync("mkdir", [join(dir, "hosts")]);
      const file = join(dir, "hosts", "one.md");
      const before = `---\naddress: ${one.address}   # loopback\nport: ${one.port}\nuser: "${one.user}"\nkey: env:KEY\n---\nNotes.\n`;
      writeFileSync(file, before);
      const asked: string[] = [];
      const enroll = (answer: boolean) =>
        enrollHost({
          dir,
          host: "one",
          env: { KEY: one.keyText },
          home: dir,
          confirm: async (question) => {
            asked.push(question);
            return answer;
          },
        });
      await expect(enroll(false)).rejects.toThrow(one.hostKey);
      expect(readFileSync(file, "utf8")).toBe(before);
      const enrolled = await enroll(true);
      expect(asked.at(-1)).toContain(one.hostKey);
      expect(enrolled).toMatchObject({ host_key: one.hostKey, missing: [], warnings: [], written: true });
      expect(readFileSync(file, "utf8")).toBe(
        before.replace("\n---\nNotes", `\nhost_key: ${one.hostKey}\nidentity: ${enrolled.identity}\n---\nNotes`),
      );
      expect((await enroll(false)).written).toBe(false);
      writeFileSync(file, readFileSync(file, "utf8").replace(enrolled.identity, "f".repeat(32)));
      await expect(enroll(false)).rejects.toThrow("pinned as ffff");
      writeFileSync(file, readFileSync(file, "utf8").replace(one.hostKey, two.hostKey));
      await expect(enroll(true)).rejects.toThrow(two.hostKey);
      rmSync(dir, { recursive: true });
    });
  });

describe("through a bad network", () => {
  let up: Machines;
  let proxy: Server;
  let turnAway = 0;
  let silent = false;
  /** What comes within forty milliseconds is delivered in one piece. */
  let together = false;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    up = await bringUp({ dir: mkdtempSync(join(tmpdir(), "towline-test-")), count: 1, server: "built-in" });
    proxy = createServer((near) => {
      if (turnAway-- > 0) return near.destroy();
      const far = createConnection({ host: "127.0.0.1", port: up.machines[0]?.port ?? 0 });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        from.on("error", () => {});
        let kept: Buffer[] | undefined;
        from.on("data", (chunk) => {
          if (silent) return;
          if (!together) return void to.write(chunk);
          if (kept) return void kept.push(chunk);
          kept = [chunk];
          setTimeout(() => {
            to.write(Buffer.concat(kept ?? []));
            kept = undefined;
          }, 40);
        });
        from.on("close", () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
    await up.down();
  });

  test("the exit code of a command that ends at once is heard, also when all of it comes in one packet", async () => {
    const [one] = up.machines as [Machine];
    const { port } = proxy.address() as { port: number };
    const fields = { address: "127.0.0.1", port: String(port), user: one.user, host_key: one.hostKey };
    const login = { key: one.keyText, timeout: 10_000 };
    const connection = await transport("ssh", { home: "/", path: "" }).connect("one", hostSchema.parse(fields), login);
    together = true;
    for (const code of [0, 3, 7]) {
      const pipe = await connection.exec(`exit ${code}`);
      for await (const _ of pipe.stdout);
      expect(await pipe.closed).toBe(code);
    }
    together = false;
    connection.close();
  });

  test("logins that are turned away at first are tried again; a network that falls silent is noticed", async () => {
    const [one] = up.machines as [Machine];
    const { port } = proxy.address() as { port: number };
    const fields = { address: "127.0.0.1", port: String(port), user: one.user, host_key: one.hostKey, key: "env:KEY" };
    turnAway = 2;
    const fleet = createFleet({ env: { KEY: one.keyText }, home: up.keyFile });
    const session = await fleet.open("one", hostSchema.parse(fields), "pack-a");
    silent = true;
    const from = Date.now();
    await expect(session.probe()).rejects.toMatchObject({ kind: "lost" });
    expect(Date.now() - from).toBeLessThan(15_000);
    session.close();
  });
});

describe("without a server", () => {
  const record = (more: Record<string, string>) =>
    hostSchema.parse({ address: "127.0.0.1", host_key: `SHA256:${"a".repeat(43)}`, ...more });
  const open = (more: Record<string, string>, env: Record<string, string> = {}, connectTimeout = 500) =>
    createFleet({ env, home: "/nonexistent", connectTimeout }).open("one", record(more), "pack-a");
  const { private: key } = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });

  test("a closed port and a silent one are unreachable, in time", async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const port = String((silent.address() as { port: number }).port);
    const from = Date.now();
    await expect(open({ key: "env:K", port }, { K: key })).rejects.toMatchObject({ kind: "unreachable" });
    expect(Date.now() - from).toBeLessThan(15_000);
    await new Promise((resolve) => silent.close(resolve));
    await expect(open({ key: "env:K", port }, { K: key })).rejects.toMatchObject({ kind: "unreachable" });
  });

  test("keys that are missing, broken or locked say what to do", async () => {
    const locked = ssh2.utils.generateKeyPairSync("ed25519", {
      passphrase: "x",
      cipher: "aes256-cbc",
      rounds: 4,
    }).private;
    await expect(open({ key: "env:K" })).rejects.toMatchObject({ code: 3, message: expect.stringContaining("K") });
    await expect(open({ key: "file:~/none" })).rejects.toMatchObject({ code: 3 });
    await expect(open({ key: "env:K" }, { K: "rubbish" })).rejects.toThrow("cannot be read");
    await expect(open({ key: "env:K" }, { K: locked })).rejects.toThrow("passphrase");
    await expect(open({ key: "agent" })).rejects.toThrow("none is running");
    await expect(open({ key: "vault:x" })).rejects.toThrow("is no place");
    await expect(open({ key: "env:K", jump: "bastion" }, { K: key })).rejects.toThrow("no hosts/bastion.md");
    expect(() => transport("constructor", { home: "", path: "" })).toThrow("no transport");
  });

  test("a pinned key is a fingerprint or a key line", () => {
    const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO1xUSqxQfzfYPXbSKmQBxKn9DdeXFgsLvn36DBQoVaA";
    const print = pinnedFingerprint(line);
    expect(print).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(pinnedFingerprint(`${line} a comment`)).toBe(print);
    expect(pinnedFingerprint(`web1,10.0.0.1 ${line}`)).toBe(print);
    expect(pinnedFingerprint(`${print}=`)).toBe(print);
    for (const wrong of ["", "SHA256:short", "MD5:00:11", "ssh-ed25519 xyz"])
      expect(() => pinnedFingerprint(wrong)).toThrow("neither");
  });

  test("single values are written into people's records", () => {
    const text = '---\r\nhost_key:   "old"  # why\r\nodd: [ 1,2 ]\r\nidentity:\r\n---\r\nbody --- \r\n';
    expect(setFields(text, { host_key: "SHA256:a/b+c", identity: "x1", root: "a: b" })).toBe(
      '---\r\nhost_key:   SHA256:a/b+c  # why\r\nodd: [ 1,2 ]\r\nidentity: x1\r\nroot: "a: b"\r\n---\r\nbody --- \r\n',
    );
    expect(() => setFields("no frontmatter", { a: "b" })).toThrow("no frontmatter");
  });
});
