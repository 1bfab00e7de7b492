// GitHub's stand-in with one repository, and a ledger's memory of levels for pollers.
import { Octokit } from "@octokit/rest";
import { createEmulator } from "emulate";
import type { Draft } from "../../src/core/draft.ts";
import { raise } from "../../src/core/raise.ts";
import { type Pupdate, type Settings, settings } from "../../src/core/schema.ts";
import type { LevelRow } from "../../src/core/state.ts";
import type { Level, Poller } from "../../src/ports.ts";

/** What a leak would show. */
export const canary = "ghp_canary0123456789abcdef";
export const repo = { owner: "alice", repo: "pack" };

export interface Hub {
  url: string;
  alice: Octokit["rest"];
  bob: Octokit["rest"];
  /** Opens a pull request from a new branch; answers its number. */
  pull(branch: string, title?: string): Promise<{ number: number; sha: string }>;
  close(): Promise<void>;
}

export async function hub(port = 0): Promise<Hub> {
  const server = await createEmulator({
    service: "github",
    port,
    seed: {
      tokens: { [canary]: { login: "alice", scopes: ["repo"] }, bob: { login: "bob", scopes: ["repo"] } },
      github: {
        users: [{ login: "alice" }, { login: "bob" }],
        repos: [{ owner: "alice", name: "pack", auto_init: true }],
      },
    },
  });
  const as = (auth: string) => new Octokit({ baseUrl: server.url, auth }).rest;
  const alice = as(canary);
  const base = (await alice.repos.get(repo)).data.default_branch;
  return {
    url: server.url,
    alice,
    bob: as("bob"),
    async pull(branch, title = "Mend the log") {
      const { sha } = (await alice.git.getRef({ ...repo, ref: `heads/${base}` })).data.object;
      await alice.git.createRef({ ...repo, ref: `refs/heads/${branch}`, sha });
      await alice.repos.createOrUpdateFileContents({ ...repo, path: branch, branch, message: "m", content: "eA==" });
      const made = await alice.pulls.create({ ...repo, head: branch, base, title });
      return { number: made.data.number, sha: made.data.head.sha };
    },
    close: () => server.close(),
  };
}

export const settingsFor = (github: object): Settings =>
  settings.parse({ id: "test-pack", pollers: { github: { comments: false, pushes: false, ...github } } });

export interface Memory {
  rows: LevelRow[];
  /** Takes levels in and answers the pupdates that they raise, as `kind subject`. */
  take(levels: Level[]): string[];
  raised: Pupdate[];
}

/** A ledger that remembers levels and nothing else. */
export function memory(now = new Date()): Memory {
  const moved: Draft["moved"] = new Map();
  const draft = { levels: [] as LevelRow[], raised: [] as Pupdate[], moved, now } as unknown as Draft;
  return {
    get rows() {
      return draft.levels;
    },
    get raised() {
      return draft.raised;
    },
    take(levels) {
      const before = draft.raised.length;
      const rows = JSON.stringify(draft.levels);
      for (const level of levels) raise(draft, level);
      // What moves quietly waits for a commit that is made anyway.
      if (draft.raised.length > before || JSON.stringify(draft.levels) !== rows)
        draft.levels = draft.levels.flatMap((row) => (moved.has(row) ? (moved.get(row) ?? []) : row));
      moved.clear();
      return draft.raised.slice(before).map((one) => `${one.kind} ${one.subject}`);
    },
  };
}

/** One poll, taken in: what it raises, sorted. */
export const news = async (poller: Poller, of: Settings, ledger: Memory, now = new Date()): Promise<string[]> =>
  ledger.take(await poller.poll(of, now, { known: ledger.rows })).sort();
