// A task for a local model, from its markdown to its record: a real tick, a real machine, a real HTTP server.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, realPack, towline } from "../integration/real.ts";
import { modelServer } from "./mock.ts";

let dir: string;
let up: Machines;
let mock: LLMock;
let pack: TestPack | undefined;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-models-"));
  mock = await modelServer();
  up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"] });
});
afterAll(async () => {
  await up?.down();
  await mock?.stop();
  pack?.remove();
  rmSync(dir, { recursive: true, force: true });
});

const needs = existsSync("/usr/bin/curl") || existsSync("/usr/bin/wget") ? null : "needs curl (npm test -- --install)";

test.skipIf(needs !== null)(
  `what a local model says stands in the record, with its tokens; what it cannot do says why${needs ? ` [${needs}]` : ""}`,
  async () => {
    pack = realPack(
      up.machines,
      {
        "agents/local.md": md(`runtime: ollama\nmodel: llama3.2\nurl: ${mock.url}`, "You are terse."),
        "agents/bare.md": md("runtime: ollama"),
        "tasks/well.md": md("title: Say it\nagent: local", "SAY-WELL"),
        "tasks/gone.md": md("title: Ask nobody\nagent: local", "NO-SUCH-MODEL"),
        "tasks/bare.md": md("title: Ask nothing\nagent: bare", "SAY-WELL"),
      },
      "tick: {patience: 30s}\n",
      "models",
    );
    const args = ["tick", "--json", "--no-sync", "--no-site", "--repo", pack.clone];
    const said = await towline(args, keyOf(up.machines));
    expect([said.code, said.err.includes("fault of ours")]).toEqual([0, false]);
    const status = (task: string) => pack?.file(`status/${task}.md`) ?? "";
    expect(status("well")).toMatch(/^state: done$/m);
    expect(status("well")).toContain('All "fine" \\ ünïcode 🐚');
    expect(status("gone")).toMatch(/^state: failed$/m);
    expect(status("gone")).toContain("run `ollama pull` for this model there");
    expect(status("bare")).toMatch(/^state: blocked$/m);
    expect(status("bare")).toContain("`runtime: ollama` needs a `model`");
    const job = pack.at("grep", "-h", "-A3", "tokens:", "main", "--", "jobs");
    expect(job).toMatch(/input: '?0'?\n.*output: '?0'?\n/);
    expect(pack.at("grep", "-h", "technique:", "main", "--", "reflections")).toContain("asked the model");
    const bodies = mock.getRequests().map((one) => JSON.stringify(one.body));
    expect(bodies.filter((body) => body.includes("SAY-WELL") && body.includes("You are terse."))).toHaveLength(1);
  },
);
