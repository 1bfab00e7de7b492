// Enrolment over real OpenSSH and real dropbear, judged by the bytes of authorized_keys, the host's root and the record.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../../src/core/schema.ts";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { Connection } from "../../src/ports.ts";
import { hostProgram, programOf } from "../../src/remote/program.ts";
import { putKey } from "../../src/shell/authorized.ts";
import { type EnrollOptions, enrollHost } from "../../src/shell/enroll.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { createWays, type Ways } from "../../src/shell/ways.ts";
import { type Door, door, lacks, pair, servers } from "./door.ts";

const others =
  "# people\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2sTD5V1ywXyFM+Wq3e5S0d0F4h3mJ7b0N1uJp0Q2aB  ann@laptop \r\n";

test("what a host says in the place of our script reaches no terminal as it is", async () => {
  const said = "towline-keys failed \u001b]0;mine\u0007no \u001b[2Jroom\n";
  const connection: Connection = {
    exec: async () => ({
      stdin: new PassThrough().resume(),
      stdout: Readable.from([Buffer.from(said)]),
      stderr: () => "",
      closed: Promise.resolve(0),
      kill() {},
    }),
    close() {},
  };
  const host = hostSchema.parse({ address: "127.0.0.1", user: "pi", key: "env:KEY" });
  const options = { env: { KEY: pair().private }, home: "/" };
  await expect(putKey({ name: "bow", host, connection, options })).rejects.toMatchObject({
    message: "bow: ]0;mine no [2Jroom",
  });
});

