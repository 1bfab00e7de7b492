// Reads one text over HTTP within limits of time and size. What was sent along goes to no other server than was named.
import { digest } from "../core/hash.ts";
import type { HttpSettings } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import { configuration } from "../errors.ts";
import { bodyOf } from "../shell/body.ts";
import { wayOut } from "../shell/way-out.ts";

const max_bytes = 8 << 20;
const max_redirects = 3;

/** Why a source could not be read. The words name neither a secret nor what stands behind the `?` of an address. */
export class SourceFault extends Error {
  /** Not to be asked again before this time (ms). */
  readonly until: number | undefined;
  constructor(message: string, until?: number) {
    super(message);
    this.name = "SourceFault";
    this.until = until;
  }
}

export type Source = Pick<HttpSettings, "name" | "token" | "headers" | "wall" | "every"> & { url: string };

export interface Read {
  /** null: as it was when it had this tag. */
  text: string | null;
  /** What the server tells its versions apart by; "" for nothing. Safe to be written down. */
  tag: string;
}

type Env = Readonly<Record<string, string | undefined>>;

export interface Ask {
  env: Env;
  /** Tag of the version that is known. */
  tag?: string;
  accept: string;
  signal?: AbortSignal;
}

/** The value of a variable that settings name. */
function value(env: Env, name: string, source: Source): string {
  const found = env[name];
  if (!found) throw new SourceFault(`the variable ${name} is empty; it is named for \`${source.name}\``);
  return found;
}

function addressOf(source: Source, env: Env): URL {
  const { url } = source;
  const given = url.startsWith("env:") ? value(env, url.slice(4), source).trim() : url;
  const read = URL.canParse(given) ? new URL(given) : null;
  const loopback = read && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(read.hostname);
  if (!read || (read.protocol !== "https:" && !(loopback && read.protocol === "http:")) || read.username !== "")
    throw configuration(`the address of \`${source.name}\` is no https address`, `give it as https://… in ${url}`);
  return read;
}

/** Throws a SourceFault. */
export async function readSource(source: Source, ask: Ask): Promise<Read> {
  const url = addressOf(source, ask.env);
  const secret = secretsOf(source, ask.env);
  // A tag belongs to one address and one way of asking.
  const asked = digest(source.url, JSON.stringify(source)).slice(0, 8);
  const [before, known] = [ask.tag?.slice(0, 8), ask.tag?.slice(9)];
  const headers = {
    accept: ask.accept,
    "user-agent": "towline",
    ...secret,
    ...(before === asked ? ifOther(known) : {}),
  };
  const limit = AbortSignal.timeout(source.wall * 1000);
  const signal = ask.signal ? AbortSignal.any([limit, ask.signal]) : limit;
  try {
    const answer = await follow(url, headers, { env: ask.env, signal, carries: Object.keys(secret).length > 0 });
    if (answer.status === 304) return { text: null, tag: ask.tag ?? "" };
    const text = await textOf(answer, url);
    return { text, tag: tagOf(answer.headers, asked) };
  } catch (thrown) {
    throw faultOf(thrown, url, { limit, outer: ask.signal, wall: source.wall });
  }
}

export interface Parcel {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  /** The same parcel has the same key. */
  key: string;
  type: string;
  text: string;
}

/** Sends something, once: where there is no answer, nobody knows whether it arrived. Throws a SourceFault. */
export async function sendSource(source: Source, { env, accept, signal: outer }: Ask, parcel: Parcel): Promise<void> {
  const url = addressOf(source, env);
  const headers = {
    ...{ accept, "user-agent": "towline", "content-type": parcel.type, "idempotency-key": parcel.key },
    ...secretsOf(source, env),
  };
  const limit = AbortSignal.timeout(source.wall * 1000);
  const signal = outer ? AbortSignal.any([limit, outer]) : limit;
  try {
    const fetch = await wayOut(env, url.href);
    const body = parcel.text === "" ? undefined : parcel.text;
    const answer = await fetch(url.href, { method: parcel.method, headers, body, signal, redirect: "manual" });
    await answer.body?.cancel();
    if (answer.status >= 300 && answer.status < 400)
      throw new SourceFault(`${url.host} sends elsewhere, which is not followed`);
    if (!answer.ok) throw refusal(answer, url.host);
  } catch (thrown) {
    throw faultOf(thrown, url, { limit, outer, wall: source.wall });
  }
}

