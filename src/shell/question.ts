// Questions with answers in words, on the terminal. Enter takes what is offered.
import { createInterface } from "node:readline";

export interface Questions {
  /** What is offered is the answer where nobody answers. */
  ask(words: string, offered: string): Promise<string>;
  close(): void;
}

export const nobody: Questions = { ask: async (_words, offered) => offered, close() {} };

/** One reader for all of them, so that answers which were typed ahead, or pasted, reach their questions. On stderr: stdout may be a pipe. */
export function questions(): Questions {
  const { stdin: input, stderr: output } = process;
  if (input.isTTY !== true) return nobody;
  const lines = createInterface({ input, output });
  const said: string[] = [];
  let heard: ((line: string) => void) | null = null;
  let over = false;
  const hear = (line: string) => {
    const waiting = heard;
    heard = null;
    if (waiting) waiting(line);
    else said.push(line);
  };
  lines.on("line", hear);
  lines.on("close", () => {
    over = true;
    hear("");
  });
  // The terminal gives Ctrl-C to the reader, and it is meant for the whole.
  lines.on("SIGINT", () => {
    lines.close();
    process.kill(process.pid, "SIGINT");
  });
  return {
    async ask(words, offered) {
      output.write(`${words} [${offered}] `);
      const next = said.shift();
      if (next !== undefined || over) return next?.trim() || offered;
      return (
        (
          await new Promise<string>((resolve) => {
            heard = resolve;
          })
        ).trim() || offered
      );
    },
    close: () => lines.close(),
  };
}
