// A host on this machine with real tmux, and in place of claude a script that behaves in a terminal as claude does: it
// asks about the folder, takes pasted text as one piece, and calls the hooks that its settings name.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { agent, host as hostSchema } from "../../src/core/schema.ts";
import type { Assignment, HostFacts, Launch, RawResult } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { anyAssignment, folders } from "../runtimes/runs.ts";

export const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "4" });
export const lacksTmux = ["/usr/bin/tmux", "/usr/local/bin/tmux"].some((one) => existsSync(one))
  ? ""
  : " [needs tmux (npm test -- --install)]";

const stand_in = `#!/bin/sh
session= settings=
while [ $# -gt 0 ]; do
  case $1 in
    --settings) settings=$2 ;;
    --session-id) session=$2 ;;
    --resume) session=$2 how=resume ;;
  esac
  echo "arg $1" >>"$HOME/args"
  shift
done
folder=$HOME/.claude/projects/-x
mkdir -p "$folder"
log=$folder/$session.jsonl
: >>"$log"
hook() {
  command=$(sed -n "s/.*\\"$1\\":\\[{\\"hooks\\":\\[{\\"type\\":\\"command\\",\\"command\\":\\"\\([^}]*\\)\\"}.*/\\1/p" "$settings" | sed 's/\\\\"/"/g')
  printf '{"session_id":"%s","transcript_path":"%s","hook_event_name":"%s"%s}' "$session" "$log" "$1" "$2" | sh -c "$command"
}
stop() { hook Stop ",\\"stop_hook_active\\":false,\\"last_assistant_message\\":\\"$1\\",\\"background_tasks\\":[]"; }
wrote() { printf '{"type":"assistant","message":{"id":"msg_%s","role":"assistant","content":[{"type":"text","text":"%s"}],"usage":{"input_tokens":10,"cache_creation_input_tokens":1,"cache_read_input_tokens":2,"output_tokens":3}}}\\n' "$turn" "$1" >>"$log"; }
[ ! -e "$HOME/no-start" ] || { echo 'claude: cannot start' && exit 3; }
if [ ! -e "$HOME/trusted" ]; then
  printf 'Is this a project that you trust?\\n \\342\\235\\257 No, exit\\n   Yes, I trust this folder\\n Enter to confirm\\n'
  stty -icanon -echo
  [ "$(dd bs=3 count=1 2>/dev/null)" = "$(printf '\\033[B')" ] || exit 9
  stty icanon echo
  clear
  printf '   No, exit\\n \\342\\235\\257 Yes, I trust this folder\\n Enter to confirm\\n'
  read -r line
  [ -z "$line" ] || exit 9
  : >"$HOME/trusted"
  clear
fi
printf '\\033[?2004h> '
hook SessionStart ',"source":"startup"'
turn=0 prompt= pasting= deaf=
escape=$(printf '\\033')
while IFS= read -r line; do
  case $line in *"$escape[200~"*) pasting=1 prompt= line=\${line#*"$escape[200~"} ;; esac
  case $line in *"$escape[201~"*) pasting= ;; esac
  prompt="$prompt$line
"
  [ -z "$pasting" ] || continue
  turn=$((turn + 1))
  printf '%s' "$prompt" >"$HOME/prompt.$session.$turn"
  said=$prompt prompt=
  [ "$said" != "
" ] || continue
  hook UserPromptSubmit ',"prompt":"x"'
  case $said in
    *SAY-WELL*)
      wrote 'All fine.'
      stop 'All fine, turn '"$turn"'.\\n\\n\`\`\`towline\\ntechnique: looked\\n\`\`\`'
      ;;
    *ASK-BY-FILE*)
      mkdir -p outbox
      echo 'Which disk?' >outbox/01-ask.md
      wrote x
      stop 'All fine, turn '"$turn"'.'
      ;;
    *BE-DENIED*)
      wrote 'I did what I could.'
      echo '{"type":"user","toolUseResult":"Error: Permission to use Bash has been denied because"}' >>"$log"
      stop 'I did what I could.'
      ;;
    *HIT-LIMIT*) hook StopFailure ",\\"error\\":\\"rate_limit\\",\\"last_assistant_message\\":\\"You've hit your limit · resets 3am (UTC)\\"" ;;
    *WRITE-THEN-HANG*)
      wrote 'So far so good.'
      nohup setsid sh -c 'sleep 300' >/dev/null 2>&1 &
      echo $! >"$HOME/stray"
      ;;
    *NEEDS-LEAVE*) hook Notification ',"notification_type":"permission_prompt","message":"Claude needs your permission to use Bash"' ;;
    *DIE*) echo 'Segmentation fault' && exit 42 ;;
    *STAY-QUIET*) deaf=1 ;;
    *WORK-ON*)
      until [ -e "$HOME/finish" ]; do sleep 0.2; done
      wrote 'First.'
      stop 'First answer.'
      ;;
    *'has come in for you'*)
      wrote 'Second.'
      stop "Whole answer, turn $turn."
      ;;
    *"Nothing new"*) [ -z "$deaf" ] || continue; wrote x; stop 'I woke up.' ;;
  esac
done
`;

