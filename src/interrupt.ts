// Ending early. A CI service sends SIGINT, waits 7.5 s, sends SIGTERM, waits 2.5 s and kills.
import { exit } from "./errors.ts";

/** Thrown where a wait was given up because of a signal. */
export class Interrupted extends Error {}

/** The work's outcome, or an Interrupted as soon as the signal comes. What goes on behind it is nobody's concern. */
export async function heed<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work;
  work.catch(() => {}); // its fault has no reader after an interruption
  if (signal.aborted) throw new Interrupted();
  let stop = () => {};
  const cut = new Promise<never>((_, reject) => {
    stop = () => reject(new Interrupted());
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([work, cut]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Milliseconds from the first signal to the end of the process, whatever it is at. */
const grace = 6000;
const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Signals {
  signal: AbortSignal;
  /** Signals are the system's again. */
  release(): void;
}

/** What a person reads who ended a process that could not tidy up in time. */
const cutShort = "interrupted: ended before all was written down; nothing is lost, the next run takes it up";

/**
 * Aborts at the first signal. Further ones are ignored, because launchers pass on what the terminal sent already; but
 * after the grace the process says so and ends with `exit.interrupted`. That is safe at any moment: ticks survive SIGKILL.
 */
export function hearSignals(): Signals {
  const controller = new AbortController();
  let released = false;
  const hear = () => {
    if (controller.signal.aborted) return;
    controller.abort();
    setTimeout(() => {
      if (!released) process.stderr.write(`${cutShort}\n`);
      process.exit(released ? undefined : exit.interrupted);
    }, grace).unref();
  };
  for (const name of names) process.on(name, hear);
  return {
    signal: controller.signal,
    release: () => {
      released = true;
      for (const name of names) process.off(name, hear);
      // What was given up, like a login that nobody waits for any more, must not keep the process.
      if (controller.signal.aborted) setTimeout(() => process.exit(), 300).unref();
    },
  };
}
