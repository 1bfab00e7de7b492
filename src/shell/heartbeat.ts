// Tells a service that watches for silence that a tick has run, and tells people when ticks come late.
import { messageOf, outside } from "../errors.ts";
import { gitEnv, runGit } from "./git.ts";
import { objectId } from "./repo-read.ts";
import { wayOut } from "./way-out.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** ms. */
const patience = 5000;
/** Less than this since the last heartbeat is not worth a look at the history, ms. */
const unremarkable = 3_600_000;

/** `named`: the name of a variable that holds the address, or the address. */
export async function ping(
  named: string,
  secret: (name: string) => string | undefined,
  env: Env = {},
): Promise<{ degraded?: string }> {
  const address = /^https?:/.test(named) ? named : secret(named);
  if (!address) return { degraded: `${named} is not set, so the service that watches for silence was not called` };
  const url = URL.canParse(address) ? new URL(address) : null;
  const near = url && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (!url || (url.protocol !== "https:" && !near)) return { degraded: "heartbeat.url is no https address" };
  try {
    const fetch = await wayOut(env, url.href);
    const answer = await fetch(url.href, {
      signal: AbortSignal.timeout(patience),
      headers: { "user-agent": "towline" },
    });
    await answer.body?.cancel();
    if (!answer.ok) throw outside(`it answered ${answer.status}`);
    return {};
  } catch (thrown) {
    // Such an address is a password: only the name of its server is said.
    const why = messageOf(thrown).replaceAll(address, "the address");
    return { degraded: `${url.hostname} was not reached: ${why}` };
  }
}

/** How long ago a tick last looked, s; null: lately, or never. `beat`: the time of the last heartbeat. */
export async function silence(
  gitDir: string,
  env: Env,
  { beat, ledger, now }: { beat: string | undefined; ledger: string | null; now: Date },
): Promise<number | null> {
  const heard = Date.parse(beat ?? "");
  if (Number.isNaN(heard) || now.getTime() - heard < unremarkable) return null;
  // A tick that wrote something needs no heartbeat.
  const args = ["log", "-1", "--format=%ct", "--grep=^Towline-Tick: "];
  const ran = ledger === null ? null : await runGit({ cwd: gitDir, env: gitEnv(env) }, [...args, objectId(ledger)]);
  const wrote = Number(ran?.stdout.toString().trim() || 0) * 1000;
  return Math.round((now.getTime() - Math.max(heard, wrote)) / 60_000) * 60;
}
