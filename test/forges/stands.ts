// The same piece of work at each forge: a branch that was pushed, and people who look at it.
import { join } from "node:path";
import { Octokit } from "@octokit/rest";
import { createEmulator } from "emulate";
import { forge_questions } from "../../src/core/plugin-offers.ts";
import { type PluginSettings, settings } from "../../src/core/schema.ts";
import { createForge, type ForgeOptions } from "../../src/forges/index.ts";
import type { ForgeCalls } from "../../src/forges/offered.ts";
import { codeHere } from "../../src/plugin/code.ts";
import { forgeCalls } from "../../src/plugin/forge.ts";
import { type PluginPorts, worldOf } from "../../src/plugin/poller.ts";
import type { Code } from "../../src/plugin/sandbox.ts";
import type { Forge, Proposal } from "../../src/ports.ts";
import { createTargets } from "../../src/shell/target.ts";
import { clone, git, env as git_env, type Origin, origin, tempDir, write } from "../repo/origin.ts";
import { down, up } from "./bridge.ts";
import { type GiteaPull, gitea } from "./gitea.ts";
import { type Account, bot, type Hub, serve } from "./server.ts";

export const branch = "towline/count-1";
export const canary = "ghp_canary0123456789abcdef";
export const name = { owner: "alice", repo: "pack" };

