import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";
import type { Outcome, RawResult, RawStream, Runtime } from "../../src/ports.ts";
import { shell } from "../../src/runtimes/shell.ts";
import { createScan, type Scan } from "../../src/shell/scan.ts";
import { createScreen } from "../../src/shell/screen.ts";
import { createSecrets, noSecrets } from "../../src/shell/secrets.ts";
import { type FakeMachine, machine, outboxOf } from "../fakes/fleet.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { kinds } from "./kinds.ts";

const stream = (head: string, more: Partial<RawStream> = {}): RawStream => ({
  bytes: Buffer.byteLength(head),
  sha256: "0".repeat(64),
  head: Buffer.from(head),
  tail: new Uint8Array(),
  ...more,
});
const result = (stdout: RawStream, stderr = stream(""), exit = 0): RawResult => ({
  job: "j",
  epoch: 1,
  exit,
  signal: null,
  end: "exited",
  started_at: "2026-11-20T10:00:00.000Z",
  ended_at: "2026-11-20T10:00:01.000Z",
  took: 1,
  boot: "b",
  program: "p",
  stdout,
  stderr,
  sha256: "1".repeat(64),
});
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const value = "Zm9vYmFyLXNlY3JldC12YWx1ZQ-1";
const secrets = createSecrets({ MODEL_KEY: value });
const scan = createScan();
const nothing: Scan = async (texts) => texts.map(() => []);

