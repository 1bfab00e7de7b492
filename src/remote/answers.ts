// What a host says, checked: every field has a shape and a limit, and nothing in it is believed further than that.
import { createHash } from "node:crypto";
import { constants } from "node:os";
import { type HeldJob, type HostFacts, HostFault, type RawResult, type RawStream, type StartAnswer } from "../ports.ts";

import { readCode } from "./code.ts";

const fault = (message: string) => new HostFault("protocol", message);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const job_name = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const hash = /^[0-9a-f]{64}$/;
const max_lines = 20_000;

const words = (payload: Uint8Array): string[][] => {
  const lines = Buffer.from(payload).toString("latin1").split("\n", max_lines);
  return lines.map((line) => line.trim().split(/\s+/));
};

function count(word: string | undefined, what: string, most = 1e15): number {
  if (!word || !/^\d{1,16}$/.test(word) || Number(word) > most) throw fault(`the host names no valid ${what}`);
  return Number(word);
}

function token(word: string | undefined, what: string): string {
  if (!word || !/^[A-Za-z0-9._-]{1,128}$/.test(word)) throw fault(`the host names no valid ${what}`);
  return word;
}

/** `before` and `after`: our clock in ms around the call. `slots`: as the host record says. */
export function readFacts(
  payload: Uint8Array,
  asked: { runtimes: string[]; slots: number; before: number; after: number },
): HostFacts {
  const lines = words(payload);
  if (lines[0]?.join(" ") === "refused pack")
    throw fault("the pack's id is the name of a folder that the host program keeps for itself: choose another `id`");
  const of = (key: string) => lines.find((line) => line[0] === key) ?? [];
  const clock = count(of("clock")[1], "time", 1e11) * 1000;
  // The host says whole seconds and may count on from an older look: a difference that this explains is none.
  const early = (clock - asked.after) / 1000;
  const late = (clock + 2000 - asked.before) / 1000;
  const kilobytes = (key: string) => ({
    total: count(of(key)[1], key) * 1024,
    free: count(of(key)[2], key) * 1024,
  });
  const load = Number(of("load")[1]);
  if (!Number.isFinite(load) || load < 0) throw fault("the host names no valid load");
  return {
    identity: token(of("identity")[1], "identity"),
    boot: token(of("boot")[1], "boot id"),
    skew: early > 0 ? Math.round(early) : late < 0 ? Math.round(late) : 0,
    cores: Math.max(1, count(of("cores")[1], "number of cores", 1e5)),
    load,
    memory: kilobytes("memory"),
    disk: kilobytes("disk"),
    arch: token(of("arch")[1], "architecture"),
    system: of("system")
      .slice(1)
      .join(" ")
      .replace(/[^\x20-\x7e]/g, "")
      .slice(0, 100),
    slots: { total: asked.slots, used: count(of("slots")[1], "slots", 1e6) },
    ...readAllow(lines),
    runtimes: Object.fromEntries(
      lines
        .filter(([key, name]) => key === "runtime" && asked.runtimes.includes(name ?? ""))
        .map(([, name]) => [name, ""]),
    ),
    held: lines.filter(([key]) => key === "held").map(readHeld),
    ...readTrees(lines.filter(([key]) => key === "tree")),
    ...(of("trees").length > 0 ? { stand: count(of("trees")[1], "worktrees", 1e6) } : {}),
    ...(of("lacks")[1] === "git" ? { git: false } : {}),
    ...readSessions(lines.filter(([key]) => key === "session")),
  };
}

/** What is no worktree with a job's name is left out: nothing could be done with it. */
function readTrees(lines: string[][]): Pick<HostFacts, "trees"> {
  const trees = lines.flatMap(([, job = "", mirror = "", used]) =>
    job_name.test(job) && /^[0-9a-f]{16,64}$/.test(mirror) ? [{ job, mirror, used: count(used, "time", 1e11) }] : [],
  );
  return trees.length > 0 ? { trees } : {};
}