export interface Stand {
  from: Origin;
  work: Proposal;
  /** Numbers of who is who. */
  ids: { alice: string; bob: string };
  /** As a new tick has it. */
  forge(more?: Partial<ForgeOptions>): Forge;
  /** Proposals of the branch, whatever became of them. */
  count(): Promise<number>;
  merge(how: "merge" | "squash"): Promise<void>;
  turnDown(): Promise<void>;
  review(verdict: "APPROVE" | "REQUEST_CHANGES", text: string): Promise<void>;
  remark(path: string, text: string): Promise<void>;
  fail(check: string): Promise<void>;
  /** After a push. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface Base {
  from: Origin;
  work: Proposal;
  make(settings: object | undefined, more?: Partial<ForgeOptions>): Forge;
}

/** A branch with one commit. */
function base(): Base {
  const from = origin({ "towline.yml": "id: pack-1\n", "src/a.txt": "a\nb\nc\n" });
  const tip = git(from.person, "rev-parse", "main");
  git(from.person, "checkout", "-q", "-b", branch);
  write(from.person, { "src/a.txt": "a\ncounted\nc\n" });
  git(from.person, "commit", "-qam", "count");
  git(from.person, "push", "-q", "origin", branch);
  const head = git(from.person, "rev-parse", "HEAD");
  git(from.person, "checkout", "-q", "main");
  const dir = clone(from);
  const env = { GITHUB_TOKEN: canary, GITHUB_REPOSITORY: "alice/pack" };
  return {
    from,
    work: { repo: ".", branch, head, tip, title: "Count the lines", body: "It counts." },
    make: (forge, more) =>
      createForge(
        settings.parse({ id: "p", ...(forge ? { forge } : {}) }).forge,
        createTargets({ dir, env: git_env, cache: tempDir("cache") }),
        { env, origin: async () => null, paced: false, ...more },
      ),
  };
}

export const merged = (from: Origin, how: "merge" | "squash") => {
  git(from.person, "pull", "-q", "--ff-only");
  git(from.person, "fetch", "-q");
  git(from.person, "merge", "-q", ...(how === "squash" ? ["--squash"] : ["--no-ff", "--no-edit"]), `origin/${branch}`);
  if (how === "squash") git(from.person, "commit", "-qm", "all in one");
  git(from.person, "push", "-q", "origin", "main");
};

const unable = async () => {
  throw new Error("there is no such thing");
};

export async function bare(): Promise<Stand> {
  const { from, work, make } = base();
  return {
    from,
    work,
    ids: { alice: "1", bob: "2" },
    forge: (more) => make(undefined, more),
    count: async () => git(from.bare, "branch", "--list", branch).split("\n").filter(Boolean).length,
    merge: async (how) => {
      merged(from, how);
      // As other commits it is a yes when its branch is gone.
      if (how === "squash") git(from.person, "push", "-q", "origin", "--delete", branch);
    },
    turnDown: async () => void git(from.person, "push", "-q", "origin", "--delete", branch),
    review: unable,
    remark: unable,
    fail: unable,
    sync: async () => {},
    close: async () => {},
  };
}

/** A Gitea, as the shipped plugin speaks with it. */
export async function plugged(): Promise<Stand> {
  const { from, work, make } = base();
  const hub = await gitea(from.bare);
  const env = { GITEA_TOKEN: canary };
  const own = settings.parse({
    id: "p",
    plugins: { gitea: { url: hub.url, token: "GITEA_TOKEN", repo: "alice/pack" } },
  });
  const ports: PluginPorts = { env, secret: () => undefined, folders: [] };
  const world = worldOf("gitea", ports, own, new Date(), { known: [] });
  const code = async () => (await codeHere(join(import.meta.dirname, "../.."), "gitea")) as Code;
  const ask = forgeCalls({
    ...{ name: "gitea", own: own.plugins.gitea as PluginSettings, ports, world, code, signal: undefined },
  });
  const offers = async (): Promise<ForgeCalls> => ({ can: [...forge_questions], ask });
  const last = () => hub.pulls.at(-1) as GiteaPull;
  return {
    from,
    work,
    ids: { alice: "1", bob: "2" },
    forge: (more) => make({ name: "gitea" }, { offers, ...more }),
    count: async () => hub.pulls.length,
    async merge(how) {
      merged(from, how);
      Object.assign(last(), { state: "closed", merged: true, merged_by: { id: 1, login: "alice" } });
    },
    turnDown: async () => {
      Object.assign(last(), { state: "closed", closed_at: "2026-11-20T11:00:00Z" });
      hub.closers.push({ id: 2, login: "bob" });
    },
    async review(verdict, body) {
      const state = verdict === "APPROVE" ? "APPROVED" : "REQUEST_CHANGES";
      hub.reviews.push({
        id: hub.reviews.length + 1,
        user: { id: 2, login: "bob" },
        state,
        body,
        commit_id: work.head,
      });
    },
    remark: unable,
    fail: unable,
    sync: async () => {},
    close: () => hub.close(),
  };
}

export interface Served extends Stand {
  hub: Hub;
}
const alice: Account = { id: 1, login: "alice", may: "admin" };
const bob: Account = { id: 2, login: "bob", may: "write" };

export async function served(wall = "20s"): Promise<Served> {
  const { from, work, make } = base();
  const hub = await serve(from.bare);
  for (const one of [alice, bob, { id: 3, login: "mallory", may: "read" }, { ...bot, may: "write" }])
    hub.people.set(one.login, one);
  const own = () => hub.pulls.filter((one) => one.ref === branch && !one.fork);
  const end = (merged_at: string | null) => Object.assign(own().at(-1) ?? {}, { state: "closed", merged_at });
  return {
    hub,
    from,
    work,
    ids: { alice: "1", bob: "2" },
    forge: (more) => make({ name: "github", url: hub.url, wall }, more),
    count: async () => own().length,
    async merge(how) {
      merged(from, how);
      end("2026-11-20T11:00:00Z");
    },
    turnDown: async () => void end(null),
    async review(verdict, body) {
      const state = verdict === "APPROVE" ? "APPROVED" : "CHANGES_REQUESTED";
      hub.say(hub.reviews, own().at(-1)?.number ?? 0, bob, { state, body, commit_id: work.head });
    },
    async remark(path, body) {
      thread(hub, own().at(-1)?.number ?? 0, bob, { path, line: 2, body });
    },
    async fail(check) {
      hub.runs.push({
        id: 7,
        name: check,
        status: "completed",
        conclusion: "failure",
        html_url: "https://ci.example/7",
      });
    },
    sync: async () => {},
    close: () => hub.close(),
  };
}

/** A thread with one comment. */
export function thread(hub: Hub, on: number, by: Account, said: { path: string; line: number; body: string }): object {
  const { id: databaseId, login, type = "User" } = by;
  const id = hub.say(hub.threads, on, by, {});
  const row = {
    isResolved: false,
    isOutdated: false,
    path: said.path,
    line: said.line,
    originalLine: said.line,
    comments: {
      nodes: [
        {
          databaseId: id,
          author: { __typename: type, login, databaseId },
          body: said.body,
          createdAt: "2026-11-20T10:00:00Z",
          lastEditedAt: null,
          url: `https://hub.example/t/${id}`,
        },
      ],
    },
  };
  return Object.assign(hub.threads.at(-1)?.row ?? {}, row);
}

export async function emulated(): Promise<Stand> {
  const { from, work, make } = base();
  const users = ["alice", "bob", "towline-bot"];
  const server = await createEmulator({
    service: "github",
    port: 0,
    seed: {
      tokens: Object.fromEntries([
        [canary, { login: "towline-bot", scopes: ["repo"] }],
        ...users.slice(0, 2).map((login) => [login, { login, scopes: ["repo"] }]),
      ]),
      github: {
        users: users.map((login) => ({ login })),
        repos: [{ owner: "alice", name: "pack", auto_init: true }],
      },
    },
  });
  const as = (auth: string) => new Octokit({ baseUrl: server.url, auth }).rest;
  const rest = as("alice");
  for (const username of users.slice(1)) await rest.repos.addCollaborator({ ...name, username, permission: "push" });
  const sync = () => up(from.bare, rest, name);
  await sync();
  const list = async () =>
    (await rest.pulls.list({ ...name, head: `alice:${branch}`, state: "all" })).data.map((one) => one.number);
  const number = async () => (await list())[0] as number;
  const id = async (username: string) => String((await rest.users.getByUsername({ username })).data.id);
  return {
    from,
    work,
    ids: { alice: await id("alice"), bob: await id("bob") },
    forge: (more) => make({ name: "github", url: server.url }, more),
    count: async () => (await list()).length,
    async merge(merge_method) {
      await rest.pulls.merge({ ...name, pull_number: await number(), merge_method });
      await down(from.bare, rest, name);
    },
    turnDown: async () => void (await rest.pulls.update({ ...name, pull_number: await number(), state: "closed" })),
    async review(event, body) {
      await as("bob").pulls.createReview({ ...name, pull_number: await number(), event, body });
    },
    async remark(path, body) {
      const comments = [{ path, position: 2, body }];
      await as("bob").pulls.createReview({
        ...name,
        pull_number: await number(),
        event: "COMMENT",
        body: "",
        comments,
      });
    },
    async fail(check) {
      await rest.checks.create({
        ...name,
        name: check,
        head_sha: work.head,
        status: "completed",
        conclusion: "failure",
      });
    },
    sync,
    close: () => server.close(),
  };
}
