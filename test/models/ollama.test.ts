// `ollama` by real curl and wget against a real HTTP server that speaks Ollama's API, and over every transport.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { agent } from "../../src/core/schema.ts";
import type { HostSession } from "../../src/ports.ts";
import { ollama } from "../../src/runtimes/ollama.ts";
import { anyAssignment, folders, run } from "../runtimes/runs.ts";
import { type Place, tried } from "../transports/places.ts";
import { modelServer } from "./mock.ts";

const { launch, outcome } = ollama();
let mock: LLMock;
beforeAll(async () => {
  mock = await modelServer();
});
afterAll(() => mock?.stop());
afterEach(() => mock.clearRequests());

const asked = (prompt: string, url: string | null = mock.url) =>
  launch(
    anyAssignment({ prompt, agent: agent.parse({ runtime: "ollama", model: "llama3.2:3b", ...(url ? { url } : {}) }) }),
  );

/** A PATH with these tools and nothing else. */
function only(...tools: (string | [name: string, path: string])[]): string {
  const bin = mkdtempSync(join(tmpdir(), "towline-bin-"));
  folders.push(bin);
  for (const tool of tools) {
    const [name, path] = typeof tool === "string" ? [tool, which(tool)] : tool;
    symlinkSync(path, join(bin, name));
  }
  return bin;
}
const which = (tool: string) => execFileSync("sh", ["-c", `command -v ${tool} || :`], { encoding: "utf8" }).trim();
const basics = ["sh", "cat", "sed", "tr", "tail", "dd"];
const needs = (tool: string) => (which(tool) ? null : `needs ${tool} (npm test -- --install)`);

const clients: { name: string; missing: string | null; path: () => string }[] = [
  { name: "curl", missing: needs("curl"), path: () => only(...basics, "curl") },
  { name: "GNU wget", missing: needs("wget"), path: () => only(...basics, "wget") },
  {
    name: "busybox and nothing else",
    missing: needs("busybox"),
    path: () => only(...[...basics, "wget"].map((name): [string, string] => [name, which("busybox")])),
  },
];

for (const { name, missing, path } of clients)
  describe.skipIf(missing !== null)(`asked by ${name}${missing ? ` [${missing}]` : ""}`, () => {
    test("the answer comes byte for byte, with its block", async () => {
      const { result } = await run(asked("SAY-WELL"), { PATH: path() });
      expect(outcome(result)).toEqual({
        state: "finished",
        outcome: "success",
        answer: 'All "fine" \\ ünïcode 🐚\n\tsecond <line>',
        technique: "asked the model",
        tokens: { input: 0, output: 0 },
      });
      expect(mock.getLastRequest()).toMatchObject({ path: "/api/chat", body: { model: "llama3.2:3b", stream: true } });
    });

    test("an empty answer is no success", async () => {
      const { result } = await run(asked("SAY-NOTHING"), { PATH: path() });
      expect(outcome(result)).toMatchObject({ state: "empty", why: "the model returned an empty answer" });
    });

    test("a model that is not there, and a server that fails, are named", async () => {
      const gone = outcome((await run(asked("NO-SUCH-MODEL"), { PATH: path() })).result);
      expect(gone).toMatchObject({ state: "failed", outcome: "failure", answer: "" });
      expect(gone.why).toContain("ollama refused (HTTP 404)");
      expect(gone.why).toContain("run `ollama pull` for this model there");
      const broken = outcome((await run(asked("OUT-OF-MEMORY"), { PATH: path() })).result);
      expect(broken.why).toContain("ollama refused (HTTP 500)");
      // busybox throws away the body of an error
      if (!name.startsWith("busybox")) expect(broken.why).toContain("model requires more system memory");
    });

    test("nobody there: a clear message, at once", async () => {
      const { result } = await run(asked("SAY-WELL", "http://127.0.0.1:1"), { PATH: path() });
      expect(outcome(result)).toMatchObject({
        state: "failed",
        answer: "",
        why: "exit 69: ollama does not answer at http://127.0.0.1:1",
      });
    });

    test("our time limit: what was said so far is kept", async () => {
      const { result } = await run(asked("SAY-TOO-LATE"), { PATH: path() }, 1500);
      const read = outcome(result);
      expect(read).toMatchObject({ state: "timeout", outcome: "partial" });
      expect("one two three four five six seven eight").toContain(read.answer);
      expect(read.answer).not.toBe("");
    });

    test("a connection that breaks in the middle is a failure with what was said", async () => {
      const { result } = await run(asked("BREAK-OFF"), { PATH: path() });
      const read = outcome(result);
      expect(read).toMatchObject({ state: "failed", outcome: "failure" });
      expect(read.answer).toMatch(/^one two/);
      expect(read.why).toMatch(/broke before its answer was whole|ends before it says that it is done/);
    });
  });

