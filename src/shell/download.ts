// Downloads what a pack trusts to be run on its machines: bounded in size and time, and never led astray.
import { configuration, messageOf, outside } from "../errors.ts";
import { bodyOf } from "./body.ts";
import { wayOut } from "./way-out.ts";

export interface DownloadOptions {
  /** Most bytes. */
  most: number;
  /** Milliseconds for everything, and for each silence in between. */
  wall?: number;
  silence?: number;
  headers?: Record<string, string>;
  /** Goes to the first address's own server only. */
  token?: string | undefined;
  /** Bytes that the answer must have. */
  size?: number | undefined;
  progress?: ((bytes: number, all: number | undefined) => void) | undefined;
  /** Names the proxy, where there is one. */
  env?: Readonly<Record<string, string | undefined>>;
  /** For tests of servers that cannot be had on loopback. */
  fetch?: typeof globalThis.fetch;
}

const hops = 5;

/** The bytes at an address, or null where there are none (404). Throws a Fault for all else. */
export async function download(address: string, options: DownloadOptions): Promise<Uint8Array | null> {
  const first = new URL(address);
  const stop = new AbortController();
  const end = (why: string) => stop.abort(new Error(why));
  const wall = options.wall ?? 600_000;
  const whole = setTimeout(end, wall, `it took longer than ${wall / 1000} s`);
  const silence = options.silence ?? 30_000;
  let quiet: NodeJS.Timeout | undefined;
  const heard = () => {
    clearTimeout(quiet);
    quiet = setTimeout(end, silence, `nothing came for ${silence / 1000} s`);
  };
  try {
    heard();
    const answer = await follow(first, options, stop.signal);
    if (answer === null) return null;
    return await bytesOf(answer, options, heard);
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "Fault") throw thrown;
    const why = stop.signal.aborted ? messageOf(stop.signal.reason) : reasonOf(thrown);
    throw outside(`${shown(first)} cannot be downloaded: ${why}`, "try again; nothing was changed on any host", thrown);
  } finally {
    clearTimeout(whole);
    clearTimeout(quiet);
    stop.abort(new Error("over"));
  }
}

/** Follows redirects by hand: to https, or on the same server; the token stays at the first one. */
async function follow(first: URL, options: DownloadOptions, signal: AbortSignal): Promise<Response | null> {
  for (let at = first, hop = 0; ; hop++) {
    const own = options.token && at.origin === first.origin ? { authorization: `Bearer ${options.token}` } : {};
    const headers = { "user-agent": "towline", "accept-encoding": "identity", ...options.headers, ...own };
    const fetch = options.fetch ?? (await wayOut(options.env ?? {}, at.href));
    const answer = await fetch(at.href, { headers, redirect: "manual", signal });
    const to = [301, 302, 303, 307, 308].includes(answer.status) ? answer.headers.get("location") : null;
    if (to === null) return settled(at, answer);
    await answer.body?.cancel();
    const next = URL.canParse(to, at.href) ? new URL(to, at.href) : null;
    const safe = next && (next.protocol === "https:" || (at.protocol === "http:" && next.host === at.host));
    if (!next || !safe || next.username || next.password)
      throw outside(
        `${shown(at)} leads to ${next ? `${next.protocol}//${next.host}` : "no address"}, which is not followed`,
        "only https, or the same server, is: name the address that it is really at",
      );
    if (hop === hops) throw outside(`${shown(first)} leads from one address to the next`, "name the last one itself");
    at = next;
  }
}

async function settled(at: URL, answer: Response): Promise<Response | null> {
  if (answer.ok) return answer;
  await answer.body?.cancel();
  if (answer.status === 404 || answer.status === 410) return null;
  const limited = answer.headers.get("x-ratelimit-remaining") === "0" || answer.status === 429;
  if (limited)
    throw outside(`${at.host} has had enough requests for now (${answer.status})`, "try again later, or set a token");
  if (answer.status === 401 || answer.status === 403)
    throw configuration(
      `${shown(at)} is refused (${answer.status})`,
      "name the variable with a token that may read it: releases.….token in towline.yml",
    );
  throw outside(`${shown(at)} answers ${answer.status}`, "try again later; nothing was changed on any host");
}

async function bytesOf(answer: Response, options: DownloadOptions, heard: () => void): Promise<Uint8Array> {
  const said = answer.headers.get("content-length");
  const all = said !== null && /^\d+$/.test(said) ? Number(said) : undefined;
  const tooLarge = () =>
    outside(
      `the download is larger than ${Math.round(options.most / 2 ** 20)} MiB`,
      "is it the right file? A local one can be given with --file",
    );
  if (all !== undefined && all > options.most) throw tooLarge();
  const body = await bodyOf(answer, options.most, tooLarge, (have) => {
    heard();
    if (have <= options.most) options.progress?.(have, all);
  });
  const wanted = options.size ?? all;
  if (wanted !== undefined && body.length !== wanted)
    throw new Error(`it was cut: ${body.length} of ${wanted} bytes came`);
  return body;
}

/** Without a query, which may hold a signature. */
const shown = (address: URL) => `${address.origin}${address.pathname}`;

function reasonOf(thrown: unknown): string {
  const { cause } = thrown as { cause?: { code?: string; message?: string } };
  if (cause?.code === "UND_ERR_SOCKET" || /terminated|closed/.test(messageOf(thrown))) return "it was cut";
  return cause?.code ?? cause?.message ?? messageOf(thrown);
}
