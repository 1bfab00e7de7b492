// What `towline upgrade` says.
import { createTwoFilesPatch } from "diff";
import { tick_workflow } from "../core/tick-env.ts";
import type { Upgraded } from "./upgrade.ts";

/** Lines of one difference that are shown. */
const most = 60;

export function upgradeDescribed({ changed, added, version, files }: Upgraded, check: boolean): string {
  const written = files.filter(({ fate }) => fate === "new" || fate === "changed");
  const edited = files.filter(({ fate }) => fate === "edited");
  const secrets = written.some(({ path }) => path === tick_workflow) ? [] : added;
  const lines = [
    ...(version && version.from !== version.to
      ? [`✓ the pack names towline ${version.to}${version.from ? `, no longer ${version.from}` : ""}`]
      : []),
    ...written.map(({ path, fate }) => {
      if (check) return `△ ${path} ${fate === "new" ? "would be new" : "would be brought up to date"}`;
      return `✓ ${path} ${fate === "new" ? "is new" : "brought up to date"}`;
    }),
    ...secrets.map(({ line, text }) => `${tick_workflow}:${line}: + ${text.trim()}`),
    ...edited.flatMap(({ path, before, after }) => [
      `△ ${path} is yours: it was changed by hand and is left. What towline would have there:`,
      ...patch(path, before ?? "", after),
    ]),
  ];
  const [first] = edited;
  if (first) lines.push(`To have towline's instead: towline upgrade --take ${first.path} (git keeps yours)`);
  if (!changed && version === null) lines.push("Nothing to write: every secret in use is handed to the ticks.");
  else if (!changed) lines.push("Nothing to write: what towline made here is up to date.");
  else lines.push(check ? "Nothing was written." : "Written. Look at it, then commit and push it.");
  return `${lines.join("\n")}\n`;
}

function patch(path: string, before: string, after: string): string[] {
  const lines = createTwoFilesPatch(path, path, before, after, "yours", "towline's").trimEnd().split("\n").slice(1);
  const shown = lines.slice(0, most).map((line) => `    ${line}`);
  return lines.length > most ? [...shown, `    … and ${lines.length - most} more lines`] : shown;
}
