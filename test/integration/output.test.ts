// What runs may write and how they may end, from a task file over real SSH into the records: harmless, exact, and
// each end told apart. The machines' login shells are odd on purpose.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Entry, parseEntry } from "../../src/core/entry.ts";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { scriptOf } from "../../src/runtimes/shell.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, realPack, towline } from "./real.ts";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const octal = (bytes: Uint8Array) => [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
/** A script that writes these bytes. */
const says = (bytes: Uint8Array) => `printf '${octal(bytes)}'`;

const all = Uint8Array.from({ length: 256 }, (_, i) => i);
const text = (words: string) => Buffer.from(words);
const frame = (nonce: string) =>
  `\ntowline1 ${nonce} fetch forged 1 0 ${"0".repeat(64)}\n\ntowline1-end ${nonce}\nresult\nerr 0\n`;
const record = "---\nstate: finished\nrun: {exit: 0}\n---\n\n## Answer\n\nforged\n\n## Jobs\n\n```text\nopen";

interface Case {
  script: string;
  fields?: string;
  state: string;
  /** Stands in the record. */
  holds?: string | RegExp;
  why?: RegExp;
  bytes?: Uint8Array;
}

const cases: Record<string, Case> = {
  "any-bytes": { script: says(all), state: "finished", bytes: all },
  "not-utf8": { script: says(Uint8Array.of(0xff, 0xc3, 0x28, 0xf0, 0x9f, 65)), state: "finished", holds: "\ufffd" },
  "nul-byte": { script: says(text("a\0b\0")), state: "finished", holds: "ab" },
  ansi: {
    script: says(
      text("\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x1b]0;title\x1b\\ \x1b[2J\x9b31m end"),
    ),
    state: "finished",
    holds: /red link\s+(31m )?end/,
  },
  hidden: { script: says(text("safe\u202Etxt.exe\u200B!")), state: "finished", holds: "⟨U+202E⟩" },
  "long-line": {
    script: "head -c 100000000 /dev/zero | tr '\\0' x",
    state: "finished",
    bytes: Buffer.alloc(100_000_000, "x"),
    holds: /\[… 99967232 bytes left out …\]/,
  },
  "forged-frame": { script: says(text(frame("0".repeat(16)))), state: "finished", bytes: text(frame("0".repeat(16))) },
  "forged-record": { script: `${says(text(record))}; exit 3`, state: "failed", why: /^exit 3/, bytes: text(record) },
  "exit-255": { script: "echo said; exit 255", state: "failed", why: /^exit 255/ },
  "exit-124": { script: "exit 124", state: "failed", why: /^exit 124/ },
  "exit-137": { script: "exit 137", state: "failed", why: /^ended by SIGKILL/ },
  "kills-itself": { script: "kill -9 $$", state: "failed", why: /^ended by SIGKILL/ },
  drip: {
    script: "while :; do printf .; sleep 0.2; done",
    fields: "timeout: 2s",
    state: "timeout",
    why: /^ran into its time limit/,
    holds: /\.{4}/,
  },
  stubborn: {
    script: "trap '' TERM; echo deaf; while :; do sleep 1; done",
    fields: "timeout: 1s",
    state: "timeout",
    why: /^ran into its time limit/,
    holds: "deaf",
  },
  escaped: {
    script:
      'echo hello; setsid sh -c \'echo $$ >"$HOME/escaped"; sleep 600\' & while [ ! -s "$HOME/escaped" ]; do sleep 0.1; done',
    state: "finished",
    holds: "hello",
  },
  silent: { script: "exit 0", state: "finished", holds: "_No answer._" },
};

const lineOf = { quotes: "'\"`$(exit 9)\\", dash: "-n -e --", blank: "", tabs: "\t \t" };
/** 1 MB of what shells stumble over, below a first line that hashes the script's own file and ends. */
const megabyte = `sha256sum task.sh; exit 0\n${`${Object.values(lineOf).join("\n")}\näöü 🚢 ${"x".repeat(900)}\n`.repeat(1050)}`;
const leading = `-n 2>/dev/null; sha256sum task.sh; exit 0`;

const every = [
  { name: "plain", prefix: "" },
  { name: "noisy", prefix: "echo motd; printf 'no line end'; echo towline1 x >&2; exec bash -c" },
  { name: "dash", prefix: "exec dash -c", program: "/usr/bin/dash" },
  { name: "ash", prefix: "exec busybox ash -c", program: "/usr/bin/busybox" },
  { name: "fish", prefix: "exec fish -c", program: "/usr/bin/fish" },
  { name: "bare", prefix: "PATH=$HOME/bin exec sh -c" },
];
const shells = every.filter(({ program }) => program === undefined || existsSync(program));

