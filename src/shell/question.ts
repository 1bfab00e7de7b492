// A question with an answer in words, on the terminal. Enter takes what is offered.
import { createInterface } from "node:readline/promises";

/** Asks on stderr: stdout may be a pipe. What is offered is the answer where nobody answers. */
export async function question(words: string, offered: string): Promise<string> {
  const { stdin: input, stderr: output } = process;
  if (input.isTTY !== true) return offered;
  const lines = createInterface({ input, output });
  try {
    const answer = new Promise<string>((resolve, reject) => {
      const none = () => resolve("");
      lines.once("close", none);
      lines.once("SIGINT", () => {
        lines.off("close", none);
        lines.close();
        process.kill(process.pid, "SIGINT");
        setTimeout(none, 500);
      });
      lines.question(`${words} [${offered}] `).then(resolve, reject);
    });
    return (await answer).trim() || offered;
  } finally {
    lines.close();
  }
}
