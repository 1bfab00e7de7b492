// What is left of a pack outside of its records: on machines, on origin, on the forge, on this machine.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Entry } from "../core/entry.ts";
import { generated_path, readGenerated } from "../core/generated.ts";
import type { State } from "../core/state.ts";
import { isFolder } from "../core/target.ts";
import { tick_workflow, tickEnv } from "../core/tick-env.ts";
import { Fault, messageOf } from "../errors.ts";
import { HostFault } from "../ports.ts";
import { createFleet } from "../shell/fleet.ts";
import { resolveKey } from "../shell/fleet-key.ts";
import { runGit } from "../shell/git.ts";
import { githubPlace } from "../shell/init-look.ts";
import { packKeyFile } from "../shell/pack-keys.ts";
import { findRepo, originUrl } from "../shell/repo-open.ts";
import { remote_name } from "../shell/repo-remote.ts";
import { unlock } from "../transports/key.ts";
import { repoDir, type Wire } from "../wire.ts";
import type { LeaveFlags } from "./leave.ts";
import { quoted } from "./next-steps.ts";
import { plugOf } from "./plug.ts";

export interface Left {
  branches: string[];
  pulls: string[];
  /** Lines, without their options. */
  keys: string[];
  secrets: string[];
  files: string[];
  commands: string[];
}

export interface LeftHost {
  host: string;
  ok: boolean;
  removed: string[];
  why: string | null;
}