function faultOf(
  thrown: unknown,
  { host }: URL,
  { limit, outer, wall }: { limit: AbortSignal; outer: AbortSignal | undefined; wall: number },
): SourceFault {
  if (thrown instanceof SourceFault) return thrown;
  if (outer?.aborted) return new SourceFault("the tick was ended");
  if (limit.aborted) return new SourceFault(`${host} gives no answer within ${wall} s`);
  // fetch() itself never calls the ports of some other services, like 9 or 6000.
  if ((thrown as { cause?: { message?: string } }).cause?.message === "bad port")
    return new SourceFault(
      `${host} was not called: its port belongs to another kind of service, and no web client calls it`,
    );
  const { cause, message } = thrown as { cause?: { code?: string; message?: string }; message?: string };
  return new SourceFault(`${host} gives ${oneLine(cause?.code ?? cause?.message ?? message ?? "no answer", 120)}`);
}

function secretsOf(source: Source, env: Env): Record<string, string> {
  const secret: Record<string, string> = {};
  if (source.token) secret.authorization = `Bearer ${value(env, source.token, source)}`;
  for (const [name, place] of Object.entries(source.headers ?? {})) secret[name] = value(env, place.slice(4), source);
  return secret;
}

const ifOther = (known = ""): Record<string, string> => {
  if (known.startsWith("e ")) return { "if-none-match": known.slice(2) };
  return known.startsWith("m ") ? { "if-modified-since": known.slice(2) } : {};
};

function tagOf(headers: Headers, asked: string): string {
  const plain = (text: string | null) =>
    text && text.length <= 200 && /^[\x21-\x7e][\x20-\x7e]*$/.test(text) ? text : "";
  const [etag, modified] = [plain(headers.get("etag")), plain(headers.get("last-modified"))];
  if (etag !== "") return `${asked} e ${etag}`;
  return modified === "" ? "" : `${asked} m ${modified}`;
}

interface Going {
  env: Env;
  signal: AbortSignal;
  /** Something secret goes along. */
  carries: boolean;
}

async function follow(url: URL, headers: Record<string, string>, { env, signal, carries }: Going): Promise<Response> {
  let at = url;
  for (let hop = 0; hop <= max_redirects; hop++) {
    const fetch = await wayOut(env, at.href);
    const answer = await fetch(at.href, { headers, signal, redirect: "manual" });
    const to = [301, 302, 303, 307, 308].includes(answer.status) ? answer.headers.get("location") : null;
    if (to === null) return answer;
    await answer.body?.cancel();
    const next: URL | null = URL.canParse(to, at.href) ? new URL(to, at.href) : null;
    if (next === null || next.protocol !== at.protocol || next.username !== "")
      throw new SourceFault(`${at.host} sends to an address that is not followed`);
    if (next.origin !== url.origin && (carries || next.protocol !== "https:"))
      throw new SourceFault(
        `${url.host} sends to ${oneLine(next.host, 100)}, which is to get nothing that was meant for ${url.host}`,
      );
    at = next;
  }
  throw new SourceFault(`${url.host} sends from one address to the next without an end`);
}

async function textOf(answer: Response, { host }: URL): Promise<string> {
  if (!answer.ok) {
    await answer.body?.cancel();
    throw refusal(answer, host);
  }
  const tooLarge = () => new SourceFault(`${host} gives more than ${max_bytes >> 20} MiB`);
  return `${await bodyOf(answer, max_bytes, tooLarge)}`;
}

function refusal({ status, headers }: Response, host: string): SourceFault {
  const said = headers.get("retry-after") ?? "";
  const wait = /^\d{1,6}$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  const limited = status === 429 || (status === 503 && wait > 0);
  // Half a day at most: a server that errs must not silence a source for good.
  const until = limited ? Date.now() + Math.min(wait > 0 ? wait : 60_000, 43_200_000) : undefined;
  if (until !== undefined)
    return new SourceFault(
      `${host} asks to be asked later, from ${new Date(until).toISOString().slice(0, 19)}Z`,
      until,
    );
  if (status === 401 || status === 403)
    return new SourceFault(`${host} refuses what was sent to it as a key (${status})`);
  return new SourceFault(`${host} answers ${status}`);
}