function readSessions(lines: string[][]): Pick<HostFacts, "sessions"> {
  const sessions = lines.flatMap(([, job = "", used]) =>
    job_name.test(job) ? [{ job, used: count(used, "time", 1e11) }] : [],
  );
  return sessions.length > 0 ? { sessions } : {};
}

/** What the host's owner allows; nothing where they set no limits. */
function readAllow(lines: string[][]): Pick<HostFacts, "allow"> {
  const said = lines.filter(([key]) => key === "allow");
  if (said.length === 0) return {};
  const of = (key: string) => said.find((line) => line[1] === key)?.slice(2) ?? [];
  const names = (key: string) =>
    of(key)
      .slice(0, 1000)
      .map((word) => token(word, "name in its allow file"));
  const [slots] = of("slots");
  const amiss = readable(of("amiss").join(" "));
  return {
    allow: {
      packs: names("packs"),
      runtimes: names("runtimes"),
      slots: slots === undefined || slots === "-" ? null : count(slots, "slots"),
      amiss: amiss || null,
    },
  };
}

function readHeld([, job, epoch, day, state, sum, ...marks]: string[]): HeldJob {
  if (!job || !job_name.test(job)) throw fault("the host holds a job without a valid name");
  const foreign = /^format-(\d{1,6})$/.exec(state ?? "")?.[1];
  if (foreign)
    throw fault(
      `the host holds ${job} in format ${foreign}, which a newer towline wrote: update this one to collect it`,
    );
  if (state !== "running" && state !== "ended" && state !== "died")
    throw fault("the host holds a job in no known state");
  return {
    job,
    epoch: count(epoch, "epoch"),
    day: day && /^\d{4}\/\d\d\/\d\d$/.test(day) ? day : "",
    state,
    ...(sum && hash.test(sum) ? { sha256: sum } : {}),
    ...(state === "running" && marks.includes("silent") ? { silent: true } : {}),
    ...(state === "running" && marks.includes("hears") ? { hears: true } : {}),
  };
}

export function readStart(payload: Uint8Array): StartAnswer {
  const text = Buffer.from(payload).toString("utf8");
  const [state, epoch] = text.split(" ");
  if (state === "started" || state === "full") return { state };
  if (state === "already" || state === "sealed") return { state, epoch: count(epoch, "epoch") };
  if (state === "forbidden") return { state, why: readable(text.slice(10)) };
  if (state === "later") return { state, why: readable(text.slice(6)) };
  if (state === "refused") return { state, why: readable(text.slice(8)) };
  throw fault("the host gave no known answer to a start");
}

/** `job/epoch` words, only of those that were asked about. */
export function readEnded(payload: Uint8Array, asked: { job: string; epoch: number }[]) {
  const ended = new Set(Buffer.from(payload).toString("latin1").split(/\s+/));
  return asked.filter(({ job, epoch }) => ended.has(`${job}/${epoch}`)).map(({ job, epoch }) => ({ job, epoch }));
}

/** Ids of messages that a run was shown, after a word for how it stands; only of those that were told. */
export function readShown(payload: Uint8Array, told: readonly { id: string }[]): string[] {
  const [, ...shown] = Buffer.from(payload).toString("latin1").split(/\s+/);
  return told.flatMap(({ id }) => (shown.includes(id) ? id : []));
}

/** Text of a host as one printable line. */
export const readable = (text: string) =>
  text
    .replace(/[^\x21-\x7e]+/g, " ")
    .trim()
    .slice(0, 300);

const iso = (hundredths: number) => new Date(hundredths * 10).toISOString();

const signals = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** A shell says 128 + n when a signal ended the process; a program that exits so by itself means the same. */
function ending(word: string | undefined): { exit: number | null; signal: string | null } {
  if (word === "-") return { exit: null, signal: null };
  const code = count(word, "exit code", 255);
  const signal = code > 128 ? signals.get(code - 128) : undefined;
  return signal ? { exit: null, signal } : { exit: code, signal: null };
}

/**
 * Reads a fetched result: a line with the hashes of the streams, a description in lines (its hash is the announced one),
 * then the parts that it names, out (head, tail) and err (head, tail).
 */
