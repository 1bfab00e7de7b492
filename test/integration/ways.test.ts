// A pack whose machines stand behind another, by the command itself: ticks, status, dispatch and plan find the way.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, program, realPack, towline } from "./real.ts";

describe.skipIf(lacksSshd)(`machines behind a jump host, ${needs}`, { timeout: 400_000 }, () => {
  let dir: string;
  let up: Machines;
  let pack: TestPack;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-ways-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 3, names: ["gate", "near", "far"], server: "openssh" });
    const record = (name: string, more: string) => {
      const { port, user, hostKey } = up.machines.find((one) => one.name === name) as Machine;
      return md(
        `address: "[::ffff:127.0.0.1]"\nport: ${port}\nuser: ${user}\nkey: env:TOWLINE_TEST_KEY\nhost_key: ${hostKey}\n${more}`,
      );
    };
    pack = realPack(up.machines, {
      "hosts/gate.md": record("gate", "off: true"),
      "hosts/near.md": record("near", "jump: gate"),
      "hosts/far.md": record("far", "jump: near\ntransport: openssh"),
      "tasks/all.md": md("title: All\nhosts: all", 'basename "$HOME" >&2; echo done'),
    });
  });
  afterAll(async () => {
    pack?.remove();
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });
  const run = (...args: string[]) => towline([...args, "--repo", pack.clone], keyOf(up.machines));

  test("check, status, plan, tick and dispatch", async () => {
    expect(await run("check")).toMatchObject({ code: 0 });
    const status = await run("fleet", "status", "--json");
    const rows = JSON.parse(status.out) as { host: string; state: string }[];
    expect(Object.fromEntries(rows.map((row) => [row.host, row.state]))).toMatchObject({ gate: "off" });
    expect(rows.filter((row) => row.host !== "gate").map((row) => row.state)).not.toContain("down");
    const tick = await run("tick", "--json", "--no-sync", "--no-site");
    expect([tick.code, tick.err]).toEqual([0, ""]);
    expect(pack.file("status/all.md")).toContain("2 of 2 hosts");
    const asked = await run("dispatch", "echo hello from afar", "--host", "far", "--json");
    expect(asked.out).toContain("hello from afar");
    expect((await run("plan", "--probe")).code).toBe(0);
  });

  test("what stands on the caller's standard input is left to the caller (D24)", async () => {
    const line = '"$@" >/dev/null && cat';
    const args = ["-c", line, "sh", process.execPath, program, "fleet", "status", "--repo", pack.clone];
    const child = spawn("sh", args, {
      env: { ...process.env, ...keyOf(up.machines) },
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.end("one\ntwo\nthree\n");
    let out = "";
    for await (const chunk of child.stdout) out += chunk;
    expect(out).toBe("one\ntwo\nthree\n");
  });
});
