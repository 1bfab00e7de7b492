// Any bytes that a host may send: a whole frame, nothing yet, or a HostFault. Never another exception, never a hang.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { HostFault } from "../../src/ports.ts";
import { readEnded, readFacts, readResult, readStart } from "../../src/remote/answers.ts";
import { type Frame, frameReader } from "../../src/remote/frame.ts";
import { times, type Watch, watched } from "./budget.ts";

// A hang limit for the whole, not for one input.
vi.setConfig({ testTimeout: 3_600_000 });

const nonce = "0123456789abcdef";
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const watch: Watch = { worst: 0, input: "" };

/** The answer, or the HostFault's words. Anything else that is thrown is a bug. */
function tried<T>(input: Uint8Array, read: () => T): T | string {
  return watched(watch, Buffer.from(input).toString("latin1"), () => {
    try {
      return read();
    } catch (thrown) {
      if (thrown instanceof HostFault && thrown.kind === "protocol") return thrown.message;
      throw thrown;
    }
  });
}

interface Forged {
  payload: Uint8Array;
  nonce: string;
  length: number;
  sha: string;
  end: string;
  verb: string;
}

const frame = ({ payload, nonce: own, length, sha, end, verb }: Forged) =>
  Buffer.concat([
    Buffer.from(`\ntowline1 ${own} ${verb} job 1 ${length} ${sha}\n`),
    payload,
    Buffer.from(`\ntowline1-end ${end}\n`),
  ]);

const whole = (payload: Uint8Array): Forged => ({
  payload,
  nonce,
  length: payload.length,
  sha: sha256(payload),
  end: nonce,
  verb: "fetch",
});

const noise = fc.constantFrom(
  "",
  "motd\r\n",
  "Last login: now\n",
  "\u001b[31mwelcome\n",
  "\n\n",
  "towline1 x\n",
  `towline1-end ${nonce}\n`,
);
const cuts = fc.array(fc.nat(600), { maxLength: 6 });

function fed(bytes: Buffer, at: number[]): (Frame | null)[] {
  const reader = frameReader(1 << 20);
  reader.expect(nonce);
  const places = [...new Set([0, ...at.filter((one) => one < bytes.length), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, i) => reader.push(bytes.subarray(places[i], end)));
}

describe("frames", () => {
  test("a good one is read whatever came before it and however it is cut; one with a fault never is", () => {
    const forged = fc.record({
      nonce: fc.constantFrom(nonce, nonce, "f".repeat(16), "", "0123456789ABCDEF"),
      more: fc.constantFrom(0, 0, 0, 1, -1, 1e6, 1e12),
      end: fc.constantFrom(nonce, nonce, "f".repeat(16), ""),
      verb: fc.constantFrom("fetch", "fetch", "", "FETCH", "fetch fetch"),
    });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), forged, noise, cuts, (payload, wrong, before, at) => {
        const made = { ...whole(payload), ...wrong, length: payload.length + wrong.more };
        const good = wrong.nonce === nonce && wrong.more === 0 && wrong.end === nonce && wrong.verb === "fetch";
        const bytes = Buffer.concat([Buffer.from(before), frame(made)]);
        const answer = tried(bytes, () => fed(bytes, at).find((one) => one !== null) ?? null);
        if (good) expect(typeof answer === "string" ? answer : answer?.payload).toEqual(Buffer.from(payload));
        else expect(answer === null || typeof answer === "string").toBe(true);
      }),
      { numRuns: times(15_000) },
    );
  });

  test("cut at every byte: nothing before the last one", () => {
    const bytes = Buffer.concat([Buffer.from("motd\n"), frame(whole(Buffer.from("a payload\nof two lines")))]);
    for (let length = 0; length < bytes.length; length++) {
      expect(fed(bytes.subarray(0, length), []).every((one) => one === null)).toBe(true);
      expect(fed(bytes, [length]).at(-1)?.payload.toString()).toBe("a payload\nof two lines");
    }
  });

  test("bytes of any sort, and frames with bytes changed", () => {
    const changed = fc
      .tuple(fc.uint8Array({ maxLength: 80 }), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }))
      .map(([payload, changes]) => {
        const bytes = frame(whole(payload));
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        return bytes as Uint8Array;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), cuts, (bytes, at) => {
        tried(bytes, () => fed(Buffer.from(bytes), at));
      }),
      { numRuns: times(10_000) },
    );
  });

  test("a line of 100 MB is given up early, and a frame of the largest size is read in time", () => {
    const chunk = Buffer.alloc(64 << 10, "x");
    const reader = frameReader(64 << 20);
    reader.expect(nonce);
    let fed = 0;
    expect(() => {
      for (; fed < 1600; fed++) reader.push(chunk);
    }).toThrow(HostFault);
    expect(fed).toBeLessThan(3);
    const big = frameReader(64 << 20);
    big.expect(nonce);
    const size = 64 << 20;
    big.push(Buffer.from(`\ntowline1 ${nonce} fetch job 1 ${size} -\n`));
    for (let at = 0; at < size; at += chunk.length) expect(big.push(chunk)).toBeNull();
    expect(big.push(Buffer.from(`\ntowline1-end ${nonce}\n`))?.payload.length).toBe(size);
  });
});

