// `towline dispatch --collect`: what earlier dispatches left on the machines, because they were killed or lost them.

import type { Entry } from "../core/entry.ts";
import { everywhere, runtimeOfAdhoc } from "../core/errand.ts";
import { glyphs } from "../core/jobs.ts";
import { hostCalled } from "../core/known-hosts.ts";
import { closed } from "../core/place.ts";
import { formatDuration } from "../core/scalar.ts";
import type { State } from "../core/state.ts";
import { clean } from "../core/text.ts";
import { exit, messageOf } from "../errors.ts";
import type { HeldJob, Outcome, RawResult } from "../ports.ts";
import { runtimes } from "../runtimes/index.ts";
import { bindingNote } from "../shell/binding.ts";
import { openLocal } from "../shell/pack.ts";
import type { Pool } from "../shell/pool.ts";
import { jobPaths, readWorkTree } from "../shell/read.ts";
import { readerOf } from "../shell/result-reader.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import type { DispatchFlags } from "./dispatch.ts";
import { choice, portsOf } from "./errand-choice.ts";

type Left = { host: string; job: string } & (
  | { state: "running" }
  | { state: string; result: RawResult; outcome: Outcome; forget(): Promise<void> }
);

/** Prints them, and has them forgotten when that is asked for. */
export async function collectLeft(wire: Wire, flags: DispatchFlags): Promise<void> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  const state = everywhere(await readWorkTree(repo, top, tips));
  const foreign = await bindingNote(repo, state);
  if (foreign) throw foreign;
  const wanted = choice(flags, state).hosts?.filter((one) => one !== "any");
  const hosts = [...state.hosts.values()].filter((host) => isMeant(host, state, wanted));
  const recorded = await jobPaths(repo, tips);
  const ports = portsOf(wire, repoDir(wire, flags));
  // Before its first tick a pack has no id of its own yet: what was dispatched then lies under the one of towline.yml.
  const pools = [...new Set([state.pack, state.settings.id])].map((pack) =>
    ports.connect(pack, (name) => hostCalled(state, name)?.data),
  );
  try {
    const found = await Promise.all(
      pools.flatMap((pool) =>
        hosts.map((host) =>
          leftOn(wire, hostCalled(state, host.id) as Entry<"host">, { pool, recorded, ports, state }),
        ),
      ),
    );
    tell(wire, flags, found.flat());
    if (flags.ack) await forgetAll(wire, found.flat());
  } finally {
    for (const pool of pools) pool.close();
  }
}

/** Only what was printed is forgotten; a machine that cannot be told now keeps its answer. */
async function forgetAll(wire: Wire, found: Left[]): Promise<void> {
  for (const one of found) {
    if (!("forget" in one)) continue;
    await one.forget().catch((thrown) => {
      wire.report.warning(`${one.job} is still kept there: ${messageOf(thrown)}`);
      wire.exit(exit.findings);
    });
  }
}

const isMeant = (host: Entry<"host">, { settings }: State, wanted: string[] | undefined) =>
  wanted === undefined || wanted.length === 0
    ? !host.data.off && closed({ ...host, data: { ...host.data, cordon: undefined } }, settings.networks) === null
    : wanted.includes(host.id) || (host.data.labels ?? []).some((label) => wanted.includes(`label:${label}`));

interface Asking {
  pool: Pool;
  /** Jobs of the ledger: those are the ticks'. */
  recorded: ReadonlyMap<string, string>;
  ports: ReturnType<typeof portsOf>;
  state: State;
}

async function leftOn(wire: Wire, host: Entry<"host">, { pool, recorded, ports, state: of }: Asking): Promise<Left[]> {
  const opened = await pool.open(host);
  if ("fault" in opened) {
    wire.report.warning(`${host.id} ${opened.message}`);
    wire.exit(exit.findings);
    return [];
  }
  const { session } = opened;
  const mine = session.facts.held.filter((held) => isLeft(held) && !recorded.has(held.job));
  const found: Left[] = [];
  for (const { job, epoch, state } of mine) {
    if (state === "running") found.push({ host: host.id, job, state });
    else {
      const name = runtimeOfAdhoc(job) ?? "";
      const runtime = await readerOf({ runtimes, plug: ports.plug }, of, name);
      if (typeof runtime === "string") {
        wire.report.warning(`${host.id}: ${job} stays there: ${runtime}`);
        wire.exit(exit.findings);
        continue;
      }
      const result = await session.fetch(job, epoch).catch((thrown) => {
        wire.report.warning(messageOf(thrown));
        wire.exit(exit.findings);
        return null;
      });
      if (result === null) continue;
      const screened = await ports.screen(result, runtime);
      const { sha256 } = screened.result;
      const forget = () => session.ack([{ job, epoch, sha256 }]);
      found.push({ host: host.id, job, state: screened.outcome.state, ...screened, forget });
    }
  }
  return found;
}

/** Recorded jobs are held with the day of their record. */
const isLeft = ({ job, day }: HeldJob) => runtimeOfAdhoc(job) !== null && day === "";

function tell(wire: Wire, flags: Common & { ack?: boolean }, found: Left[]): void {
  found.sort((a, b) => (`${a.host} ${a.job}` < `${b.host} ${b.job}` ? -1 : 1));
  if (flags.json) {
    const rows = found.map((one) => ({
      host: one.host,
      job: one.job,
      state: one.state,
      answer: "outcome" in one ? clean(one.outcome.answer) : null,
      why: "outcome" in one ? (one.outcome.why ?? null) : null,
      acknowledged: flags.ack === true && "outcome" in one,
    }));
    wire.out(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  const lines = found.flatMap((one) => {
    if (!("outcome" in one)) return [`● ${one.host}  ${one.job} is running`];
    const { outcome, result } = one as Extract<Left, { outcome: Outcome }>;
    const why = outcome.why ? `  ${outcome.why}` : "";
    const answer = clean(outcome.answer).replace(/\n+$/, "");
    const head = `${glyphs[outcome.state] ?? "✕"} ${one.host}  ${one.job}  ${result.started_at.slice(0, 19)}Z  ${formatDuration(result.took)}${why}`;
    return [head, ...(answer === "" ? [] : answer.split("\n").map((line) => `  ${line}`))];
  });
  const over = found.filter((one) => one.state !== "running").length;
  if (found.length === 0) lines.push("Nothing is left of earlier dispatches.");
  else if (over > 0 && !flags.ack)
    lines.push(`The machines keep ${over === 1 ? "it" : "them"} until you say: towline dispatch --collect --ack`);
  wire.out(`${lines.join("\n")}\n`);
}
