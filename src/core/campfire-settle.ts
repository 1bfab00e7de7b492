// What people decided at a campfire, written down: approved ones are in force, the others never come back.
import {
  type Campfire,
  type CampfireFinding,
  campfire_path,
  campfiresIn,
  type Proposed,
  pathOf,
  slim,
} from "./campfire.ts";
import { type Dismissed, dismiss } from "./candidates.ts";
import { type Draft, isoNow } from "./draft.ts";
import { pupdateId } from "./ids.ts";
import { dismissed_path, keepRows, rowsIn, withoutSignals } from "./lessons.ts";
import { counted, oneLine } from "./text.ts";

/** True: other candidates are left than before. */
export function settleCampfire(draft: Draft, finding: CampfireFinding | undefined): boolean {
  const before = campfiresIn(draft);
  let rows = takeIn(draft, before, finding);
  rows = rows.map((row) => (row.state === "open" ? dropped(draft, row) : row));
  const stands = finding?.stands;
  rows = rows.map((row) => (stands && row.id === stands.id && row.state === "open" ? ended(draft, row, stands) : row));
  if (JSON.stringify(rows) === JSON.stringify(before)) return false;
  const fate = (list: readonly Campfire[]) =>
    new Map(list.flatMap((row) => row.candidates.map((one) => [one.name, one])));
  const [was, now] = [fate(before), fate(rows)];
  const fresh = [...now.values()].filter(({ name, outcome }) => outcome !== was.get(name)?.outcome);
  remember(draft, fresh);
  keepRows(draft, campfire_path, rows.map(slim));
  return fresh.length > 0;
}

/** What was opened or added to out there, and is not in the ledger yet. */
function takeIn(draft: Draft, rows: Campfire[], finding: CampfireFinding | undefined): Campfire[] {
  const made = finding?.row;
  if (!made) return rows;
  const known = rows.find(({ id }) => id === made.id);
  if (known && known.state !== "open") return rows;
  for (const [path, text] of finding.texts ?? []) if (text !== draft.texts.get(path)) draft.attached.set(path, text);
  if (!known) raiseOpened(draft, made);
  if (!known) return [...rows, made];
  // What was decided meanwhile stays decided.
  const candidates = made.candidates.map((one) => {
    const outcome = known.candidates.find(({ name }) => name === one.name)?.outcome;
    return outcome === undefined ? one : { ...one, outcome };
  });
  return rows.map((row) => (row === known ? { ...made, candidates } : row));
}

/** By a command, in a comment. */
function dropped(draft: Draft, row: Campfire): Campfire {
  const names = new Set(
    draft.raised.filter(({ kind }) => kind === "insight.dismissed").map(({ data }) => String(data?.candidate ?? "")),
  );
  if (!row.candidates.some(({ name, outcome }) => outcome === undefined && names.has(name))) return row;
  const candidates = row.candidates.map((one) =>
    one.outcome === undefined && names.has(one.name) ? { ...one, outcome: "dismissed" as const } : one,
  );
  return { ...row, candidates, touched: isoNow(draft) };
}

function ended(draft: Draft, row: Campfire, stands: NonNullable<CampfireFinding["stands"]>): Campfire {
  const { as, files } = stands;
  const withheld = (one: Proposed): Proposed => {
    const file = files.get(one.name);
    return file === undefined ? one : { ...one, withheld: file.said };
  };
  if (typeof as === "object") {
    if (row.refused === as.refused) return row;
    raiseRefused(draft, row, as.refused);
    return { ...row, refused: as.refused, candidates: row.candidates.map(withheld) };
  }
  const candidates = row.candidates.map((one): Proposed => {
    if (one.outcome !== undefined || as === "expired") return withheld(one);
    const file = files.get(one.name);
    const yes = as === "merged" && file !== undefined && !stands.unticked.has(one.name);
    raiseOutcome(draft, row, one, yes, stands.by);
    if (!yes) return { ...withheld(one), outcome: "dismissed" };
    const { withheld: _, ...taken } = one;
    return { ...taken, outcome: file.sum === one.sum ? "approved" : "edited" };
  });
  return { ...row, state: as, closed_at: isoNow(draft), candidates };
}

function remember(draft: Draft, fresh: readonly Proposed[]): void {
  const down = fresh.filter(({ outcome }) => outcome === "dismissed");
  const rows = rowsIn<Dismissed>(draft, dismissed_path);
  const found = down.map(({ name, text, title, signals = [] }) => ({ id: name, text: text ?? title, signals }));
  const full = { sources: [], since: "", witnesses: 0, paths: [] };
  if (down.length > 0)
    keepRows(
      draft,
      dismissed_path,
      dismiss(
        rows,
        found.map((one) => ({ ...full, ...one })),
        isoNow(draft),
      ),
    );
  const taken = fresh.filter(({ outcome }) => outcome === "approved" || outcome === "edited");
  if (taken.length > 0) withoutSignals(draft, new Set(taken.flatMap(({ signals = [] }) => signals)));
}

function raiseOpened(draft: Draft, row: Campfire): void {
  draft.raised.push({
    id: pupdateId("towline", row.id, "campfire.opened", null),
    at: isoNow(draft),
    source: "towline",
    kind: "campfire.opened",
    subject: row.id,
    title: `Campfire ${row.id}: ${counted(row.candidates.length, "candidate")} on ${row.proposal.branch}`,
    url: row.proposal.url,
    data: { campfire: row.id, branch: row.proposal.branch, count: counted(row.candidates.length, "candidate") },
  });
}

function raiseRefused(draft: Draft, row: Campfire, why: string): void {
  draft.raised.push({
    id: pupdateId("towline", row.id, `campfire.refused ${why}`, null),
    at: isoNow(draft),
    source: "towline",
    kind: "campfire.refused",
    subject: row.id,
    title: oneLine(`Campfire ${row.id}: ${why}`, 300),
    url: row.proposal.url,
    data: { campfire: row.id, branch: row.proposal.branch, why },
  });
}

function raiseOutcome(draft: Draft, row: Campfire, one: Proposed, yes: boolean, by: string | undefined): void {
  const kind = yes ? "insight.approved" : "insight.dismissed";
  draft.raised.push({
    id: pupdateId("towline", one.name, kind, row.id),
    at: isoNow(draft),
    source: "towline",
    kind,
    subject: one.name,
    title: `${yes ? "approved" : "dismissed"}: ${one.title}`,
    ...(by === undefined ? {} : { actor: { login: by } }),
    url: row.proposal.url,
    data: { candidate: one.name, path: pathOf(one), campfire: row.id },
  });
}
