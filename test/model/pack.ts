// The pack that the model and its replays work on: few tasks, few hosts, the ledger on a branch of its own, because there
// the lease on the default branch is checked only while a push connects.
import { md } from "../fakes/pack.ts";

/** Seconds after which a claim counts as left behind. */
export const wall = 600;
export const start_of_time = Date.parse("2026-11-20T10:00:00Z");
/** The clock only ever jumps, and each jump is longer than the wall. */
export const timeAt = (jumps: number) => new Date(start_of_time + jumps * (wall + 60) * 1000);

export interface Shape {
  /** Task ids; `b` says `on_lost: retry`. */
  tasks: string[];
  hosts: string[];
  /** Slots of each host. */
  slots: number;
}

const pack_id = "model";

/** A run says that it ran, and waits until somebody lets it go: it ends when the model says so. */
const script = `run=\${PWD%/*}\nrun=\${run##*/}.\${PWD##*/}\necho "$run" >>"$HOME/ran"\nuntil [ -e "$HOME/go.$run" ]; do sleep 0.03; done\necho "answer of $run"`;

export function policyFiles({ tasks, hosts, slots }: Shape): Record<string, string> {
  return {
    "towline.yml": `id: ${pack_id}\nzone: UTC\ndefaults: {agent: deckhand}\nledger: {branch: towline}\ntick: {patience: 600s, wall: ${wall}s}\n`,
    "agents/deckhand.md": md("runtime: shell"),
    ...Object.fromEntries(hosts.map((name) => [`hosts/${name}.md`, hostRecord(slots)])),
    ...Object.fromEntries(
      tasks.map((task) => [
        `tasks/${task}.md`,
        md(`title: ${task}\ntimeout: 15m${task === "b" ? "\non_lost: retry" : ""}`, script),
      ]),
    ),
  };
}

const hostRecord = (slots: number) => md(`address: localhost\ntransport: local\nslots: ${slots}`);
export const stop_file = md("cancel: false", "Stop.");
