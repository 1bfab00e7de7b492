// `run_as`: agents run as that user or not at all, over real sshd, `sudo` and `su`. Judged by `ps`, files and their owners.
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
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, host as hostSchema } from "../../src/core/schema.ts";
import type { HostSession } from "../../src/ports.ts";
import { type EnrollOptions, enrollHost } from "../../src/shell/enroll.ts";
import { enrollMany } from "../../src/shell/enroll-many.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { at as clockAt } from "../fakes/run-tick.ts";
import { type DoorOptions, door, lacks, pair, type User } from "./door.ts";

const why = lacks("openssh", ["/usr/bin/sudo"]);
const key = pair();
const granted = "pi ALL=(agents) NOPASSWD: /bin/sh\n";

async function machine(options: DoorOptions, login: User) {
  const at = await door(options);
  const dir = mkdtempSync(join(tmpdir(), "towline-as-"));
  mkdirSync(join(dir, "hosts"));
  const file = join(dir, "hosts", "bow.md");
  writeFileSync(
    file,
    `---\naddress: 127.0.0.1\nport: ${at.port}\nuser: ${login}\nkey: env:KEY\nhost_key: ${at.hostKey}\nrun_as: agents\n---\n`,
  );
  at.setKeys(key.public, login);
  return {
    at,
    file,
    enroll: (more: Partial<EnrollOptions> = {}) =>
      enrollHost({ dir, host: "bow", env: { KEY: key.private }, home: dir, confirm: async () => false, ...more }),
    /** Beside a record of the same login and key whose agents run as that login. */
    lockBoth() {
      const plain = readFileSync(file, "utf8").replace(/run_as: .*\n|identity: .*\n/g, "");
      writeFileSync(join(dir, "hosts", "stern.md"), plain);
      const clock = clockAt("2026-11-20T09:00:00Z");
      const asked = { dir, clock, secrets: noSecrets, home: dir, confirm: async () => false, lock: "lock" as const };
      return enrollMany(["bow", "stern"], { ...asked, env: { KEY: key.private } });
    },
    open(more: Partial<Host> = {}): Promise<HostSession> {
      const said = { address: "127.0.0.1", port: String(at.port), user: login, key: "env:KEY", run_as: "agents" };
      const host = { ...hostSchema.parse({ ...said, host_key: at.hostKey }), ...more };
      return createFleet({ env: { KEY: key.private }, home: dir }).open("bow", host, "p");
    },
    async close() {
      await at.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const request = (job: string, script: string) => ({
  job,
  epoch: 1,
  day: "2026/11/20",
  deadline: 60,
  keep: 4096,
  slots: 4,
  runtime: "shell",
  launch: { files: { script, "key.env": "SECRET=1\n" }, secret: ["key.env"], command: "sh ./script" },
});

async function result(session: HostSession, job: string) {
  for (let tries = 0; (await session.wait([{ job, epoch: 1 }], 5000)).length === 0; tries++)
    if (tries > 5) throw new Error(`${job} does not end`);
  const raw = await session.fetch(job, 1);
  await session.ack([raw]);
  return { ...raw, out: Buffer.from(raw.stdout.head).toString(), err: Buffer.from(raw.stderr.head).toString() };
}

/** User ids of processes whose command line holds this. */
function owners(word: string): number[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, "latin1") : "";
      return line.includes(word) ? [statSync(`/proc/${pid}`).uid] : [];
    } catch {
      return [];
    }
  });
}

