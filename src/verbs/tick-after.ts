// What follows the record: each stage says what it did, or why it could not, and none can undo what was recorded.
import type { Beat } from "../core/beat.ts";
import type { State } from "../core/state.ts";
import type { Plugins } from "../plugin/index.ts";
import type { Clock, Conversations, Repo } from "../ports.ts";
import { ping } from "../shell/heartbeat.ts";
import { visible } from "../shell/masked.ts";
import { type Published, publish } from "../shell/publish.ts";
import type { Code } from "../shell/repos.ts";
import { databaseOf, openStore, type Store } from "../shell/store.ts";
import { sync } from "../shell/sync.ts";
import { type TickPorts, tickId } from "../shell/tick-run.ts";
import { cacheDir, secretOf, type Wire } from "../wire.ts";
import { delivery } from "./site-deploy.ts";

interface After {
  wire: Wire;
  flags: { sync?: boolean; site?: boolean };
  dir: string;
  repo: Repo;
  clock: Clock;
  /** This ticker sees to what is there once for all of them. */
  lead: boolean;
  conversations: Conversations | undefined;
  /** What the heartbeat had when the tick began. */
  before: Beat | null;
  plugins: Pick<Plugins, "act">;
  code: Pick<Code, "forge">;
  signal: AbortSignal | undefined;
}

export interface Stages {
  after: TickPorts["after"];
  published(): Published;
  /** For the next tick, in the heartbeat. */
  memories(): object;
}

export function afterRecord({
  wire,
  flags,
  dir,
  repo,
  clock,
  lead,
  conversations,
  before,
  plugins,
  code,
  signal,
}: After): Stages {
  let published: Published = { changed: false, export: null, beat: before?.published };
  const seen = visible(repo, wire.secrets);
  let database = before?.database;
  const today = clock.now().toISOString().slice(0, 10);
  const syncing = async (state: State) => {
    const store = await openStore(databaseOf(state.settings, wire.env, repo.gitDir));
    try {
      const result = await sync(store, seen, state.tips, { packId: state.pack });
      const { failing, ...compared } = database ?? {};
      if (result.state !== "synced") {
        database = { ...compared, failing: failing ?? clock.now().toISOString() };
        return { degraded: result.why, did: failing === undefined };
      }
      database = compared;
      const { written, deleted } = result;
      if (written + deleted === 0) return { did: failing !== undefined };
      const due = compared.at === undefined || !compared.at.startsWith(today);
      if (due) database = await comparedNow(store, state).catch(() => compared);
      return { note: `${written} written, ${deleted} deleted`, did: due || failing !== undefined };
    } finally {
      store.close();
    }
  };
  const comparedNow = async (store: Store, { tips }: State): Promise<Beat["database"]> => {
    const { compare } = await import("../shell/sync-compare.ts");
    return { at: clock.now().toISOString(), ...(await compare(store, seen, tips, performance.now() + 5000)) };
  };
  const publishing = async (state: State, left: number, tick: string) => {
    const ports = { repo: seen, ...delivery(wire, dir, state), tick, database, left, now: clock.now().getTime() };
    published = await publish(ports, state.settings, state.tips, before);
    return published.changed ? { note: "the dashboard was built anew" } : { note: published.later };
  };
  let plans = before?.plans;
  const planning = async (state: State, left: number) => {
    if (!conversations) return {};
    const { planStage } = await import("./said.ts");
    const given = { wire, dir, repo, talk: conversations, now: clock.now() };
    const { planned, ...said } = await planStage(given, state, left, plans ?? []);
    plans = planned;
    return said;
  };
  const notifying = async (state: State, _left: number, id: string) =>
    state.notices?.some((one) => one.tick === id)
      ? (await import("../shell/notify.ts")).sendNotices(lent(wire, signal), state, id)
      : {};
  const starting = async (state: State, _left: number, id: string) => {
    if (!state.notices?.some((one) => one.tick === id && one.inputs)) return {};
    const { startWorkflows } = await import("../shell/start-workflows.ts");
    return startWorkflows(code.forge(state.settings), lent(wire).mask, state, id);
  };
  let archived = before?.archived;
  const archiving = async ({ settings, tips: at }: State) => {
    if (!settings.archive || archived === today) return {};
    const { archiveOnce } = await import("../shell/archive.ts");
    const { records, commit } = await archiveOnce(
      { repo, clock, tick: `${tickId(clock.now())}-archive`, age: settings.archive.after },
      at,
    );
    archived = today;
    const count = Object.values(records).reduce((sum, one) => sum + one, 0);
    return { did: true, ...(commit !== null && count > 0 && { note: `${count} old records went into the archive` }) };
  };
  const beating = async ({ settings: { heartbeat } }: State) =>
    heartbeat ? ping(heartbeat.url, secretOf(wire), wire.env) : {};
  return {
    after: [
      ...(lead ? [{ name: "notify", run: notifying }] : []),
      ...(lead ? [{ name: "workflows", run: starting }] : []),
      ...(lead ? [{ name: "plugins", run: (state: State) => plugins.act(state, clock.now(), signal) }] : []),
      ...(conversations ? [{ name: "proposals", run: planning }] : []),
      ...(flags.sync === false || !lead ? [] : [{ name: "sync", run: syncing }]),
      ...(flags.site === false || !lead ? [] : [{ name: "publish", run: publishing }]),
      ...(lead ? [{ name: "archive", run: archiving }] : []),
      ...(lead ? [{ name: "heartbeat", run: beating }] : []),
    ],
    published: () => published,
    memories: () => ({ published: published.beat, database, plans, archived }),
  };
}

/** What whoever speaks to the outside in this verb's name is lent: keys by name, the mask, the cache, the way out. */
export const lent = (wire: Wire, signal?: AbortSignal) => ({
  secret: secretOf(wire),
  mask: (text: string) => wire.secrets.mask(text),
  progress: (line: string) => wire.report.progress(line),
  cache: cacheDir(wire),
  env: wire.env,
  signal,
});
