// `job log -f` as a person uses it: it prints what a run prints, outlives a connection, and leaves at Ctrl-C.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { program } from "./real.ts";

const secret = "sk-follow-0123456789abcdef";
const script = `echo one; until [ -e "$HOME/go" ]; do sleep 0.1; done
printf '\\033[31mtwo ${secret}\\n' >&2; printf three`;

let dir: string;
let pack: TestPack;
let job: string;
const tick = async () =>
  JSON.parse(
    (await cli(pack.clone, ["tick", "--json", "--no-sync", "--no-site"], { ...process.env, HOME: dir }, dir)).out,
  );
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-follow-"));
  pack = testPack({
    "towline.yml": "id: follow\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 1s, wall: 1s}\n",
    "agents/deckhand.md": md("runtime: shell"),
    "hosts/here.md": md(`address: localhost\ntransport: local\nroot: ${join(dir, "root")}\nslots: 4`),
    "tasks/t.md": md("title: T", script),
  });
  job = (await tick()).started[0].job;
}, 60_000);
afterAll(() => {
  writeFileSync(join(dir, "go"), "");
  pack?.remove();
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

function follow(...more: string[]) {
  const child = spawn(process.execPath, [program, "job", "log", "-f", "t", "--repo", pack.clone, ...more], {
    env: { ...process.env, HOME: dir, API_TOKEN: secret },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 250_000,
  });
  const said = { child, out: "", err: "", code: new Promise<number | null>((ends) => child.on("close", ends)) };
  child.stdout.on("data", (text) => {
    said.out += text;
  });
  child.stderr.on("data", (text) => {
    said.err += text;
  });
  return said;
}

async function until(what: string, is: () => boolean) {
  for (const end = Date.now() + 100_000; !is(); await delay(50)) if (Date.now() > end) throw new Error(`never ${what}`);
}

const children = ({ pid }: ChildProcess) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

test("Ctrl-C leaves, and the run goes on; a connection that breaks is made again; it ends with the run", async () => {
  const first = follow();
  await until("printed", () => first.out !== "");
  first.child.kill("SIGINT");
  expect(await first.code).toBe(130);
  expect([first.out, first.err]).toEqual(["one\n", `${job} goes on without you\n`]);

  const second = follow();
  await until("printed", () => second.out !== "");
  for (const pid of children(second.child)) process.kill(pid);
  await until("told", () => second.err.includes("trying again"));
  writeFileSync(join(dir, "go"), "");
  expect(await second.code).toBe(0);
  expect(second.out.split("\n").sort()).toEqual(["", "one", "three", "two ⟨redacted API_TOKEN⟩"]);
  expect(second.err).toContain(`✓ ${job} has ended; the next tick writes down how\n`);

  // Its record has it now: the same, and how it ended.
  await tick();
  const said = await cli(pack.clone, ["job", "log", "-f", job], { ...process.env, HOME: dir }, dir);
  expect(said.out).toMatch(/^one\nthree\n\ntwo/);
  expect(said.said).toMatch(new RegExp(`^✓ ${job} {2}finished`));
  const json = await cli(pack.clone, ["job", "log", "-f", job, "--json"], { ...process.env, HOME: dir }, dir);
  const lines = json.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([{ stream: "record" }, { job, how: "over", state: "finished" }]);
});