describe.each<{ how: string; login: User; options: DoorOptions }>([
  { how: "pi, by sudo", login: "pi", options: { server: "openssh", sudoers: granted } },
  { how: "root, by su", login: "root", options: { server: "openssh" } },
])(`agents under another user than $how ${why}`, { timeout: 300_000 }, ({ login, options }) => {
  let one: Awaited<ReturnType<typeof machine>>;
  beforeAll(async () => {
    if (why === "") one = await machine(options, login);
  });
  afterAll(() => one?.close());

  test.skipIf(why !== "")("enrolled: the root is in that user's home, and that user's alone", async () => {
    const enrolled = await one.enroll();
    expect(enrolled).toMatchObject({ missing: [], written: true, run_as: "agents" });
    const root = join(one.at.home("agents"), ".towline");
    expect(readFileSync(join(root, "identity"), "utf8").trim()).toBe(enrolled.identity);
    expect([statSync(root).uid, statSync(root).mode & 0o777]).toEqual([7002, 0o700]);
    expect(existsSync(join(one.at.home(login), ".towline"))).toBe(false);
    expect(readFileSync(one.file, "utf8")).toContain(`identity: ${enrolled.identity}`);
  });

  test.skipIf(why !== "")("a job runs as that user, with its home, and cannot read the login user's", async () => {
    const session = await one.open();
    const secret = join(one.at.home(login), ".ssh", "authorized_keys");
    const script = `id -un; echo "$HOME"; cat key.env; cat ${secret} || echo kept out; id -un >"$HOME/mark"`;
    expect(await session.start(request("who", script))).toEqual({ state: "started" });
    const { out, end, exit } = await result(session, "who");
    expect([out, end, exit]).toEqual([`agents\n${one.at.home("agents")}\nSECRET=1\nkept out\n`, "exited", 0]);
    expect(statSync(join(one.at.home("agents"), "mark")).uid).toBe(7002);
    expect(existsSync(join(one.at.home("agents"), ".towline", "p", "jobs", "who", "1", "key.env"))).toBe(false);
    session.close();
  });

  test.skipIf(why !== "")("a cancel ends all of it, and another runner collects what there was", async () => {
    const word = `4321${process.pid}${login.length}`;
    const session = await one.open();
    expect(await session.start(request("long", `echo begun; sleep ${word} & sleep ${word}`))).toEqual({
      state: "started",
    });
    for (let tries = 0; owners(`sleep\0${word}`).length < 2; tries++) {
      if (tries > 200) throw new Error("it did not start");
      await sleep(50);
    }
    expect(new Set(owners(`sleep\0${word}`))).toEqual(new Set([7002]));
    session.close();
    const later = await one.open();
    expect(later.facts.held).toMatchObject([{ job: "long", state: "running" }]);
    await later.cancel("long", 1);
    const { end, out } = await result(later, "long");
    expect([end, out]).toEqual(["cancelled", "begun\n"]);
    expect(owners(`sleep\0${word}`)).toEqual([]);
    later.close();
  });

  test.skipIf(why !== "")(
    "of two records with one login only one is locked: its gate is not written over",
    async () => {
      const { hosts } = await one.lockBoth();
      const faults = hosts.flatMap((host) => ("fault" in host ? [host.fault.message] : []));
      expect(faults).toEqual([expect.stringMatching(/serves another record|behind the gate|only hold conversations/)]);
      const locked = hosts.find((host) => "locked" in host && host.locked)?.host;
      const session = await one.open(locked === "bow" ? {} : { run_as: undefined });
      session.close();
      rmSync(join(one.at.home(login), ".towline", "bin", "gate"));
      one.at.setKeys(key.public, login);
    },
  );

  test.skipIf(why !== "")("behind the gate, too: the login user's files stay out of the agents' reach", async () => {
    expect(await one.enroll({ lock: "lock" })).toMatchObject({ locked: true });
    expect(existsSync(join(one.at.home(login), ".towline", "bin", "gate"))).toBe(true);
    const session = await one.open();
    const script = `id -un; echo >${one.at.home(login)}/.towline/bin/gate || echo kept out`;
    expect(await session.start(request("gated", script))).toEqual({ state: "started" });
    expect((await result(session, "gated")).out).toBe("agents\nkept out\n");
    // What `sudo` does to the environment does not open the files of the host to that key.
    await expect(session.files.put("x", Buffer.from("x"), { mode: "600" })).rejects.toThrow("only hold conversations");
    await expect(session.files.show(".towline/identity")).rejects.toThrow("only hold conversations");
    session.close();
    // The record alone cannot take it back: the gate knows no conversation as the login user.
    await expect(one.open({ run_as: undefined })).rejects.toThrow("towline gate");
  });
});

describe(`what is not granted is not done ${why}`, { timeout: 300_000 }, () => {
  let one: Awaited<ReturnType<typeof machine>>;
  beforeAll(async () => {
    if (why === "") one = await machine({ server: "openssh", sudoers: "pi ALL=(nobody) NOPASSWD: /bin/sh\n" }, "pi");
  });
  afterAll(() => one?.close());

  test.skipIf(why !== "")("enrolment says which line of sudoers is missing, and changes nothing", async () => {
    const before = readFileSync(one.file, "utf8");
    await expect(one.enroll()).rejects.toMatchObject({
      message: expect.stringContaining("pi cannot become agents"),
      advice: expect.stringContaining("pi ALL=(agents) NOPASSWD: /bin/sh"),
    });
    expect(readFileSync(one.file, "utf8")).toBe(before);
  });

  test.skipIf(why !== "")(
    "no conversation is begun as the login user instead, and nothing is put into its home",
    async () => {
      await expect(one.open()).rejects.toThrow(/sudo|password/);
      expect(readdirSync(one.at.home("pi"))).toEqual([".ssh"]);
      expect(readdirSync(one.at.home("agents"))).toEqual([]);
    },
  );

  test.skipIf(why !== "").each(["-x", "a b", "$(id)", "a'b", "", "root;id"])("%o is no user", async (run_as) => {
    await expect(one.open({ run_as })).rejects.toThrow("no name of a user");
    expect(hostSchema.safeParse({ address: "x", run_as }).success).toBe(false);
  });
});
