// OVERVIEW.md: what a person reads first. No ages and no tick times in it, so that a quiet tick changes nothing.
import type { Draft } from "./draft.ts";
import { localDay } from "./due.ts";
import type { Entry } from "./entry.ts";
import { stopOf } from "./gate.ts";
import { glyphs } from "./jobs.ts";
import { cell, oneLine } from "./text.ts";

const order = [
  "running",
  "waiting",
  "review",
  "failed",
  "lost",
  "blocked",
  "paused",
  "queued",
  "done",
  "draft",
  "cancelled",
];

export function narrate(draft: Draft): string {
  const zone = draft.settings.zone;
  const statuses = [...draft.status.values()].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  const memos = [...draft.memos.values()]
    .filter((memo) => memo.data.status === "open")
    .sort((a, b) => (a.data.created < b.data.created ? -1 : 1));
  return `${[
    `# ${cell(draft.settings.name)}`,
    sentence(statuses, memos.length),
    stopLine(draft),
    memos.length === 0
      ? ""
      : `## Waits for you\n\n${memos.map((memo) => `- [${cell(memo.data.title, 200)}](${memo.path})`).join("\n")}`,
    `## Tasks\n\n${statuses.length === 0 ? "No tasks yet. Write one: `tasks/hello.md` with a `title:` and a prompt below the `---`." : table(draft, statuses, zone)}`,
    hosts(draft),
    problems(draft),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

/** Nothing starts: what is in the way of everything comes first. */
function stopLine(draft: Draft): string {
  const stop = stopOf(draft, draft.now);
  if (!stop) return "";
  const words = stop.words.replaceAll("@", "@\u2060");
  const why = draft.talks.stop?.why;
  return `**‖ ${words} stops everything**${why ? `: ${cell(why, 200)}` : ""} (${stop.lift} to go on).`;
}

const rank = (status: Entry<"status">) => order.indexOf(status.data.state);

/** "3 done, 1 failed, 1 running; 2 wait for you." */
function sentence(statuses: Entry<"status">[], waiting: number): string {
  const counts = order
    .map((state) => [state, statuses.filter((one) => one.data.state === state).length] as const)
    .filter(([, n]) => n > 0);
  const said = counts.map(([state, n]) => `${n} ${state}`).join(", ") || "Nothing here yet";
  return waiting === 0
    ? `${said}. Nothing waits for you.`
    : `${said}; **${waiting} ${waiting === 1 ? "waits" : "wait"} for you.**`;
}

function table(draft: Draft, statuses: Entry<"status">[], zone: string): string {
  const rows = statuses.map((one) => {
    const task = draft.tasks.get(one.id);
    const next = one.data.next_due ? local(zone, one.data.next_due) : "";
    const name = task ? `[${cell(one.data.title)}](${task.path})` : cell(one.data.title);
    return `| ${name} | [${glyphs[one.data.state]} ${one.data.state}](${one.path}) | ${cell(one.data.reason ?? "", 120)} | ${cell(task ? (task.data.agent ?? draft.settings.defaults.agent ?? "") : "")} | ${next} |`;
  });
  return `| Task | State | Why | Agent | Next due |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}`;
}

function local(zone: string, iso: string): string {
  const { day, time } = localDay(zone, new Date(iso));
  return `${day} ${time}`;
}

function hosts(draft: Draft): string {
  const down = new Map(
    draft.levels.filter((row) => row.family === "host" && row.kind === "host.down").map((row) => [row.subject, row]),
  );
  const rows = [...draft.hosts.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((host) => {
      const state = host.data.off
        ? "‖ off"
        : host.data.cordon
          ? "‖ cordoned"
          : down.has(host.id)
            ? "? not answering"
            : "✓ in rotation";
      return `| [${cell(host.id)}](${host.path}) | ${state} | ${cell((host.data.labels ?? []).join(", "))} | ${host.data.slots} |`;
    });
  return rows.length === 0
    ? ""
    : `## Hosts\n\n| Host | State | Labels | Slots |\n| --- | --- | --- | --- |\n${rows.join("\n")}`;
}

function problems(draft: Draft): string {
  const broken = draft.problems.filter((problem) => problem.level === "error");
  if (broken.length === 0) return "";
  const rows = broken
    .map(
      (p) =>
        `- \`${oneLine(p.path).replaceAll("`", "ˋ")}:${p.line}:${p.column}\` ${cell(p.message, 200)}: ${cell(p.fix, 200)}`,
    )
    .sort();
  return `## Records that cannot be read\n\n${rows.join("\n")}`;
}