describe.each(servers.map((server) => ({ server, why: lacks(server) })))(
  "enrolment over $server $why",
  { timeout: 300_000 },
  ({ server, why }) => {
    let at: Door;
    let dir: string;
    const mine = pair();
    const towline = pair();
    const blob = towline.public.split(" ")[1] as string;
    const record = () => join(dir, "hosts", "bow.md");
    beforeAll(async () => {
      if (why !== "") return;
      at = await door({ server });
      dir = mkdtempSync(join(tmpdir(), "towline-enrol-"));
      mkdirSync(join(dir, "hosts"));
      mkdirSync(join(dir, ".ssh"));
      writeFileSync(join(dir, ".ssh", "id_ed25519"), mine.private, { mode: 0o600 });
      writeFileSync(record(), `---\naddress: 127.0.0.1 # here\nport: ${at.port}\nuser: pi\nkey: env:KEY\n---\nMine.\n`);
      at.setKeys(`${others}${mine.public}`); // without an end of line, as editors leave it
    });
    afterAll(async () => {
      await at?.close();
      if (dir) rmSync(dir, { recursive: true, force: true });
    });
    const enroll = (more: Partial<EnrollOptions> = {}) =>
      enrollHost({ dir, host: "bow", env: { KEY: towline.private }, home: dir, confirm: async () => true, ...more });
    const host = (more: Record<string, string> = {}): Host =>
      hostSchema.parse({
        address: "127.0.0.1",
        port: String(at.port),
        user: "pi",
        key: "env:KEY",
        host_key: at.hostKey,
        ...more,
      });
    const fleet = (key = towline.private, program = hostProgram()) =>
      createFleet({ env: { KEY: key }, home: dir, program });
    const lines = () => (at.keys() ?? "").split("\n").filter((line) => line.includes(blob));
    const root = () => join(at.home("pi"), ".towline");

    async function runs(job: string, program = hostProgram(), key = towline.private): Promise<string> {
      const session = await fleet(key, program).open("bow", host(), "p");
      try {
        const launch = { files: { script: "id -un" }, secret: [], command: "sh ./script" };
        const asked = { job, epoch: 1, day: "", deadline: 20, keep: 4096, slots: 4, runtime: "shell", launch };
        expect(await session.start(asked)).toEqual({ state: "started" });
        while ((await session.wait([{ job, epoch: 1 }], 5000)).length === 0);
        const result = await session.fetch(job, 1);
        await session.ack([result]);
        return Buffer.from(result.stdout.head).toString().trim();
      } finally {
        session.close();
      }
    }
    /** The system's own client, with towline's key. */
    function ssh(args: string[], input = "") {
      const file = join(dir, "towline-key");
      writeFileSync(file, towline.private, { mode: 0o600 });
      const quiet = [
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "IdentitiesOnly=yes",
      ];
      const ran = spawnSync(
        "ssh",
        [...quiet.flatMap((one) => ["-o", one]), "-F", "none", "-i", file, "-p", String(at.port), ...args],
        { input, encoding: "utf8", timeout: 20_000, env: { PATH: process.env.PATH } },
      );
      return { code: ran.status, out: ran.stdout, err: ran.stderr };
    }

    test.skipIf(why !== "")("without a key that is accepted nothing changes, and the way out is named", async () => {
      const before = [at.keys(), readFileSync(record(), "utf8")];
      await expect(enroll()).rejects.toMatchObject({ advice: expect.stringContaining("--own-key") });
      expect([at.keys(), readFileSync(record(), "utf8")]).toEqual(before);
      expect(existsSync(root())).toBe(false);
    });

    test.skipIf(why !== "")("a person's key puts towline's there, once, and touches no other line", async () => {
      const before = at.keys() as string;
      const enrolled = await enroll({ own: "own" });
      expect(enrolled).toMatchObject({ key: "added", locked: false, missing: [], written: true, host_key: at.hostKey });
      const line = `${towline.public.trim().split(" ").slice(0, 2).join(" ")} towline-bow`;
      expect(at.keys()).toBe(`${before}\n${line}\n`);
      const file = join(at.home("pi"), ".ssh", "authorized_keys");
      expect([statSync(file).mode & 0o777, statSync(file).uid]).toEqual([0o600, 7001]);
      expect(readdirSync(join(at.home("pi"), ".ssh"))).toEqual(["authorized_keys"]);
      expect(readFileSync(record(), "utf8")).toBe(
        `---\naddress: 127.0.0.1 # here\nport: ${at.port}\nuser: pi\nkey: env:KEY\nhost_key: ${at.hostKey}\nidentity: ${enrolled.identity}\n---\nMine.\n`,
      );
      expect(readFileSync(join(root(), "identity"), "utf8").trim()).toBe(enrolled.identity);
      const again = await enroll({ own: "own", confirm: async () => false });
      expect(again).toMatchObject({ key: "there", written: false, identity: enrolled.identity });
      expect(at.keys()).toBe(`${before}\n${line}\n`);
      expect(await runs("first")).toBe("pi");
    });

    test.skipIf(why !== "")("behind the gate the key converses, and does nothing else", async () => {
      const before = (at.keys() as string).split("\n").filter((line) => !line.includes(blob));
      const enrolled = await enroll({ lock: "lock" });
      expect(enrolled).toMatchObject({ locked: true, written: false });
      expect(lines()).toEqual([`restrict,command="cd && exec sh .towline/bin/gate" ssh-ed25519 ${blob} towline-bow`]);
      expect((at.keys() as string).split("\n").filter((line) => !line.includes(blob))).toEqual(before);
      expect(await runs("locked")).toBe("pi");
      expect(statSync(join(root(), "bin", "gate")).mode & 0o777).toBe(0o500);
      // Again: nothing to change. By towline's own key it cannot even be tried.
      expect(await enroll()).toMatchObject({ locked: true });
      await expect(enroll({ lock: "lock" })).rejects.toMatchObject({ advice: expect.stringContaining("--own-key") });
      const bytes = at.keys();
      expect(await enroll({ lock: "lock", own: "own" })).toMatchObject({ locked: true });
      expect(at.keys()).toBe(bytes);
    });

    test.skipIf(why !== "")("no command, no terminal, no files, no forwarding", async () => {
      const there = "pi@127.0.0.1";
      for (const command of ["id", "touch in", "sh -i", "cat .ssh/authorized_keys"]) {
        const ran = ssh([there, command], "touch in\n");
        expect([command, ran.out, ran.err]).toEqual([command, "", expect.stringContaining("towline gate")]);
      }
      expect(ssh(["-tt", there, "id"], "id\n").out).not.toContain("uid=");
      expect(ssh([there], "id\ntouch in\n").out).toBe("");
      expect(ssh(["-s", there, "sftp"]).out).toBe("");
      const tunnel = ssh(["-W", `127.0.0.1:${at.port}`, there]);
      expect(tunnel.out).not.toContain("SSH-2.0");
      const back = ssh(["-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:9", there]);
      expect(back.code).not.toBe(0);
      expect(existsSync(join(at.home("pi"), "in"))).toBe(false);
    });

    test.skipIf(why !== "")("a new host program comes in when the owner lists it, or by a person's key", async () => {
      const next = programOf(`${hostProgram().text}# the next version\n`);
      const refused = fleet(towline.private, next).open("bow", host(), "p");
      await expect(refused).rejects.toThrow(`program ${next.sha256}`);
      expect(existsSync(join(root(), "bin", next.sha256))).toBe(false);
      writeFileSync(join(root(), "allow"), `pack any\nruntime shell\nprogram ${next.sha256}\n`);
      expect(await runs("next", next)).toBe("pi");
      const later = programOf(`${hostProgram().text}# the one after\n`);
      await expect(fleet(towline.private, later).open("bow", host(), "p")).rejects.toThrow("does not let");
      expect(await enroll({ own: "own", program: later })).toMatchObject({ locked: true });
      expect(await runs("later", later)).toBe("pi");
      rmSync(join(root(), "allow"));
    });

    test.skipIf(why !== "")("taken out again, the line is plain", async () => {
      expect(await enroll({ lock: "unlock", own: "own" })).toMatchObject({ locked: false });
      expect(lines()).toEqual([`ssh-ed25519 ${blob} towline-bow`]);
      expect(await runs("free")).toBe("pi");
    });

    test.skipIf(why !== "")("a person's line with this key and words of their own is never touched", async () => {
      const before = at.keys() as string;
      const theirs = `${others}${mine.public}\nfrom="127.0.0.1" ssh-ed25519 ${blob} by hand\n`;
      at.setKeys(theirs);
      // dropbear does not know `from=` and takes no such line for anybody.
      if (server === "openssh") expect(await enroll({ own: "own" })).toMatchObject({ key: "there" });
      else await expect(enroll({ own: "own" })).rejects.toThrow("not towline's");
      await expect(enroll({ own: "own", lock: "lock" })).rejects.toThrow("not towline's");
      expect(at.keys()).toBe(theirs);
      at.setKeys(before);
    });

    test.skipIf(why !== "")("afterwards another host key is refused, and so is one that nobody pinned", async () => {
      const pinned = at.hostKey;
      const text = readFileSync(record(), "utf8");
      const other = await at.rekey();
      expect(other).not.toBe(pinned);
      await expect(enroll()).rejects.toThrow(other);
      await expect(enroll({ own: "own" })).rejects.toThrow(pinned);
      await expect(fleet().open("bow", { ...host(), host_key: pinned }, "p")).rejects.toMatchObject({
        kind: "changed-key",
      });
      const { host_key: _, ...without } = host();
      await expect(fleet().open("bow", without, "p")).rejects.toMatchObject({ kind: "unknown-key" });
      expect(readFileSync(record(), "utf8")).toBe(text);
    });
  },
);

