// Hosts that lie: each is a server of ours that logs anybody in and answers as no host program would. A tick meets all of
// them beside one good machine: that one works, nothing of theirs is believed further than it goes, and memory stays flat.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import ssh2, { type ServerChannel } from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { pinnedFingerprint } from "../../src/transports/ssh.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, program, realPack } from "./real.ts";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

/** What a request is: its verb, nonce and words, and how to answer it. */
interface Asked {
  verb: string;
  nonce: string;
  args: string[];
  body: string[];
  say(payload: string | Uint8Array, about?: { job?: string; epoch?: string; hash?: string; nonce?: string }): void;
  channel: ServerChannel;
}

/** What it remembers of the one job that it was given. */
interface Known {
  job: string;
  epoch: string;
  old: string;
}

interface Lie {
  /** Answers instead of the honest way; false: be honest about this one. */
  answer(asked: Asked, state: Known): boolean;
  compress?: "zlib@openssh.com";
  /** What the task's record or status must say. */
  says: RegExp;
  /** How its task stands then. */
  state: "queued" | "running" | "done" | "failed";
}

const facts = (name: string, held: string[] = []) =>
  [
    `identity ${sha256(name).slice(0, 32)}`,
    "boot b-1",
    `clock ${Math.floor(Date.now() / 1000)}`,
    "arch x86_64",
    "slots 0",
    "cores 1",
    "load 0",
    "system Linux",
    "memory 9 9",
    "disk 9 9",
    "runtime shell",
    ...held,
  ].join("\n");

const result = (job: string, epoch: string, out: Uint8Array) => {
  const text = `format 1\njob ${job}\nepoch ${epoch}\nexit 0\nend exited\nstarted 179000000000\ntook 150\nboot b-1\nprogram p\nout ${out.length} - ${out.length} 0\nerr 0 - 0 0\n`;
  return { hash: sha256(text), bytes: Buffer.concat([Buffer.from(`parts ${sha256(out)} - - -\n${text}`), out]) };
};

/** Writes without end, as fast as it is read, until the other side has had enough. */
function flood(channel: ServerChannel, piece: string): void {
  const more = () => {
    while (channel.writable && channel.write(piece));
    if (channel.writable) channel.once("drain", more);
  };
  more();
}

const held = (count: number, line: (n: number) => string) => Array.from({ length: count }, (_, n) => line(n));
const at = (verb: string, lie: (asked: Asked, state: Known) => void) => ({
  answer(asked: Asked, state: Known) {
    if (asked.verb !== verb) return false;
    lie(asked, state);
    return true;
  },
});
const bomb = gzipSync(Buffer.alloc(60 << 20));