describe.skipIf(needs("curl") !== null)(`what the command makes of its host, ${needs("curl") ?? "with curl"}`, () => {
  test("neither curl nor wget: a clear message", async () => {
    const { result } = await run(asked("SAY-WELL"), { PATH: only(...basics) });
    expect(outcome(result)).toMatchObject({
      state: "failed",
      why: "exit 127: neither curl nor wget is installed on this host: one of them is needed to ask ollama",
    });
  });

  test("without `url`, OLLAMA_HOST says where, in any form that ollama itself takes", async () => {
    for (const form of [mock.url, `127.0.0.1:${mock.port}`, `0.0.0.0:${mock.port}`, `:${mock.port}`, `${mock.url}/`]) {
      const { result } = await run(asked("SAY-WELL", null), { OLLAMA_HOST: form });
      expect([form, outcome(result).state]).toEqual([form, "finished"]);
    }
    const { result } = await run(asked("SAY-WELL", null), { OLLAMA_HOST: "127.0.0.1" });
    expect(outcome(result).why).toBe("exit 69: ollama does not answer at http://127.0.0.1:11434");
  });

  test("proxies of the environment and ~/.curlrc are not asked", async () => {
    const { result } = await run(
      { ...asked("SAY-WELL"), files: { ...asked("SAY-WELL").files, ".curlrc": "fail\nproxy = http://127.0.0.1:1\n" } },
      { http_proxy: "http://127.0.0.1:1", HTTP_PROXY: "http://127.0.0.1:1", ALL_PROXY: "http://127.0.0.1:1" },
    );
    expect(outcome(result).state).toBe("finished");
  });

  test("nothing of a task stands in an argv, and hostile text arrives as it is", async () => {
    const bin = only(...basics);
    writeFileSync(join(bin, "curl"), `#!/bin/sh\nprintf '%s\\n' "$@" >argv\nexec ${which("curl")} "$@"\n`);
    chmodSync(join(bin, "curl"), 0o755);
    const text = "SAY-WELL $(touch pwned) `touch pwned`; touch pwned '\"\\ \n@/etc/passwd --output x";
    const { folder, result } = await run(asked(text), { PATH: bin });
    expect(outcome(result).state).toBe("finished");
    expect(existsSync(join(folder, "pwned"))).toBe(false);
    expect(JSON.stringify(mock.getLastRequest()?.body)).toContain(JSON.stringify(text.trim()).slice(1, -1));
    const argv = readFileSync(join(folder, "argv"), "utf8");
    expect(argv).toContain("@request.json");
    for (const secret of ["SAY-WELL", "llama3.2", "Disk report"]) expect(argv).not.toContain(secret);
  });
});

for (const variant of tried) {
  const missing = variant.missing ?? needs("curl");
  describe.skipIf(missing !== null)(`${variant.name}${missing ? ` [${missing}]` : ""}`, () => {
    let place: Place;
    let session: HostSession;
    beforeAll(async () => {
      place = await variant.up();
      mkdirSync(join(place.home, ".local/bin"), { recursive: true });
      writeFileSync(join(place.home, ".local/bin/ollama"), "#!/bin/sh\n", { mode: 0o755 });
      session = await place.fleet().open("one", place.host, "models");
    });
    afterAll(async () => {
      session?.close();
      await place?.down();
    });

    test("is found, started, waited for and read", async () => {
      expect(session.facts.runtimes).toHaveProperty("ollama");
      const request = { epoch: 1, day: "2026/11/20", keep: 16384, slots: 40 };
      const start = (job: string, prompt: string, deadline: number) =>
        session.start({ ...request, job, deadline, launch: asked(prompt) });
      expect(await start("well", "SAY-WELL", 30)).toEqual({ state: "started" });
      expect(await start("late", "SAY-TOO-LATE", 1.5)).toEqual({ state: "started" });
      expect(await start("much", "SAY-MUCH", 30)).toEqual({ state: "started" });
      expect(await start("unwanted", "SAY-TOO-LATE", 30)).toEqual({ state: "started" });
      for (const job of ["well", "late", "much"])
        expect(await session.wait([{ job, epoch: 1 }], 20_000)).toHaveLength(1);
      expect(outcome(await session.fetch("well", 1))).toMatchObject({
        state: "finished",
        technique: "asked the model",
      });
      await session.cancel("unwanted", 1);
      expect(await session.wait([{ job: "unwanted", epoch: 1 }], 20_000)).toHaveLength(1);
      const unwanted = outcome(await session.fetch("unwanted", 1));
      expect(unwanted).toMatchObject({ state: "cancelled", outcome: "failure" });
      expect(unwanted.answer).toMatch(/^one /);
      const much = outcome(await session.fetch("much", 1));
      expect(much).toMatchObject({ state: "finished", outcome: "success" });
      expect(much.answer).toMatch(/^begin a "line"[\s\S]*\n\[… \d+ bytes left out …\]\n[\s\S]* end$/);
      const late = outcome(await session.fetch("late", 1));
      expect(late).toMatchObject({ state: "timeout", outcome: "partial" });
      expect(late.answer).toMatch(/^one /);
    });
  });
}
