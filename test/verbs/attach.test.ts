// `towline job attach` in a terminal: real tmux on both sides, on this machine and over real SSH.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { lacksTmux, path } from "../fakes/pane.ts";
import { program } from "../integration/real.ts";
import { makeKey, needsSshClient, needsSshd, type Served, serve } from "../transports/servers.ts";

const at = "2026-11-20T10:00:00Z";
const job = (host: string, state: string, runtime = "tmux") =>
  md(
    `task: a\nstate: ${state}\nhost: ${host}\nrun: {occurrence: run-1, run_id: a-1, epoch: 1, tick: t, claimed_at: "${at}", deadline: 60s, input_hash: x, runtime: ${runtime}${state === "finished" ? `, ended_at: "${at}"` : ""}}`,
  );
const records = {
  "towline.yml": "id: p\nname: t\nzone: UTC\ndefaults: {agent: deckhand}\n",
  "agents/deckhand.md": md("runtime: tmux"),
  "tasks/a.md": md("title: A", "x"),
  "hosts/home.md": md("address: localhost\ntransport: local"),
  "jobs/2026/11/20/a-1.md": job("home", "started"),
  "jobs/2026/11/20/a-2.md": job("home", "finished"),
  "jobs/2026/11/20/a-3.md": job("home", "started", "claude"),
  "jobs/2026/11/20/a-4.md": job("away", "started"),
};

let pack: TestPack;
let dir: string;
beforeEach(() => {
  pack = testPack(records);
  dir = mkdtempSync(join(tmpdir(), "towline-attach-"));
});
afterEach(() => {
  pack.remove();
  rmSync(dir, { recursive: true, force: true });
});

describe("what has no pane to look into", () => {
  test.each([
    ["a-2", "a-2 has ended already: finished at 2026-11-20T10:00:00Z", "what it said stands in jobs/2026/11/20/a-2.md"],
    ["a-3", "a-3 has no pane: its runtime is `claude`", "write `runtime: tmux` in the agent's record"],
    ["a-4", "a-4 runs on away, which has no record in hosts/", "add hosts/away.md"],
    ["a-9", "a-9 is no job here", "did you mean"],
    ["a-1", "a pane is shown in a terminal, and this is none", "run it in your own shell"],
  ])("%s: %s", async (id, said, advice) => {
    const told = await cli(pack.clone, ["job", "attach", id]);
    expect(told.code).toBe(2 + Number(id === "a-4"));
    expect(told.said).toContain(said);
    expect(told.said).toContain(advice);
  });
});

