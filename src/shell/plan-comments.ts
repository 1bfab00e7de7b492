// What the tick says at open proposals to the pack: what merging one would do, and whether one of towline's own can be read.
import { oneLine } from "../core/text.ts";
import { messageOf } from "../errors.ts";
import type { Conversations, OpenProposal } from "../ports.ts";

/** The comment is found again by it, so that it is updated in place. */
const plan_post = "plan";
/** The name of the status; nobody else's may be taken for it. */
export const status_context = "towline/check";
/** Proposals that one tick reads. The rest is the next ones'. */
const most = 5;
/** With less than this left of a CI job's time none is begun, ms. */
const least_time = 10_000;

/** What was said of a proposal, by its head. `left`: what could not be said and is tried again. */
export interface Planned {
  number: number;
  head: string;
  left?: "plan" | "status" | undefined;
}

export interface Verdict {
  ok: boolean;
  text: string;
}

/** Reads proposals as git objects: nothing of them is checked out or run. */
export interface Reader {
  /** Fetches it; answers its commit. One at a time. */
  head(number: number): Promise<string>;
  /** null: merging it changes nothing of what ticks do, as with most code. */
  plan(head: string): Promise<string | null>;
  verdict(head: string): Promise<Verdict>;
}

export interface Saying {
  talk: Pick<Conversations, "proposals" | "post">;
  reader: Reader;
  now: Date;
  /** What is left of the CI job's time, ms. */
  left(): number;
}

export interface PlansSaid {
  planned: Planned[];
  did: boolean;
  degraded?: string;
}

/** One list request; a proposal whose head was dealt with before costs nothing more. */
export async function sayPlans(saying: Saying, before: readonly Planned[]): Promise<PlansSaid> {
  const open = await saying.talk.proposals();
  const numbers = new Set(open.map(({ number }) => number));
  const rows = new Map(before.filter(({ number }) => numbers.has(number)).map((row) => [row.number, row]));
  const failed: string[] = [];
  let did = false;
  for (const one of dueOf(open, rows).slice(0, most)) {
    if (saying.left() < least_time) break;
    const known = rows.get(one.number);
    const row: Planned = { number: one.number, head: one.head, left: known?.head === one.head ? known.left : "plan" };
    // At the end: what fails each time must not keep the others waiting.
    rows.delete(one.number);
    rows.set(one.number, row);
    did = true;
    await sayPlan(saying, one, row).catch((thrown) => {
      failed.push(`#${one.number}: ${oneLine(messageOf(thrown), 200)}`);
    });
  }
  const said = { planned: [...rows.values()], did };
  return failed.length === 0 ? said : { ...said, degraded: `not everything could be said of ${failed.join("; ")}` };
}

/** New heads first, then what failed, the longest ago first. */
function dueOf(open: readonly OpenProposal[], rows: ReadonlyMap<number, Planned>): OpenProposal[] {
  const order = [...rows.keys()];
  const place = ({ number, head }: OpenProposal) => (rows.get(number)?.head === head ? order.indexOf(number) : -1);
  return open
    .filter(({ number, head }) => rows.get(number)?.head !== head || rows.get(number)?.left !== undefined)
    .toSorted((a, b) => place(a) - place(b) || a.number - b.number);
}

/** `row` says how far it came, also where this throws. */
async function sayPlan({ talk, reader, now }: Saying, one: OpenProposal, row: Planned): Promise<void> {
  const { subject, number, own } = one;
  const head = await reader.head(number);
  const at = now.toISOString();
  // It may have moved since the list was made.
  if (head !== row.head) Object.assign(row, { head, left: "plan" });
  if (row.left === "plan") {
    const text = (await reader.plan(head))?.trim();
    if (text !== undefined) await talk.post({ id: plan_post, at, to: subject, what: "comment", text });
    row.left = "status";
  }
  // The default token starts no checks at its own proposals: what they would say is said here.
  if (own) {
    const { ok, text } = await reader.verdict(head);
    const to = `${subject.replace(/#\d+$/, "")}@${head}`;
    const state = ok ? "success" : "failure";
    await talk.post({ id: `${status_context} ${head}`, at, to, what: "status", state, context: status_context, text });
  }
  delete row.left;
}
