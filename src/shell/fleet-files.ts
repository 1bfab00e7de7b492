// Files on a host, through a conversation with its host program.
import { createHash } from "node:crypto";
import { outside } from "../errors.ts";
import { type FileState, type HostCall, HostFault, type HostFiles } from "../ports.ts";
import { readable } from "../remote/answers.ts";
import type { Frame } from "../remote/frame.ts";
import type { Conversation } from "./fleet-conversation.ts";

const least_piece = 128 << 10;
const most_piece = 4 << 20;
/** A piece that takes longer than this (ms) is followed by smaller ones: the host must be heard of twice a minute. */
const slow = 4000;
const fast = 700;
const max_shown = 1 << 20;
const hash = /^[0-9a-f]{64}$/;

export type Ask = (verb: string, args: (string | number)[], body?: string[], raw?: Uint8Array) => Promise<Frame>;

/** Requests that the host may refuse: that is a Fault, and the conversation goes on. */
export const asking =
  (name: string, conversation: Conversation): Ask =>
  async (verb, args, body = [], raw) => {
    const frame = await conversation.ask({ verb, args, body, ...(raw ? { raw } : {}) });
    const [, why] =
      frame.sha256 === null ? (/^refused (.*)/s.exec(frame.payload.toString("latin1", 0, 400)) ?? []) : [];
    if (why !== undefined) throw outside(`${name}: ${readable(why)}`);
    return frame;
  };

/** Bytes in pieces that are as big as the line is fast. */
export async function stream(ask: Ask, verb: string, bytes: Uint8Array, sent?: (bytes: number) => void): Promise<void> {
  for (let at = 0, piece = least_piece; at < bytes.length; ) {
    const part = bytes.subarray(at, at + piece);
    const from = performance.now();
    await ask(verb, [part.length], [], part);
    const took = performance.now() - from;
    at += part.length;
    sent?.(at);
    if (took < fast) piece = Math.min(most_piece, piece * 2);
    else if (took > slow) piece = Math.max(least_piece >> 3, piece >> 1);
  }
}

export function hostFiles(name: string, conversation: Conversation): HostFiles {
  const ask = asking(name, conversation);
  const lines = async (verb: string, args: (string | number)[], body: string[] = []) => {
    const { payload } = await ask(verb, args, body);
    return payload.toString("latin1").split("\n").filter(Boolean);
  };
  const protocol = (what: string) => new HostFault("protocol", `${name}: no known answer to ${what}`);

  return {
    async state(paths) {
      const told = new Map((await lines("state", [], paths)).map((line) => stateOf(line.split(" "))));
      return new Map(
        paths.map((path) => {
          const state = told.get(path);
          if (!state) throw protocol("state");
          return [path, state];
        }),
      );
    },
    async show(path) {
      const frame = await ask("show", [path, max_shown]);
      if (frame.sha256 === null) return null;
      if (createHash("sha256").update(frame.payload).digest("hex") !== frame.sha256)
        throw new HostFault("protocol", `${name}: ${path} changed while it was read`);
      return frame.payload;
    },
    async put(path, bytes, { mode, was = "-", keep, sent }) {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      await ask("put", [path, mode, bytes.length, sha256, was, keep ? 1 : 0]);
      await stream(ask, "more", bytes, sent);
      await ask("place", []);
    },
    back: async (path, drop = false) => void (await ask("back", [path, drop ? 1 : 0])),
    async remove(paths) {
      return paths.length === 0 ? [] : (await lines("remove", [], paths)).filter((line) => paths.includes(line));
    },
    async call(call) {
      const { payload } = await ask("call", [call.what, call.name, call.limit, ...wordsOf(call)]);
      const text = payload.toString("utf8");
      const code = /^exit (\d{1,3})\n/.exec(text);
      if (!code) throw protocol("call");
      return { exit: Number(code[1]), said: text.slice(code[0].length) };
    },
    async uproot(force, look = false) {
      const said = (await lines("uproot", [force ? 1 : 0, look ? 1 : 0])).map(readable);
      const packs = said.find((line) => line.startsWith("packs "));
      return { packs: packs?.split(" ").slice(1) ?? [], left: said.filter((line) => line !== packs) };
    },
  };
}

function wordsOf(call: HostCall): string[] {
  if (call.what === "npm") return [call.spec, call.scripts ? "scripts" : "-"];
  return call.what === "unnpm" ? [call.spec] : [];
}

function stateOf([path = "", kind, sha256 = "", older = ""]: string[]): [string, FileState] {
  const known = kind === "file" || kind === "dir" || kind === "other" ? kind : "none";
  return [path, { kind: known, sha256: hash.test(sha256) ? sha256 : null, older: hash.test(older) ? older : null }];
}
