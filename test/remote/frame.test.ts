import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readEnded, readFacts, readResult, readStart } from "../../src/remote/answers.ts";
import { frameReader } from "../../src/remote/frame.ts";
import { encodeLaunch, encodeText } from "../../src/remote/request.ts";

const nonce = "0123456789abcdef";
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const framed = (payload: Uint8Array | string, { verb = "fetch", with: other = nonce, bytes = -1 } = {}) => {
  const body = Buffer.from(payload);
  const length = bytes < 0 ? body.length : bytes;
  const header = `\ntowline1 ${other} ${verb} job 1 ${length} ${sha256(body)}\n`;
  return Buffer.concat([Buffer.from(header), body, Buffer.from(`\ntowline1-end ${other}\n`)]);
};
const reading = (max = 1 << 20) => {
  const reader = frameReader(max);
  reader.expect(nonce);
  return reader;
};

describe("frames", () => {
  test("are read however they are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(400), { maxLength: 8 }), (payload, cuts) => {
        const bytes = Buffer.concat([Buffer.from("motd\r\nlast login\n"), framed(payload)]);
        const reader = reading();
        const at = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b);
        const frames = at.slice(1).map((end, i) => reader.push(bytes.subarray(at[i], end)));
        expect(frames.slice(0, -1).every((frame) => frame === null)).toBe(true);
        expect(frames.at(-1)).toMatchObject({ verb: "fetch", job: "job", epoch: "1", sha256: sha256(payload) });
        expect(Buffer.from(frames.at(-1)?.payload ?? "")).toEqual(Buffer.from(payload));
      }),
    );
  });

  test("may hold what looks like frames", () => {
    const inner = Buffer.concat([framed("forged"), framed("forged", { with: "f".repeat(16) })]);
    expect(reading().push(framed(inner))?.payload).toEqual(inner);
  });

  test("follow each other, each with its own nonce", () => {
    const reader = reading();
    expect(reader.push(framed("one"))?.payload.toString()).toBe("one");
    reader.expect("f".repeat(16));
    expect(reader.push(framed("two", { with: "f".repeat(16) }))?.payload.toString()).toBe("two");
  });

  test.each([
    [
      "an answer to another request",
      () => {
        const reader = reading();
        reader.push(framed("one"));
        reader.expect("f".repeat(16));
        return reader.push(framed("one"));
      },
      "another request",
    ],
    [
      "words out of turn",
      () => {
        const reader = reading();
        reader.push(framed("one"));
        return reader.push(Buffer.from("surprise\n"));
      },
      "out of turn",
    ],
    ["a size that is too small", () => reading().push(framed("payload", { bytes: 3 })), "no end mark"],
    ["a size over the limit", () => reading(10).push(framed("x".repeat(11))), "announces 11"],
    ["noise without end", () => reading().push(Buffer.alloc(70_000, "x")), "no beginning"],
    ["many lines of noise", () => reading().push(Buffer.from("noise\n".repeat(20_000))), "too much"],
  ])("refuse %s", (_, act, message) => expect(act).toThrow(message));

  test("are not whole while something is missing, and a wrong nonce is only noise", () => {
    const whole = framed("payload");
    expect(reading().push(whole.subarray(0, -1))).toBeNull();
    const reader = reading();
    expect(reader.push(framed("replayed", { with: "f".repeat(16) }))).toBeNull();
    expect(reader.untouched()).toBe(true);
  });
});

