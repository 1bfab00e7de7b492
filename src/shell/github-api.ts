// GitHub's API within one time budget: what it answers is checked, what it refuses is put in words, and nothing that
// changes something is sent twice.
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import type { z } from "zod";
import { oneLine } from "../core/text.ts";
import { guarded } from "./github-fetch.ts";

const Client = Octokit.plugin(throttling, retry);

/** Milliseconds before the second try; the third waits four times as long. */
const retry_base = 250;
const retries = 2;
const max_pages = 10;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Why something could not be read or done. The words name no secret: they go into the ledger. */
export class ApiFault extends Error {
  /** `repo`: this part of this repository only. `source`: GitHub as a whole, as far as one can tell. */
  readonly scope: "repo" | "source";
  readonly status: number | undefined;
  /** Not to be asked again before this time (ms). */
  readonly until: number | undefined;
  constructor(message: string, scope: "repo" | "source", more: { status?: number; until?: number } = {}) {
    super(message);
    this.name = "ApiFault";
    this.scope = scope;
    this.status = more.status;
    this.until = more.until;
  }
}

export type Rest = InstanceType<typeof Client>["rest"];
type Answer = { data: unknown; headers: { link?: string; etag?: string } };
type Fetch = typeof fetch;

export interface Api {
  /** One thing. `what` says in a fault what could not be read. Throws ApiFault. */
  get<T>(what: string, call: (rest: Rest) => Promise<Answer>, shape: z.ZodType<T>): Promise<T>;
  /** One page, asked for with the tag that it had; null: it is as it was then. `more`: another page follows. */
  tagged<T>(
    what: string,
    call: (rest: Rest) => Promise<Answer>,
    shape: z.ZodType<T>,
  ): Promise<{ value: T; tag: string; more: boolean } | null>;
  /**
   * All pages of a list. A list that does not end, or is over ten pages, is a fault: half a list is none. `first`: its
   * first page, where that was read already.
   */
  list<T extends { id: string }>(
    what: string,
    call: (rest: Rest, page: number) => Promise<Answer>,
    shape: z.ZodType<T[]>,
    first?: readonly T[],
  ): Promise<T[]>;
  /** One question in GraphQL. Half an answer is none. */
  query<T>(what: string, text: string, variables: Record<string, unknown>, shape: z.ZodType<T>): Promise<T>;
  /** Ends what is under way, and all timers. */
  close(): void;
}

export interface ApiOptions {
  url: string;
  token: string;
  /** Name of the variable that the token came from, for words. */
  variable: string;
  /** Seconds for everything together. */
  wall: number;
  signal?: AbortSignal;
  /** false: writes come without a pause between them. */
  paced?: boolean | undefined;
  /** How requests leave this machine. */
  fetch?: Fetch;
}

export function createApi(options: ApiOptions): Api {
  const deadline = Date.now() + options.wall * 1000;
  // Aborted without a reason: only that is never tried again.
  const stop = new AbortController();
  const end = () => stop.abort();
  const timer = setTimeout(end, options.wall * 1000);
  options.signal?.addEventListener("abort", end, { once: true });
  if (options.signal?.aborted) end();
  let fatal: ApiFault | null = null;
  const client = new Client({
    auth: options.token,
    baseUrl: options.url,
    userAgent: "towline",
    log: silent,
    request: { fetch: guarded(new URL(options.url).origin, options.fetch ?? fetch), signal: stop.signal, log: silent },
    // Not as `request.retries`: with that one, the plugin would also try again what is refused for good.
    retry: { retries, doNotRetry: [400, 401, 403, 404, 410, 422, 429, 451], retryAfterBaseValue: retry_base },
    throttle: {
      enabled: options.paced !== false,
      id: `towline ${options.url}`,
      // An empty quota is left to the next tick; being too fast is waited out once, when there is time.
      onRateLimit: () => false,
      onSecondaryRateLimit: (after: number, _options: object, _octokit: object, count: number) =>
        count === 0 && Date.now() + after * 1000 < deadline,
    },
  });
  client.hook.before("request", (request) => {
    // It may have been done although no answer came: who sent it looks, and then decides.
    if (request.method === "POST" && !request.url.endsWith("/graphql"))
      request.request = { ...request.request, retries: 0 };
  });
  const ask = async (what: string, call: (client: Octokit) => Promise<Answer>): Promise<Answer> => {
    try {
      if (fatal) throw fatal;
      return await call(client);
    } catch (thrown) {
      const fault: ApiFault = fatal ?? faultOf(thrown, what, stop.signal, options);
      // Asking on with a refused token or an empty quota is what gets clients banned.
      if (fault.status === 401 || fault.until !== undefined) {
        fatal = fault;
        end();
      }
      throw fault;
    }
  };
  return {
    get: async (what, call, shape) => checked(what, (await ask(what, ({ rest }) => call(rest))).data, shape),
    tagged: async (what, call, shape) => {
      const answer = await ask(what, ({ rest }) => call(rest).catch(asItWas));
      if (answer === as_it_was) return null;
      const { etag = "", link = "" } = answer.headers;
      return { value: checked(what, answer.data, shape), tag: etag, more: hasNext(link) };
    },
    list: async (what, call, shape, first) =>
      listed(what, (page) => ask(what, ({ rest }) => call(rest, page)), shape, first),
    query: async (what, text, variables, shape) =>
      checked(what, (await ask(what, graphql(options.url, text, variables))).data, shape),
    close: () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", end);
    },
  };
}