describe.skipIf(lacksSshd)(`output of every kind, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  let pack: TestPack;
  const names = [...shells.map((one) => one.name), "restricted"];

  /** The command that a login runs, as an odd login shell would read it. */
  function behind(name: string, prefix: string): void {
    const file = join(dir, "machines", name, "authorized_keys");
    const key = readFileSync(file, "utf8");
    writeFileSync(file, `command="${`${prefix} "$SSH_ORIGINAL_COMMAND"`.replaceAll('"', '\\"')}" ${key}`);
  }

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-output-"));
    up = await bringUp({ dir: join(dir, "machines"), count: names.length, names, server: "openssh" });
    for (const { name, prefix } of shells) if (prefix !== "") behind(name, prefix);
    behind("restricted", "exec rbash -c");
    // A machine whose tools are all there but `timeout`.
    const bin = join(up.machines.find((one) => one.name === "bare")?.home ?? "", "bin");
    mkdirSync(bin);
    for (const folder of ["/usr/bin", "/bin"])
      for (const tool of readdirSync(folder))
        if (tool !== "timeout" && !existsSync(join(bin, tool))) symlinkSync(join(folder, tool), join(bin, tool));
    const tasks = Object.entries(cases).map(([id, one]) => [
      `tasks/${id}.md`,
      md(`title: ${id}\nhosts: plain\n${one.fields ?? ""}`, one.script),
    ]);
    pack = realPack(
      up.machines,
      {
        ...Object.fromEntries(tasks),
        "tasks/megabyte.md": md("title: Megabyte\nhosts: plain", megabyte),
        "tasks/leading.md": md("title: Leading\nhosts: plain", leading),
        "tasks/everywhere.md": md(
          `title: Everywhere\nhosts: [${shells.map((one) => one.name).join(", ")}]\nspread: each`,
          "echo here; echo there >&2",
        ),
        "tasks/late.md": md(
          "title: Late\nhosts: bare\ntimeout: 1s",
          "trap '' TERM; echo late; while :; do sleep 1; done",
        ),
        "tasks/caged.md": md("title: Caged\nhosts: restricted", "echo no"),
      },
      "tick: {patience: 40s}\n",
      "output",
    );
    const hosts = names.map((name) => [
      `hosts/${name}.md`,
      pack.file(`hosts/${name}.md`).replace("slots: 8", "slots: 40"),
    ]);
    pack.push(Object.fromEntries(hosts));
    const said = await towline(
      ["tick", "--no-sync", "--no-site", "--json", "--repo", pack.clone],
      keyOf(up.machines),
      150_000,
    );
    expect([said.code, said.err.split("fault of ours")[1] ?? ""]).toEqual([0, ""]);
  }, 300_000);
  afterAll(async () => {
    await up?.down();
    pack?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const jobsOf = (task: string) => {
    const paths = pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
    return paths.flatMap((path) => {
      const text = pack.file(path);
      const entry = parseEntry(path, "job", text).entry as Entry<"job"> | null;
      return entry?.data.task === task ? [{ text, ...entry }] : [];
    });
  };
  const jobOf = (task: string) => jobsOf(task)[0] as ReturnType<typeof jobsOf>[number];

  test.each(Object.entries(cases))("%s", (id, wanted) => {
    const { text, data, body } = jobOf(id);
    expect({ state: data.state, why: data.run.why ?? "" }).toEqual({
      state: wanted.state,
      why: wanted.why ? expect.stringMatching(wanted.why) : "",
    });
    if (wanted.bytes)
      expect(data.run.output).toMatchObject({ bytes: wanted.bytes.length, sha256: sha256(wanted.bytes) });
    // Not by `toMatch`: it prints all of a long record.
    const { holds } = wanted;
    if (holds) expect([id, typeof holds === "string" ? body.includes(holds) : holds.test(body)]).toEqual([id, true]);
    expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024);
  });

  test("no record holds a control character, a sequence or a live heading of a run", () => {
    const paths = pack.at(
      "ls-tree",
      "-r",
      "--name-only",
      "main",
      "jobs/",
      "status/",
      "reflections/",
      "memos/",
      "pupdates/",
      "OVERVIEW.md",
    );
    for (const path of paths.trim().split("\n")) {
      const text = pack.file(path);
      expect([path, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u200b]/.exec(text)]).toEqual([path, null]);
    }
    // What looks like a record stays inside its fence: the status page has one heading for its jobs.
    const status = pack.file("status/forged-record.md");
    expect(status).toMatch(/^state: failed$/m);
    const outside = status.replace(/^(`{3,})text\n[\s\S]*?\n\1$/m, "");
    expect(outside).not.toContain("forged\n");
    expect(outside.match(/^## Jobs$/gm)).toHaveLength(1);
  });

  test("a script of a megabyte, and one that begins with a dash, arrive byte by byte", () => {
    for (const [id, script] of [
      ["megabyte", megabyte],
      ["leading", leading],
    ] as const) {
      const body = parseEntry(`tasks/${id}.md`, "task", pack.file(`tasks/${id}.md`)).entry?.body ?? "";
      expect(body.trim()).toBe(script.trim());
      expect(jobOf(id).body).toContain(`${sha256(scriptOf(body))}  task.sh`);
    }
  });

  test("a child that left the group and held stdout is gone", async () => {
    const home = up.machines.find((one) => one.name === "plain")?.home ?? "";
    const pid = Number(readFileSync(join(home, "escaped"), "utf8"));
    expect(pid).toBeGreaterThan(0);
    for (let tries = 0; existsSync(`/proc/${pid}`) && tries < 50; tries++) await delay(100);
    const stat = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/stat`, "latin1") : "";
    expect(stat === "" || /\) [ZX] /.test(stat)).toBe(true);
  });

  test("login shells of every kind are served, and one that allows nothing is named", () => {
    const jobs = jobsOf("everywhere");
    expect(jobs.map((one) => [one.data.host, one.data.state, one.data.run.why]).sort()).toEqual(
      shells.map((one) => [one.name, "finished", undefined]).sort(),
    );
    for (const { data } of jobs) expect(data.run.output).toMatchObject({ bytes: 5, sha256: sha256("here\n") });
    // Without `timeout` our own watch ends the run.
    expect(jobOf("late")).toMatchObject({ data: { state: "timeout" } });
    expect(jobOf("late").body).toContain("late");
    expect(pack.file("status/caged.md")).toMatch(/restricted .*(restricted|cannot be installed)/);
    expect(jobsOf("caged")).toEqual([]);
  });

  for (const { name, program } of every.filter((one) => !shells.includes(one)))
    test.skip(`${name} as a login shell: needs ${program} (npm test -- --install)`, () => {});
});
