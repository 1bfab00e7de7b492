// What goes on without towline: recurring tasks as lines of a crontab, and the files that those lines name.
import type { Entry } from "./entry.ts";
import { parseDuration } from "./scalar.ts";
import { isEach, selectHosts } from "./select.ts";
import type { State } from "./state.ts";
import { oneLine } from "./text.ts";

/** A word for a POSIX shell inside a crontab, where a `%` would be a new line. */
const quoted = (word: string) =>
  (/^[A-Za-z0-9_@+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`).replaceAll("%", "\\%");

/** The five fields; null: no cron says that. */
export function cronOfEvery(every: string): string | null {
  const seconds = parseDuration(every);
  if (seconds === null) return /^[\d*/,A-Za-z-]+( [\d*/,A-Za-z-]+){4}$/.test(every) ? every : null;
  if (seconds % 60 !== 0) return null;
  const minutes = seconds / 60;
  if (minutes < 60) return 60 % minutes === 0 ? `*/${minutes} * * * *` : null;
  if (minutes % 60 !== 0) return null;
  const hours = minutes / 60;
  if (hours < 24) return 24 % hours === 0 ? `0 */${hours} * * *` : null;
  return hours === 24 ? "0 0 * * *" : hours === 168 ? "0 0 * * 0" : null;
}

export interface Crontab {
  text: string;
  /** Name → text of the scripts and prompts that it names. */
  files: Map<string, string>;
  /** Tasks with a rhythm. */
  tasks: number;
}

type World = Pick<State, "tasks" | "agents" | "hosts" | "settings">;

/** `folder`: where the files will stand. `scriptOf`: the script in a task's body. */
export function crontab(
  { tasks, agents, hosts, settings }: World,
  folder: string,
  scriptOf: (body: string) => string,
): Crontab {
  const recurring = [...tasks.values()].filter(({ data }) => data.every !== undefined);
  const files = new Map<string, string>();
  const lines = [
    `# Recurring tasks of ${oneLine(settings.name, 100)}. Times are those of the zone ${settings.zone}: set the machine's, or CRON_TZ where cron knows it.`,
  ];
  for (const task of recurring) {
    const agent = agents.get(task.data.agent ?? settings.defaults.agent ?? "");
    const runtime = agent?.data.runtime ?? settings.defaults.runtime ?? "?";
    const script = runtime === "shell" && task.data.repo === undefined;
    const name = `${task.id}.${script ? "sh" : "md"}`;
    files.set(name, script ? scriptOf(task.body) : task.body);
    lines.push("", `# ${oneLine(task.data.title, 100)}`, ...linesOf(task, { folder, name, script, runtime, hosts }));
  }
  return { text: `${lines.join("\n")}\n`, files, tasks: recurring.length };
}

interface How {
  folder: string;
  name: string;
  script: boolean;
  runtime: string;
  hosts: World["hosts"];
}

function linesOf({ data }: Entry<"task">, { folder, name, script, runtime, hosts }: How): string[] {
  const every = data.every as string;
  const cron = cronOfEvery(every);
  const file = quoted(`${folder}/${name}`);
  const words = [
    ...(cron === null ? [`no cron says \`${oneLine(every, 60)}\``] : []),
    ...(script
      ? []
      : [
          `${oneLine(runtime, 40)} did it${data.repo ? ` in a worktree of ${oneLine(data.repo, 100)}` : ""}; what it was told is in ${name}`,
        ]),
    ...(data.status === "ready" ? [] : [`it is ${data.status}`]),
  ];
  const able = selectHosts(data.hosts, hosts.values()).filter((host) => !host.data.off);
  const chosen = isEach(data) ? able : able.slice(0, 1);
  if (chosen.length === 0) words.push("no machine fits it");
  if (!script || cron === null || chosen.length === 0) return [`# ${cron ?? every}  ${words.join("; ")}`];
  const off = words.length > 0 ? "# " : "";
  return [
    ...(words.length > 0 ? [`# ${words.join("; ")}`] : []),
    ...chosen.map((host) => `${off}${cron} ${sshOf(host, hosts)} 'sh -s' < ${file}`),
  ];
}

function sshOf({ data }: Entry<"host">, hosts: World["hosts"]): string {
  const place = ({ user, address, port }: Entry<"host">["data"], at: (port: number) => string) =>
    [user === undefined ? address : `${user}@${address}`, at(port)] as const;
  const gate = data.jump === undefined ? undefined : hosts.get(data.jump);
  const over = gate ? ["-J", quoted(place(gate.data, (port) => `:${port}`).join(""))] : [];
  const [target] = place(data, () => "");
  return [
    "ssh",
    "-o",
    "BatchMode=yes",
    ...(data.port === 22 ? [] : ["-p", String(data.port)]),
    ...over,
    "--",
    quoted(target),
  ].join(" ");
}
