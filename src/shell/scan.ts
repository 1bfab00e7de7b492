// Secrets that nobody told us of, found by their shape. The search runs in a thread, so that it can be ended.
import { Worker } from "node:worker_threads";

export interface Sighting {
  start: number;
  end: number;
  /** Like `GITHUB_TOKEN`. */
  kind: string;
}

/** Why nothing is known of any text. Its words never hold any of theirs. */
export class ScanFault extends Error {}

/** For each text what stands in it. Rejects when the search failed or took too long. */
export type Scan = (texts: string[]) => Promise<Sighting[][]>;

export interface ScanOptions {
  /** Milliseconds for one call; 5 s when absent. */
  limit?: number;
  /** The thread's program; ours when absent. */
  program?: URL;
}

const ours = new URL("./scan-worker.mjs", import.meta.url);

/** How long the thread waits for another call before it ends, ms. */
const idle = 5000;

/** The thread is started by the first call and holds no process up. One call at a time, each with its own time limit. */
export function createScan({ limit = 5000, program = ours }: ScanOptions = {}): Scan {
  let thread: Worker | null = null;
  let rest: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const end = () => {
    void thread?.terminate();
    thread = null;
  };
  const one = async (texts: string[]) => {
    clearTimeout(rest);
    thread ??= new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: 256 }, stdout: true, stderr: true });
    thread.unref();
    try {
      return await asked(thread, texts, limit);
    } catch (thrown) {
      end();
      throw thrown;
    } finally {
      rest = setTimeout(end, idle).unref();
    }
  };
  return (texts) => {
    if (texts.every((text) => text === "")) return Promise.resolve(texts.map(() => []));
    const answer = last.then(() => one(texts));
    last = answer.catch(() => {});
    return answer;
  };
}

function asked(thread: Worker, texts: string[], limit: number): Promise<Sighting[][]> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      thread.off("message", onMessage).off("error", onEnd).off("exit", onEnd);
    };
    const fail = (why: string) => {
      done();
      reject(new ScanFault(why));
    };
    const timer = setTimeout(() => fail(`it did not end within ${limit / 1000} s`), limit);
    const onMessage = ({ found }: { found?: Sighting[][] }) => {
      if (found?.length !== texts.length) return fail("it failed");
      done();
      resolve(found);
    };
    const onEnd = () => fail("its thread ended");
    thread.on("message", onMessage).on("error", onEnd).on("exit", onEnd);
    thread.postMessage({ texts });
  });
}
