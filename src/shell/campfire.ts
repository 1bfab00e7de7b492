// The campfire out there: its branch is opened and added to, looked at, and taken back. What people have touched stays as
// they left it. Done twice it is one: branch and pull request are found again, and a file that is there is not written.
import {
  type Campfire,
  type CampfireFinding,
  type CampfirePlan,
  campfire_life,
  campfirePlan,
  campfiresIn,
  freeId,
  pathOf,
  sumOf,
  textPath,
} from "../core/campfire.ts";
import { digestOf, numbered, proposedOf, untickedIn } from "../core/campfire-file.ts";
import { parseEntry } from "../core/entry.ts";
import type { State } from "../core/state.ts";
import type { Changes, Forge, Proposal, Repo } from "../ports.ts";
import { notTaken, type Told, tellingOf, wordsOf } from "./campfire-telling.ts";
import type { Proposing } from "./propose.ts";
import type { Targets } from "./target.ts";

export interface CampfirePorts extends Told {
  repo: Repo;
  targets: Targets;
  forge: Forge;
  /** Opens this branch for insights and learnings. */
  propose(branch: string): Promise<Proposing>;
  mask(text: string): string;
}

/** null: there is nothing to do, and nothing was decided. `asked`: by a person, whatever the hour. */
export async function tendCampfire(
  ports: CampfirePorts,
  state: State,
  now: Date,
  asked = false,
): Promise<CampfireFinding | null> {
  const plan = campfirePlan(state, now, asked);
  if (plan === null) return null;
  const { open } = plan;
  if (!open) return openOne(ports, state, plan, now);
  const seen = await lookAt(ports, state, open, now);
  if ("stands" in seen) return seen;
  const row = seen.row;
  const more = await addTo(ports, state, { ...plan, open: row }, now);
  return more ?? (row === open ? null : { row });
}

const workOf = (state: State, { proposal: { branch }, head = "" }: Campfire): Proposal => ({
  repo: ".",
  branch,
  head,
  owners: state.settings.owners,
  touches: ["policy"],
});

type Seen = { row: Campfire } | Required<Pick<CampfireFinding, "stands">>;

async function lookAt(ports: CampfirePorts, state: State, row: Campfire, now: Date): Promise<Seen> {
  const idle = now.getTime() - Date.parse(row.touched ?? row.at) >= campfire_life;
  return ports.forge.name === "git"
    ? lookAtBranch(ports, state, row, idle, now)
    : lookAtPull(ports, state, row, idle, now);
}

/** Git by itself: a file on the default branch is the yes to it, a branch that is gone the no to all of them. */
async function lookAtBranch(
  ports: CampfirePorts,
  state: State,
  row: Campfire,
  idle: boolean,
  now: Date,
): Promise<Seen> {
  const { repo, targets } = ports;
  const { policy } = state.tips;
  const { heads, tip } = await targets.look(".");
  const head = heads.get(row.proposal.branch);
  const files = await filesOf(repo, policy, row);
  const came = async (commit: string | undefined) =>
    commit !== undefined && commit !== "" && (await repo.contains(policy, commit).catch(() => false));
  const as = (word: "merged" | "closed" | "expired"): Seen => ({
    stands: { id: row.id, as: word, files, unticked: new Set() },
  });
  if (files.size > 0 || (await came(row.head)) || (await came(head))) return as("merged");
  // Merged in the very moment since the branches were read, and taken away after that: the next tick sees it.
  if (head === undefined) return tip === policy ? as(idle ? "expired" : "closed") : { row };
  if (row.head !== undefined && head !== row.head) return { row: { ...row, head, touched: now.toISOString() } };
  if (!idle) return { row: row.head === head ? row : { ...row, head } };
  await (await ports.propose(row.proposal.branch)).remove();
  return as("expired");
}

async function lookAtPull(ports: CampfirePorts, state: State, row: Campfire, idle: boolean, now: Date): Promise<Seen> {
  const { repo, forge } = ports;
  const work = workOf(state, row);
  const stands = await forge.stands(work);
  if (stands === "open" || stands === "conflict" || stands === "unclear") {
    const shown = idle ? await forge.show(work) : null;
    const since = shown && "updated" in shown ? Date.parse(shown.updated ?? "") : Number.NaN;
    // What people did there is not seen from here; the forge knows when it was.
    const untouched = !(now.getTime() - since < campfire_life);
    if (!idle || !untouched) return { row };
    await forge.retract(work);
    await (await ports.propose(row.proposal.branch)).remove();
    return { stands: { id: row.id, as: "expired", files: new Map(), unticked: new Set() } };
  }
  // What was merged must be in what was read.
  if ((await repo.policyTipNow()) !== state.tips.policy) return { row };
  const shown = stands === "merged" ? await forge.show(work) : null;
  const body = shown && "body" in shown ? shown.body : "";
  const by = shown && "by" in shown ? shown.by?.login : undefined;
  const as = idle && stands !== "merged" ? "expired" : stands;
  const files = await filesOf(repo, state.tips.policy, row);
  return { stands: { id: row.id, as, files, unticked: untickedIn(body, row), by } };
}

