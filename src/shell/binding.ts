// Whether a ledger belongs to the repository it was read from: looks the mark up, words the verdict, mends what can be mended.
import { type Binding, judge, ledger_format, type Mark, mark_path, readMark, renderMark } from "../core/binding.ts";
import { pathClass } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { configuration, type Fault, outside } from "../errors.ts";
import type { Changes, Clock, Repo, Tips } from "../ports.ts";
import { readPair } from "./read.ts";

/** How often a ledger that seems not to be ours is looked at before that is believed. */
const looks = 4;

/**
 * The state of these tips (or of newer ones) and whose it is. A fetch beside somebody's push may see one ref before it
 * and one after, so that bad news is fetched again before it is believed.
 */
export async function readOwn(
  { repo, clock }: { repo: Repo; clock: Clock },
  from: Tips | undefined,
): Promise<{ tips: Tips; state: State; binding: Binding }> {
  for (let look = 1; ; look++) {
    const tips = look === 1 && from ? from : await repo.fetch();
    const state = await readPair(repo, tips);
    state.forge = repo.forge;
    const binding = await bindingOf(repo, state);
    if (binding.state === "bound" || binding.state === "fresh" || (look >= looks && binding.state !== "unknown"))
      return { tips, state, binding };
    if (binding.state === "rewritten" && movedAway(state)) throw ledgerMoved();
    if (look > 1) await clock.sleep(100 * look);
  }
}

/** The settings that were fetched just now name another place than the one that was read. */
const movedAway = ({ settings, tips }: State) =>
  (settings.ledger.branch === undefined) !== (tips.ledger === tips.policy);

const ledgerMoved = () =>
  outside(
    "the ledger moved to another branch while this was at work",
    "nothing is to be done: the next tick goes on there",
  );

/** The same for verbs that have nothing to do in a repository that is not the pack's own. Throws a Fault there. */
export async function readBound(at: { repo: Repo; clock: Clock }, from: Tips | undefined) {
  const { tips, state, binding } = await readOwn(at, from);
  if (binding.state === "copy" || binding.state === "rewritten") throw bindingFault(binding);
  return { tips, state };
}

/** Judges the state's ledger. Reads what was fetched, no network. */
async function bindingOf(repo: Repo, state: State): Promise<Binding | { state: "unknown" }> {
  const written = [...state.texts.keys()].some((path) => /^(state|status|jobs)\//.test(path));
  return judge({ mark: state.mark, ref: await refMark(repo), forge: repo.forge, written });
}

/** The mark under `refs/towline/pack`; null: there is no such ref; undefined: origin was never asked. */
async function refMark(repo: Repo): Promise<Mark | "broken" | null | undefined> {
  const commit = await repo.written();
  if (typeof commit !== "string") return commit;
  const [item] = await repo.tree(commit, [mark_path]);
  const bytes = item && (await repo.blobs([item.blob])).get(item.blob);
  return (bytes && readMark(new TextDecoder().decode(bytes))) ?? "broken";
}

/** What to tell a person who wants to work in a repository that is not the pack's own, or whose ledger was rewritten. */
export function bindingFault(binding: Exclude<Binding, { state: "bound" | "fresh" }>): Fault {
  if (binding.state === "copy")
    return configuration(
      `this repository is a copy of a pack, nothing is started: ${binding.why}`,
      "`towline init --adopt` makes it a pack of its own; if the pack was moved here for good, bring its mark along: git fetch OLD_ADDRESS refs/towline/pack && git push origin FETCH_HEAD:refs/towline/pack",
    );
  return configuration(
    `the ledger was rewritten, nothing is started: ${binding.why}`,
    "`towline tick --restore` puts it back as towline wrote it last; people's records stay as they are",
  );
}

/** A line for verbs that only look; null: all is well, or this clone cannot tell. */
export async function bindingNote(repo: Repo, state: State): Promise<Fault | null> {
  const binding = await bindingOf(repo, state);
  return binding.state === "copy" || binding.state === "rewritten" ? bindingFault(binding) : null;
}

/**
 * One commit on top of what is there: the ledger's files as `refs/towline/pack` holds them. Reflections that people
 * added meanwhile stay. Answers the commit. Throws a Fault when the push is not won, or the ref holds no ledger.
 */
export async function restoreLedger(repo: Repo, state: State, tick: string): Promise<string> {
  const from = await repo.written();
  const mark = await refMark(repo);
  if (!from || !mark || mark === "broken") throw configuration("origin's refs/towline/pack holds no ledger");
  const paths = (await repo.diff(state.tips.ledger, from)).filter(({ path }) => pathClass(path) === "ledger");
  const blobs = await repo.blobs(
    paths.flatMap(({ blob }) => blob ?? []),
    64 << 20,
  );
  const changes: Changes = new Map();
  for (const { path, blob } of paths) {
    if (blob !== null) changes.set(path, blobs.get(blob) ?? null);
    else if (!path.startsWith("reflections/")) changes.set(path, null);
  }
  changes.set(mark_path, renderMark({ ...mark, format: ledger_format, last: tick }));
  const pushed = await repo.push(state.tips, changes, {
    subject: "the ledger as it was before it was rewritten",
    tick,
    attempt: 1,
  });
  if (pushed.state !== "won")
    throw outside(`the ledger could not be restored: ${pushed.why}`, "run `towline tick --restore` again");
  return pushed.commit;
}
