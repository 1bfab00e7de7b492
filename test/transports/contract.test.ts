import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { HostSession, RawResult, StartRequest } from "../../src/ports.ts";
import { type Place, tried } from "./places.ts";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

function request(job: string, script: string, more: Partial<StartRequest> = {}): StartRequest {
  const launch = { files: { script }, secret: [], command: "sh ./script" };
  return { job, epoch: 1, day: "2026/11/20", deadline: 30, keep: 16384, slots: 40, launch, ...more };
}

/** True while a process with this id runs (a dead one that nobody reaped does not). */
function running(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

async function until(what: () => boolean, ms = 30_000): Promise<void> {
  for (const end = Date.now() + ms; !what(); await sleep(20)) if (Date.now() > end) throw new Error("it never came");
}

for (const variant of tried)
  describe.skipIf(variant.missing !== null)(`${variant.name}${variant.missing ? ` [${variant.missing}]` : ""}`, () => {
    let place: Place;
    const sessions: HostSession[] = [];
    beforeAll(async () => {
      place = await variant.up();
    });
    afterEach(() => {
      for (const session of sessions.splice(0)) session.close();
    });
    afterAll(() => place.down());

    const open = async (pack = "pack-a") => {
      const session = await place.fleet().open("one", place.host, pack);
      sessions.push(session);
      return session;
    };
    const root = () => join(place.home, ".towline");
    const folder = (job: string, epoch = 1) => join(root(), "pack-a", "jobs", job, String(epoch));
    const control = (job: string, name: string) => `${folder(job)}.${name}`;
    const supervisor = (job: string) =>
      Number(readFileSync(control(job, "owner"), "utf8").trim().split("\n").at(-1)?.split(" ")[0]);
    const journal = () =>
      readFileSync(join(root(), "pack-a", "journal"), "utf8")
        .trim()
        .split("\n");

    async function finish(session: HostSession, job: string, epoch = 1, ms = 60_000): Promise<RawResult> {
      const end = Date.now() + ms;
      while (Date.now() < end)
        if ((await session.wait([{ job, epoch }], 5000)).length > 0) return session.fetch(job, epoch);
      throw new Error(`${job} never ended`);
    }
    async function run(session: HostSession, wanted: StartRequest): Promise<RawResult> {
      expect(await session.start(wanted)).toEqual({ state: "started" });
      return finish(session, wanted.job, wanted.epoch);
    }

    test("says what it is", async () => {
      const { facts } = await open();
      expect(facts.identity).toMatch(/^[0-9a-f]{32}$/);
      expect(facts.cores).toBeGreaterThan(0);
      expect(facts.memory.total).toBeGreaterThan(facts.memory.free);
      expect(facts.disk.free).toBeGreaterThan(0);
      expect(Math.abs(facts.skew)).toBeLessThan(2);
      expect(facts.runtimes).toHaveProperty("shell");
      expect((await open()).facts.identity).toBe(facts.identity);
    });

    test("runs a job from start to acknowledgement", async () => {
      const session = await open();
      const result = await run(session, request("life", 'echo "out $TERM" | head -c 3\necho err >&2\nexit 3\n'));
      expect(result).toMatchObject({
        job: "life",
        epoch: 1,
        exit: 3,
        signal: null,
        end: "exited",
        boot: session.facts.boot,
      });
      expect(text(result.stdout.head)).toBe("out");
      expect(result.stdout).toMatchObject({ bytes: 3, sha256: sha256("out") });
      expect(result.stdout.tail).toHaveLength(0);
      expect(text(result.stderr.head)).toBe("err\n");
      expect(result.took).toBeLessThan(20);
      expect(Date.parse(result.ended_at)).toBeGreaterThanOrEqual(Date.parse(result.started_at));
      expect(Math.abs(Date.parse(result.started_at) - Date.now())).toBeLessThan(20_000);
      expect(await session.fetch("life", 1)).toEqual(result);
      const held = { job: "life", epoch: 1, day: "2026/11/20", state: "ended", sha256: result.sha256 };
      expect((await session.probe()).held).toEqual([held]);
      await session.ack([{ job: "life", epoch: 1, sha256: sha256("another") }]);
      expect((await session.probe()).held).toEqual([held]);
      await session.ack([result]);
      expect((await session.probe()).held).toEqual([]);
      await expect(session.fetch("life", 1)).rejects.toMatchObject({ kind: "altered" });
      expect(readdirSync(join(folder("life"), "..")).sort()).toEqual(["1", "1.acked", "1.go"]);
      expect(readdirSync(folder("life"))).toEqual([]);
      expect(await session.start(request("life", "echo again"))).toEqual({ state: "already", epoch: 1 });
    });

    test("delivers files byte by byte, and removes the secret ones at the end", async () => {
      const session = await open();
      const prompt = `-n \\c \\0101 %s 'q' "d" \`b\` $HOME\r\n\ttab\u0000nul äöü 🚢${"x".repeat(300_000)}\\\n  last`;
      const files = {
        "in/prompt.md": prompt,
        key: "s3cret",
        empty: "",
        script: "sha256sum in/prompt.md empty\ncat key\n",
      };
      const launch = { files, secret: ["key"], command: "sh ./script" };
      const result = await run(session, request("bytes", "", { launch }));
      expect(text(result.stdout.head)).toBe(`${sha256(prompt)}  in/prompt.md\n${sha256("")}  empty\ns3cret`);
      expect(existsSync(join(folder("bytes"), "key"))).toBe(false);
      expect(existsSync(join(folder("bytes"), "in", "prompt.md"))).toBe(true);
    });

    test("runs at the same time each have a folder of their own, and see nothing of each other's", async () => {
      const session = await open();
      const script = (name: string) =>
        `pwd; echo ${name} >note; while [ "$(ls "$HOME"/met-* 2>/dev/null | wc -l)" -lt 2 ]; do : >"$HOME/met-${name}"; sleep 0.05; done; cat note; ls -A`;
      for (const name of ["port", "starboard"])
        expect(await session.start(request(name, script(name)))).toEqual({ state: "started" });
      for (const name of ["port", "starboard"]) {
        const [where, note, ...files] = text((await finish(session, name)).stdout.head)
          .trim()
          .split("\n");
        expect([where, note, files.sort()]).toEqual([folder(name), name, ["note", "script"]]);
      }
    });

    test("starts a job once, however often and from wherever it is asked to", async () => {
      const both = await Promise.all([open(), open(), open()]);
      const ask = request("once", 'echo run >>"$HOME/once"\nsleep 0.2\n');
      const answers = await Promise.all(both.map((session) => session.start(ask)));
      expect(answers.map((answer) => answer.state).sort()).toEqual(["already", "already", "started"]);
      await Promise.all(both.map((session) => finish(session, "once")));
      expect(journal().filter((line) => line.startsWith("once "))).toHaveLength(1);
      expect(readFileSync(join(place.home, "once"), "utf8")).toBe("run\n");
    });

    test("does not start another epoch beside one that was not collected", async () => {
      const session = await open();
      const first = await run(session, request("epochs", "echo one", { epoch: 2 }));
      expect(await session.start(request("epochs", "echo two", { epoch: 3 }))).toEqual({ state: "already", epoch: 2 });
      await session.ack([first]);
      const second = await run(session, request("epochs", "echo two", { epoch: 3 }));
      expect(text(second.stdout.head)).toBe("two\n");
      expect(await session.start(request("epochs", "echo no", { epoch: 1 }))).toMatchObject({ state: "sealed" });
    });

    test("seals: lower epochs never start, and it says whether one did", async () => {
      const session = await open();
      expect(await session.seal("sealed", 3)).toEqual({ started: null });
      expect(await session.start(request("sealed", "echo no", { epoch: 2 }))).toEqual({ state: "sealed", epoch: 3 });
      expect((await run(session, request("sealed", "echo yes", { epoch: 3 }))).exit).toBe(0);
      expect(await session.seal("sealed", 4)).toEqual({ started: 3 });
      expect(await (await open()).start(request("sealed", "echo no", { epoch: 2 }))).toMatchObject({ state: "sealed" });
    });

    test("keeps to its slots, over all packs, and packs see nothing else of each other", async () => {
      const [a, b] = await Promise.all([open("pack-a"), open("pack-b")]);
      const quick = (job: string) => request(job, "while [ ! -e go-on ]; do sleep 0.05; done", { slots: 2 });
      expect(await a.start(quick("slot-1"))).toEqual({ state: "started" });
      expect(await b.start(quick("slot-2"))).toEqual({ state: "started" });
      expect(await a.start(quick("slot-3"))).toEqual({ state: "full" });
      expect((await a.probe()).slots.used).toBe(2);
      expect((await a.probe()).held.map((one) => one.job)).not.toContain("slot-2");
      await expect(a.fetch("slot-2", 1)).rejects.toThrow("none");
      writeFileSync(join(folder("slot-1"), "go-on"), "");
      await finish(a, "slot-1");
      expect(await a.start(quick("slot-3"))).toEqual({ state: "started" });
      await Promise.all([b.cancel("slot-2", 1), a.cancel("slot-3", 1)]);
      await finish(b, "slot-2");
      await finish(a, "slot-3");
      expect((await a.probe()).slots.used).toBe(0);
    });

    test("keeps what was written until the deadline, and tells it from an agent's own 124", async () => {
      const session = await open();
      const late = request("late", "echo before\necho err >&2\nsleep 60\necho after\n", { deadline: 0.8 });
      const [result, own] = [await run(session, late), await run(session, request("own-124", "exit 124"))];
      expect(result.end).toBe("timeout");
      expect(text(result.stdout.head)).toBe("before\n");
      expect(text(result.stderr.head)).toBe("err\n");
      expect(result.took).toBeGreaterThanOrEqual(0.8);
      expect(own).toMatchObject({ end: "exited", exit: 124 });
    });

    test("ends an agent that ignores TERM, with its whole group", async () => {
      const session = await open();
      const script =
        "trap '' TERM\n(trap '' TERM; while :; do sleep 1; done) &\necho $! $$\nwhile :; do sleep 1; done\n";
      const result = await run(session, request("stubborn", script, { deadline: 0.5 }));
      expect(result.end).toBe("timeout");
      expect(result.took).toBeLessThan(12);
      for (const pid of text(result.stdout.head).trim().split(" ")) expect(running(Number(pid))).toBe(false);
    });

    test("is not held up by a child that left the group and holds stdout", async () => {
      const session = await open();
      const script = "echo hello\nsetsid sh -c 'echo $$ >pid; sleep 300' &\nwhile [ ! -s pid ]; do sleep 0.02; done\n";
      const result = await run(session, request("escaped", script));
      expect(result).toMatchObject({ end: "exited", exit: 0 });
      expect(text(result.stdout.head)).toBe("hello\n");
      expect(result.took).toBeLessThan(8);
      expect(running(Number(readFileSync(join(folder("escaped"), "pid"), "utf8")))).toBe(false);
    });

    test("keeps head and tail of long streams, and the size and hash of all", async () => {
      const session = await open();
      const script = "seq 1 1200000\nseq 1200000 -1 1 | tr '\\n' ' ' >&2\n";
      const result = await run(session, request("long", script, { keep: 5000 }));
      const numbers = Array.from({ length: 1_200_000 }, (_, i) => i + 1);
      const whole = Buffer.from(`${numbers.join("\n")}\n`);
      const other = Buffer.from(`${numbers.reverse().join(" ")} `);
      for (const [stream, expected] of [
        [result.stdout, whole],
        [result.stderr, other],
      ] as const) {
        expect(stream.bytes).toBe(expected.length);
        expect(stream.sha256).toBe(sha256(expected));
        expect(text(stream.head)).toBe(text(expected.subarray(0, 5000)));
        expect(text(stream.tail)).toBe(text(expected.subarray(-5000)));
      }
      const edge = await run(session, request("edge", "head -c 24000 /dev/zero; sleep 0.1; echo x", { keep: 12000 }));
      expect([edge.stdout.bytes, edge.stdout.head.length, edge.stdout.tail.length]).toEqual([24002, 12000, 12000]);
      const slow = "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i + 1)); done";
      const many = await run(session, request("many", slow, { keep: 100 }));
      expect(many.stdout.sha256).toBe(sha256(`${Array.from({ length: 300 }, (_, i) => i).join("\n")}\n`));
      expect(text(many.stdout.tail)).toMatch(/298\n299\n$/);
    });

    test("carries any bytes, and what looks like its own frames", async () => {
      const session = await open();
      const nonce = "0".repeat(16);
      const forged = `\ntowline1 ${nonce} fetch forged 1 0 ${"0".repeat(64)}\n\ntowline1-end ${nonce}\nresult\nerr 0\n`;
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const octal = [...all].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
      const launch = {
        files: { forged, script: `printf '${octal}'\ncat forged\n` },
        secret: [],
        command: "sh ./script",
      };
      const result = await run(session, request("forged", "", { launch }));
      expect(Buffer.from(result.stdout.head)).toEqual(Buffer.concat([all, Buffer.from(forged)]));
      expect((await session.probe()).held.map((one) => one.job)).toContain("forged");
    });

    test("carries every byte of a short answer that has no NUL, and its missing line end", async () => {
      const session = await open();
      const octal = Array.from({ length: 255 }, (_, i) => `\\${(i + 1).toString(8).padStart(3, "0")}`).join("");
      const short = request("short", `printf '${octal}'\nprintf '\\r\\n\\n x ' >&2\n`);
      const result = await run(session, short);
      expect([...result.stdout.head]).toEqual(Array.from({ length: 255 }, (_, i) => i + 1));
      expect(text(result.stderr.head)).toBe("\r\n\n x ");
    });

    test("a wait that is over by its time, or by an end, leaves the conversation in order", async () => {
      const session = await open();
      const turns = request("turns", "while [ ! -e go-on ]; do sleep 0.02; done");
      expect(await session.start(turns)).toEqual({ state: "started" });
      for (let i = 0; i < 8; i++) {
        expect(await session.wait([turns], i * 3)).toEqual([]);
        expect((await session.probe()).held).toContainEqual(expect.objectContaining({ job: "turns" }));
      }
      const from = Date.now();
      const ended = session.wait([turns], 60_000);
      await sleep(100);
      writeFileSync(join(folder("turns"), "go-on"), "");
      expect(await ended).toEqual([{ job: "turns", epoch: 1 }]);
      expect(Date.now() - from).toBeLessThan(20_000);
      expect((await session.fetch("turns", 1)).exit).toBe(0);
    });

    test("cancels", async () => {
      const session = await open();
      await session.start(request("cancelled", "echo begun\nsleep 60\n"));
      await until(
        () => existsSync(control("cancelled", "out")) && readFileSync(control("cancelled", "out")).length > 0,
      );
      await (await open()).cancel("cancelled", 1);
      const result = await finish(session, "cancelled");
      expect(result.end).toBe("cancelled");
      expect(text(result.stdout.head)).toBe("begun\n");
    });

    test("cancels in any moment of a start", async () => {
      const session = await open();
      for (let i = 0; i < 6; i++) {
        await session.start(request(`hasty-${i}`, "sleep 60"));
        await sleep(i * 6);
        await session.cancel(`hasty-${i}`, 1);
        expect((await finish(session, `hasty-${i}`)).end).toBe("cancelled");
      }
    });

    test("a run whose supervisor was killed is died, with what it wrote, and is not left running", async () => {
      const session = await open();
      const script = "echo $$\necho key >key\nsleep 60\n";
      const launch = { files: { script, key: "k" }, secret: ["key"], command: "sh ./script" };
      await session.start(request("orphan", "", { launch }));
      await until(() => existsSync(control("orphan", "out")) && readFileSync(control("orphan", "out")).length > 0);
      process.kill(supervisor("orphan"), "SIGKILL");
      const result = await finish(await open(), "orphan");
      expect(result).toMatchObject({ end: "died", exit: null, signal: null });
      const pid = Number(text(result.stdout.head));
      expect(pid).toBeGreaterThan(0);
      expect(running(pid)).toBe(false);
      expect(existsSync(join(folder("orphan"), "key"))).toBe(false);
      expect(await session.fetch("orphan", 1)).toEqual(result);
      expect((await session.probe()).held).toContainEqual(expect.objectContaining({ job: "orphan", state: "died" }));
      expect(await session.seal("orphan", 2)).toEqual({ started: 1 });
    });

    test("a run from before a reboot is died", async () => {
      const session = await open();
      await session.start(request("reboot", "echo partial\nsleep 2\n"));
      await until(() => existsSync(control("reboot", "out")) && readFileSync(control("reboot", "out")).length > 0);
      process.kill(supervisor("reboot"), "SIGKILL");
      for (const file of ["owner"]) {
        const path = control("reboot", file);
        writeFileSync(
          path,
          readFileSync(path, "utf8").replaceAll(session.facts.boot, "11111111-2222-3333-4444-555555555555"),
        );
      }
      const result = await finish(await open(), "reboot");
      expect(result).toMatchObject({ end: "died", boot: "11111111-2222-3333-4444-555555555555" });
      expect(text(result.stdout.head)).toBe("partial\n");
    });

    /** What a start leaves that was cut off between its journal line and its supervisor. */
    const cutOff = (job: string, boot: string) => {
      mkdirSync(folder(job), { recursive: true });
      writeFileSync(control(job, "owner"), `999999 1 ${boot}\nspec1 ${job} 1 2026/11/20 30000 1000 1 1 ${boot} none\n`);
      writeFileSync(join(root(), "pack-a", "held", `${job}.1`), "2026/11/20\n");
      appendFileSync(join(root(), "pack-a", "journal"), `${job} 1 1 ${boot}\n`);
    };

    test("a run that nobody began and nobody is left to begin is not held, and a later claim starts it", async () => {
      const session = await open();
      cutOff("unbegun", session.facts.boot);
      expect((await session.probe()).held.map((one) => one.job)).not.toContain("unbegun");
      expect(await session.seal("unbegun", 2)).toEqual({ started: null });
      expect(await session.start(request("unbegun", "echo ran\n", { epoch: 2 }))).toEqual({ state: "started" });
      expect(text((await finish(session, "unbegun", 2)).stdout.head)).toBe("ran\n");
    });

    test("after a restart the journal counts: what it names may have run, whatever marks were lost", async () => {
      const before = "11111111-2222-3333-4444-555555555555";
      await open();
      cutOff("journaled", before);
      writeFileSync(join(root(), "pack-a", "boot"), `${before}\n`);
      const session = await open();
      expect(await session.seal("journaled", 2)).toEqual({ started: 1 });
      expect(await session.start(request("journaled", "echo again\n", { epoch: 2 }))).not.toEqual({ state: "started" });
      expect((await finish(session, "journaled")).end).toBe("died");
    });

    test("goes on when the connection is gone; a later session collects, twice the same", async () => {
      const session = await open();
      await session.start(request("alone", 'sleep 0.5\necho "still here"\necho run >>"$HOME/alone"\n'));
      session.close();
      await expect(session.probe()).rejects.toMatchObject({ kind: "lost" });
      const [a, b] = await Promise.all([open(), open()]);
      const [one, two] = await Promise.all([finish(a, "alone"), finish(b, "alone")]);
      expect(text(one.stdout.head)).toBe("still here\n");
      expect(two).toEqual(one);
      expect(readFileSync(join(place.home, "alone"), "utf8")).toBe("run\n");
    });

    test("many at once in one session", async () => {
      const session = await open();
      const jobs = Array.from({ length: 8 }, (_, i) => ({ job: `many-${i}`, epoch: 1 }));
      for (const { job } of jobs)
        expect(await session.start(request(job, `echo ${job}`))).toEqual({ state: "started" });
      const ended = new Set<string>();
      for (let tries = 0; ended.size < jobs.length && tries < 50; tries++)
        for (const { job } of await session.wait(
          jobs.filter((one) => !ended.has(one.job)),
          5000,
        ))
          ended.add(job);
      const results = await Promise.all(jobs.map(({ job }) => session.fetch(job, 1)));
      expect(results.map((result) => text(result.stdout.head))).toEqual(jobs.map(({ job }) => `${job}\n`));
      await session.ack(results);
      expect((await session.probe()).held.filter((one) => one.job.startsWith("many-"))).toEqual([]);
    });

    test("a wait that nothing ends is over in time", async () => {
      const session = await open();
      await session.start(request("patience", "sleep 60"));
      const from = Date.now();
      expect(await session.wait([{ job: "patience", epoch: 1 }], 400)).toEqual([]);
      expect(Date.now() - from).toBeGreaterThanOrEqual(350);
      expect(Date.now() - from).toBeLessThan(15_000);
      await session.cancel("patience", 1);
      expect((await finish(session, "patience")).end).toBe("cancelled");
    });

    test("leaves no process behind", async () => {
      for (const session of sessions.splice(0)) session.close();
      const left = () =>
        readdirSync("/proc").filter((pid) => {
          try {
            return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(place.home) && running(Number(pid));
          } catch {
            return false;
          }
        });
      const told = () => left().map((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " "));
      await until(() => left().length === 0, 30_000).catch(() => expect(told()).toEqual([]));
    });

    test("refuses what it must", async () => {
      const session = await open();
      const outside = request("outside", "", { launch: { files: { "../x": "" }, secret: [], command: "true" } });
      await expect(session.start(outside)).rejects.toThrow("cannot be the name");
      await expect(
        place.fleet().open("one", { ...place.host, identity: "f".repeat(32) }, "pack-a"),
      ).rejects.toMatchObject({
        kind: "not-enrolled",
      });
      writeFileSync(control("once", "sum"), readFileSync(control("once", "sum"), "utf8").replace(/^1 /, "7 "));
      await expect(session.fetch("once", 1)).rejects.toThrow("format-7");
    });
  });
