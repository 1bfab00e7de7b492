// The command line as a person uses it, in this process: what it prints, what it says beside that, and its exit code.
import { main } from "../../src/cli.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { createSecrets } from "../../src/shell/secrets.ts";

export interface Said {
  out: string;
  /** Exit code; 0 when the verb set none. */
  code: number;
  /** Notes, warnings, errors and progress, a line each. */
  said: string;
}

/** Runs a verb in this folder, which is home, too, unless another is given. */
export async function cli(
  dir: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  home = dir,
): Promise<Said> {
  let out = "";
  let code = 0;
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const report = { progress: say, note: say, warning: say, error: say, summary: async () => {} };
  await main([...args, "--repo", dir], {
    env,
    cwd: dir,
    home,
    clock: systemClock(),
    report,
    secrets: createSecrets({}),
    terminal: false,
    out: (text) => {
      out += text;
    },
    exit: (to) => {
      code = to;
    },
  });
  return { out, code, said: said.join("\n") };
}
