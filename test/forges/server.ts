// A server that speaks as much of GitHub's API as the forge asks for, over a bare repository, and fails as it is told to:
// for what GitHub's stand-in has not, and for bad days.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { git } from "../repo/origin.ts";

export interface Bad {
  /** Of `METHOD /path`. */
  on: RegExp;
  /** How often; without it, always. */
  times?: number;
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** `cut`: half an answer. `lost`: it is done, and no answer comes. `never`: silence. */
  how?: "cut" | "lost" | "never";
}

type Json = Record<string, unknown>;
export interface Account {
  id: number;
  login: string;
  type?: string;
  may?: string;
}
export interface Pull {
  number: number;
  title: string;
  body: string;
  ref: string;
  base: string;
  state: "open" | "closed";
  merged_at: string | null;
  /** Who merged or closed it; without a word bob. */
  by?: Account | null;
  author?: Account;
  /** Where its branch was last. */
  sha?: string;
  fork?: boolean;
}
interface Said {
  on: number;
  row: Json;
}

export const bot: Account = { id: 900, login: "towline-bot" };
const actions_bot: Account = { id: 41898282, login: "github-actions[bot]", type: "Bot" };

export interface Hub {
  url: string;
  asked: string[];
  tokens: (string | undefined)[];
  pulls: Pull[];
  issues: Json[];
  comments: Said[];
  /** Remarks on lines of all pull requests, the oldest first. */
  past: Json[];
  reviews: Said[];
  /** In GraphQL's shape. */
  threads: Said[];
  runs: Json[];
  statuses: Json[];
  labels: Map<number, string[]>;
  sent: Json[];
  people: Map<string, Account>;
  bad: Bad[];
  /** Worked out when it is first asked for, as GitHub does: the answer to that is null. */
  mergeable: Map<string, boolean>;
  /** The token belongs to the CI service, and may not ask who it is. */
  actions: boolean;
  say(list: Said[], on: number, by: Account, row: Json): number;
  close(): Promise<void>;
}

let last = 100;
const at = "2026-11-20T09:00:00Z";

