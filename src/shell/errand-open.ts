// What an errand goes by: origin as it is now where it is recorded; else the folder in front of a person, and what origin
// holds back besides.
import { everywhere, stricter } from "../core/errand.ts";
import type { State } from "../core/state.ts";
import { exit, Fault, outside } from "../errors.ts";
import type { Clock, Repo } from "../ports.ts";
import { bindingNote, readBound } from "./binding.ts";
import { type Book, ledgerBook, memoryBook } from "./errand-book.ts";
import { openLocal, openOrigin } from "./pack.ts";
import { readWorkTree } from "./read.ts";
import { originUrl } from "./repo-open.ts";
import type { Secrets } from "./secrets.ts";

export interface Opening {
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  secrets: Secrets;
}

/** `random`: for the id of a pack that no tick has bound yet, hex. */
export async function openRecorded(
  dir: string,
  at: Opening,
  { tick, by, random }: { tick: string; by: string; random: string },
): Promise<{ state: State; book: Book }> {
  const { repo, tips } = await openOrigin(dir, at);
  const { state } = await readBound({ repo, clock: at.clock }, tips);
  return { state, book: ledgerBook({ repo, clock: at.clock, tick, by, random }, tips) };
}

/** `offline`: origin is not asked what it holds back. Throws a Fault where it cannot be asked otherwise. */
export async function openUnrecorded(dir: string, at: Opening, offline = false): Promise<{ state: State; book: Book }> {
  const { repo, tips, top } = await openLocal(dir, at);
  const own = await readWorkTree(repo, top, tips);
  const foreign = await bindingNote(repo, own);
  if (foreign) throw foreign;
  const asked = offline || (await originUrl(dir, at.env)) === null ? null : await originState(dir, at);
  const state = asked === null ? own : { ...stricter(own, asked.state, at.clock.now()), ...ledgerOf(asked.state) };
  const ledger = asked === null ? { repo, tips } : { repo: asked.repo, tips: asked.state.tips };
  return { state: everywhere(state), book: memoryBook(everywhere(state), ledger) };
}

/** What towline knows: origin has it newer than the last fetch of this folder. */
const ledgerOf = ({ pack, mark, met, jobs, status, levels }: State) => ({ pack, mark, met, jobs, status, levels });

async function originState(dir: string, at: Opening): Promise<{ repo: Repo; state: State }> {
  try {
    const { repo, tips } = await openOrigin(dir, at);
    return { repo, state: (await readBound({ repo, clock: at.clock }, tips)).state };
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== exit.outside) throw thrown;
    throw outside(
      `whether origin holds work back (STOP.md, cordons) cannot be seen: ${thrown.message}`,
      "mend that, or add --offline to go by this folder alone",
      thrown,
    );
  }
}
