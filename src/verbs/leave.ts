import { join, resolve } from "node:path";
import type { Command } from "commander";
import { isOver } from "../core/jobs.ts";
import { counted } from "../core/text.ts";
import { exit, usage } from "../errors.ts";
import { readBound } from "../shell/binding.ts";
import { confirm } from "../shell/confirm.ts";
import { visible } from "../shell/masked.ts";
import { openOrigin } from "../shell/pack.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import type { Left, LeftHost } from "./leave-look.ts";

export interface LeaveFlags extends Common {
  out?: string;
  dryRun?: boolean;
  keepHosts?: boolean;
  force?: boolean;
  yes?: boolean;
}

interface Outcome extends Left {
  dry_run: boolean;
  export: { dir: string; records: number; tasks: number; files: string[] } | null;
  open: string[];
  hosts: LeftHost[];
}

/** Adds `towline leave`: takes all of it along, and nothing of it stays on the machines. */
export function leave(program: Command, wire: Wire): void {
  program
    .command("leave")
    .description(
      "stop using towline: all records as SQLite, JSON and a crontab, machines cleaned, and a list of the rest",
    )
    .option("--dry-run", "only say what would be done; the machines are asked, nothing is changed")
    .option("--out <dir>", "where the export goes (default: PACK-export beside the pack)")
    .option("--keep-hosts", "leave the machines as they are")
    .option("--force", "even with open jobs")
    .option("--yes", "without asking")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the outcome as JSON")
    .action(async (flags: LeaveFlags) => {
      const done = await leaving(wire, flags);
      wire.out(flags.json ? `${JSON.stringify(done, null, 2)}\n` : described(done));
      if (done.hosts.some(({ ok }) => !ok)) wire.exit(exit.findings);
    });
}

async function leaving(wire: Wire, flags: LeaveFlags): Promise<Outcome> {
  const dir = repoDir(wire, flags);
  const dry = flags.dryRun === true;
  const { repo, tips: fetched } = await openOrigin(dir, wire);
  const { state } = await readBound({ repo, clock: wire.clock }, fetched);
  const open = [...state.jobs.values()].filter((job) => !isOver(job)).map(({ id }) => id);
  if (!dry) await agreed(wire, flags, open, state.hosts.size);
  const { hostsLeft, leftBehind } = await import("./leave-look.ts");
  const left = await leftBehind(wire, dir, state);
  if (dry) return { dry_run: true, export: null, open, hosts: await hostsLeft(wire, flags, state), ...left };
  // Before anything is taken away: a tick that comes now must not bring it back.
  const { main } = await import("../cli.ts");
  await main(["stop", "the pack is being left", "--push", "--json", "--repo", dir], { ...wire, out() {} });
  const again = await openOrigin(dir, wire);
  const now = await readBound({ repo: again.repo, clock: wire.clock }, again.tips);
  if (now.state.stop === null)
    throw usage("STOP.md is not on origin, so nothing was taken away", "towline stop --push");
  const { exportAll } = await import("../shell/leave-export.ts");
  const out = resolve(wire.cwd, flags.out ?? join(dir, "..", `${state.settings.id}-export`));
  const made = await exportAll(visible(again.repo, wire.secrets), now.tips, now.state, out);
  return { dry_run: false, export: made, open, hosts: await hostsLeft(wire, flags, now.state), ...left };
}

async function agreed(wire: Wire, flags: LeaveFlags, open: string[], hosts: number): Promise<void> {
  if (open.length > 0 && !flags.force)
    throw usage(
      `${open.length === 1 ? "1 job is" : `${open.length} jobs are`} open: ${open.slice(0, 5).join(", ")}`,
      "say `towline stop --push`, let a tick collect them, or use --force: what they did is lost",
    );
  const what = flags.keepHosts || hosts === 0 ? "" : ` and take towline off ${counted(hosts, "machine")}`;
  const yes = flags.yes || (wire.terminal && !flags.json && (await confirm(`Stop this pack${what}?`)));
  if (!yes) throw usage("nothing was done: nobody said yes", "say --yes, or look first with --dry-run");
}

function described(done: Outcome): string {
  const { dry_run: dry, export: made, open, hosts, branches, pulls, keys, secrets, files, commands } = done;
  const list = (title: string, lines: string[]) =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  return [
    dry ? "Nothing was changed. This would be done:" : "✓ nothing more is started: STOP.md is on origin",
    ...(made
      ? [
          `✓ ${counted(made.records, "record")} in ${made.dir}: ${made.files.join(", ")} (${counted(made.tasks, "recurring task")})`,
        ]
      : dry
        ? [
            "● STOP.md on origin: nothing more is started",
            "● every record as records.json and records.db (SQLite), recurring tasks as a crontab with their scripts",
          ]
        : []),
    ...hosts.flatMap(({ host, ok, removed, why }) => [
      `${ok ? (dry ? "●" : "✓") : "✕"} ${host}: ${ok ? (removed.length === 0 ? "nothing of towline's is there" : dry ? "would be cleaned" : "cleaned") : why}`,
      ...removed.map((one) => `    − ${one}`),
    ]),
    ...list("Jobs that are open:", open),
    ...list("Lines of ~/.ssh/authorized_keys on the machines that are towline's:", keys),
    ...list("Branches that towline made:", branches),
    ...list("Pull requests that are open:", pulls),
    ...list("Secrets that the ticks were given:", secrets),
    ...list("Files that towline made in the repository:", files),
    ...list("What only you can do:", commands),
    "",
  ].join("\n");
}
