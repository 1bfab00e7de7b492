import { siteAddress } from "../core/compare.ts";
import { forgesOf } from "../forges/index.ts";
import { createLand } from "../shell/land.ts";
import { originUrl } from "../shell/repo-open.ts";
import type { Code } from "../shell/repos.ts";
import type { Scan } from "../shell/scan.ts";
import { createTargets } from "../shell/target.ts";
import { cacheDir, type Wire } from "../wire.ts";

/** What coding work needs of the outside, for a pack in this folder. */
export function codeOf(wire: Wire, dir: string, scan: Scan): Code {
  const targets = createTargets({ dir, env: wire.env, cache: cacheDir(wire) });
  const forge = forgesOf(targets, {
    env: wire.env,
    origin: () => originUrl(dir, wire.env),
    keep: (name, value) => wire.secrets.add(name, value),
  });
  const site = async () => {
    const origin = await originUrl(dir, wire.env);
    return origin && siteAddress(origin, wire.env.GITHUB_SERVER_URL);
  };
  const ports = { targets, secrets: wire.secrets, scan, env: wire.env, site };
  return {
    targets,
    forge,
    // The forge is the pack's, and known only where its settings are.
    land: (state, ...result) => createLand({ ...ports, forge: forge(state.settings) })(state, ...result),
  };
}
