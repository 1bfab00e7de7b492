// A question to a person at the terminal that is answered by yes or no.
import { createInterface } from "node:readline/promises";

export interface Ask {
  /** False where there is nobody to ask. */
  confirm(question: string): Promise<boolean>;
  /** A text typed without echo; null where there is nobody to ask. */
  hidden(question: string): Promise<string | null>;
}

/** Asks on stderr: stdout may be a pipe. */
export async function confirm(question: string): Promise<boolean> {
  const { stdin: input, stderr: output } = process;
  if (input.isTTY !== true) return false;
  const lines = createInterface({ input, output });
  try {
    const answer = new Promise<string>((resolve, reject) => {
      const none = () => resolve("");
      lines.once("close", none);
      // The terminal gives Ctrl-C to this question, and it is meant for the whole: the signal comes before the answer.
      lines.once("SIGINT", () => {
        lines.off("close", none);
        lines.close();
        process.kill(process.pid, "SIGINT");
        setTimeout(none, 500);
      });
      lines.question(`${question} [y/N] `).then(resolve, reject);
    });
    return /^y(es)?$/i.test((await answer).trim());
  } finally {
    lines.close();
  }
}
