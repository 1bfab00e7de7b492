// Files on a host: whole or not at all, whatever is cut, full, running or changed meanwhile. Judged from its disk.
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { HostFiles, HostSession } from "../../src/ports.ts";
import { hostProgram, serveCommand } from "../../src/remote/program.ts";
import { createFleet } from "../../src/shell/fleet.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "4" });
const bin = ".local/bin/tool";
const sha = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const shells = ["dash", "busybox", "bash"].filter((name) => existsSync(`/bin/${name}`));
const root_user = process.getuid?.() === 0;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-put-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

/** A PATH on which `sh` is that shell; under busybox its own applets come first. */
function pathOf(shell: string): string {
  const at = join(dir, `path-${shell}`);
  if (existsSync(at)) return `${at}:${path}`;
  mkdirSync(at);
  const applets = ["head", "cat", "wc", "sha256sum", "ln", "mv", "rm", "mkdir", "chmod", "cp", "rmdir", "setsid"];
  for (const name of shell === "busybox" ? ["sh", ...applets] : ["sh"]) symlinkSync(`/bin/${shell}`, join(at, name));
  return `${at}:${path}`;
}

async function open(name: string, shell = "dash", more: { home?: string } = {}) {
  const home = more.home ?? join(dir, name);
  mkdirSync(home, { recursive: true });
  const fleet = createFleet({ env: { PATH: pathOf(shell) }, home });
  const session: HostSession = await fleet.open(name, host, "p");
  return { home, session, files: session.files as HostFiles, at: (file: string) => join(home, file) };
}

/** All names in the folder of the target: nothing unfinished may be among them. */
const names = (home: string, folder = ".local/bin") => readdirSync(join(home, folder)).sort();