describe("answers", () => {
  const parts = (texts: string[]) => `parts ${texts.map((text) => (text ? sha256(text) : "-")).join(" ")}\n`;
  const description = (out: string) =>
    `format 1\njob j\nepoch 1\nexit 0\nend exited\nstarted 179000000000\ntook 150\nboot b\nprogram p\nout ${out.length} - ${out.length} 0\nerr 0 - 0 0\n`;
  const facts = `identity ${"a".repeat(32)}\nboot b-1\nclock 1790000000\narch x86_64\nslots 1\ncores 4\nload 0.5\nsystem Linux 6.1\nmemory 2048 1024\ndisk 10 5\nruntime claude\nheld j 2 2026/11/20 running -\n`;
  const start = ["started", "full", "later no room", "already 3", "sealed 4", "refused no room"];
  const changes = fc.array(fc.tuple(fc.nat(700), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from(" \n-0a9/.")))), {
    maxLength: 5,
  });
  const broken = (text: string, list: [number, number][]) => {
    const bytes = Buffer.from(text, "latin1");
    for (const [at, byte] of list) bytes[at % bytes.length] = byte;
    return bytes;
  };

  test("results with bytes changed: the output that the host hashed, or refused", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,40}$/), changes, fc.boolean(), (out, list, honest) => {
        const text = parts([out, "", "", ""]) + description(out) + out;
        const bytes = broken(text, list);
        const first = bytes.indexOf(10);
        const mark = bytes.indexOf("\nerr ");
        const told = mark < 0 ? Buffer.alloc(0) : bytes.subarray(first + 1, bytes.indexOf(10, mark + 1) + 1);
        const sum = sha256(honest ? description(out) : told);
        const answer = tried(bytes, () => readResult(bytes, { job: "j", epoch: 1, sha256: sum }));
        if (typeof answer === "string") return;
        expect([answer.job, answer.epoch]).toEqual(["j", 1]);
        if (honest) expect(Buffer.from(answer.stdout.head).toString("latin1")).toBe(out);
      }),
      { numRuns: times(10_000) },
    );
  });

  test("facts, answers to starts and lists of what ended, with bytes changed", () => {
    const asked = { runtimes: ["claude"], slots: 2, before: 1_790_000_000_500, after: 1_790_000_000_900 };
    fc.assert(
      fc.property(fc.constantFrom(...start), changes, fc.uint8Array({ maxLength: 60 }), (words, list, any) => {
        for (const bytes of [broken(facts, list), any]) {
          const answer = tried(bytes, () => readFacts(bytes, asked));
          if (typeof answer === "string") continue;
          expect(answer.held.every(({ day }) => day === "" || /^\d{4}\/\d\d\/\d\d$/.test(day))).toBe(true);
          expect(answer.held.every(({ job }) => /^[A-Za-z0-9._-]{1,128}$/.test(job))).toBe(true);
          expect(Object.keys(answer.runtimes).every((name) => name === "claude")).toBe(true);
        }
        for (const bytes of [broken(words, list), any]) tried(bytes, () => readStart(bytes));
        const ended = tried(any, () => readEnded(any, [{ job: "j", epoch: 1 }]));
        expect(typeof ended === "string" || ended.length <= 1).toBe(true);
      }),
      { numRuns: times(5000) },
    );
    console.log(`slowest answer ${watch.worst.toFixed(1)} ms`);
  });
});
