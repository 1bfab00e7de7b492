// What cannot be right in a task that is work on a repository, or speaks as if it were.
import { atField, type Pack } from "./check-pack.ts";
import type { Entry, Problem } from "./entry.ts";
import { isEach } from "./select.ts";
import { targetAddress } from "./target.ts";

/** Any forge's address will do: whether the pack's own origin is on one, only a tick can tell. */
const some_origin = "https://forge.example/owner/pack.git";

export function workProblems(pack: Pack, task: Entry<"task">, level: Problem["level"]): Problem[] {
  const { repo, setup, verify, paths } = task.data;
  if (repo === undefined)
    return [
      ...(setup === undefined ? [] : [idle(pack, task, "setup")]),
      ...(verify === undefined ? [] : [idle(pack, task, "verify")]),
      ...(paths === undefined ? [] : [idle(pack, task, "paths")]),
    ];
  const found = targetAddress(repo, some_origin);
  return [
    ...("fault" in found
      ? [atField(pack, task, ["repo"], "repo", found.fault, "write `.`, owner/name or an address", level)]
      : []),
    ...(isEach(task.data)
      ? [
          atField(
            pack,
            task,
            ["repo"],
            "repo-each",
            "coding work (`repo:`) goes to one host",
            "leave `spread: each` and `hosts: all` away",
            level,
          ),
        ]
      : []),
  ];
}

const idle = (pack: Pack, task: Entry<"task">, field: "setup" | "verify" | "paths") =>
  atField(
    pack,
    task,
    [field],
    "no-repo",
    `\`${field}\` is for work on a repository, and the task names none`,
    "add `repo:`, or put it into the body",
    "warning",
  );
