import type { Command } from "commander";
import {
  type Campfire,
  type CampfireFinding,
  campfirePlan,
  campfiresIn,
  freeId,
  freshCandidates,
  lastDue,
  openCampfire,
} from "../core/campfire.ts";
import { proposedOf } from "../core/campfire-file.ts";
import { decideCampfire } from "../core/decide-campfire.ts";
import type { State } from "../core/state.ts";
import { counted } from "../core/text.ts";
import { configuration } from "../errors.ts";
import type { Repo } from "../ports.ts";
import { bindingFault } from "../shell/binding.ts";
import { commitLedger } from "../shell/ledger-commit.ts";
import { openOrigin } from "../shell/pack.ts";
import { readPair } from "../shell/read.ts";
import { createScan } from "../shell/scan.ts";
import { tickId } from "../shell/tick-run.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { campfireOf, campfirePorts, codeOf } from "./code.ts";

interface CampfireFlags extends Common {
  dryRun?: boolean;
}

/** Adds `towline campfire`: what was learned is proposed now, or joins the proposal that is open. */
export function campfire(program: Command, wire: Wire): void {
  program
    .command("campfire")
    .description("propose what agents and reviewers have taught, now, as one branch or pull request that you may merge")
    .option("--dry-run", "print the proposal, and push nothing")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what there is as JSON")
    .action(async (flags: CampfireFlags) => {
      const dir = repoDir(wire, flags);
      const { repo, tips } = await openOrigin(dir, wire);
      if (flags.dryRun) return preview(wire, flags, dir, repo, await readPair(repo, tips));
      const tend = campfireOf(wire, dir, { repo, code: codeOf(wire, dir, createScan()), clock: wire.clock });
      const now = wire.clock.now();
      const tick = `${tickId(now)}-campfire`;
      let asked: Promise<CampfireFinding | null> | undefined;
      await commitLedger({ repo, clock: wire.clock, tick, subject: "campfire" }, tips, async (state, binding) => {
        if (binding.state === "copy" || binding.state === "rewritten") throw bindingFault(binding);
        if (binding.state === "fresh") return new Map();
        if (state.stop) throw configuration("the pack is stopped", "take STOP.md away first");
        asked ??= tend(state, now, true);
        const finding = await asked;
        return finding === null ? new Map() : decideCampfire(state, finding, { now, tick });
      });
      const state = await readPair(repo, await repo.fetch());
      tell(wire, flags, state, now);
    });
}

function tell(wire: Wire, flags: CampfireFlags, state: State, now: Date): void {
  const open = openCampfire(state);
  const fresh = freshCandidates(state);
  if (flags.json) return void wire.out(`${JSON.stringify({ ...standing(state, now), open: open ?? null }, null, 2)}\n`);
  if (open) return void wire.out(`${openLines(open).join("\n")}\n`);
  const { min = 1 } = state.settings.campfire ?? {};
  const last = campfiresIn(state).at(-1);
  const over = last?.closed_at ? ` The last one, ${last.id}, is ${last.state}.` : "";
  wire.out(`No campfire: ${counted(fresh.length, "candidate")}, and one takes ${min} or more.${over}\n`);
}

const standing = (state: State, now: Date) => ({
  due: lastDue(state.settings, now),
  candidates: freshCandidates(state).map(({ id, text, sources, witnesses }) => ({
    name: id,
    text,
    sources,
    witnesses,
  })),
});

function openLines({ id, proposal, candidates, refused }: Campfire): string[] {
  const marks = { approved: "✓", edited: "✓", dismissed: "✕" };
  return [
    `Campfire ${id} is open: ${proposal.url ?? `branch ${proposal.branch}`}`,
    ...candidates.map(
      ({ title, outcome }, at) =>
        `  ${outcome === undefined ? "○" : marks[outcome]} ${String(at + 1).padStart(2)}. ${title}`,
    ),
    ...(refused === undefined ? [] : [`  △ ${refused}`]),
    proposal.url === undefined
      ? `Merge ${proposal.branch} into the default branch to say yes; delete a file there first to drop it.`
      : "Merge the pull request to say yes; empty a box or say `/towline drop 2` there to drop one.",
  ];
}

async function preview(wire: Wire, flags: CampfireFlags, dir: string, repo: Repo, state: State): Promise<void> {
  const now = wire.clock.now();
  const plan = campfirePlan(state, now, true);
  if (!plan || plan.fresh.length === 0) return tell(wire, flags, state, now);
  const id = plan.open?.id ?? freeId(state, plan.day);
  const made = plan.fresh.map((one) => proposedOf(one, id).row);
  const before = plan.open ?? { id, at: now.toISOString(), state: "open", candidates: [], doubted: [] };
  const row: Campfire = {
    proposal: { branch: `towline/campfire-${id}` },
    ...before,
    state: "open",
    candidates: [...before.candidates, ...made],
  };
  const code = codeOf(wire, dir, createScan());
  const { ports } = await campfirePorts(wire, dir, { repo, code, clock: wire.clock }, state);
  const { tellingOf, wordsOf } = await import("../shell/campfire-telling.ts");
  const telling = await tellingOf(ports, state, row, campfiresIn(state), now);
  const { onForge } = await wordsOf(ports, state, row, telling);
  if (flags.json) wire.out(`${JSON.stringify({ ...standing(state, now), proposal: onForge }, null, 2)}\n`);
  else wire.out(`# ${onForge.title}\n\n${onForge.body}`);
}
