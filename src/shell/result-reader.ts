// By what a result is read: a runtime of ours, or one that a plugin offers, which is looked at when it is needed.
import type { State } from "../core/state.ts";
import type { Runtime } from "../ports.ts";
import { runtimeOf } from "../runtimes/index.ts";

interface Readers {
  runtimes: Readonly<Record<string, Runtime>>;
  plug?: ((state: State, runtime: string) => Promise<void>) | undefined;
}

/** A text: why nothing can read it now. Then its host keeps the result, for whoever asks next. */
export async function readerOf({ runtimes, plug }: Readers, state: State, name: string): Promise<Runtime | string> {
  if (!Object.hasOwn(runtimes, name)) await plug?.(state, name);
  const runtime = runtimeOf(runtimes, state, name);
  if (runtime) return runtime;
  const found = state.plugged?.get(name);
  return found && "fault" in found
    ? `it has ended, and the plugin ${name}, by which its answer is read, fails: ${found.fault}`
    : `it has ended, and its answer cannot be read: towline.yml names no plugin ${name} any more`;
}