const lies: Record<string, Lie> = {
  noise: {
    ...at("hello", ({ channel }) => flood(channel, `${"noise ".repeat(1000)}\n`)),
    says: /print too much/,
    state: "queued",
  },
  endless: {
    ...at("hello", ({ channel }) => flood(channel, "x".repeat(60_000))),
    says: /has no beginning/,
    state: "queued",
  },
  claims: {
    ...at("hello", ({ channel, nonce }) => {
      channel.write(`\ntowline1 ${nonce} hello - - 999999999999 -\n`);
      flood(channel, "x".repeat(60_000));
    }),
    says: /announces 999999999999 bytes/,
    state: "queued",
  },
  errors: {
    ...at("hello", ({ channel }) => {
      for (let n = 0; n < 400; n++) channel.stderr.write(Buffer.alloc(60_000, 65));
      channel.exit(9);
      channel.end();
    }),
    says: /ended with 9|cannot be installed/,
    state: "queued",
  },
  names: {
    ...at("hello", ({ say }) => say(facts("names", ["held ../../../x 1 2026/11/20 ended -"]))),
    says: /without a valid name/,
    state: "queued",
  },
  crowd: {
    ...at("hello", ({ say }, state) => {
      const many = held(6000, (n) => `held crowd-${n} 1 2026/11/20 ended ${"a".repeat(64)}`);
      say(facts("crowd", [...many, ...own(state)]));
    }),
    says: /answered for another job/,
    state: "running",
  },
  million: {
    ...at("hello", ({ say }) =>
      say(
        facts(
          "million",
          held(1_000_000, (n) => `held m${n} 1 - ended -`),
        ),
      ),
    ),
    says: /announces \d+ bytes/,
    state: "queued",
  },
  squeezed: { answer: () => false, compress: "zlib@openssh.com", says: /compress/, state: "queued" },
  bomb: {
    ...at("fetch", ({ say }, { job, epoch }) => {
      const { hash, bytes } = result(job, epoch, bomb);
      say(bytes, { job, epoch, hash });
    }),
    says: /^state: done$/m,
    state: "done",
  },
  another: {
    ...at("fetch", ({ say }, { epoch }) => {
      const { hash, bytes } = result("another-job", epoch, Buffer.from("not mine\n"));
      say(bytes, { job: "another-job", epoch, hash });
    }),
    says: /answered for another job/,
    state: "running",
  },
  inside: {
    ...at("fetch", ({ say }, { job, epoch }) => {
      const { hash, bytes } = result("another-job", epoch, Buffer.from("not mine\n"));
      say(bytes, { job, epoch, hash });
    }),
    says: /answered for another job/,
    state: "running",
  },
  epoch: {
    ...at("fetch", ({ say }, { job }) => {
      const { hash, bytes } = result(job, "7", Buffer.from("not mine\n"));
      say(bytes, { job, epoch: "1", hash });
    }),
    says: /answered for another job/,
    state: "running",
  },
  replay: {
    ...at("fetch", ({ say }, { job, epoch, old }) => {
      const { hash, bytes } = result(job, epoch, Buffer.from("old\n"));
      say(bytes, { job, epoch, hash, nonce: old });
    }),
    says: /answered another request/,
    state: "running",
  },
  altered: {
    ...at("fetch", ({ say }, { job, epoch }) => {
      const { hash, bytes } = result(job, epoch, Buffer.from("not mine\n"));
      bytes[bytes.length - 2] = 0x58;
      say(bytes, { job, epoch, hash });
    }),
    says: /was altered/,
    state: "running",
  },
  title: {
    ...at("start", ({ say }, { job, epoch }) =>
      say("refused \u001b]0;x\u0007 [link](javascript:x) ::error::x", { job, epoch }),
    ),
    says: /title refused it: /,
    state: "failed",
  },
};

interface Server {
  port: number;
  hostKey: string;
  close(): void;
}