export async function serve(bare: string): Promise<Hub> {
  const hub: Hub = {
    url: "",
    asked: [],
    tokens: [],
    pulls: [],
    issues: [],
    comments: [],
    past: [],
    reviews: [],
    threads: [],
    runs: [],
    statuses: [],
    labels: new Map(),
    sent: [],
    people: new Map(),
    bad: [],
    mergeable: new Map(),
    actions: false,
    say(list, on, by, row) {
      last += 1;
      const issue_url = `https://hub.example/issues/${on}`;
      list.push({ on, row: { id: last, issue_url, user: account(by), created_at: at, updated_at: at, ...row } });
      return last;
    },
    close: async () => {},
  };
  const server = createServer((request, response) => void answer(hub, bare, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  hub.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return hub;
}

const account = ({ id, login, type = "User" }: Account) => ({ id, login, type });

async function answer(hub: Hub, bare: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  const url = new URL(request.url ?? "", hub.url);
  const line = `${request.method} ${url.pathname}`;
  hub.asked.push(line);
  hub.tokens.push(request.headers.authorization);
  const bad = hub.bad.find((one) => one.on.test(line) && one.times !== 0);
  if (bad?.times !== undefined) bad.times -= 1;
  if (bad?.how === "never") return;
  if (bad && bad.how === undefined)
    return send(
      response,
      bad.status ?? (bad.body === undefined ? 500 : 200),
      bad.body ?? { message: "no" },
      bad.headers,
    );
  const { status = 200, body } = route(hub, bare, line, url, text === "" ? {} : JSON.parse(text));
  if (bad?.how === "lost") return void request.socket.destroy();
  if (bad?.how !== "cut") return send(response, status, body);
  const whole = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json" });
  response.end(whole.slice(0, whole.length / 2));
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(status === 204 ? undefined : typeof body === "string" ? body : JSON.stringify(body));
}

const none = { status: 404, body: { message: "Not Found" } };
interface Reply {
  status?: number;
  body?: unknown;
}

function route(hub: Hub, bare: string, line: string, url: URL, sent: Json): Reply {
  const n = Number(/\/(?:pulls|issues)\/(\d+)/.exec(line)?.[1]);
  const on = (list: Said[]) => ({ body: list.filter((one) => one.on === n).map(({ row }) => row) });
  const plain = line.replace(/\/(pulls|issues)\/\d+/, "/$1/N").replace(/\/[0-9a-f]{40}/, "/SHA");
  switch (plain.replace("/repos/alice/pack", "")) {
    case "GET ":
      return { body: { id: 1, default_branch: "main" } };
    case "GET /pulls":
      return { body: listed(hub, bare, url) };
    case "POST /pulls":
      return opened(hub, bare, sent);
    case "GET /pulls/N":
      return one(hub, bare, n);
    case "PATCH /pulls/N":
      Object.assign(hub.pulls.find((pull) => pull.number === n) as Pull, { title: sent.title, body: sent.body });
      return one(hub, bare, n);
    case "GET /pulls/comments": {
      const [size, page] = ["per_page", "page"].map((name) => Number(url.searchParams.get(name)));
      const since = url.searchParams.get("since") ?? "";
      const later = hub.past.filter(({ created_at }) => String(created_at) >= since);
      return { body: later.slice(((page ?? 1) - 1) * (size ?? 30), (page ?? 1) * (size ?? 30)) };
    }
    case "GET /pulls/N/reviews":
      return on(hub.reviews);
    case "GET /issues/N": {
      const pull = hub.pulls.find(({ number }) => number === n);
      return pull ? { body: { number: n, closed_by: pull.state === "open" ? null : endedBy(pull) } } : none;
    }
    case "GET /issues/N/comments":
      return on(hub.comments);
    case "POST /issues/N/comments":
      hub.say(hub.comments, n, hub.actions ? actions_bot : bot, { body: sent.body, html_url: "https://hub.example/c" });
      return { status: 201, body: hub.comments.at(-1)?.row };
    case "POST /issues/N/labels":
      hub.labels.set(n, [...new Set([...(hub.labels.get(n) ?? []), ...(sent.labels as string[])])]);
      return { body: hub.labels.get(n)?.map((name) => ({ name })) };
    case "GET /commits/SHA/check-runs":
      return { body: { total_count: hub.runs.length, check_runs: hub.runs } };
    case "GET /commits/SHA/status":
      return { body: { state: "pending", statuses: hub.statuses } };
    case "POST /statuses/SHA":
      last += 1;
      hub.statuses.unshift({ id: last, ...sent });
      return { status: 201, body: { id: last } };
    case "POST /dispatches":
    case "POST /actions/workflows/ci.yml/dispatches":
      hub.sent.push(sent);
      return { status: 204 };
    case "GET /issues":
      return { body: hub.issues };
    case "POST /issues":
      hub.issues.push({ id: 1, number: 900, state: "open", user: account(bot), ...sent });
      return { status: 201, body: hub.issues.at(-1) };
    case "GET /user":
      return hub.actions ? { status: 403, body: { message: "Resource not accessible" } } : { body: account(bot) };
    case "POST /graphql":
      return { body: { data: threads(hub, (sent.variables as Json).number as number) } };
    default:
      return elsewhere(hub, line, sent);
  }
}

function elsewhere(hub: Hub, line: string, sent: Json): Reply {
  const [, edited] = /^PATCH .*\/issues\/comments\/(\d+)$/.exec(line) ?? [];
  const comment = hub.comments.find(({ row }) => String(row.id) === edited);
  if (comment) return { body: Object.assign(comment.row, { body: sent.body, updated_at: "2026-11-20T10:00:00Z" }) };
  const [, login = ""] = /^GET .*\/collaborators\/([^/]+)\/permission$/.exec(line) ?? [];
  const person = hub.people.get(decodeURIComponent(login));
  if (person) return { body: { permission: person.may ?? "none", role_name: person.may, user: account(person) } };
  return none;
}

const threads = (hub: Hub, number: number) => ({
  repository: {
    pullRequest: {
      reviewThreads: {
        pageInfo: { hasNextPage: false, endCursor: null },
        nodes: hub.threads.filter((one) => one.on === number).map(({ row }) => row),
      },
    },
  },
});

const tip = (bare: string, ref: string) => git(bare, "for-each-ref", "--format=%(objectname)", `refs/heads/${ref}`);

const at_home = { id: 1, default_branch: "main" };

function shown(bare: string, pull: Pull): Json {
  const { number, title, body, state, merged_at, ref, base, fork } = pull;
  if (state === "open" && !fork) pull.sha = tip(bare, ref) || pull.sha;
  return {
    id: 1000 + number,
    number,
    title,
    body,
    state,
    merged_at,
    merged_by: merged_at === null ? null : endedBy(pull),
    user: account(pull.author ?? bot),
    draft: false,
    html_url: `https://hub.example/alice/pack/pull/${number}`,
    head: { ref, sha: pull.sha ?? "0".repeat(40), repo: fork ? { id: 2, default_branch: "main" } : at_home },
    base: { ref: base, sha: tip(bare, base), repo: at_home },
  };
}

const endedBy = ({ by }: Pull) => (by === null ? null : account(by ?? { id: 2, login: "bob" }));

function one(hub: Hub, bare: string, number: number): Reply {
  const pull = hub.pulls.find((each) => each.number === number);
  if (!pull) return none;
  const row = shown(bare, pull);
  const pair = `${pull.sha} ${tip(bare, pull.base)}`;
  const known = hub.mergeable.get(pair);
  if (known === undefined) hub.mergeable.set(pair, merges(bare, pull));
  return { body: { ...row, mergeable: known ?? null } };
}

function merges(bare: string, { base, ref }: Pull): boolean {
  try {
    git(bare, "merge-tree", "--write-tree", base, ref);
    return true;
  } catch {
    return false;
  }
}

function listed(hub: Hub, bare: string, url: URL): Json[] {
  const branch = url.searchParams.get("head")?.split(":")[1];
  const state = url.searchParams.get("state") ?? "open";
  return hub.pulls
    .filter((pull) => (branch === undefined || pull.ref === branch) && (state === "all" || pull.state === state))
    .map((pull) => shown(bare, pull))
    .reverse();
}

function opened(hub: Hub, bare: string, sent: Json): Reply {
  const { title = "", body = "", head: ref = "", base = "" } = sent as Record<string, string>;
  if (hub.pulls.some((pull) => pull.ref === ref && pull.state === "open" && !pull.fork))
    return { status: 422, body: { message: "Validation Failed: a pull request already exists" } };
  const pull: Pull = { number: hub.pulls.length + 1, title, body, ref, base, state: "open", merged_at: null };
  hub.pulls.push(pull);
  return { status: 201, body: shown(bare, pull) };
}