describe.skipIf(lacksTmux !== "")(`in a terminal${lacksTmux}`, () => {
  const servers: string[] = [];
  const tmux = (socket: string, ...args: string[]) =>
    execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], {
      env: { PATH: path, HOME: dir },
      encoding: "utf8",
    });
  const start = (socket: string, ...command: string[]) => {
    servers.push(socket);
    tmux(socket, "new-session", "-d", "-x", "100", "-y", "30", ...command);
  };
  afterEach(() => {
    for (const socket of servers.splice(0))
      try {
        tmux(socket, "kill-server");
      } catch {
        // It has ended by itself.
      }
  });
  /** As a job's driver leaves it: it says back what is typed. */
  function pane(home: string): string {
    const socket = join(home, ".towline/p/sessions/a-1/sock");
    mkdirSync(join(socket, ".."), { recursive: true });
    start(socket, "echo THE-PANE; exec cat");
    return socket;
  }
  /** The terminal of a person. */
  function person(home: string, ...args: string[]) {
    const socket = join(dir, "terminal");
    const words = [process.execPath, program, "job", "attach", "a-1", "--repo", pack.clone, ...args];
    start(socket, `cd ${dir}; env HOME=${home} ${words.join(" ")}; echo "code $?"; exec cat`);
    const shown = () => tmux(socket, "capture-pane", "-p");
    const type = (...keys: string[]) => tmux(socket, "send-keys", ...keys);
    const sees = async (text: string, ms = 30_000) => {
      for (const end = Date.now() + ms; !shown().includes(text); await sleep(100))
        if (Date.now() > end) throw new Error(`it never showed ${text}:\n${shown()}`);
    };
    return {
      type,
      sees,
      /** Keys that come at once are taken for a paste, in which none is a command. */
      async leaves() {
        for (let tries = 0; ; tries++) {
          await sleep(300);
          type("C-b");
          await sleep(300);
          type("d");
          const left = await sees("code 0", 3000).then(
            () => true,
            (thrown) => {
              if (tries > 8) throw thrown;
            },
          );
          if (left) return;
        }
      },
    };
  }

  test("a person sees the pane, types in it, and leaves it running", async () => {
    const inner = pane(dir);
    const one = person(dir);
    await one.sees("THE-PANE");
    one.type("hello there", "Enter");
    await one.sees("hello there\nhello there");
    await one.leaves();
    expect(tmux(inner, "capture-pane", "-p")).toContain("hello there");
  });

  test("with --read-only nothing that is typed arrives", async () => {
    const inner = pane(dir);
    const one = person(dir, "--read-only");
    await one.sees("THE-PANE");
    one.type("hello there", "Enter");
    await one.leaves();
    expect(tmux(inner, "capture-pane", "-p")).not.toContain("hello");
  });

  test("no pane: said so, with what to do", async () => {
    const one = person(dir);
    await one.sees("a-1 has no pane on this machine");
    await one.sees("code 4");
  });

  describe.skipIf(needsSshd ?? needsSshClient)(`over SSH ${needsSshd ?? needsSshClient ?? ""}`, () => {
    let served: Served | undefined;
    afterEach(() => served?.stop());
    async function reached(settings: string[] = []) {
      const key = makeKey(join(dir, "id"));
      served = await serve({ dir: join(dir, "server"), key, settings });
      const fields = { ...served.record, key: `file:${key.file}` };
      pack.push({
        "hosts/home.md": md(
          Object.entries(fields)
            .map(([name, value]) => `${name}: ${value}`)
            .join("\n"),
        ),
      });
      return served;
    }

    test("with the person's own login, the pinned host key and nothing else", async () => {
      const { home } = await reached();
      const inner = pane(home);
      const one = person(dir);
      await one.sees("THE-PANE");
      one.type("over ssh", "Enter");
      await one.sees("over ssh\nover ssh");
      await one.leaves();
      expect(tmux(inner, "capture-pane", "-p")).toContain("over ssh");
    });

    describe("behind a jump host", () => {
      let gate: Served | undefined;
      afterEach(() => gate?.stop());
      /** `home` behind `gate`, each with a key and an account of its own. */
      async function behind(pinned?: string) {
        const { home } = await reached();
        const key = makeKey(join(dir, "gate-id"));
        gate = await serve({ dir: join(dir, "gate"), key });
        const fields = { ...gate.record, key: `file:${key.file}`, ...(pinned ? { host_key: pinned } : {}) };
        const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
        pack.push({
          "hosts/gate.md": md(lines.join("\n")),
          "hosts/home.md": pack.file("hosts/home.md").replace("\n---\n", "\njump: gate\n---\n"),
        });
        return home;
      }

      test("by its record, and with its pinned key", async () => {
        const inner = pane(await behind());
        const one = person(dir);
        await one.sees("THE-PANE");
        one.type("from afar", "Enter");
        await one.sees("from afar\nfrom afar");
        expect(gate?.log()).toContain("Accepted publickey");
        await one.leaves();
        expect(tmux(inner, "capture-pane", "-p")).toContain("from afar");
      });

      test("that shows another key, nothing is typed into", async () => {
        pane(await behind(makeKey(join(dir, "other")).public));
        const one = person(dir);
        await one.sees("ssh did not get in at home");
        expect(gate?.log()).not.toContain("Accepted publickey");
        expect(served?.log()).not.toContain("Accepted publickey");
      });
    });

    test("a key that is locked behind the gate: what to do instead", async () => {
      pane((await reached(["ForceCommand echo 'towline gate: no' >&2; exit 77"])).home);
      const one = person(dir);
      await one.sees("home lets this key hold conversations with towline only");
      await one.sees("code 4");
    });

    test("another host key is no host of ours", async () => {
      await reached();
      const other = makeKey(join(dir, "other"));
      pack.push({
        "hosts/home.md": pack.file("hosts/home.md").replace(/^host_key: .*$/m, `host_key: ${other.public}`),
      });
      const one = person(dir);
      await one.sees("ssh did not get in at home");
    });
  });
});
