// What towline notes on a host of a runtime that it put there: only what it notes is ever taken away again.
import { z } from "zod";
import type { HostFiles } from "../ports.ts";

const version = z.object({ version: z.string().max(100), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const shape = z.object({
  version: z.string().max(100),
  /** Of the program. Of an npm package there is none. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  npm: z.string().max(200).optional(),
  /** Version of that package which was there before towline: then it is not ours to remove. */
  found: z.string().max(100).optional(),
  /** A tick put it there for an ephemeral agent. */
  ephemeral: z.boolean().default(false),
  /** It was rolled back to somebody else's. */
  foreign: z.boolean().default(false),
  source: z.string().max(300),
  at: z.string().max(40),
  /** The one that is kept: another of ours, or `foreign`, somebody else's, which stays kept whatever is deployed next. */
  before: version.extend({ foreign: z.boolean() }).optional(),
  /** Settings files: `made` by the deploy, or only `changed`. */
  files: z.record(z.string(), z.enum(["made", "changed"])).default({}),
  models: z.array(z.string()).default([]),
  added: z.array(z.string()).default([]),
  classic: z.array(z.string()).default([]),
  variables: z.array(z.string()).default([]),
  /** Hashes of the keys and lines that towline wrote into settings, by place, the newest first. Never the keys. */
  wrote: z.record(z.string(), z.array(z.string())).default({}),
});
export type Note = z.infer<typeof shape>;

export const programPath = (runtime: string) => `.local/bin/${runtime}`;
/** Where one is tried that must not take the place of the kept one. */
export const trialName = (runtime: string) => `${runtime}.towline-try`;
/** Where the host keeps the older self of a program. */
export const olderPath = (runtime: string) => `.local/bin/.${runtime}.towline-old`;
const notePath = (runtime: string) => `@${runtime}`;

/** null: towline put nothing of that name there, or what it noted cannot be read. */
export async function readNote(files: HostFiles, runtime: string): Promise<Note | null> {
  const bytes = await files.show(notePath(runtime));
  if (bytes === null) return null;
  try {
    return shape.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return null;
  }
}

export const writeNote = (files: HostFiles, runtime: string, note: Note) =>
  files.put(notePath(runtime), Buffer.from(`${JSON.stringify(note, null, 2)}\n`), { mode: "600" });

export const dropNote = (files: HostFiles, runtime: string) => files.remove([notePath(runtime)]);

/** A program that towline knows nothing of. */
export const unknown_version = "unknown";

/** Is the program with this hash one that towline put there? */
export const isOurs = (note: Note | null, sha256: string | null): boolean =>
  note !== null &&
  sha256 !== null &&
  ((note.sha256 === sha256 && !note.foreign) || (note.before?.sha256 === sha256 && !note.before.foreign));

/** The version of the program with this hash, as far as it is known. */
export function versionOf(note: Note | null, sha256: string | null): string | null {
  if (note === null || sha256 === null) return null;
  if (note.sha256 === sha256) return note.version;
  return note.before?.sha256 === sha256 ? note.before.version : null;
}