export interface Start {
  job?: string;
  epoch?: number;
  deadline?: number;
}

export interface Machine {
  home: string;
  /** Folder of all panes. */
  panes: string;
  run(launch: Launch, more?: Start): Promise<Running>;
  /** Several at once. */
  all<T extends [Launch, Start?][]>(starts: [...T]): Promise<{ [K in keyof T]: RawResult }>;
  /** As if it had been asked about the folder before. */
  trust(): void;
  /** As at the start of every conversation. */
  hello(): Promise<HostFacts>;
  /** As for a job that is over. */
  close(job: string): Promise<boolean>;
  uproot(): Promise<unknown>;
  /** Puts messages before the first run of a job, by id. */
  tell(job: string, letters: Record<string, string>): Promise<string[]>;
}
export interface Running {
  result(): Promise<RawResult>;
  cancel(): Promise<void>;
  ended(): Promise<boolean>;
}

let count = 0;
export const newJob = () => `pane-${++count}-0123456789`;

/** What a tick does with a host: start, wait, fetch. */
export async function machine(): Promise<Machine> {
  const home = mkdtempSync(join(tmpdir(), "towline-pane-"));
  folders.push(home);
  const bin = join(home, ".local/bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "claude"), stand_in, { mode: 0o755 });
  writeFileSync(join(home, ".claude.json"), '{"hasCompletedOnboarding": true}\n');
  const session = await createFleet({ env: { PATH: path }, home }).open("one", host, "p");
  onTestFinished(() => {
    session.close();
    kill(`TOWLINE_SESSION=${home}/`);
  });
  const one: Machine = {
    home,
    panes: join(home, ".towline/p/sessions"),
    hello: () => session.probe(),
    close: (job) => session.code.close(job),
    tell: (job, letters) =>
      session.tell(
        job,
        1,
        Object.entries(letters).map(([id, text]) => ({ id, text })),
      ),
    uproot: () => session.files.uproot(true),
    trust: () => writeFileSync(join(home, "trusted"), ""),
    async all(starts) {
      const running: Running[] = [];
      for (const [launch, more] of starts) running.push(await one.run(launch, more));
      const results: RawResult[] = [];
      for (const one of running) results.push(await one.result());
      return results as { [K in keyof typeof starts]: RawResult };
    },
    async run(launch, { job = newJob(), epoch = 1, deadline = 60 } = {}) {
      const answer = await session.start({ job, epoch, day: "2026/11/20", deadline, keep: 65_536, slots: 4, launch });
      if (answer.state !== "started") throw new Error(JSON.stringify(answer));
      return {
        cancel: () => session.cancel(job, epoch),
        ended: async () => (await session.wait([{ job, epoch }], 100)).length > 0,
        async result() {
          for (let tries = 0; (await session.wait([{ job, epoch }], 2000)).length === 0; tries++)
            if (tries > 45) throw new Error("it never ended");
          const result = await session.fetch(job, epoch);
          await session.ack([result]);
          return result;
        },
      };
    },
  };
  return one;
}

export const assignment = (prompt: string, more: Partial<Assignment> = {}) =>
  anyAssignment({ agent: agent.parse({ runtime: "tmux" }), prompt, ...more });

export const read = (one: { home: string }, name: string) => readFileSync(join(one.home, name), "utf8");

/** What was submitted, in the order of turns. */
export const prompts = (one: { home: string }) =>
  readdirSync(one.home)
    .filter((name) => name.startsWith("prompt."))
    .sort()
    .map((name) => read(one, name));

export async function until(what: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !what(); await sleep(50))
    if (Date.now() > end) throw new Error("it never came");
}

/** Processes with this text in their environment. */
export function living(text: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/environ`, "latin1").includes(text) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Jobs of any pack that keep something of their session below this home. */
export function kept(home: string): string[] {
  const root = join(home, ".towline");
  return readdirSync(root)
    .map((pack) => join(root, pack, "sessions"))
    .filter((at) => existsSync(at))
    .flatMap((at) => readdirSync(at));
}

/** Kills those. */
export function kill(text: string): void {
  for (const pid of living(text))
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended with another.
    }
}

/** One that goes while it is looked at is not. */
export function alive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
