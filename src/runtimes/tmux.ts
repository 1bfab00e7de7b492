// `tmux`: Claude Code in a pane on the host that a person can look into and type in (`towline job attach`), for one job.
import { clean } from "../core/text.ts";
import type { Assignment, Launch, Runtime } from "../ports.ts";
import { sessionOf, settingFiles } from "./claude-run.ts";
import { secretFiles } from "./secrets.ts";
import { taskText } from "./task-text.ts";
import { paneOutcome } from "./tmux-result.ts";
import { scripts } from "./tmux-scripts.ts";

export interface TmuxOptions {
  /** When nothing new stands in claude's own record for `silence` seconds, it is nudged: `most` times, `apart` seconds. */
  nudges?: { silence: number; apart: number; most: number };
}

/** One pane a job. */
export function tmux({ nudges = { silence: 600, apart: 90, most: 6 } }: TmuxOptions = {}): Runtime {
  const launch = (assignment: Assignment): Launch => {
    const { job } = assignment;
    const secrets = secretFiles(assignment);
    // No key and no end of a paste may be in it.
    const prompt = clean(taskText(assignment));
    const settings = settingFiles(assignment);
    return {
      files: {
        "prompt.md": prompt,
        ...settings,
        name: `${job.replace(/[^A-Za-z0-9_-]/g, "_")}\n`,
        nudges: `${nudges.silence} ${nudges.apart} ${nudges.most}\n`,
        ...scripts,
        ...secrets.files,
      },
      secret: secrets.secret,
      command: "exec sh ./drive.sh",
      told: { "character.md": settings["character.md"] ?? "", "prompt.md": prompt },
    };
  };
  return {
    name: "tmux",
    model: true,
    nudges: true,
    launch,
    outcome: (result) => ({ session: sessionOf(result.job, result.epoch), ...paneOutcome(result) }),
  };
}
