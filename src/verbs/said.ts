// What the tick says on the forge beside the records: at open proposals to the pack, and what a month comes to. What
// reads all that is loaded when there is something to read.
import type { State } from "../core/state.ts";
import { Fault } from "../errors.ts";
import type { Conversations, Repo } from "../ports.ts";
import type { Planned, Reader, Verdict } from "../shell/plan-comments.ts";
import type { Wire } from "../wire.ts";

interface Given {
  wire: Wire;
  dir: string;
  repo: Repo;
  talk: Pick<Conversations, "proposals" | "post">;
  now: Date;
}

/** Says what is to be said of them and answers what was said. `left`: of the CI job's time, ms. */
export async function planStage(given: Given, state: State, left: number, before: readonly Planned[]) {
  const { sayPlans } = await import("../shell/plan-comments.ts");
  const { wire, talk, now } = given;
  const end = wire.clock.tick() + left;
  return sayPlans({ talk, now, reader: readerOf(given, state), left: () => end - wire.clock.tick() }, before);
}

/** The line that the inbox shows, without a question to anybody: whether minutes cost nothing is not known here. */
export async function forecastOfMonth({ wire, dir, repo, now }: Omit<Given, "talk">, state: State): Promise<string> {
  const { forecastFrom, free_minutes } = await import("../shell/forecast.ts");
  const { forecastLine } = await import("../core/forecast.ts");
  const { tick_workflow } = await import("../core/tick-env.ts");
  const { commitFiles } = await import("../shell/pack-files.ts");
  const [file] = await commitFiles(repo, state.tips.policy, () => true, [tick_workflow]);
  const about = { repo, dir, env: wire.env, workflow: file?.text ?? null, included: free_minutes, now };
  return `A month: ${forecastLine(await forecastFrom(about, state))}`;
}

function readerOf({ wire, dir, repo, now }: Given, state: State): Reader {
  const { policy } = state.tips;
  return {
    async head(number) {
      const { fetchHead } = await import("../shell/fetch-head.ts");
      return fetchHead(dir, wire.env, `refs/pull/${number}/head`, policy);
    },
    async plan(head) {
      const { planOfProposal } = await import("../shell/proposed.ts");
      const { forkPoint } = await import("../shell/pack-files.ts");
      const { findRepo } = await import("../shell/repo-open.ts");
      const { runtimes } = await import("../runtimes/index.ts");
      const fork = await forkPoint((await findRepo(dir, wire.env)).place, policy, head);
      const { concernsPack } = await import("../core/policy-changes.ts");
      if (!concernsPack((await repo.diff(fork, head)).map(({ path }) => path))) return null;
      const names = new Set(Object.keys(runtimes));
      return wire.secrets.mask(await planOfProposal({ repo, base: { ...state }, head, fork, now, runtimes: names }));
    },
    async verdict(head) {
      const { checkProposal } = await import("./check.ts");
      try {
        const { problems } = await checkProposal(wire, dir, head, policy);
        return verdictOf(problems.filter(({ level }) => level === "error"));
      } catch (thrown) {
        // A head without settings that can be read is judged, too.
        if (!(thrown instanceof Fault) || thrown.code !== 3) throw thrown;
        return { ok: false, text: wire.secrets.mask(thrown.message) };
      }
    },
  };

  function verdictOf(errors: { path: string; line: number; message: string }[]): Verdict {
    const [first] = errors;
    if (!first) return { ok: true, text: "nothing to mend" };
    const text = `${errors.length} to mend: ${first.path}:${first.line}: ${first.message}`;
    return { ok: false, text: wire.secrets.mask(text) };
  }
}
