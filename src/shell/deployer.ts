// Deploys for ticks: what an agent's host lacks is put there before its job, and goes again where the agent is ephemeral.
import { neededOnHost } from "../core/agent-needs.ts";
import type { Entry } from "../core/entry.ts";
import type { State } from "../core/state.ts";
import type { Clock, Deployer } from "../ports.ts";
import { deployOn } from "./deploy.ts";
import { createReleases, type Releases } from "./release.ts";
import { tearDown } from "./teardown.ts";

export interface DeployerOptions {
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  secret(name: string): string | undefined;
}

export function createDeployer({ env, clock, secret }: DeployerOptions): Deployer {
  // A tick reads its settings anew in each pass: the same ones have the same downloads.
  const known = new Map<string, Releases>();
  const releasesOf = ({ settings }: State) => {
    const key = JSON.stringify(settings.releases);
    const releases = known.get(key) ?? createReleases(settings, env);
    known.set(key, releases);
    return releases;
  };
  const now = () => clock.now();
  return {
    async deploy(state: State, session, host: Entry<"host">, agent) {
      const order = { runtime: neededOnHost(agent), ephemeral: agent.ephemeral };
      await deployOn(session, host, order, { state, releases: releasesOf(state), secret, now });
    },
    async remove(session, runtime) {
      await tearDown({ facts: await session.probe(), files: session.files }, { runtime, open: [], ephemeral: true });
    },
  };
}
