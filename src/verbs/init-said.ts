// What `towline init` says when it is done.
import { counted } from "../core/text.ts";
import type { Made } from "./init-make.ts";

export function initDescribed(made: Made): string {
  const { name, dir, id, written, kept, check, ledger, every, site, why, notes, next } = made;
  const minutes = every % 3600 === 0 ? `${every / 3600} h` : `${every / 60} min`;
  return [
    `✓ ${name} is a pack (${dir}): ${counted(written.length, "file")} written`,
    ...kept.map((path) => `△ ${path} stood there already and was left as it is`),
    `  records   ${ledger === null ? "on the default branch" : `towline's own on the branch ${ledger}`}: ${why.ledger}`,
    `  ticks     every ${minutes}`,
    `  dashboard ${site ?? `none yet: ${why.site}`}`,
    `  id        ${id}`,
    `  ${landed(made)}`,
    check.errors + check.warnings === 0
      ? "  towline check: nothing to mend"
      : `✕ towline check: ${counted(check.errors, "error")}, ${counted(check.warnings, "warning")}; ${check.first}`,
    ...notes.map((note) => `○ ${note}`),
    "",
    "Next:",
    ...next.map(({ does, say }, at) => `  ${at + 1}. ${does}:  ${say}`),
    "",
  ].join("\n");
}

function landed({ where, origin, branch, url, pushed_why }: Made): string {
  if (pushed_why !== null)
    return `△ committed here; origin (${origin}) did not take it: ${pushed_why.replace(/\.$/, "")}`;
  if (where === "pushed") return `pushed to ${origin}`;
  if (where === "proposed") return `proposed on the branch ${branch}${url ? `: ${url}` : ""}; merging it is the yes`;
  return "written into the folder, nothing is committed yet";
}
