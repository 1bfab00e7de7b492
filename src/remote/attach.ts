// The one command that a person's own login runs on a host: it shows the pane of a job in their terminal.
import { asUser, type Seat } from "./program.ts";

/** What it ends with when there is nothing to show. 77 is the gate's. */
export const attach_exit = { none: 81, tmux: 82, gate: 77 } as const;

// sh, csh and fish read this alike: plain words, and single quotes without `!`.
const script = [
  "cd && cd $0 2>/dev/null || exit 81",
  "unset TMUX TMUX_PANE",
  "PATH=$PATH:$HOME/.local/bin",
  "command -v tmux >/dev/null || exit 82",
  "tmux -S ./sock has-session 2>/dev/null || exit 81",
  "infocmp >/dev/null 2>&1 || TERM=xterm",
  "export TERM",
  "exec tmux -u -S ./sock attach $1",
].join("; ");

/** `pack` and `job` are names: letters, digits, dots and dashes. */
export function attachCommand(seat: Seat, pack: string, job: string, read_only: boolean): string {
  for (const name of [pack, job]) if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new Error(`${name} is no name`);
  return asUser(seat.user, `exec sh -c '${script}' ${seat.root}/${pack}/sessions/${job}${read_only ? " -r" : ""}`);
}
