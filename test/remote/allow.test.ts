// The owner's `allow` file on a host: what it does not list is not started there, under each shell.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { HostSession, StartRequest } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";

const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "4" });
const needs = (shell: string) => (existsSync(shell) ? "" : `[needs ${shell} (npm test -- --install)]`);
let jobs = 0;

describe.each(["/bin/sh", "/bin/bash", "/bin/busybox"].map((shell) => ({ shell, lacks: needs(shell) })))(
  "the owner's allow file, under $shell $lacks",
  ({ shell, lacks }) => {
    let dir: string;
    let home: string;
    let file: string;
    beforeAll(() => {
      dir = mkdtempSync(join(tmpdir(), "towline-allow-"));
      home = join(dir, "home");
      file = join(home, ".towline", "allow");
      mkdirSync(join(dir, "bin"));
      mkdirSync(join(home, ".towline"), { recursive: true });
      symlinkSync(shell, join(dir, "bin", "sh"));
    });
    beforeEach(() => rmSync(file, { recursive: true, force: true }));
    afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

    const open = (pack = "p"): Promise<HostSession> =>
      createFleet({ env: { PATH: `${join(dir, "bin")}:${system}` }, home }).open("one", host, pack);
    const request = (runtime: string | undefined, more: Partial<StartRequest> = {}): StartRequest => ({
      job: `job-${++jobs}`,
      epoch: 1,
      day: "2026/11/20",
      deadline: 30,
      keep: 4096,
      slots: 4,
      runtime,
      launch: { files: { script: "echo ran" }, secret: [], command: "sh ./script" },
      ...more,
    });
    async function start(text: string | null, runtime: string | null = "shell", pack = "p") {
      if (text !== null) writeFileSync(file, text);
      const session = await open(pack);
      const asked = request(runtime ?? undefined);
      const answer = await session.start(asked);
      session.close();
      const begun = existsSync(join(home, ".towline", pack, "jobs", asked.job));
      return { ...answer, begun, allow: session.facts.allow };
    }

    test.skipIf(lacks !== "")("no file: everything, as ever", async () => {
      expect(await start(null)).toEqual({ state: "started", begun: true, allow: undefined });
    });

    test.skipIf(lacks !== "")("what is listed starts, comments and blank lines and all", async () => {
      const text = "# mine\n\npack p # the lab's\npack q\nruntime shell\n  runtime claude\nslots 3\nprogram any";
      expect(await start(text)).toEqual({
        state: "started",
        begun: true,
        allow: { packs: ["p", "q"], runtimes: ["shell", "claude"], slots: 3, amiss: null },
      });
      expect(await start("pack any\nruntime any\n", "tmux")).toMatchObject({ state: "started" });
    });

    test.skipIf(lacks !== "").each<[string, string, string | null, string]>([
      ["another pack", "pack q\nruntime any\n", "shell", "no line `pack p`"],
      ["a pack whose name begins alike", "pack p-2\npack pp\nruntime any\n", "shell", "no line `pack p`"],
      ["another runtime", "pack any\nruntime claude\n", "shell", "no line `runtime shell`"],
      ["a runtime without a name", "pack any\nruntime any\n", null, "no line `runtime -`"],
      ["a pattern for a runtime", "pack any\nruntime s*\n", "shell", "line 2"],
      ["no pack line", "runtime any\n", "shell", "no line `pack p`"],
      ["an empty file", "", "shell", "no line `pack p`"],
      ["a word that is not known", "pack any\nruntime any\nslot 3\n", "shell", "line 3"],
      ["slots that are no number", "pack any\nruntime any\nslots many\n", "shell", "line 3"],
      ["two names on a line", "pack p q\npack any\nruntime any\n", "shell", "line 1"],
      ["a name without a line's end that is none", "pack any\nruntime any\nruntime $(id)", "shell", "line 3"],
      ["lines of another system", "pack any\r\nruntime any\r\n", "shell", "line 1"],
    ])("refused, and nothing is left of it: %s", async (_, text, runtime, why) => {
      const said = await start(text, runtime);
      expect(said).toMatchObject({ state: "forbidden", why: expect.stringContaining(why), begun: false });
      expect(said.allow).toBeDefined();
    });

    test.skipIf(lacks !== "")("a file that cannot be read allows nothing", async () => {
      mkdirSync(file);
      expect(await start(null)).toMatchObject({ state: "forbidden", why: expect.stringContaining("cannot be read") });
      rmSync(file, { recursive: true });
      symlinkSync(join(home, "nowhere"), file);
      expect(await start(null)).toMatchObject({ state: "forbidden", begun: false });
      rmSync(file);
      execFileSync("mkfifo", [file]);
      expect(await start(null)).toMatchObject({ state: "forbidden", begun: false });
      if (process.getuid?.() === 0) return; // may read everything
      rmSync(file);
      writeFileSync(file, "pack any\nruntime any\n");
      chmodSync(file, 0);
      expect(await start(null)).toMatchObject({ state: "forbidden", begun: false });
    });

    test.skipIf(lacks !== "")("the owner's slots hold over all that run, whatever the record says", async () => {
      writeFileSync(file, "pack any\nruntime any\nslots 2\nslots 9\n");
      const session = await open("s");
      const launch = { files: { script: "sleep 30" }, secret: [], command: "sh ./script" };
      const long = () => session.start(request("shell", { launch, slots: 40 }));
      const used = session.facts.slots.used;
      for (let n = used; n < 2; n++) expect(await long()).toEqual({ state: "started" });
      expect(await long()).toEqual({ state: "full" });
      writeFileSync(file, "pack any\nruntime any\nslots 0\n");
      expect(await long()).toEqual({ state: "full" });
      for (const held of (await session.probe()).held) await session.cancel(held.job, held.epoch);
      session.close();
      expect(readdirSync(join(home, ".towline", "s", "jobs"))).toHaveLength(2 - used);
    });
  },
);
