// Hostile results, as bytes of a conversation: forged answers of a host. Nothing of them may be taken for one.
import { createHash } from "node:crypto";
import { readEnded, readFacts, readResult, readStart } from "../../../src/remote/answers.ts";
import { readCode } from "../../../src/remote/code.ts";
import { frameReader } from "../../../src/remote/frame.ts";

/** What came of it; it may throw. */
export type Reading = (canary: string) => unknown;

const nonce = "0123456789abcdef";
const other = "f".repeat(16);
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

interface Parts {
  begin?: string;
  with?: string;
  verb?: string;
  job?: string;
  epoch?: string;
  bytes?: string;
  sum?: string;
  gap?: string;
  end?: string;
}
function frame(payload: string, parts: Parts = {}): Buffer {
  const { begin = "\ntowline1", with: by = nonce, verb = "fetch", job = "job", epoch = "1", gap = " " } = parts;
  const { bytes = String(payload.length), sum = sha256(payload), end = `\ntowline1-end ${by}\n` } = parts;
  return Buffer.from(`${[begin, by, verb, job, epoch, bytes, sum].join(gap)}\n${payload}${end}`, "latin1");
}
const read = (...chunks: Buffer[]) => {
  const reader = frameReader(1 << 16);
  reader.expect(nonce);
  return chunks.map((chunk) => reader.push(chunk)?.payload.toString());
};
/** After an answer that was one. */
const later = (chunk: Buffer) => {
  const reader = frameReader(1 << 16);
  reader.expect(nonce);
  reader.push(frame("fine"));
  reader.expect(other);
  return reader.push(chunk)?.payload.toString();
};

export const frames: Record<string, Reading> = {
  "another nonce": (c) => read(frame(c, { with: other })),
  "no nonce": (c) => read(frame(c, { with: "" })),
  "a nonce in capitals": (c) => read(frame(c, { with: nonce.toUpperCase() })),
  "half a nonce": (c) => read(frame(c, { with: nonce.slice(0, 8) })),
  "more than a nonce": (c) => read(frame(c, { with: `${nonce}0` })),
  "the nonce of the answer before": (c) => later(frame(c)),
  "words between two answers": (c) => later(Buffer.from(`${c}\n`)),
  "an end mark with another nonce": (c) => read(frame(c, { end: `\ntowline1-end ${other}\n` })),
  "an end mark without its line": (c) => read(frame(c, { end: ` towline1-end ${nonce}\n` })),
  "no end mark": (c) => read(frame(c, { end: "x".repeat(40) })),
  "a size that is too small": (c) => read(frame(c, { bytes: "3" })),
  "a size that is too large": (c) => read(frame(c, { bytes: "60000" })),
  "a size over all limits": (c) => read(frame(c, { bytes: "999999999999" })),
  "a size below nothing": (c) => read(frame(c, { bytes: "-1" })),
  "a size with a plus": (c) => read(frame(c, { bytes: `+${c.length}` })),
  "a size in hex": (c) => read(frame(c, { bytes: `0x${c.length.toString(16)}` })),
  "a size with a point": (c) => read(frame(c, { bytes: `${c.length}.0` })),
  "another version": (c) => read(frame(c, { begin: "\ntowline2" })),
  "a mark inside a line": (c) => read(frame(c, { begin: "x towline1" })),
  "a verb in capitals": (c) => read(frame(c, { verb: "FETCH" })),
  "a job that is a path": (c) => read(frame(c, { job: "../../x" })),
  "an epoch that is no number": (c) => read(frame(c, { epoch: "1e9" })),
  "half a hash": (c) => read(frame(c, { sum: "ab" })),
  "two gaps": (c) => read(frame(c, { gap: "  " })),
  "tabs for gaps": (c) => read(frame(c, { gap: "\t" })),
  "a head that ends in CR": (c) => read(frame(c, { sum: `${sha256(c)}\r` })),
  "an empty byte in its head": (c) => read(frame(c, { verb: "fet\0ch" })),
  "a head without end": (c) => read(Buffer.from(`\ntowline1 ${nonce} ${c.repeat(9000)}`)),
  "noise without end": (c) => read(Buffer.from(`${c}\n`.repeat(9000))),
  "a forged one within noise": (c) => read(Buffer.concat([Buffer.from("motd\n"), frame(c, { with: other })])),
  "one that comes in pieces and is cut": (c) => read(frame(c).subarray(0, 30), frame(c).subarray(30, -3)),
};