describe.each(shells)("files on a host whose shell is %s", (shell) => {
  test("arrive whole, with their mode, whatever is in them, and the conversation goes on", async () => {
    const { home, session, files, at } = await open(`whole-${shell}`, shell);
    // Lines that look like the end of a request are nothing but bytes.
    const bytes = Buffer.concat([Buffer.from("end 0\n\0\r\n"), randomBytes(3_000_001), Buffer.from("\nput x y\n")]);
    const seen: number[] = [];
    await files.put(bin, bytes, { mode: "755", sent: (n) => seen.push(n) });
    expect(sha(readFileSync(at(bin)))).toBe(sha(bytes));
    expect(statSync(at(bin)).mode & 0o777).toBe(0o755);
    expect(seen.at(-1)).toBe(bytes.length);
    expect(names(home)).toEqual(["tool"]);
    await files.put(".tool/key", Buffer.from("secret\n"), { mode: "600" });
    expect(statSync(at(".tool/key")).mode & 0o777).toBe(0o600);
    expect(statSync(at(".tool")).mode & 0o077).toBe(0);
    await files.put(".tool/empty", Buffer.alloc(0), { mode: "600" });
    expect(String(await files.show(".tool/key"))).toBe("secret\n");
    expect(await files.show(".tool/none")).toBeNull();
    expect((await session.probe()).held).toEqual([]);
    const state = await files.state([bin, ".tool", ".tool/empty", "none"]);
    expect(Object.fromEntries([...state].map(([name, one]) => [name, one.kind]))).toEqual({
      [bin]: "file",
      ".tool": "dir",
      ".tool/empty": "file",
      none: "none",
    });
    expect(state.get(bin)?.sha256).toBe(sha(bytes));
    session.close();
  });

  test("replace one that runs, keep it, and change places with it again", async () => {
    const { home, session, files, at } = await open(`runs-${shell}`, shell);
    await files.put(bin, readFileSync("/bin/sleep"), { mode: "755" });
    const running = spawn(at(bin), ["30"], { stdio: "ignore" });
    try {
      // What the rename is for: writing into it is refused while it runs.
      expect(() => writeFileSync(at(bin), "x")).toThrow(/ETXTBSY/);
      const next = Buffer.from("#!/bin/sh\necho two\n");
      await files.put(bin, next, { mode: "755", keep: true, was: sha(readFileSync("/bin/sleep")) });
      expect(String(execFileSync(at(bin)))).toBe("two\n");
      expect(running.exitCode).toBeNull();
      expect((await files.state([bin])).get(bin)?.older).toBe(sha(readFileSync("/bin/sleep")));
      await files.back(bin);
      expect(sha(readFileSync(at(bin)))).toBe(sha(readFileSync("/bin/sleep")));
      expect((await files.state([bin])).get(bin)?.older).toBe(sha(next));
      await files.back(bin);
      expect(String(execFileSync(at(bin)))).toBe("two\n");
      expect(await files.remove([bin, ".local/none"])).toEqual([]);
      expect(names(home)).toEqual([]);
      await expect(files.back(bin)).rejects.toThrow("no older one is kept");
    } finally {
      running.kill("SIGKILL");
      session.close();
    }
  });

  test("are refused when they were altered on the way, and the old one stays", async () => {
    const { home, session, files, at } = await open(`altered-${shell}`, shell);
    await files.put(bin, Buffer.from("one"), { mode: "755" });
    session.close();
    const said = await byHand(home, shell, (nonce) => [
      `put ${nonce} ${bin} 755 3 ${sha("two")} - 1\nend ${nonce}\n`,
      `more ${nonce} 3\nend ${nonce}\ntwO`,
      `place ${nonce}\nend ${nonce}\n`,
    ]);
    expect(said).toContain("refused it was altered on the way");
    expect([readFileSync(at(bin), "utf8"), names(home)]).toEqual(["one", ["tool"]]);
  });

  test("are no more than a nothing when the connection is cut in the middle", async () => {
    const { home, session, files, at } = await open(`cut-${shell}`, shell);
    await files.put(bin, Buffer.from("one"), { mode: "755" });
    session.close();
    const half = (nonce: string) => [
      `put ${nonce} ${bin} 755 300000 ${sha("two")} - 1\nend ${nonce}\n`,
      `more ${nonce} 300000\nend ${nonce}\n${"x".repeat(100_000)}`,
    ];
    await byHand(home, shell, half);
    expect([readFileSync(at(bin), "utf8"), names(home)]).toEqual(["one", ["tool"]]);
    // Whoever is killed cannot tidy up: the next one does.
    await byHand(home, shell, half, "SIGKILL");
    expect(names(home)).toHaveLength(2);
    const again = await open(`cut-${shell}`, shell);
    await again.files.put(bin, Buffer.from("two"), { mode: "755" });
    expect([readFileSync(at(bin), "utf8"), names(home)]).toEqual(["two", ["tool"]]);
    again.session.close();
  });

  test.skipIf(!root_user)("are refused on a full disk, which holds no bit of them afterwards", async () => {
    const home = join(dir, `full-${shell}`);
    const { session, files, at } = await open(`full-${shell}`, shell);
    mkdirSync(join(home, ".local/bin"), { recursive: true });
    execFileSync("/bin/mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", join(home, ".local/bin")]);
    try {
      await files.put(bin, Buffer.from("one"), { mode: "755" });
      await expect(files.put(bin, randomBytes(3 << 20), { mode: "755", keep: true })).rejects.toThrow(
        "the disk is full",
      );
      expect([readFileSync(at(bin), "utf8"), names(home)]).toEqual(["one", ["tool"]]);
      // The same conversation is still in step.
      await files.put(bin, Buffer.from("two"), { mode: "755" });
      expect(readFileSync(at(bin), "utf8")).toBe("two");
      expect((await session.probe()).identity).toMatch(/^[0-9a-f]{32}$/);
    } finally {
      session.close();
      execFileSync("/bin/umount", ["-l", join(home, ".local/bin")]);
    }
  });

  test("replace nothing that somebody else changed meanwhile", async () => {
    const { session, files, at } = await open(`other-${shell}`, shell);
    await files.put("settings", Buffer.from("mine"), { mode: "600", was: "none" });
    await expect(files.put("settings", Buffer.from("x"), { mode: "600", was: "none" })).rejects.toThrow(
      "somebody else",
    );
    writeFileSync(at("settings"), "theirs");
    await expect(files.put("settings", Buffer.from("x"), { mode: "600", was: sha("mine") })).rejects.toThrow(
      "somebody else",
    );
    expect(readFileSync(at("settings"), "utf8")).toBe("theirs");
    session.close();
  });

  test("are none of a key that is locked behind a gate, nor of a pack that the owner does not list", async () => {
    const { home, session, files, at } = await open(`owner-${shell}`, shell);
    const put = () => files.put("x", Buffer.from("x"), { mode: "600" });
    writeFileSync(at(".towline/allow"), "pack other\n");
    await expect(put()).rejects.toThrow("has no line `pack p`");
    writeFileSync(at(".towline/allow"), "pack p\nnonsense\n");
    await expect(put()).rejects.toThrow("line 2 of");
    writeFileSync(at(".towline/allow"), "pack p\n");
    await put();
    session.close();
    const locked = { SSH_ORIGINAL_COMMAND: "what was asked for" };
    const said = await byHand(
      home,
      shell,
      (nonce) => [`put ${nonce} y 600 1 ${sha("y")} - 0\nend ${nonce}\n`],
      undefined,
      locked,
    );
    expect(said).toContain("refused this key may only hold conversations");
    expect(existsSync(at("y"))).toBe(false);
  });

  test("stay below the home folder", async () => {
    const { session, files } = await open(`paths-${shell}`, shell);
    for (const wrong of ["../x", "/tmp/x", "a/../../x", "-rf", "a//b", "@../x", "@.x", "a/-b"]) {
      await expect(files.put(wrong, Buffer.from("x"), { mode: "600" })).rejects.toThrow(/bad request/);
      await expect(files.show(wrong)).rejects.toThrow(/path/);
      await expect(files.remove([wrong])).rejects.toThrow(/path/);
      await expect(files.state([wrong])).rejects.toThrow(/path/);
    }
    await expect(files.put("x", Buffer.from("x"), { mode: "777" as "755" })).rejects.toThrow(/bad request/);
    session.close();
  });

  test("are uprooted by name: neither another pack's nor people's go along", async () => {
    const home = `uproot-${shell}`;
    const make = (name: string, text = "x") => {
      mkdirSync(join(dir, home, ".towline", name, ".."), { recursive: true });
      writeFileSync(join(dir, home, ".towline", name), text);
    };
    const first = await open(home, shell);
    await first.session.probe();
    mkdirSync(first.at(".towline/q/jobs"), { recursive: true });
    make("q/held/job.1", "hash");
    await expect(first.files.uproot(false)).rejects.toThrow("the pack q has results here");
    // Nobody forces another pack's results away, nor the program that is to hand them out.
    expect(await first.files.uproot(true)).toEqual({ packs: ["q"], left: [] });
    first.session.close();
    const own = (name: string) => existsSync(first.at(`.towline/${name}`));
    expect([own("q/held/job.1"), own(`bin/${hostProgram().sha256}`), own("tools"), own("p")]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    rmSync(first.at(".towline/q/held/job.1"));
    const second = await open(home, shell);
    expect(await second.files.uproot(false)).toEqual({ packs: ["q"], left: [] });
    second.session.close();
    expect([own("q/held"), own(`bin/${hostProgram().sha256}`)]).toEqual([true, true]);
    rmSync(first.at(".towline/q"), { recursive: true });
    const third = await open(home, shell);
    const theirs = ["bin/mine", `bin/${"a".repeat(63)}`, "bin/.mine.1", "samples/song", "slots/1.a", "slots/mine"];
    const ours = ["bin/gate", "bin/.gate.7", `bin/.${"a".repeat(64)}.7`, `bin/${"b".repeat(64)}`, "slots/9.1"];
    for (const name of [...theirs, ...ours, "samples/old"]) make(name);
    expect((await third.files.uproot(false, true)).left).toEqual([]);
    expect((await third.files.uproot(false)).left.map((name) => name.split("/").at(-1))).toEqual([
      "bin",
      "samples",
      "slots",
    ]);
    third.session.close();
    const stands = readdirSync(third.at(".towline"), { recursive: true, withFileTypes: true });
    const files = stands.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
    expect(files.sort()).toEqual(theirs.map((name) => third.at(`.towline/${name}`)).sort());
  });

  test("can be run, within a limit, and what they say comes back", async () => {
    const { session, files, at } = await open(`called-${shell}`, shell);
    const script = '#!/bin/sh\nread -r line && echo "read $line"\necho "$1"; [ "$1" = version ] || sleep 30\nexit 3\n';
    await files.put(bin, Buffer.from(script), { mode: "755" });
    expect(await files.call({ what: "version", name: "tool", limit: 10 })).toEqual({ exit: 3, said: "version" });
    expect(await files.call({ what: "onboard", name: "tool", limit: 1 })).toEqual({ exit: 124, said: "onboard" });
    expect((await files.call({ what: "version", name: "none", limit: 10 })).exit).toBe(127);
    chmodSync(at(bin), 0o644);
    expect((await files.call({ what: "version", name: "tool", limit: 10 })).exit).toBe(126);
    for (const spec of ["--prefix=/", "../x", "a;b", "a b", "$(x)"])
      await expect(files.call({ what: "npm", name: "tool", limit: 5, spec, scripts: false })).rejects.toThrow();
    session.close();
  });
});

/** The program itself, spoken to by hand: the last request is not answered when it is not whole. */
async function byHand(
  home: string,
  shell: string,
  requests: (nonce: string) => string[],
  signal?: "SIGKILL",
  env: Record<string, string> = {},
) {
  const nonce = "0123456789abcdef";
  const child = spawn("sh", ["-c", serveCommand({ root: ".towline" }, hostProgram())], {
    cwd: home,
    env: { HOME: home, PATH: pathOf(shell), ...env },
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  const ended = new Promise((done) => child.once("close", done));
  const answers = () => said.split(`towline1-end ${nonce}`).length - 1;
  for (const [index, request] of [`hello ${nonce} p 4 -\nend ${nonce}\n`, ...requests(nonce)].entries()) {
    child.stdin.write(request);
    const whole = () => answers() > index;
    for (let tries = 0; !whole() && tries < (index === 2 && requests(nonce).length === 2 ? 25 : 500); tries++)
      await sleep(20);
  }
  if (signal) child.kill(signal);
  else child.stdin.end();
  await ended;
  return said;
}