/** The files of its candidates in a commit. */
async function filesOf(repo: Repo, commit: string, row: Campfire) {
  const names = new Map(row.candidates.map((one) => [pathOf(one), one.name]));
  const items = await repo.tree(commit, [...names.keys()]);
  const blobs = await repo.blobs(items.map(({ blob }) => blob));
  return new Map(
    items.flatMap(({ path, blob }): [string, { sum: string; said: string }][] => {
      const text = Buffer.from(blobs.get(blob) ?? []).toString();
      const kind = path.startsWith("insights/") ? "insight" : "learning";
      const { entry } = parseEntry(path, kind, text);
      return [[names.get(path) ?? "", { sum: digestOf(text), said: sumOf(entry?.body ?? text) }]];
    }),
  );
}

/** Branches of towline's stand below one name, and none can where a branch has just that one. */
async function branchFor({ targets }: CampfirePorts, state: State, id: string): Promise<string> {
  const { heads } = await targets.look(".");
  const taken = heads.has("towline") || state.settings.ledger.branch === "towline";
  return `towline${taken ? "-work" : ""}/campfire-${id}`;
}

async function openOne(ports: CampfirePorts, state: State, plan: CampfirePlan, now: Date): Promise<CampfireFinding> {
  const id = freeId(state, plan.day);
  const branch = await branchFor(ports, state, id);
  const row: Campfire = {
    id,
    at: now.toISOString(),
    state: "open",
    proposal: { branch },
    candidates: [],
    doubted: [],
    joined: plan.day,
  };
  return shown(ports, state, await written(ports, state, row, plan), now);
}

/** What came up since, and without what was turned down by a word. null: neither. */
async function addTo(
  ports: CampfirePorts,
  state: State,
  plan: CampfirePlan & { open: Campfire },
  now: Date,
): Promise<CampfireFinding | null> {
  const { open, fresh } = plan;
  const down = open.candidates.some(({ outcome, gone }) => outcome === "dismissed" && !gone);
  const unshown = ports.forge.name !== "git" && open.proposal.url === undefined;
  if (fresh.length === 0 && !down && !unshown) return null;
  const row = fresh.length > 0 ? { ...open, joined: plan.day } : open;
  return shown(ports, state, await written(ports, state, row, plan), now, open.candidates.length);
}

/** Writes the files of new candidates that are not there, and takes those away that were turned down and nobody changed. */
async function written(ports: CampfirePorts, state: State, row: Campfire, { fresh }: CampfirePlan): Promise<Campfire> {
  const proposing = await ports.propose(row.proposal.branch);
  const changes: Changes = new Map();
  const made = fresh.map((one) =>
    proposedOf({ ...one, text: ports.mask(one.text), sources: one.sources.map(ports.mask) }, row.id),
  );
  for (const { row: one, text } of made)
    if ((await proposing.text(pathOf(one))) === null) changes.set(pathOf(one), text);
  for (const path of await notTaken(ports, state)) if ((await proposing.text(path)) !== null) changes.set(path, null);
  const kept = [];
  for (const one of row.candidates) {
    const off = one.outcome === "dismissed" && !one.gone;
    const text = off ? await proposing.text(pathOf(one)) : null;
    if (text !== null && digestOf(text) === one.sum) changes.set(pathOf(one), null);
    kept.push(off ? { ...one, gone: true as const } : one);
  }
  const names = made.map(({ row: one }) => one.title).slice(0, 3);
  const subject = `Campfire ${row.id}: ${names.length > 0 ? names.join("; ").slice(0, 120) : "what was dropped is gone"}`;
  const pushed = await proposing.push(changes, subject);
  const head = pushed?.commit ?? proposing.tip ?? row.head;
  return {
    ...row,
    ...(head === undefined ? {} : { head }),
    candidates: [...kept, ...made.map((one) => one.row)],
  };
}

/** A text that people have changed stays theirs: what joins it is said in a comment. */
async function tellLate({ forge }: CampfirePorts, work: Proposal, row: Campfire, number: number): Promise<void> {
  const shown = await forge.show(work);
  const body = shown && "body" in shown ? shown.body : null;
  const late = numbered(row).filter(({ path, outcome }) => outcome === undefined && body?.includes(path) === false);
  if (late.length === 0) return;
  const lines = late.map((one) => `- **${one.number}.** \`${one.path}\`, ${one.why}`);
  const text = `${lines.join("\n")}\n\nThese joined. The files say what is proposed; \`/towline drop ${late[0]?.number}\` drops one.`;
  await forge.comment({ repo: ".", number }, { marker: `campfire ${row.id} ${late.length}`, text });
}

/** Shows people what stands on the branch. `before`: how many candidates it had; without a word it is new. */
async function shown(
  ports: CampfirePorts,
  state: State,
  made: Campfire,
  now: Date,
  before = Number.POSITIVE_INFINITY,
): Promise<CampfireFinding> {
  const telling = await tellingOf(ports, state, made, campfiresIn(state), now);
  const row = { ...made, doubted: telling.doubted.map(({ path }) => path.replace(/^.*\/|\.md$/g, "")) };
  const { onForge, inLedger } = await wordsOf(ports, state, row, telling);
  const texts = new Map([[textPath(row.id), ports.mask(inLedger)]]);
  if (ports.forge.name === "git") return { row, texts };
  const work = { ...workOf(state, row), title: onForge.title, body: ports.mask(onForge.body) };
  const url = await ports.forge.propose(work);
  const number = Number(/\/pulls?\/(\d+)$/.exec(url)?.[1] ?? Number.NaN);
  const proposal = { branch: row.proposal.branch, ...(Number.isNaN(number) ? {} : { number }), url };
  if (made.candidates.length > before && !Number.isNaN(number)) await tellLate(ports, work, row, number);
  return { row: { ...row, proposal }, texts };
}