describe.each([
  { what: "fish, with busybox for its sh", shell: "/usr/bin/fish", sh: "/bin/busybox" },
  { what: "bash, which is its sh, too", shell: "/bin/bash", sh: "/bin/bash" },
])("a machine whose login shell is $what", { timeout: 300_000 }, ({ shell, sh }) => {
  const why = lacks("openssh", [shell, sh]);
  test.skipIf(why !== "")(`is enrolled by a person's key, locked, and works ${why}`, async () => {
    const at = await door({ server: "openssh", shell, sh });
    const dir = mkdtempSync(join(tmpdir(), "towline-enrol-"));
    try {
      const [mine, towline] = [pair(), pair()];
      mkdirSync(join(dir, "hosts"));
      writeFileSync(join(dir, "mine"), mine.private, { mode: 0o600 });
      const fields = { address: "127.0.0.1", port: String(at.port), user: "pi", key: "env:KEY", host_key: at.hostKey };
      const text = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
      writeFileSync(join(dir, "hosts", "bow.md"), `---\n${text.join("")}---\n`);
      at.setKeys(mine.public);
      const options = { dir, host: "bow", env: { KEY: towline.private }, home: dir, confirm: async () => false };
      const own = { file: join(dir, "mine") };
      expect(await enrollHost({ ...options, own, lock: "lock" })).toMatchObject({ key: "added", locked: true });
      const session = await createFleet(options).open("bow", hostSchema.parse(fields), "p");
      const launch = { files: { script: "echo ran" }, secret: [], command: "sh ./script" };
      const asked = { job: "one", epoch: 1, day: "", deadline: 20, keep: 4096, slots: 4, runtime: "shell", launch };
      expect(await session.start(asked)).toEqual({ state: "started" });
      while ((await session.wait([{ job: "one", epoch: 1 }], 5000)).length === 0);
      expect(Buffer.from((await session.fetch("one", 1)).stdout.head).toString()).toBe("ran\n");
      session.close();
    } finally {
      await at.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

test.skipIf(lacks("openssh") !== "")(
  `a lock that does not hold leaves no key in authorized_keys that was not there before ${lacks("openssh")}`,
  async () => {
    const at = await door({ server: "openssh", accepts: ".ssh/managed .ssh/authorized_keys" });
    const dir = mkdtempSync(join(tmpdir(), "towline-enrol-"));
    try {
      const towline = pair();
      mkdirSync(join(dir, "hosts"));
      const text = `---\naddress: 127.0.0.1\nport: ${at.port}\nuser: pi\nkey: env:KEY\nhost_key: ${at.hostKey}\n---\n`;
      writeFileSync(join(dir, "hosts", "bow.md"), text);
      at.setKeys(others);
      writeFileSync(join(at.home("pi"), ".ssh", "managed"), towline.public, { mode: 0o644 });
      const options = { dir, host: "bow", env: { KEY: towline.private }, home: dir, confirm: async () => false };
      await expect(enrollHost({ ...options, lock: "lock" })).rejects.toThrow("the gate does not hold");
      expect(at.keys()).toBe(others);
    } finally {
      await at.close();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);

test.skipIf(lacks("openssh") !== "")(
  `a lock that nobody could judge is undone, whatever was thrown ${lacks("openssh")}`,
  async () => {
    const at = await door({ server: "openssh" });
    const dir = mkdtempSync(join(tmpdir(), "towline-enrol-"));
    try {
      const towline = pair();
      mkdirSync(join(dir, "hosts"));
      const text = `---\naddress: 127.0.0.1\nport: ${at.port}\nuser: pi\nkey: env:KEY\nhost_key: ${at.hostKey}\n---\n`;
      writeFileSync(join(dir, "hosts", "bow.md"), text);
      const line = `${towline.public.trim().split(" ").slice(0, 2).join(" ")} towline-bow\n`;
      at.setKeys(line);
      const options = { dir, host: "bow", env: { KEY: towline.private }, home: dir, confirm: async () => false };
      const ways = createWays(options);
      let first: Connection | undefined;
      let lose = false;
      const failing: Ways = {
        ...ways,
        async connect(...asked) {
          first ??= await ways.connect(...asked);
          if (!at.keys()?.includes("bin/gate")) return first;
          if (lose) first.close();
          throw new TypeError("a bug of ours");
        },
      };
      await expect(enrollHost({ ...options, ways: failing, lock: "lock" })).rejects.toThrow(/^a bug of ours$/);
      expect(at.keys()).toBe(line);
      first = undefined;
      lose = true;
      await expect(enrollHost({ ...options, ways: failing, lock: "lock" })).rejects.toMatchObject({
        message: expect.stringContaining("could not be put back"),
        advice: "towline fleet enroll bow --own-key --unlock",
      });
      ways.close();
    } finally {
      await at.close();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);

test.skipIf(lacks("openssh") !== "")(
  `an account that runs no commands is refused in plain words ${lacks("openssh")}`,
  async () => {
    const at = await door({ server: "openssh", shell: "/usr/sbin/nologin" });
    const dir = mkdtempSync(join(tmpdir(), "towline-enrol-"));
    try {
      const towline = pair();
      mkdirSync(join(dir, "hosts"));
      const text = `---\naddress: 127.0.0.1\nport: ${at.port}\nuser: pi\nkey: env:KEY\n---\n`;
      writeFileSync(join(dir, "hosts", "bow.md"), text);
      at.setKeys(towline.public);
      const options = { dir, host: "bow", env: { KEY: towline.private }, home: dir, confirm: async () => true };
      await expect(enrollHost(options)).rejects.toThrow("login shell does not run commands");
      expect(readFileSync(join(dir, "hosts", "bow.md"), "utf8")).toBe(text);
    } finally {
      await at.close();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);