async function raise(name: string, lie: Lie): Promise<Server> {
  const key = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
  const algorithms = lie.compress ? { compress: [lie.compress] } : undefined;
  const clients = new Set<{ end(): void }>();
  const state = { job: "", epoch: "", old: "" };
  const server = new ssh2.Server({ hostKeys: [key.private], algorithms }, (client) => {
    clients.add(client);
    client.on("error", () => {}).on("close", () => clients.delete(client));
    client.on("authentication", (auth) => auth.accept());
    client.on("session", (accept) => accept().on("exec", (go) => talk(name, lie, go(), state)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    hostKey: pinnedFingerprint(key.public),
    close() {
      for (const client of clients) client.end();
      server.close();
    },
  };
}

function talk(name: string, lie: Lie, channel: ServerChannel, state: Known): void {
  let text = "";
  channel.on("error", () => {});
  channel.stderr.on("error", () => {});
  channel.on("end", () => channel.end());
  channel.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (let found = whole.exec(text); found; found = whole.exec(text)) {
      text = text.slice(found.index + found[0].length);
      const [, verb = "", nonce = "", words = "", body = ""] = found;
      const say: Asked["say"] = (payload, { job = "-", epoch = "-", hash = "-", nonce: other = nonce } = {}) => {
        const bytes = Buffer.from(payload);
        channel.write(`\ntowline1 ${other} ${verb} ${job} ${epoch} ${bytes.length} ${hash}\n`);
        channel.write(bytes);
        channel.write(`\ntowline1-end ${other}\n`);
      };
      const asked = { verb, nonce, args: words.split(" "), body: body.split("\n"), say, channel };
      if (verb === "start") [state.job, state.epoch] = asked.args as [string, string];
      if (!lie.answer(asked, state)) honest(name, asked, state);
      state.old = nonce;
    }
  });
}

const whole = /(?:^|\n)([a-z]+) ([0-9a-f]{16}) ?([^\n]*)\n([\s\S]*?\n)?end \2(?=\n)/;

const own = ({ job, epoch }: Known) => (job === "" ? [] : [`held ${job} ${epoch} 2026/11/20 ended ${"b".repeat(64)}`]);

function honest(name: string, { verb, say, body }: Asked, state: Known): void {
  const { job, epoch } = state;
  if (verb === "hello") say(facts(name, own(state)));
  else if (verb === "start") say("started", { job, epoch });
  else if (verb === "ended") say(body.filter(Boolean).join(" "));
  else say("ok");
}

describe.skipIf(lacksSshd)(`hosts that lie, ${needs}`, { timeout: 400_000 }, () => {
  let dir: string;
  let up: Machines;
  let pack: TestPack;
  const servers: Server[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-hostile-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
    const files: Record<string, string> = {
      "tasks/on-bow.md": md("title: Good\nhosts: bow", 'echo good >>"$HOME/marks"; echo fine'),
    };
    for (const [name, lie] of Object.entries(lies)) {
      const server = await raise(name, lie);
      servers.push(server);
      files[`hosts/${name}.md`] = md(
        `address: 127.0.0.1\nport: ${server.port}\nuser: x\nkey: env:TOWLINE_TEST_KEY\nhost_key: ${server.hostKey}`,
      );
      files[`tasks/on-${name}.md`] = md(`title: On ${name}\nhosts: ${name}`, "echo mine");
    }
    pack = realPack(up.machines, files, "tick: {patience: 3s}\n", "lies");
  });
  afterAll(async () => {
    for (const server of servers) server.close();
    await up?.down();
    pack?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  /** One tick as a process of its own; answers its code, its peak of memory in MiB and its words. */
  async function tick() {
    const child = spawn(process.execPath, [program, "tick", "--no-sync", "--no-site", "--json", "--repo", pack.clone], {
      env: { ...process.env, ...keyOf(up.machines), NO_COLOR: "1" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let err = "";
    child.stderr.on("data", (text) => {
      err += text;
    });
    let peak = 0;
    for (const until = Date.now() + 120_000; child.exitCode === null && child.signalCode === null; ) {
      if (Date.now() > until) child.kill("SIGKILL");
      try {
        peak = Math.max(
          peak,
          Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0),
        );
      } catch {
        // It has ended.
      }
      await delay(20);
    }
    return { code: child.exitCode, peak: peak / 1024, err };
  }

  test("one tick meets them all: the good machine works, each lie is refused by name or stays what it is, nothing grows", async () => {
    const both = [await tick(), await tick()];
    for (const { code, err } of both) expect([code, err.includes("fault of ours")]).toEqual([0, false]);
    expect(marks(up.machines)).toEqual(["good bow"]);
    expect(pack.file("status/on-bow.md")).toMatch(/^state: done$/m);
    const paths = pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
    const told = Object.entries(lies).map(([name, { says, state }]) => {
      const status = pack.file(`status/on-${name}.md`);
      const path = paths.find((one) => one.includes(`/on-${name}-`));
      const jobs = path ? pack.file(path) : "";
      return {
        name,
        state,
        is: /^state: (\w+)$/m.exec(status)?.[1],
        says: says.test(status) || says.test(jobs) || jobs,
      };
    });
    expect(told).toEqual(told.map((one) => ({ ...one, is: one.state, says: true })));
    console.log(`peaks: ${both.map(({ peak }) => `${peak.toFixed(0)} MiB`).join(", ")}`);
    expect(Math.max(...both.map(({ peak }) => peak))).toBeLessThan(300);
  });
});