const dir = mkdtempSync(join(tmpdir(), "towline-screen-"));
let pack: TestPack | undefined;
afterEach(() => {
  pack?.remove();
  pack = undefined;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("a secret that lies across the cut between head and tail leaves neither half", async () => {
  const cut = stream(`so ${value.slice(0, 13)}`, { bytes: 90_000, tail: Buffer.from(`${value.slice(13)} end`) });
  const { result: seen, outcome } = await createScreen(secrets, nothing)(result(cut, cut, 2), shell());
  expect(text(seen.stderr.head)).toBe("so ⟨redacted MODEL_KEY⟩");
  expect(text(seen.stderr.tail)).toBe("⟨redacted MODEL_KEY⟩ end");
  expect(outcome.answer).toBe(
    `so ⟨redacted MODEL_KEY⟩\n[… ${90_000 - 16 - 19} bytes left out …]\n⟨redacted MODEL_KEY⟩ end`,
  );
  expect(seen.stdout.bytes).toBe(90_000);
});

test("what a runtime puts together from pieces is masked as a whole", async () => {
  const joining: Runtime = {
    ...shell(),
    outcome: ({ stdout }): Outcome => ({
      state: "finished",
      outcome: "success",
      answer: text(stdout.head).replace(/,part:/g, ""),
      surprise: `it was ${value}`,
    }),
  };
  const pieces = result(stream(`${value.slice(0, 9)},part:${value.slice(9)}`));
  const { outcome } = await createScreen(secrets, nothing)(pieces, joining);
  expect(outcome).toMatchObject({ answer: "⟨redacted MODEL_KEY⟩", surprise: "it was ⟨redacted MODEL_KEY⟩" });
});

test("secrets that nobody told us of are cut out by their shape, in answer, reason and log", async () => {
  const { github_classic, slack_bot, anthropic_oauth, ssh_rsa } = kinds;
  const one = result(
    stream(`a ${github_classic} b\n${ssh_rsa}c`),
    stream(`x ${slack_bot}\nlast ${anthropic_oauth}`),
    1,
  );
  const { outcome, result: seen } = await createScreen(noSecrets, scan)(one, shell());
  expect(outcome.answer).toBe("a ⟨redacted GITHUB_TOKEN⟩ b\n⟨redacted PRIVATE_KEY⟩\nc");
  expect(outcome.why).toBe("exit 1: last ⟨redacted ANTHROPIC_TOKEN⟩");
  expect(text(seen.stderr.head)).toBe("x ⟨redacted SLACK_TOKEN⟩\nlast ⟨redacted ANTHROPIC_TOKEN⟩");
});

test("what an agent says in its outbox is masked like its answer, and the outbox itself goes no further", async () => {
  const { github_classic } = kinds;
  const pin = "0123456789abcdef-lowercase";
  const secrets = createSecrets({ MODEL_KEY: value, PIN_KEY: pin });
  const outbox = outboxOf({
    "01-tell.md": `---\nto: bob\n---\nuse ${github_classic}`,
    "02-reflect.md": `---\nsurprise: ${value}\n---\n`,
    "03-fail.md": `no ${value}`,
    [`04-${value.toLowerCase()}.md`]: "x",
    "05-tell.md": `---\nto: ${pin}\n---\nhello`,
    // In the encodings that models like.
    "06-confess.md": [
      Buffer.from(value).toString("base64"),
      Buffer.from(value).toString("hex"),
      encodeURIComponent(value.replaceAll("-", "%")),
      [...value].join(" "),
    ].join("\n"),
  });
  const parts = new Map([
    ["outbox", outbox],
    ["other", Buffer.from("kept")],
  ]);
  const { outcome, result: seen } = await createScreen(secrets, scan)({ ...result(stream("so")), parts }, shell());
  const forms = [value, github_classic, pin, Buffer.from(value).toString("base64"), Buffer.from(value).toString("hex")];
  for (const form of forms) expect(JSON.stringify(outcome)).not.toContain(form);
  expect(outcome).toMatchObject({ why: "no ⟨redacted MODEL_KEY⟩", surprise: "⟨redacted MODEL_KEY⟩" });
  expect(outcome.messages?.[0]?.text).toBe("use ⟨redacted GITHUB_TOKEN⟩");
  expect([...(seen.parts?.keys() ?? [])]).toEqual(["other"]);
  const failing: Scan = async () => Promise.reject(new Error("broken"));
  const withheld = await createScreen(secrets, failing)({ ...result(stream("so")), parts }, shell());
  expect([withheld.outcome.messages, withheld.outcome.remarks]).toEqual([undefined, undefined]);
  expect([...(withheld.result.parts?.keys() ?? [])]).toEqual(["other"]);
});

test("an agent's comment does not switch the search off", async () => {
  for (const comment of ["secretlint-disable", "/* secretlint-disable */", "# secretlint-disable-next-line"]) {
    const { outcome } = await createScreen(noSecrets, scan)(
      result(stream(`${comment}\n${kinds.github_classic}`)),
      shell(),
    );
    expect(outcome.answer).toBe(`${comment}\n⟨redacted GITHUB_TOKEN⟩`);
  }
});

test("ordinary output stays as it is", async () => {
  const said = "commit 3f786850e387550fdab836ed7e6dc881de23001b\nsk-tool v1.2, see https://example.org/a?b=c\n";
  const one = result(stream(said), stream("Warning: key rotated\n"));
  const seen = await createScreen(secrets, scan)(one, shell());
  expect(seen.outcome).toEqual(shell().outcome(one));
  expect(text(seen.result.stderr.head)).toBe("Warning: key rotated\n");
});

const program = (name: string, body: string) => {
  writeFileSync(join(dir, name), body);
  return pathToFileURL(join(dir, name));
};
const broken: [string, () => Scan, RegExp][] = [
  [
    "hangs",
    () =>
      createScan({
        limit: 300,
        program: program(
          "hang.mjs",
          'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => { for (;;); });',
        ),
      }),
    /did not end within 0.3 s/,
  ],
  ["dies", () => createScan({ program: program("die.mjs", "process.exit(1)") }), /its thread ended/],
  ["cannot start", () => createScan({ program: pathToFileURL(join(dir, "none.mjs")) }), /its thread ended/],
  [
    "says it failed",
    () =>
      createScan({
        program: program(
          "fail.mjs",
          'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => parentPort.postMessage({}));',
        ),
      }),
    /it failed/,
  ],
  [
    "throws",
    () => () => {
      throw new Error(`with ${value}`);
    },
    /the guard failed/,
  ],
  ["answers for fewer texts", () => async () => [[]], /it failed/],
];

test.each(broken)("a search that %s withholds the text, and the run is recorded all the same", async (_, make, why) => {
  const one = result(stream(`the answer ${value}`), stream("a log"));
  const { outcome, result: seen } = await createScreen(secrets, make())(one, shell());
  expect(outcome).toMatchObject({ state: "finished", outcome: "partial", answer: "" });
  expect(outcome.why).toMatch(/^its text is withheld: /);
  expect(outcome.why).toMatch(why);
  expect(JSON.stringify([outcome, text(seen.stdout.head), text(seen.stderr.head)])).not.toMatch(
    /the answer|a log|Zm9v/,
  );
  expect(seen.stdout.bytes).toBe(one.stdout.bytes);
});

test("many searches at once wait for each other, not for their limits", async () => {
  const slow = program(
    "slow.mjs",
    `import { parentPort } from "node:worker_threads";
     parentPort.on("message", ({ texts }) => setTimeout(() => parentPort.postMessage({ found: texts.map(() => []) }), 60));`,
  );
  const patient = createScan({ limit: 1500, program: slow });
  const answers = await Promise.all(Array.from({ length: 40 }, () => patient(["x"])));
  expect(answers).toHaveLength(40);
});

test("after a search that hung the next one works", async () => {
  const once = program(
    "once.mjs",
    `
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", ({ texts }) => {
      if (texts.includes("hang")) for (;;);
      parentPort.postMessage({ found: texts.map(() => []) });
    });`,
  );
  const slow = createScan({ limit: 5000, program: once });
  await expect(slow(["hang"])).rejects.toThrow(/did not end/);
  await expect(slow(["fine"])).resolves.toEqual([[]]);
});

const files = {
  "towline.yml": "id: screen\nzone: UTC\ndefaults: {agent: deckhand}\n",
  "agents/deckhand.md": md("runtime: shell"),
  "hosts/ann.md": md("address: 127.0.0.1\nhost_key: SHA256:x"),
  "tasks/good.md": md("title: Good", "echo good"),
  "tasks/bad.md": md("title: Bad", "echo bad"),
};
const say = (job: string) => ({ stdout: job.startsWith("bad") ? `my key: ${value}` : "all is well" });

test("in a tick, the record of the run says so and the others go on", async () => {
  pack = testPack(files);
  const machines: Record<string, FakeMachine> = { ann: machine() };
  const picky: Scan = async (texts) => {
    if (texts.some((one) => one.includes("my key"))) throw new Error("boom");
    return texts.map(() => []);
  };
  const outcome = await runTick(pack.clone, machines, say, { screen: createScreen(noSecrets, picky) });
  const bad = outcome.ended.find((one) => one.task === "bad");
  expect(outcome.ended.map((one) => [one.task, one.state]).sort()).toEqual([
    ["bad", "finished"],
    ["good", "finished"],
  ]);
  const record = pack.at(
    "show",
    `main:jobs/${new Date().toISOString().slice(0, 10).replaceAll("-", "/")}/${bad?.job}.md`,
  );
  expect(record).toContain("its text is withheld");
  expect(pack.at("grep", "all is well", "main", "--", "jobs")).toContain("good");
  expect(() => pack?.at("grep", "-F", value, "main")).toThrow();
});

test("the guard off: the same tick writes the key down", async () => {
  pack = testPack(files);
  await runTick(pack.clone, { ann: machine() }, say);
  expect(pack.at("grep", "-F", value, "main")).toContain(value);
});
