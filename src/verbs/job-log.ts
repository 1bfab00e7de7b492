import type { Command } from "commander";
import { toSeconds } from "../core/explain.ts";
import { sectionOf, unfenced } from "../core/job-text.ts";
import { isLive, isOver } from "../core/jobs.ts";
import { recordsOf } from "../core/known-hosts.ts";
import { clean } from "../core/text.ts";
import { exit, usage } from "../errors.ts";
import { hearSignals } from "../interrupt.ts";
import { createFleet } from "../shell/fleet.ts";
import { lookOn, type Seen, type Stand } from "../shell/look-on.ts";
import { openOrigin } from "../shell/pack.ts";
import { createPool } from "../shell/pool.ts";
import { readPair } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { jobIn } from "./job-named.ts";
import { jobLine, localJob } from "./job-show.ts";
import { plugOf } from "./plug.ts";

interface LogFlags extends Common {
  follow?: boolean;
}

/** Adds `towline job log ID`: out of the record, or with `-f` from the host, while it runs. */
export function logging(group: Command, wire: Wire): void {
  group
    .command("log <id>")
    .description(
      "what a run printed, as far as its record keeps it (from this clone); -f: as it prints it, on its host",
    )
    .option("-f, --follow", "go on until it ends; Ctrl-C leaves it, and it goes on")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON; with -f a line for each piece")
    .action(async (id: string, flags: LogFlags) => {
      if (flags.follow) return follow(wire, flags, id);
      const job = await localJob(wire, flags, id);
      const log = logOf(job.body);
      if (flags.json) return void wire.out(`${JSON.stringify({ job: job.id, path: job.path, log }, null, 2)}\n`);
      if (log === null)
        throw usage(
          `${job.id} has no log in its record${isOver(job) ? "" : " yet: it is collected when the run has ended"}`,
          isLive(job) ? `towline job log -f ${job.id}` : `towline job show ${job.id}`,
        );
      wire.out(`${log}\n`);
    });
}

async function follow(wire: Wire, flags: LogFlags, said: string): Promise<void> {
  const dir = repoDir(wire, flags);
  const read = async () => {
    const { repo, tips } = await openOrigin(dir, wire);
    const state = await readPair(repo, tips);
    const job = await jobIn(repo, tips, state, said);
    return { state, job, host: state.hosts.get(job.data.host ?? "") };
  };
  const first = await read();
  const { state } = first;
  const { transports: offers } = plugOf(wire, dir);
  const heard = hearSignals();
  try {
    const looking = {
      clock: wire.clock,
      connect: () => createPool(createFleet({ ...wire, hosts: recordsOf(state), offers }), state.pack),
      stand: async (): Promise<Stand> => read(),
      mask: wire.secrets.mask,
      said: (stream: string, text: string) => wire.out(flags.json ? `${JSON.stringify({ stream, text })}\n` : text),
      note: (line: string) => wire.report.note(line),
      signal: heard.signal,
    };
    end(wire, flags, await lookOn(looking, first));
  } finally {
    heard.release();
  }
}

function end(wire: Wire, flags: LogFlags, { how, job, bytes }: Seen): void {
  if (how === "left") wire.exit(exit.interrupted);
  const log = how === "over" && bytes === 0 ? logOf(job.body) : null;
  if (flags.json) {
    if (log !== null) wire.out(`${JSON.stringify({ stream: "record", text: `${log}\n` })}\n`);
    return void wire.out(`${JSON.stringify({ job: job.id, path: job.path, how, state: job.data.state })}\n`);
  }
  if (log !== null) wire.out(`${log}\n`);
  if (how === "over") wire.report.note(toSeconds(jobLine(job)));
  else if (how === "ended") wire.report.note(`✓ ${job.id} has ended; the next tick writes down how`);
  else wire.report.note(`${job.id} goes on without you`);
}

/** What it printed: its answer, then what it said beside that; null: its record holds neither. */
function logOf(body: string): string | null {
  const [answer, log] = ["Answer", "Log"].map((title) => clean(unfenced(sectionOf(body, title))).trim());
  return [answer === "_No answer._" ? "" : answer, log].filter(Boolean).join("\n\n") || null;
}
