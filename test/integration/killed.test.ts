// Ticks that are killed at any moment, as CI services do: what they began is finished by others, and nothing runs twice.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { bringUp } from "../../src/demo/machines.ts";
import { md } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, program, realPack, towline } from "./real.ts";

const rounds = 6;
const quick = ["--no-sync", "--no-site"];
const mark = (id: string) => `echo ${id} >> "$HOME/marks"; sleep 0.1; echo said`;

describe.skipIf(lacksSshd)(`killed ticks, ${needs}`, () => {
  test("every job runs once, and all is recorded in the end", async () => {
    const dir = mkdtempSync(join(tmpdir(), "towline-killed-"));
    const up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["bow", "stern"], server: "openssh" });
    const settings = "tick: {patience: 5s, wall: 1s}\n";
    const pack = realPack(up.machines, {}, settings, "killed");
    try {
      const ids: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const fresh = [0, 1, 2].map((n) => `r${round}-${n}`);
        ids.push(...fresh);
        pack.push(Object.fromEntries(fresh.map((id) => [`tasks/${id}.md`, md(`title: ${id}`, mark(id))])));
        const child = spawn(process.execPath, [program, "tick", ...quick, "--repo", pack.clone], {
          env: { ...process.env, ...keyOf(up.machines) },
          stdio: "ignore",
          detached: true,
        });
        const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
        // Spread over the whole of a tick: start-up, read, claim, dispatch, wait, record.
        await Promise.race([ended, delay(900 + (round * 1500) / rounds)]);
        if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
        await ended;
      }
      for (let more = 0; more < 6; more++) {
        await delay(1100);
        const said = await towline(["tick", ...quick, "--json", "--repo", pack.clone], keyOf(up.machines));
        expect(said.code).toBe(0);
        if ((JSON.parse(said.out) as { commits: string[] }).commits.length === 0) break;
      }
      const seen = marks(up.machines).map((line) => line.split(" ")[0]);
      expect(seen.sort()).toEqual([...ids].sort());
      for (const id of ids)
        expect([id, pack.file(`status/${id}.md`)]).toEqual([id, expect.stringMatching(/^state: done$/m)]);
      expect(pack.at("fsck", "--strict", "--no-dangling")).toBe("");
    } finally {
      await up.down();
      pack.remove();
      rmSync(dir, { recursive: true, force: true });
    }
  }, 300_000);
});
