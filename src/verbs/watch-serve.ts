import { mkdir } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Settings } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import { configuration, usage } from "../errors.ts";
import { openLocal } from "../shell/pack.ts";
import { serveSite } from "../shell/serve.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

const usual_port = 4400;

export interface Showing {
  url: string;
  /** Ends what is shown once the settings do not allow it any more. Throws a Fault then. `tick`: when one came through. */
  mind(settings: Settings, tick?: string): Promise<void>;
  close(): Promise<void>;
}

/** `--serve` alone, `PORT`, `ADDRESS` or `ADDRESS:PORT`. */
export function placeOf(said: string | true): { host: string; port: number } {
  if (said === true) return { host: "127.0.0.1", port: usual_port };
  const bare = /^\[(.+)\](?::(\d+))?$/.exec(said) ?? /^([^:]*[^:\d][^:]*)(?::(\d+))?$/.exec(said);
  const [host, port] = /^\d+$/.test(said) ? ["127.0.0.1", said] : isIP(said) ? [said] : [bare?.[1], bare?.[2]];
  const number = port === undefined ? usual_port : Number(port);
  if (host === undefined || !(isIP(host) || host === "localhost") || number > 65_535)
    throw usage(`--serve ${oneLine(said, 60)} is no address`, "write it like 127.0.0.1:4400 or 192.168.1.5");
  return { host, port: number };
}

const isLoopback = (host: string) => host === "localhost" || host === "::1" || host.startsWith("127.");

/** A private dashboard goes over plain http to nobody but this machine: whoever listens in would read its key's page. */
function refusePlain({ site }: Settings, host: string): void {
  if (!site)
    throw configuration("--serve shows the dashboard, and towline.yml has no `site`", "add `site: {}` to towline.yml");
  if (site.private && !isLoopback(host))
    throw configuration(
      `a private dashboard is not served over plain http on ${host}`,
      "serve it on 127.0.0.1, and put a server with https before it; or leave `site.private` out",
    );
}

/** Serves what ticks build, from now on. */
export async function showSite(wire: Wire, flags: Common, said: string | true, settings: Settings): Promise<Showing> {
  const { host, port } = placeOf(said);
  refusePlain(settings, host);
  const { repo } = await openLocal(repoDir(wire, flags), wire);
  const out = join(repo.gitDir, "towline", "site");
  await mkdir(out, { recursive: true });
  let tick: string | undefined;
  const heard = () => (tick === undefined ? undefined : { tick, live: true });
  const served = await serveSite(out, { host, port, base: settings.site?.base, heard });
  return {
    ...served,
    mind: async (now, came) => {
      tick = came ?? tick;
      try {
        refusePlain(now, host);
      } catch (thrown) {
        await served.close();
        throw thrown;
      }
    },
  };
}