describe("results", () => {
  const line = (name: string, head: string, tail: string, bytes = head.length) =>
    `${name} ${bytes} ${tail ? "a".repeat(64) : "-"} ${head.length} ${tail.length}`;
  const parts = (...texts: string[]) => `parts ${texts.map((text) => (text ? sha256(text) : "-")).join(" ")}\n`;
  const result = ({ job = "j", epoch = 1, end = "exited", exit = "0", out = line("out", "hi\n", "") } = {}) =>
    `format 1\njob ${job}\nepoch ${epoch}\nexit ${exit}\nend ${end}\nstarted 179000000000\ntook 150\nboot b-1\nprogram p\n${out}\n${line("err", "", "")}\n`;
  const read = (text: string, rest: string, hashes = parts("hi\n", "", "", "")) =>
    readResult(Buffer.from(hashes + text + rest, "latin1"), { job: "j", epoch: 1, sha256: sha256(text) });

  test("are read whole", () => {
    expect(read(result(), "hi\n")).toMatchObject({
      exit: 0,
      signal: null,
      end: "exited",
      started_at: "2026-09-21T14:13:20.000Z",
      ended_at: "2026-09-21T14:13:21.500Z",
      took: 1.5,
      stdout: { bytes: 3, sha256: sha256("hi\n") },
    });
    expect(read(result({ exit: "143" }), "hi\n")).toMatchObject({ exit: null, signal: "SIGTERM" });
    expect(read(result({ exit: "255" }), "hi\n")).toMatchObject({ exit: 255, signal: null });
    expect(read(result({ exit: "124" }), "hi\n")).toMatchObject({ exit: 124, signal: null, end: "exited" });
    const cut = result({ out: line("out", "ab", "yz", 1e9) });
    const { stdout } = read(cut, "abyz", parts("ab", "yz", "", ""));
    expect([stdout.bytes, Buffer.from(stdout.head).toString(), Buffer.from(stdout.tail).toString()]).toEqual([
      1e9,
      "ab",
      "yz",
    ]);
  });

  test.each([
    ["another job", result({ job: "other" }), "hi\n", "another job"],
    ["another epoch", result({ epoch: 2 }), "hi\n", "another job"],
    ["altered output", result(), "ho\n", "altered"],
    ["missing output", result(), "hi", "altered"],
    ["more than announced", result(), "hi\nmore", "more than"],
    ["an unknown end", result({ end: "won" }), "hi\n", "no known end"],
    ["no description", "rubbish", "", "no description"],
  ])("refuse %s", (_, text, rest, message) => expect(() => read(text, rest)).toThrow(message));

  describe("parts", () => {
    const parted = (...lines: string[]) =>
      result()
        .replace("\nout ", `\n${lines.join("\n")}\nout `)
        .replace("format 1", "format 2");
    const part = (name: string, text: string) => `part ${name} ${text.length} ${sha256(text)}`;

    test("are read by name, before the streams", () => {
      const { parts: read_parts, stdout } = read(parted(part("outbox", "one"), part("code", "two\n")), "onetwo\nhi\n");
      expect([...(read_parts ?? [])].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([
        ["outbox", "one"],
        ["code", "two\n"],
      ]);
      expect(Buffer.from(stdout.head).toString()).toBe("hi\n");
    });

    test.each([
      ["altered", [part("outbox", "one")], "onehi\n".replace("one", "two"), "altered"],
      ["cut", [part("outbox", "one".repeat(9))], "onehi\n", "altered"],
      ["named twice", [part("outbox", "one"), part("outbox", "one")], "oneonehi\n", "no valid name"],
      ["named like a path", [part("../x", "one")], "onehi\n", "no valid name"],
      ["without a size", ["part outbox x y"], "onehi\n", "size of a part"],
    ])("%s are refused", (_, lines, rest, message) => expect(() => read(parted(...lines), rest)).toThrow(message));
  });

  test("refuse a description that was altered", () =>
    expect(() => readResult(Buffer.from(`${result()}hi\n`), { job: "j", epoch: 1, sha256: sha256("x") })).toThrow(
      "hash",
    ));
});

describe("other answers", () => {
  const asked = { runtimes: ["claude"], slots: 2, before: 1_790_000_000_500, after: 1_790_000_000_900 };
  const facts = (more = "", clock = 1_790_000_000) =>
    `identity ${"a".repeat(32)}\nboot b-1\nclock ${clock}\narch x86_64\nslots 1\ncores 4\nload 0.5\nsystem Linux 6.1\u001b[31m\nmemory 2048 1024\ndisk 10 5\nruntime claude\nruntime evil\n${more}`;

  test("facts are typed, cut and limited to what was asked", () => {
    const read = readFacts(Buffer.from(facts("held j 2 2026/11/20 running -\n")), asked);
    expect(read).toMatchObject({
      skew: 0,
      cores: 4,
      load: 0.5,
      memory: { total: 2 << 20 },
      slots: { total: 2, used: 1 },
    });
    expect(read.runtimes).toEqual({ claude: "" });
    expect(read.system).toBe("Linux 6.1[31m");
    expect(read.held).toEqual([{ job: "j", epoch: 2, day: "2026/11/20", state: "running" }]);
    expect(readFacts(Buffer.from(facts("", 1_790_000_000 + 3600)), asked).skew).toBe(3599);
    expect(readFacts(Buffer.from(facts("", 1_790_000_000 - 86_400)), asked).skew).toBe(-86_398);
  });

  test.each([
    ["held ../../etc/passwd 1 2026/11/20 running -", "valid name"],
    ["held j 1e9 2026/11/20 running -", "valid epoch"],
    ["held j 1 2026/11/20 asleep -", "no known state"],
  ])("facts refuse %s", (line, message) => expect(() => readFacts(Buffer.from(facts(line)), asked)).toThrow(message));

  test("a day that is none is left empty, answers to a start are known ones, ends only of what was asked", () => {
    const marks = ["running - silent", "running - loud", "ended - silent", "running silent"].map((end) =>
      readFacts(Buffer.from(facts(`held j 1 2026/11/20 ${end}`)), asked).held.map(({ silent }) => silent ?? false),
    );
    expect(marks.flat()).toEqual([true, false, false, false]);
    expect(readFacts(Buffer.from(facts("held j 1 ../../x ended zz")), asked).held).toEqual([
      { job: "j", epoch: 1, day: "", state: "ended" },
    ]);
    expect(readStart(Buffer.from("already 3"))).toEqual({ state: "already", epoch: 3 });
    expect(readStart(Buffer.from("refused no\u0007 room"))).toEqual({ state: "refused", why: "no room" });
    expect(() => readStart(Buffer.from("sure"))).toThrow("no known answer");
    expect(
      readEnded(Buffer.from("a/1 b/2 c/1"), [
        { job: "a", epoch: 1 },
        { job: "b", epoch: 1 },
      ]),
    ).toEqual([{ job: "a", epoch: 1 }]);
  });
});

describe("requests", () => {
  test("any text becomes short printable lines that printf reads back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        const lines = encodeText(text);
        expect(lines.every((line) => /^\+[\x20-\x7e]+$/.test(line) && line.length < 8100)).toBe(true);
        const read = lines
          .map((line) => line.slice(1))
          .join("")
          .replace(/\\(\\|n|0[0-7]{3})/g, (_, code) =>
            code === "\\" ? "\\" : code === "n" ? "\n" : String.fromCharCode(Number.parseInt(code, 8)),
          );
        expect(Buffer.from(read, "latin1").toString("utf8")).toBe(Buffer.from(text, "utf8").toString("utf8"));
      }),
    );
  });

  test.each(["../x", "/etc/x", "a/../b", "-rf", "a//b", "a b", "", "a\nb", ".", ".."])(
    "refuse the file name %j",
    (name) =>
      expect(() => encodeLaunch({ launch: { files: { [name]: "" }, secret: [], command: "true" } })).toThrow(
        "cannot be the name",
      ),
  );
});