export async function leftBehind(wire: Wire, dir: string, state: State): Promise<Left> {
  const { place } = await findRepo(dir, wire.env);
  const listed = await runGit(place, ["ls-remote", remote_name], { deadline: 20_000 });
  const refs = listed.stdout
    .toString()
    .split("\n")
    .flatMap((line) => line.split("\t")[1] ?? []);
  const heads = refs.filter((ref) => ref.startsWith("refs/heads/")).map((ref) => ref.slice(11));
  const branches = heads.filter((name) => /^towline\//.test(name) || name === state.settings.ledger.branch);
  const text = (path: string) => readFile(join(place.cwd, path), "utf8").catch(() => null);
  const origin = await originUrl(dir, wire.env);
  // Beside a folder no CI service runs: there is nothing to switch off and no secret.
  const workflow = origin !== null && isFolder(origin) ? null : await text(tick_workflow);
  const given = [...(tickEnv(workflow ?? "") ?? new Map()).values()];
  const secrets = [...new Set(given.flatMap(({ secret }) => secret ?? []))].sort();
  const made = Object.keys(readGenerated(await text(generated_path))?.files ?? {});
  const files = [...made, generated_path].filter((path) => existsSync(join(place.cwd, path))).sort();
  const own = refs.filter((ref) => ref.startsWith("refs/towline/"));
  const kept = dirname(packKeyFile(wire, state.pack, "any"));
  return {
    branches,
    pulls: await pullsOf(wire, origin),
    keys: await keysOf(wire, state),
    secrets,
    files,
    commands: [
      ...(workflow === null ? [] : ["gh workflow disable tick.yml"]),
      ...secrets.map((name) => `gh secret delete ${name}`),
      ...(files.length > 0 ? [`git rm ${files.map(quoted).join(" ")}`] : []),
      ...[...branches.map((name) => `refs/heads/${name}`), ...own].map(
        (ref) => `git push origin --delete ${quoted(ref)}`,
      ),
      ...(existsSync(kept) ? [`rm -r ${quoted(kept)}   # the pack's own SSH keys on this machine`] : []),
      ...(wire.env[state.settings.database.url] ? ["the database of TURSO_URL is yours to drop"] : []),
    ],
  };
}

/** Open pull requests from towline's branches, where there is a token that reads them. */
async function pullsOf({ env }: Wire, origin: string | null): Promise<string[]> {
  const place = githubPlace(origin, env);
  const token = place?.variable ? env[place.variable] : undefined;
  if (!place) return [];
  if (!token) return ["(not looked at: set GITHUB_TOKEN)"];
  const { openPulls } = await import("../shell/foreign-work.ts");
  return openPulls({ ...place, token }).catch((thrown) => [`(not looked at: ${messageOf(thrown)})`]);
}

/** Public halves of the keys that hosts name: so they stand in authorized_keys. */
async function keysOf(wire: Wire, state: State): Promise<string[]> {
  const lines = new Map<string, string[]>();
  for (const { id, data } of state.hosts.values()) {
    if (data.off) continue;
    const line = await lineOf(wire, id, data, state.pack);
    lines.set(line, [...(lines.get(line) ?? []), id]);
  }
  return [...lines].map(([line, hosts]) => `${line}  (${hosts.join(", ")})`);
}

async function lineOf(wire: Wire, id: string, data: Entry<"host">["data"], pack: string): Promise<string> {
  try {
    const { key, passphrase } = await resolveKey(id, data.key, { ...wire, pack }, data.key_passphrase);
    if (key === undefined) return "a key of your ssh-agent";
    const opened = unlock(id, key, passphrase);
    return `${opened.type} ${opened.getPublicSSH().toString("base64")}`;
  } catch (thrown) {
    return `(not known: ${messageOf(thrown)})`;
  }
}

/** Cleans the machines by the verb that is for it; only looks with `--dry-run`. */
export async function hostsLeft(wire: Wire, flags: LeaveFlags, state: State): Promise<LeftHost[]> {
  const { networks } = state.settings;
  const hosts = [...state.hosts.values()].filter(({ data }) => !data.off);
  if (flags.keepHosts || hosts.length === 0) return [];
  const near = hosts.filter(({ data }) => networks.includes(data.network));
  const far = hosts
    .filter((host) => !near.includes(host))
    .map(({ id, data }) => gone(id, `the network ${data.network} is out of reach here`));
  const deployed = ["picoclaw", ...new Set([...state.agents.values()].map(({ data }) => data.runtime))].filter(
    (name) => !["shell", "tmux", "ollama"].includes(name),
  );
  const { alone, busy } = await before(wire, state, near, flags);
  const able = near.filter(({ id }) => !busy.has(id));
  // A key in an agent, or a line of another user's file, is not towline's to find.
  const open = able.filter(({ data }) => data.run_as === undefined && /^(env|file):/.test(data.key ?? ""));
  const done = new Map<string, LeftHost>(able.map(({ id }) => [id, { host: id, ok: true, removed: [], why: null }]));
  for (const runtime of new Set(deployed)) {
    const last = runtime === [...new Set(deployed)].at(-1);
    for (const [group, login] of [
      [open, true],
      [able.filter((host) => !open.includes(host)), false],
    ] as const)
      if (group.length > 0) merge(done, await torn(wire, flags, group, { runtime, last, login }));
  }
  if (flags.dryRun)
    for (const id of alone) {
      const row = done.get(id);
      if (row) row.removed = row.removed.map((one) => (one === journal ? "the host program and its journal" : one));
    }
  return [...done.values(), ...far, ...[...busy].map(([id, why]) => gone(id, why))].sort((a, b) =>
    a.host < b.host ? -1 : 1,
  );
}

/** As a teardown calls what it takes while other packs stand there. */
const journal = "this pack's journal";

/**
 * Before its first tick a pack has no random part in its id, and what a machine said hello to then stands there under that
 * name. It goes first, or it would look like another pack's. Answers the machines where nothing else stands, and why one is
 * left as it is.
 */
async function before(wire: Wire, state: State, hosts: Entry<"host">[], flags: LeaveFlags) {
  const { env, home, secrets, ask } = wire;
  const { id: early } = state.settings;
  const fleet = createFleet({
    env,
    home,
    secrets,
    ask,
    pack: state.pack,
    hosts: (name) => state.hosts.get(name)?.data,
    offers: plugOf(wire, repoDir(wire, flags)).transports,
  });
  const alone = new Set<string>();
  const busy = new Map<string, string>();
  const one = async ({ id, data }: Entry<"host">) => {
    const session = await fleet.open(id, data, state.pack);
    const used = session.facts.slots.used;
    session.close();
    if (used > 0 && !flags.force) busy.set(id, `${used === 1 ? "1 run is" : `${used} runs are`} open there`);
    if (state.pack === early || busy.has(id)) return;
    const first = await fleet.open(id, data, early);
    // What this pack left uncollected there is no reason to keep what it was called before.
    const { packs } = await first.files.uproot(true, flags.dryRun === true).finally(() => first.close());
    if (packs.every((name) => name === state.pack)) alone.add(id);
  };
  await Promise.all(
    hosts.map((host) =>
      one(host).catch((thrown) => {
        if (!(thrown instanceof Fault) && !(thrown instanceof HostFault)) throw thrown;
        busy.set(host.id, messageOf(thrown));
      }),
    ),
  ).finally(() => fleet.close?.());
  return { alone, busy };
}

const gone = (host: string, why: string): LeftHost => ({ host, ok: false, removed: [], why });

interface Row {
  host: string;
  ok: boolean;
  why: string | null;
  removed?: string[];
}

async function torn(
  wire: Wire,
  flags: LeaveFlags,
  hosts: Entry<"host">[],
  how: { runtime: string; last: boolean; login: boolean },
): Promise<Row[]> {
  const { main } = await import("../cli.ts");
  let said = "";
  const out = (text: string) => {
    said += text;
  };
  const words = ["fleet", "teardown", ...hosts.map(({ id }) => id), "--runtime", how.runtime, "--json"];
  const more = how.last ? ["--host-program", ...(how.login ? ["--login"] : [])] : [];
  const mode = flags.dryRun ? ["--dry-run"] : ["--yes"];
  const where = ["--repo", flags.repo ?? "."];
  await main([...words, ...more, ...mode, "--force", ...where], {
    ...wire,
    out,
    exit() {},
  });
  return said === ""
    ? hosts.map(({ id }) => gone(id, "it could not be cleaned; the lines above say why"))
    : (JSON.parse(said) as Row[]);
}

function merge(done: Map<string, LeftHost>, rows: Row[]): void {
  for (const { host, ok, why, removed = [] } of rows) {
    const before = done.get(host);
    if (before)
      done.set(host, { host, ok: before.ok && ok, removed: [...before.removed, ...removed], why: before.why ?? why });
  }
}
