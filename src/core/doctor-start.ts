// A pack that was made just now: what is still missing before anything can happen, and which towline does it.
import type { Examined, Finding } from "./doctor.ts";
import { oneLine } from "./text.ts";
import { tick_workflow } from "./tick-env.ts";

export const startFindings = (one: Examined): Finding[] => [...noMachine(one), ...otherVersion(one)];

function noMachine({ files, hosts }: Examined): Finding[] {
  const example = files.find(({ path }) => path === "hosts/example.md");
  if (!example || hosts.some(({ data }) => !data.off)) return [];
  return [
    {
      level: "warning",
      code: "no-machine",
      message: "there is no machine yet that may be called, so nothing can run",
      fix: "towline fleet add USER@ADDRESS --push",
      path: example.path,
      line: 1,
    },
  ];
}

/** The ticks fetch one towline, and the pack names another: each of them hands over, which takes time. */
function otherVersion({ workflow, settings: { version } }: Examined): Finding[] {
  const lines = workflow?.split("\n") ?? [];
  const at = lines.findIndex((line) => /--package towline@\S+ towline ci /.test(line));
  const fetched = /towline@(\S+)/.exec(lines[at] ?? "")?.[1];
  if (version === undefined || fetched === undefined || fetched === version) return [];
  return [
    {
      level: "warning",
      code: "version",
      message: `the ticks fetch towline ${oneLine(fetched, 40)}, and the pack names ${version}: the one starts the other, each time`,
      fix: "npx towline@latest upgrade",
      path: tick_workflow,
      line: at + 1,
    },
  ];
}
