// A question on the terminal whose answer is not shown.
import type { ReadStream } from "node:tty";

/** Nobody types for longer: whatever waits for the answer must end. */
const patience = 60_000;

let last: Promise<unknown> = Promise.resolve();

/** One question after the other. null: nobody is there, they gave up, or they said nothing in time. */
export function askHidden(
  question: string,
  input: ReadStream,
  output: { isTTY?: boolean; write(text: string): unknown },
) {
  const answer = last.then(() =>
    input.isTTY && output.isTTY ? typed(question, input, output) : Promise.resolve<string | null>(null),
  );
  last = answer.catch(() => {});
  return answer;
}

function typed(question: string, input: ReadStream, output: { write(text: string): unknown }): Promise<string | null> {
  return new Promise((resolve) => {
    let said = "";
    const done = (answer: string | null) => {
      clearTimeout(timer);
      input.off("data", hear);
      input.setRawMode(false);
      input.pause();
      output.write("\n");
      resolve(answer);
    };
    const hear = (chunk: Buffer) => {
      for (const letter of chunk.toString("utf8")) {
        if (letter === "\r" || letter === "\n") return done(said);
        if (letter === "\u0003") {
          // Raw mode takes Ctrl-C away from the process; it is given back.
          done(null);
          process.kill(process.pid, "SIGINT");
          return;
        }
        if (letter === "\u0004") return done(null);
        if (letter === "\u007f" || letter === "\b") said = [...said].slice(0, -1).join("");
        else if (letter === "\u0015") said = "";
        else if (letter >= " ") said += letter;
      }
    };
    const timer = setTimeout(() => done(null), patience);
    // Before the question is seen: whoever answers at once must not be echoed by the terminal either.
    input.setRawMode(true);
    input.on("data", hear);
    output.write(question);
    input.resume();
  });
}
