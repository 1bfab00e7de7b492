// Puts a runtime on one host: asks what is there, gets what is wanted, replaces the program in one step, writes its settings.
import { packKeys } from "../core/agent-needs.ts";
import type { Entry } from "../core/entry.ts";
import { modelsFor } from "../core/picoclaw-settings.ts";
import { bareVersion, type Pin, type Platform, pinsOf, platformOf } from "../core/release.ts";
import type { State } from "../core/state.ts";
import { configuration, outside } from "../errors.ts";
import type { HostFiles, HostSession } from "../ports.ts";
import { readable } from "../remote/answers.ts";
import {
  isOurs,
  type Note,
  programPath,
  readNote,
  trialName,
  unknown_version,
  versionOf,
  writeNote,
} from "./deploy-note.ts";
import { deployPackage } from "./deploy-npm.ts";
import { keysFor, putSettings, type SettingsNote } from "./deploy-settings.ts";
import { type Found, type Program, type Releases, sha256Of, sourceOf } from "./release.ts";
import { unpacked } from "./release-unpack.ts";

export interface Order {
  runtime: string;
  /** A version, or `latest`; absent: the pinned one, else what towline.yml says, else the newest. */
  version?: string | undefined;
  /** A program, or an archive with it, instead of a release. */
  file?: { source: string; bytes: Uint8Array } | undefined;
  /** The settings on the host stay as they are. */
  keepSettings?: boolean | undefined;
  /** It is to go again after the job that it is for. */
  ephemeral?: boolean | undefined;
  /** Nothing is changed: only what would be. */
  dry?: boolean | undefined;
}

export interface Deployed {
  state: "installed" | "replaced" | "settings written" | "nothing to do" | "would be installed" | "would be replaced";
  version: string;
  /** Of the program on the host; null: an npm package, or a dry run. */
  sha256: string | null;
  before: string | null;
  arch: string;
  source: string;
  /** Files of settings that were written. */
  settings: string[];
  warnings: string[];
}

export interface DeployTools {
  state: Pick<State, "settings" | "agents" | "hosts">;
  releases: Releases;
  secret(name: string): string | undefined;
  now(): Date;
  /** Bytes that have arrived, of all. */
  sent?(bytes: number, all: number): void;
}

/** Throws a Fault or a HostFault; then the program that was there is there still. */
export async function deployOn(
  session: HostSession,
  host: Entry<"host">,
  order: Order,
  tools: DeployTools,
): Promise<Deployed> {
  const { runtime } = order;
  const platform = platformOf(session.facts.arch);
  if (!platform)
    throw configuration(
      `${host.id} is a ${session.facts.arch} machine, for which no ${runtime} is known`,
      `build it, and give it with --file; there are releases for amd64, arm64, riscv64, armv7 and armv6`,
    );
  const pin = pinsOf(host.data.runtimes).get(runtime);
  // Before anything is touched: a key that is missing is no reason to leave a half-deployed host behind.
  const models =
    runtime === "picoclaw" && !order.keepSettings
      ? modelsFor(tools.state.settings, tools.state.agents.values(), host)
      : null;
  const keys = models && keysFor(models, tools.secret, packKeys(tools.state.hosts.values(), tools.state.settings));
  if (!order.file && sourceOf(tools.state.settings, runtime).npm !== undefined)
    return deployPackage(session.files, order, pin, tools, platform);
  const { files } = session;
  const there = (await files.state([programPath(runtime)])).get(programPath(runtime));
  const note = await readNote(files, runtime);
  const before = there?.kind === "file" ? (versionOf(note, there.sha256) ?? unknown_version) : null;
  const said = { arch: platform.arch, before, settings: [], warnings: [] };
  const wanted = held(order, pin, there?.sha256 ?? null, note) ?? (await find(order, pin, platform, tools));
  if (order.dry) return { ...said, ...outlook(wanted, pin, there?.sha256 ?? null, note) };
  const program = await wanted.get();
  const same = there?.sha256 === program.sha256;
  const foreign = there?.kind === "file" && !isOurs(note, there.sha256);
  // Somebody else's program that is kept comes back at teardown: ours that is replaced now does not take its place.
  const guarded =
    !foreign && there?.kind === "file" && note?.before?.foreign === true && there.older === note.before.sha256;
  const fresh: Note = {
    ...settingsOf(note),
    version: program.version,
    sha256: program.sha256,
    source: program.source,
    foreign: same && foreign,
    ephemeral: order.ephemeral === true && (there?.kind !== "file" || note?.ephemeral === true),
    at: tools.now().toISOString(),
    before:
      same || guarded || !there?.sha256
        ? note?.before
        : { version: before ?? unknown_version, sha256: there.sha256, foreign },
  };
  if (!same) {
    if (guarded) await tried(files, host.id, runtime, program);
    // The note first: whoever is cut off in between is known to have begun.
    await writeNote(files, runtime, fresh);
    const was = there?.sha256 ?? "none";
    await place(files, runtime, program, { was, keep: !guarded }, tools).catch(async (thrown) => {
      await restoreNote(files, runtime, note).catch(() => {});
      throw thrown;
    });
    if (!guarded)
      await proven(files, host.id, order, there?.kind === "file", async () => restoreNote(files, runtime, note));
  }
  const noted = note?.sha256 === program.sha256 && note.version === program.version;
  if (same && (!noted || note.ephemeral !== fresh.ephemeral)) await writeNote(files, runtime, fresh);
  const save = (part: SettingsNote) => writeNote(files, runtime, { ...fresh, ...part });
  const put = models && keys ? await putSettings(files, { models, keys, before: settingsOf(note), save }) : null;
  const settings = put?.written ?? [];
  const state = same ? (settings.length > 0 ? "settings written" : "nothing to do") : before ? "replaced" : "installed";
  const { version, sha256, source } = program;
  return { ...said, state, version, sha256, source, settings, warnings: put?.warnings ?? [] };
}

