// The way back after a deploy: the program that was there before takes its place again, in one step.
import { formatPin, isVersion } from "../core/release.ts";
import { configuration } from "../errors.ts";
import type { HostFiles } from "../ports.ts";
import { type Note, programPath, readNote, unknown_version, versionOf, writeNote } from "./deploy-note.ts";

export interface RolledBack {
  version: string;
  before: string;
  /** What the host's record should say from now on, or the next deploy goes forward again. */
  pin: string;
}

/** Changes places of the program and its older self. Throws a Fault, and then nothing has changed. */
export async function rollBack(files: HostFiles, runtime: string): Promise<RolledBack> {
  const path = programPath(runtime);
  const note = await readNote(files, runtime);
  if (note?.npm)
    throw configuration(
      `${runtime} is the npm package ${note.npm}, of which no older one is kept`,
      `name the version: towline fleet deploy --runtime ${runtime} --version …`,
    );
  const there = (await files.state([path])).get(path);
  const older = there?.older ?? null;
  if (older === null)
    throw configuration(`no older ${runtime} is kept there`, "name the version: towline fleet deploy --version …");
  await files.back(path);
  const now = there?.sha256 ?? null;
  const version = versionOf(note, older) ?? unknown_version;
  const before = versionOf(note, now) ?? unknown_version;
  if (note && now) await writeNote(files, runtime, swapped(note, { version, older, before, now }));
  return { version, before, pin: formatPin({ ...(isReal(version) ? { version } : {}), sha256: older }) };
}

const isReal = (version: string) => version !== unknown_version && version !== "local" && isVersion(version);

function swapped(
  note: Note,
  { version, older, before, now }: { version: string; older: string; before: string; now: string },
): Note {
  const theirs = (sha256: string) =>
    note.sha256 === sha256 ? note.foreign : note.before?.sha256 === sha256 ? note.before.foreign : true;
  return {
    ...note,
    version,
    sha256: older,
    foreign: theirs(older),
    before: { version: before, sha256: now, foreign: theirs(now) },
  };
}