const as_it_was: Answer = { data: null, headers: {} };

function asItWas(thrown: { status?: number }): Answer {
  if (thrown.status === 304) return as_it_was;
  throw thrown;
}

const hasNext = (link: string) => /rel="?next"?/.test(link);

/** A company's own server has it beside the path of its REST API. */
const graphql = (url: string, query: string, variables: Record<string, unknown>) => async (client: Octokit) => {
  const { data, headers } = await client.request({
    method: "POST",
    baseUrl: url.replace(/\/api\/v3$/, "/api"),
    url: "/graphql",
    query,
    variables,
  });
  const { errors, data: found } = (data ?? {}) as { errors?: { message?: unknown }[]; data?: unknown };
  if (errors?.length) throw new TypeError(`an answer with a fault: ${String(errors[0]?.message ?? "")}`);
  return { data: found, headers };
};

async function listed<T extends { id: string }>(
  what: string,
  ask: (page: number) => Promise<Answer>,
  shape: z.ZodType<T[]>,
  first: readonly T[] = [],
): Promise<T[]> {
  const found = new Map(first.map((one) => [one.id, one]));
  for (let page = first.length > 0 ? 2 : 1; page <= max_pages; page++) {
    const { data, headers } = await ask(page);
    const before = found.size;
    for (const one of checked(what, data, shape)) found.set(one.id, one);
    // Numbers of pages are counted here, so no link of the server's can lead in a circle or away.
    if (!hasNext(headers.link ?? "")) return [...found.values()];
    if (found.size === before) throw new ApiFault(`${what}: page ${page} brings nothing new and names another`, "repo");
  }
  throw new ApiFault(`${what}: more than ${max_pages} pages, which is more than is read`, "repo");
}

function checked<T>(what: string, data: unknown, shape: z.ZodType<T>): T {
  const read = shape.safeParse(data);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new ApiFault(
    `${what}: the answer is not what GitHub's would be (${issue?.path.join(".") || "the whole"}: ${issue?.message})`,
    "source",
  );
}

interface Thrown {
  status?: number;
  message?: string;
  request?: { method?: string };
  cause?: { message?: string; cause?: { code?: string; message?: string } };
  response?: { headers?: Record<string, string | undefined>; data?: unknown };
}

function faultOf(thrown: unknown, what: string, signal: AbortSignal, options: ApiOptions): ApiFault {
  if (thrown instanceof ApiFault) return thrown;
  const { response, status, cause, message, request } = thrown as Thrown;
  const read = (request?.method ?? "GET") === "GET";
  if (!response) {
    if (signal.aborted)
      return new ApiFault(
        options.signal?.aborted ? `${what}: the tick was ended` : `${what}: no answer within ${options.wall} s`,
        "source",
      );
    const inner = cause?.cause?.code ?? cause?.cause?.message ?? cause?.message ?? message ?? "no answer";
    return new ApiFault(`${what}: ${new URL(options.url).host} gives ${oneLine(inner, 120)}`, "source");
  }
  const said = oneLine(String((response.data as { message?: unknown } | null)?.message ?? ""), 120);
  const limit = limitOf(response.headers ?? {}, status, said);
  if (limit) return new ApiFault(limit.words, "source", { status, until: limit.until });
  if (status === 401) return new ApiFault(`the token in ${options.variable} is refused (401)`, "source", { status });
  if (status === 403)
    return new ApiFault(
      `${what}: the token in ${options.variable} may not ${read ? "read it" : "do it"} (403 ${said})${lacking(response.headers ?? {})}`,
      "repo",
      { status },
    );
  if (status === 404)
    return new ApiFault(`${what}: not to be seen (404): it is not there, or the token has no right to it`, "repo", {
      status,
    });
  const scope = (status ?? 500) >= 500 ? "source" : "repo";
  return new ApiFault(`${what}: ${status} ${said}`.trim(), scope, { status });
}

/** The permission that would do, as GitHub names it. */
function lacking(headers: Record<string, string | undefined>): string {
  const named = oneLine(headers["x-accepted-github-permissions"] ?? "", 80);
  return named === "" ? "" : `; it needs ${named}`;
}

/** Both kinds of rate limit, with the time from which GitHub wants to be asked again. */
function limitOf(
  headers: Record<string, string | undefined>,
  status: number | undefined,
  said: string,
): { words: string; until: number } | null {
  if (status !== 403 && status !== 429) return null;
  const after = Number(headers["retry-after"]);
  const reset = Number(headers["x-ratelimit-reset"]) * 1000;
  const at = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  if (headers["x-ratelimit-remaining"] === "0" && reset > 0)
    return { words: `the hour's requests are used up; they come back at ${at(reset)}`, until: reset };
  if (after > 0 || status === 429 || /secondary rate/i.test(said)) {
    const until = Date.now() + (after > 0 ? after : 60) * 1000;
    return { words: `asked to go slower; to be asked again from ${at(until)}`, until };
  }
  return null;
}
