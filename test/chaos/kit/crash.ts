// Named moments at which a process of ours ends itself by SIGKILL, in a tick and on a host.
import { hostSource, type Program, programOf } from "../../../src/remote/program.ts";

/** `push.claim:before#2`: the second time that this step is reached. */
export interface CrashPoint {
  step: string;
  nth: number;
}

export function crashAt(plan: CrashPoint | undefined): (step: string) => void {
  let left = plan?.nth ?? 0;
  return (step) => {
    if (step === plan?.step && --left === 0) process.kill(process.pid, "SIGKILL");
  };
}

/** Steps of the host program: the lines `# step: NAME` in it. */
export const hostSteps = () =>
  hostSource().flatMap((part) => [...part.matchAll(/^\s*# step: ([a-z]+)$/gm)].map(([, name]) => name as string));

/** Whoever goes on after its own SIGKILL leaves a file that a test sees. */
const dieAt = (step: string) =>
  `if rm "$HOME/crash.${step}" 2>/dev/null; then kill -s KILL "$$"; echo ${step} >>"$HOME/survived"; fi`;

/** The host program that is shipped, plus one line at each mark: where a file `crash.NAME` lies in HOME, it dies there once. */
export function crashingProgram(): Program {
  const lines = hostSource()
    .join("")
    .replace(/^\s*# step: ([a-z]+)$/gm, (_, step: string) => dieAt(step))
    .split("\n");
  return programOf(`${lines.filter((line) => !/^\s*#/.test(line) && line.trim() !== "").join("\n")}\n`);
}
