// Both sides of a proposal, read from git objects, and the comment that says what lies between them.
import { type Proposal, planComment } from "../core/plan-comment.ts";
import { pupdate as form, type Pupdate } from "../core/schema.ts";
import { max_bytes } from "../core/split.ts";
import type { State } from "../core/state.ts";
import { touchedBy } from "../core/touched.ts";
import { Fault } from "../errors.ts";
import type { Repo } from "../ports.ts";
import { textOf } from "./pack-files.ts";
import { readPair } from "./read.ts";
import { addSpent } from "./spent.ts";

const days = 7;
const day_ms = 86_400_000;

export interface Asked {
  repo: Repo;
  /** As it stands: the policy that decides, and the ledger. */
  base: State;
  /** Commits: the proposed one, and where it left the base. */
  head: string;
  fork: string;
  now: Date;
  runtimes: ReadonlySet<string>;
}

/** The plan comment for a commit that somebody proposes. */
export async function planOfProposal({ repo, base, head, fork, now, runtimes }: Asked): Promise<string> {
  const touches = touchedBy((await repo.diff(fork, head)).map((one) => one.path));
  const read = await readPair(repo, { policy: head, ledger: base.tips.ledger }).catch((thrown) => {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  });
  const proposal: Proposal = {
    base,
    head: null,
    on: base.tips.policy,
    at: head,
    touches,
    pupdates: await pupdatesSince(repo, base, new Date(now.getTime() - days * day_ms), now),
    now,
    runtimes,
  };
  if (read instanceof Fault) return planComment({ ...proposal, fault: read.message });
  // A proposal does not say whose pack this is.
  const after: State = { ...read, pack: base.pack };
  await addSpent(repo, base, { now, runtimes });
  await addSpent(repo, after, { now, runtimes });
  return planComment({ ...proposal, head: after });
}

/** What was recorded of that time; a torn line costs itself only. */
async function pupdatesSince(repo: Repo, { tips }: State, from: Date, now: Date): Promise<Pupdate[]> {
  if (tips.ledger === null) return [];
  const folders = Array.from(
    { length: days + 1 },
    (_, n) => `pupdates/${new Date(from.getTime() + n * day_ms).toISOString().slice(0, 10).replaceAll("-", "/")}`,
  );
  const items = await repo.tree(tips.ledger, folders);
  const blobs = await repo.blobs(
    items.filter(({ mode }) => mode.startsWith("100")).map(({ blob }) => blob),
    max_bytes,
  );
  const lines = [...blobs.values()].flatMap((bytes) => (bytes && textOf(bytes)?.split("\n")) || []);
  return lines
    .flatMap(pupdateOf)
    .filter(({ at }) => Date.parse(at) >= from.getTime() && Date.parse(at) <= now.getTime());
}

function pupdateOf(line: string): Pupdate[] {
  if (!line.startsWith("{")) return [];
  try {
    const read = form.safeParse(JSON.parse(line));
    return read.success ? [read.data] : [];
  } catch {
    return [];
  }
}
