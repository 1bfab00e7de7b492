// The pack's own repository as a source: records that people changed, from the commits since it was looked at last.
import { idOf, kindOf } from "../core/entry.ts";
import { cursorAt, cursorLevel } from "../core/raise.ts";
import { pathClass } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import type { Authored, Level, PollContext, Poller } from "../ports.ts";

const source = "repo";
const cursor = "records";
/** Changes that are told one by one; a larger change of the pack is one event. */
const most = 100;
const settings = new Set(["towline.yml", "STOP.md"]);

export const repo = (): Poller => ({
  name: source,
  poll: async (_settings, _now, { known, own }) => (own ? changes(known, own) : []),
});

async function changes(known: PollContext["known"], own: NonNullable<PollContext["own"]>): Promise<Level[]> {
  const tip = own.tips.policy;
  const from = cursorAt(known, source, cursor);
  const next = cursorLevel(source, cursor, tip);
  // What stood there before anybody looked is no change.
  if (from === undefined) return [next];
  if (from === tip) return [];
  const people = await own.repo.people(from, tip);
  if (people === null) return [lost(from), next];
  const changed = (await own.repo.diff(from, tip)).filter(({ path }) => isPeoples(path));
  const told = changed.slice(0, most);
  const paths = told.map(({ path }) => path);
  const before = new Set(told.length === 0 ? [] : (await own.repo.tree(from, paths)).map(({ path }) => path));
  const levels = told.map((one) => levelOf(one, before.has(one.path), people.get(one.path), { from, tip }));
  return [...levels, ...(changed.length > most ? [many(changed.length, { from, tip })] : []), next];
}

/** Work and policy that has a form. What towline wrote itself lies in the ledger's folders. */
const isPeoples = (path: string) => pathClass(path) !== "ledger" && (settings.has(path) || kindOf(path) !== null);

interface Range {
  from: string;
  tip: string;
}

function levelOf(
  { path, blob }: { path: string; blob: string | null },
  was: boolean,
  by: Authored | undefined,
  { from, tip }: Range,
): Level {
  const change = blob === null ? "deleted" : was ? "changed" : "added";
  return {
    source,
    subject: oneLine(path, 300),
    family: "record",
    kind: "record.changed",
    // One change, one pupdate: the range tells two changes to the same text apart.
    state: `${from} ${by?.commit ?? tip}`,
    after: { cursor, at: from },
    title: `${path} was ${change}`,
    data: {
      path,
      record: settings.has(path) ? "settings" : (kindOf(path) ?? undefined),
      id: idOf(path),
      change,
      commit: by?.commit ?? tip,
      // Anybody can write any name into a commit: a rule must give no rights by it.
      author: by && oneLine(by.author, 100),
      changed_at: by?.at,
    },
  };
}

const many = (count: number, { from, tip }: Range): Level => ({
  source,
  subject: "the pack",
  family: "record",
  kind: "record.changed",
  state: `${from} ${tip}`,
  after: { cursor, at: from },
  title: `${count} records were changed at once; ${most} of them are told one by one`,
  data: { change: "many", count, commit: tip },
});

const lost = (from: string): Level => ({
  source,
  subject: cursor,
  family: "gap",
  kind: "source.failed",
  state: from,
  after: { cursor, at: from },
  title: `changes of records since ${from.slice(0, 12)} are not known: that commit is not in this clone (too shallow, or history was rewritten)`,
  data: { why: "the commit looked at last is not in this clone" },
});