export function readResult(payload: Uint8Array, expected: { job: string; epoch: number; sha256: string }): RawResult {
  const first = payload.indexOf(10);
  const [, ...hashes] = words(payload.subarray(0, Math.max(0, first)))[0] ?? [];
  const bytes = Buffer.from(payload.subarray(first + 1));
  const mark = bytes.indexOf("\nerr ");
  const end = mark < 0 ? -1 : bytes.indexOf(10, mark + 1);
  if (end < 0 || end > 4096) throw fault("the host's result has no description");
  const description = bytes.subarray(0, end + 1);
  if (sha256(description) !== expected.sha256) throw fault("the host's result does not have the announced hash");
  const lines = words(description);
  const of = (key: string) => lines.find((line) => line[0] === key) ?? [];
  // 1: without parts.
  if (!["1", "2"].includes(of("format")[1] ?? "")) throw fault("the host's result has an unknown format");
  if (of("job")[1] !== expected.job || of("epoch")[1] !== String(expected.epoch))
    throw fault("the host answered for another job");
  const how = of("end")[1];
  if (how !== "exited" && how !== "timeout" && how !== "cancelled" && how !== "died")
    throw fault("the host's result has no known end");
  const started = count(of("started")[1], "start", 1e14);
  const took = count(of("took")[1], "duration", 1e12);
  const { parts, rest } = readParts(
    bytes.subarray(end + 1),
    lines.filter(([key]) => key === "part"),
  );
  const [stdout, stderr] = readStreams(rest, of("out"), of("err"), hashes);
  return {
    job: expected.job,
    epoch: expected.epoch,
    ...(how === "died" ? { exit: null, signal: null } : ending(of("exit")[1])),
    end: how,
    started_at: iso(started),
    ended_at: iso(started + took),
    took: took / 100,
    boot: token(of("boot")[1], "boot id"),
    program: token(of("program")[1], "program"),
    stdout,
    stderr,
    ...(parts.size > 0 ? { parts } : {}),
    ...codeOf(parts),
    sha256: expected.sha256,
  };
}

function codeOf(parts: ReadonlyMap<string, Uint8Array>): Pick<RawResult, "code"> {
  const code = readCode(parts);
  return code ? { code } : {};
}

/** A line says: part · name · bytes · sha256. They come in the order of their lines. */
function readParts(rest: Buffer, lines: string[][]): { parts: Map<string, Uint8Array>; rest: Buffer } {
  const parts = new Map<string, Uint8Array>();
  let at = 0;
  for (const [, name = "", size, sum] of lines) {
    if (!/^[a-z]{1,32}$/.test(name) || parts.has(name)) throw fault("the host's result has no valid name of a part");
    const bytes = rest.subarray(at, at + count(size, "size of a part"));
    at += bytes.length;
    if (bytes.length !== Number(size) || sha256(bytes) !== sum) throw fault("a part of the host's result was altered");
    parts.set(name, bytes);
  }
  return { parts, rest: rest.subarray(at) };
}

/** A line says: bytes · sha256 of all, or - when the head is all · bytes of the head · of the tail. */
function readStreams(rest: Buffer, out: string[], err: string[], hashes: string[]): [RawStream, RawStream] {
  let at = 0;
  const part = (length: number, wanted: string | undefined) => {
    const bytes = rest.subarray(at, at + length);
    at += length;
    if (bytes.length !== length || (length === 0 ? wanted !== "-" : sha256(bytes) !== wanted))
      throw fault("a stream of the host's result was altered");
    return bytes;
  };
  const stream = (line: string[], head: string | undefined, tail: string | undefined): RawStream => {
    const kept = part(count(line[3], "size"), head);
    const all = line[2] === "-" ? sha256(kept) : token(line[2], "hash");
    return { bytes: count(line[1], "size"), sha256: all, head: kept, tail: part(count(line[4], "size"), tail) };
  };
  const streams: [RawStream, RawStream] = [stream(out, hashes[0], hashes[1]), stream(err, hashes[2], hashes[3])];
  if (at !== rest.length) throw fault("the host's result has more than it announced");
  return streams;
}
