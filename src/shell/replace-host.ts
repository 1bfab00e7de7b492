// A machine that was set up anew has forgotten what it ran: its name goes to the new one, and what the old one still
// had open is lost, since nobody can ask for it any more.
import { decideClose } from "../core/decide-close.ts";
import { isLive } from "../core/jobs.ts";
import { metAs } from "../core/known-hosts.ts";
import { configuration } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { bindingFault } from "./binding.ts";
import { commitLedger } from "./ledger-commit.ts";
import { openOrigin } from "./pack.ts";
import type { Secrets } from "./secrets.ts";
import { tickId } from "./tick-run.ts";

export interface Replacing {
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  secrets: Secrets;
}

/**
 * Closes the open jobs of the host's old life in the ledger, by compare-and-swap: each is `lost`, and `on_lost` of its
 * task decides what follows. Answers their ids. Throws a Fault when the ledger cannot be written.
 */
export async function replaceHost(
  { dir, env, clock, secrets }: Replacing,
  name: string,
  identity: string,
): Promise<string[]> {
  const { repo, tips } = await openOrigin(dir, { env, clock, secrets });
  const tick = `${tickId(clock.now())}-replace`;
  let closed: string[] = [];
  await commitLedger({ repo, clock, tick, subject: `${name} is another machine now` }, tips, (state, binding) => {
    if (binding.state === "copy" || binding.state === "rewritten") throw bindingFault(binding);
    if (binding.state === "fresh") return new Map();
    const record = state.hosts.get(name);
    if (!record) throw configuration(`hosts/${name}.md is not on origin's default branch`, "push it first");
    // The machine as it was met, so that no tick takes up the old one again under this name.
    state.met.set(name, metAs(record, identity));
    const old = [...state.jobs.values()].filter(
      (job) => job.data.host === name && isLive(job) && job.data.run.identity !== identity,
    );
    closed = old.map((job) => job.id);
    const why = `${name} was set up anew and no longer knows this job`;
    return decideClose(state, { jobs: closed, as: "lost", why }, { now: clock.now(), tick });
  });
  return closed;
}
