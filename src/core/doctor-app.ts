// A GitHub App of the pack: what it was granted where the pack is, against what the ticks need.
import { permissions as needed } from "./app-manifest.ts";
import type { Examined, Finding } from "./doctor.ts";
import { oneLine } from "./text.ts";

/** What GitHub says of the App. Permissions by their names there, like `pull_requests`. */
export interface AppFacts {
  name: string;
  /** Of its installation here; null: there is none. */
  granted: Readonly<Record<string, string>> | null;
  suspended?: boolean;
  /** What it asks for wherever it is installed; absent: that was not told. */
  asks?: Readonly<Record<string, string>>;
  /** Pages on which people change what it asks for, install it, and allow it what it asks for. */
  links: { settings?: string; install?: string; installation?: string };
}

export function appFindings({ files, forge, settings }: Examined): Finding[] {
  const app = forge?.app;
  if (!app) return [];
  const name = `the App ${oneLine(app.name, 60)}`;
  const text = files.find(({ path }) => path === "towline.yml")?.text ?? "";
  const line = text.split("\n").findIndex((one) => /\bapp:/.test(one)) + 1 || 1;
  const found = (code: string, message: string, fix: string, link?: string): Finding => ({
    ...{ level: "error", code, message, fix, path: "towline.yml", line },
    ...(link && { link }),
  });
  const where = oneLine(forge.repository, 100);
  if (app.granted === null)
    return [found("app", `${name} is not installed at ${where}`, "install it there", app.links.install)];
  if (app.suspended)
    return [found("app", `${name} is suspended at ${where}`, "let it work there again", app.links.installation)];
  // Anybody reads what is public.
  const starts = (settings.forge?.workflows ?? []).length > 0 ? { actions: "write" } : {};
  const lacks = Object.entries({ ...needed, ...starts }).filter(
    ([right, level]) => !(level === "read" && forge.private === false) && !allows(app.granted?.[right], level),
  );
  return lacks.map(([right, level]) => {
    const words = `${right.replaceAll("_", " ")}: ${level}`;
    const message = `${name} lacks \`${words}\` at ${where}, which the ticks need`;
    // It asks for it by now, and nobody has agreed yet.
    if (allows(app.asks?.[right], level))
      return found("permission", message, "accept what it asks for at its installation", app.links.installation);
    const fix = `give it \`${words}\` under Repository permissions, then accept that at its installation`;
    return found("permission", message, fix, app.links.settings ?? app.links.installation);
  });
}

const allows = (given: string | undefined, level: string) =>
  given === level || given === "admin" || (given === "write" && level === "read");