const stream = (name: string, size: number) => `${name} ${size} - ${size} 0`;
function result(canary: string, change: (text: string) => string = (text) => text, rest = `${canary}\n`) {
  const size = canary.length + 1;
  const text = change(
    `format 2\njob j\nepoch 1\nexit 0\nend exited\nstarted 179000000000\ntook 150\nboot b-1\nprogram p\n${stream("out", size)}\n${stream("err", 0)}\n`,
  );
  const hashes = `parts ${sha256(`${canary}\n`)} - - -\n`;
  return readResult(Buffer.from(hashes + text + rest, "latin1"), { job: "j", epoch: 1, sha256: sha256(text) });
}
const part = (name: string, text: string) => `part ${name} ${text.length} ${sha256(text)}`;
const parted = (c: string, line: string, before: string) =>
  result(c, (t) => t.replace("\nout ", `\n${line}\nout `), `${before}${c}\n`);
const facts = (c: string, more: string) =>
  readFacts(
    Buffer.from(
      `identity ${"a".repeat(32)}\nboot b-1\nclock 1790000000\narch x\nslots 1\ncores 4\nload 0.5\nsystem L\nmemory 2 1\ndisk 2 1\n${more.replace("CANARY", c)}\n`,
    ),
    { runtimes: [], slots: 2, before: 1_790_000_000_000, after: 1_790_000_000_000 },
  );
const code = (c: string, lines: string[]) =>
  readCode(
    new Map([
      ["code", Buffer.from(`${lines.join("\n")}\n\n${c}`)],
      ["bundle", Buffer.from(c)],
    ]),
  );
const id = "a".repeat(40);

export const answers: Record<string, Reading> = {
  "the result of another job": (c) => result(c, (t) => t.replace("job j", "job other")),
  "the result of another epoch": (c) => result(c, (t) => t.replace("epoch 1", "epoch 2")),
  "output that was changed": (c) => result(c, undefined, `${c.replace("canary", "Canary")}\n`),
  "output that is cut": (c) => result(c, undefined, c.slice(3)),
  "more output than it has": (c) => result(c, undefined, `${c}\n${c}`),
  "a format to come": (c) => result(c, (t) => t.replace("format 2", "format 3")),
  "an end that there is not": (c) => result(c, (t) => t.replace("end exited", "end won")),
  "an exit that there is not": (c) => result(c, (t) => t.replace("exit 0", "exit 999")),
  "a time that is none": (c) => result(c, (t) => t.replace("took 150", "took -1")),
  "a boot id with a gap": (c) => result(c, (t) => t.replace("boot b-1", `boot $(${c})`)),
  "no description": (c) => result(c, () => c),
  "a description that was changed": (c) =>
    readResult(Buffer.from(`parts - - - -\nformat 2\njob j\nepoch 1\nx ${c}\nerr 0 - 0 0\n`), {
      job: "j",
      epoch: 1,
      sha256: sha256("x"),
    }),
  "a part that was changed": (c) => parted(c, part("outbox", "one"), "two"),
  "a part that is cut": (c) => parted(c, part("outbox", "one".repeat(99)), "one"),
  "a part named twice": (c) => parted(c, `${part("outbox", "one")}\n${part("outbox", "one")}`, "oneone"),
  "a part named like a path": (c) => parted(c, part("../x", "one"), "one"),
  "a job that is a path": (c) => facts(c, "held ../../CANARY 1 2026/11/20 running -"),
  "an epoch without end": (c) => facts(c, "held CANARY 1e9 2026/11/20 running -"),
  "a state that there is not": (c) => facts(c, "held CANARY 1 2026/11/20 CANARY -"),
  "a day that is a path": (c) => facts(c, "held j 1 ../../CANARY ended zz").held,
  "a runtime that nobody asked about": (c) => facts(c, "runtime CANARY").runtimes,
  "a worktree that is a path": (c) => facts(c, `tree ../CANARY ${"a".repeat(16)} 1`).trees,
  "a session that is a path": (c) => facts(c, "session ../CANARY 1").sessions,
  "an answer to a start that there is not": (c) => readStart(Buffer.from(c)),
  "an epoch of a start that is a word": (c) => readStart(Buffer.from(`already ${c}`)),
  "the end of what nobody asked about": (c) => readEnded(Buffer.from(`${c}/1`), [{ job: "j", epoch: 1 }]),
  "work on no commit": (c) => code(c, ["state done", `base ${c}`, `head ${id}`, "commits 1"]),
  "work up to no commit": (c) => code(c, ["state done", `base ${id}`, `head refs/heads/${c}`, "commits 1"]),
  "work in no state": (c) => code(c, [`state ${c}`, `base ${id}`, `head ${id}`, "commits 1"]),
  "work of no number of commits": (c) => code(c, ["state done", `base ${id}`, `head ${id}`, "commits many"]),
  "work without end": (c) => code(c, ["state done", `why ${c.repeat(300)}`]),
};
