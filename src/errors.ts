// Exit codes and the one error class whose message is for people. Anything else that is thrown is a bug of ours.

/** 0 duty done · 1 findings · 2 usage · 3 configuration · 4 outside world · 124 every failed dispatch timed out · 130 ended early by a signal. */
export const exit = {
  ok: 0,
  findings: 1,
  usage: 2,
  configuration: 3,
  outside: 4,
  timeout: 124,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** A fault that the reader can mend: what happened, and what to do about it. Printed without a stack trace. */
export class Fault extends Error {
  readonly code: ExitCode;
  readonly advice: string | undefined;
  constructor(code: ExitCode, message: string, advice?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Fault";
    this.code = code;
    this.advice = advice;
  }
}

export const usage = (message: string, advice?: string) => new Fault(exit.usage, message, advice);
export const configuration = (message: string, advice?: string) => new Fault(exit.configuration, message, advice);
export const interrupted = (cause?: unknown, advice = "the next tick does it all") =>
  new Fault(exit.interrupted, "interrupted before anything was begun", advice, { cause });
export const outside = (message: string, advice?: string, cause?: unknown) =>
  new Fault(exit.outside, message, advice, cause === undefined ? undefined : { cause });

const folder = "look at the file, its folder, and whose they are";
const refusals: Record<string, string> = {
  ...{ EACCES: folder, EPERM: folder, EROFS: folder, ENOTDIR: folder, EISDIR: folder, ELOOP: folder },
  ENOSPC: "make room on the disk of this folder, and of the temporary one",
  EDQUOT: "make room: what this user may keep there is used up",
  EFBIG: "files may not grow that large here (ulimit -f)",
  EMFILE: "let this user open more files at once (ulimit -n)",
};

/** What the machine refused where no part of towline had a word of its own for it: nothing that we could mend. */
export function refused(thrown: unknown): Fault | null {
  const { code, path, syscall = "" } = thrown as NodeJS.ErrnoException;
  // A file that stands where a folder is needed.
  const advice = code === "EEXIST" && syscall === "mkdir" ? folder : refusals[code ?? ""];
  // Without a path only a write to an open file says it: connections and processes have faults of these names, too.
  if (advice === undefined || (path === undefined && syscall !== "write") || /^(spawn|connect)/.test(syscall))
    return null;
  return configuration(messageOf(thrown), advice);
}

/** The text of anything that was thrown, one line. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return text.split("\n", 1)[0] as string;
}