interface Wanted {
  version: string;
  source: string;
  get(): Promise<Program>;
}

/** What the record pins is there already: nothing has to be asked or downloaded. */
function held(order: Order, pin: Pin | undefined, there: string | null, note: Note | null): Wanted | null {
  if (order.file || there === null || pin?.sha256 !== there) return null;
  if (order.version !== undefined && bareVersion(order.version) !== pin.version) return null;
  const version = pin.version ?? versionOf(note, there) ?? "local";
  const source = note?.source ?? "pinned";
  return { version, source, get: async () => ({ version, source, sha256: there, bytes: new Uint8Array() }) };
}

async function find(
  order: Order,
  pin: Pin | undefined,
  platform: Platform,
  { releases }: DeployTools,
): Promise<Wanted> {
  const { runtime, file } = order;
  if (file) {
    const version = order.version ?? "local";
    const get = async () => {
      const bytes = await unpacked(file.bytes, runtime, file.source, platform);
      return { version, source: file.source, bytes, sha256: sha256Of(bytes) };
    };
    return { version, source: file.source, get };
  }
  const asked = order.version === "latest" ? undefined : (order.version ?? pin?.version);
  const found: Found = await releases.find(runtime, asked, platform);
  // A pin holds for its own version: another one that was asked for gets a pin of its own.
  const pinned =
    pin?.sha256 !== undefined &&
    (pin.version === undefined ? order.version === undefined : pin.version === found.version);
  return {
    version: found.version,
    source: found.source,
    get: () => releases.get(runtime, found, platform, pinned ? pin : undefined),
  };
}

function outlook(wanted: Wanted, pin: Pin | undefined, there: string | null, note: Note | null) {
  const same =
    there !== null &&
    (pin?.version === wanted.version && pin.sha256 !== undefined
      ? pin.sha256 === there
      : note?.sha256 === there && note.version === wanted.version);
  const state = same ? "nothing to do" : there === null ? "would be installed" : "would be replaced";
  return { state, version: wanted.version, source: wanted.source, sha256: null } as const;
}

const settingsOf = (note: Note | null): SettingsNote => ({
  files: note?.files ?? {},
  models: note?.models ?? [],
  added: note?.added ?? [],
  classic: note?.classic ?? [],
  variables: note?.variables ?? [],
  wrote: note?.wrote ?? {},
});

const place = (
  files: HostFiles,
  runtime: string,
  { bytes }: Program,
  over: { was: string; keep: boolean },
  { sent }: DeployTools,
) =>
  files.put(programPath(runtime), bytes, {
    mode: "755",
    ...over,
    sent: (count) => sent?.(count, bytes.length),
  });

async function restoreNote(files: HostFiles, runtime: string, note: Note | null): Promise<void> {
  if (note) await writeNote(files, runtime, note);
  else await files.remove([`@${runtime}`]);
}

/** Where no way back would be left, a program is tried beside the one that it is to replace. */
async function tried(files: HostFiles, host: string, runtime: string, { bytes }: Program): Promise<void> {
  const name = trialName(runtime);
  await files.put(programPath(name), bytes, { mode: "755" });
  const { exit, said } = await files.call({ what: "version", name, limit: 20 });
  await files.remove([programPath(name)]);
  if (exit === 126 || exit === 127) throw unfit(runtime, host, exit, said, "the one that was there is there still");
}

const unfit = (runtime: string, host: string, exit: number, said: string, advice: string) =>
  outside(`${runtime} cannot be run on ${host}: ${readable(said).slice(0, 200) || `exit code ${exit}`}`, advice);

/** A program that the machine cannot even begin is taken back at once. */
async function proven(
  files: HostFiles,
  host: string,
  { runtime }: Order,
  replaced: boolean,
  restore: () => Promise<void>,
): Promise<void> {
  const { exit, said } = await files.call({ what: "version", name: runtime, limit: 20 });
  if (exit !== 126 && exit !== 127) return;
  if (replaced) await files.back(programPath(runtime), true);
  else await files.remove([programPath(runtime)]);
  await restore();
  const advice = replaced ? "the one that was there is back in its place" : "it was removed again";
  throw unfit(runtime, host, exit, said, advice);
}
