// Progress of the demo: redrawn in place on a terminal, one plain line a change in a pipe.
import { styleText } from "node:util";
import { glyphs } from "../core/jobs.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";

const colours: Record<string, "green" | "red" | "yellow" | "blue" | "dim"> = {
  done: "green",
  failed: "red",
  lost: "red",
  blocked: "yellow",
  running: "blue",
  queued: "dim",
};

export interface View {
  show(state: State): void;
  say(line: string): void;
}

export function createView(stream: NodeJS.WriteStream, live: boolean): View {
  let drawn = 0;
  const last = new Map<string, string>();
  const clear = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const row = (id: string, width: number, state: string, reason: string) =>
    oneLineFor(
      stream,
      `  ${styleText(colours[state] ?? "dim", `${glyphs[state] ?? "○"} ${state.padEnd(8)}`, { stream })}${id.padEnd(width)}  `,
      reason,
    );
  return {
    show(state) {
      const rows = [...state.tasks.keys()].sort().map((id) => {
        const status = state.status.get(id)?.data;
        return {
          id,
          state: status?.state ?? "queued",
          reason: status?.reason ?? (status?.next_due ? `next at ${status.next_due.slice(11, 19)} UTC` : ""),
        };
      });
      const width = Math.max(...rows.map((one) => one.id.length));
      if (live) {
        clear();
        for (const one of rows) stream.write(`${row(one.id, width, one.state, one.reason)}\n`);
        drawn = rows.length;
      } else {
        for (const one of rows) {
          if (last.get(one.id) === one.state) continue;
          last.set(one.id, one.state);
          stream.write(`${row(one.id, width, one.state, one.reason)}\n`);
        }
      }
    },
    say(line) {
      drawn = 0;
      stream.write(`${line}\n`);
    },
  };
}

function oneLineFor(stream: NodeJS.WriteStream, head: string, reason: string): string {
  const room = (stream.columns ?? 200) - 42;
  return head + styleText("dim", oneLine(reason, Math.max(20, room)), { stream });
}
