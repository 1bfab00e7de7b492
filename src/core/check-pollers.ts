// Pollers: that the workflow of the ticks hands over what they need.
import { type Pack, problem } from "./check-pack.ts";
import type { Problem } from "./entry.ts";
import { locate } from "./locate.ts";
import { type PollerKey, pollerKeys } from "./poller-keys.ts";
import type { GithubSettings } from "./schema.ts";
import { readYaml } from "./split.ts";

const wanted = ["pull-requests", "issues", "checks"];

/** `workflow` is the text of the workflow that runs ticks, or null. */
export function pollerProblems(pack: Pack, workflow: { path: string; text: string } | null): Problem[] {
  const { settings } = pack;
  if (!settings || !workflow) return [];
  const others = pollerKeys(settings).filter(({ source }) => source !== "github");
  const unset = others.filter(({ variable }) => !new RegExp(`^\\s*${variable}:`, "m").test(workflow.text));
  return [
    ...githubProblems(pack, settings.pollers.github, workflow),
    ...unset.map((key) => unsetProblem(pack, key, workflow)),
  ];
}

function unsetProblem(pack: Pack, { source, variable }: PollerKey, { path }: { path: string }): Problem {
  const [poller = "", name = ""] = source.split(".");
  const field = poller === "plugins" ? [poller, name] : ["pollers", poller];
  const place = locate(`---\n${pack.texts.get("towline.yml") ?? ""}\n---\n`, field);
  const why = `\`${source}\` reads the variable ${variable}, and ${path} does not set it`;
  const advice = `add \`${variable}: \${{ secrets.${variable} }}\` to the \`env:\` of the tick step`;
  const at = { line: Math.max(1, place.line - 1), column: place.column, level: "warning" as const };
  return { ...problem("towline.yml", "poller-token", why, advice), ...at };
}

function githubProblems(
  pack: Pack,
  github: GithubSettings | undefined,
  workflow: { path: string; text: string },
): Problem[] {
  if (!github) return [];
  const place = locate(`---\n${pack.texts.get("towline.yml") ?? ""}\n---\n`, ["pollers", "github"]);
  const at = { line: Math.max(1, place.line - 1), column: place.column, level: "warning" as const };
  const given = new RegExp(`^\\s*${github.token}:`, "m").test(workflow.text);
  // The action hands its own token on under this name.
  if (!given && !(github.token === "GITHUB_TOKEN" && /^\s*-?\s*uses:.*towline/m.test(workflow.text)))
    return [
      {
        ...problem(
          "towline.yml",
          "poller-token",
          `the poller reads \`${github.token}\`, and ${workflow.path} does not set it`,
          `add \`${github.token}: …\` to the \`env:\` of the tick step`,
        ),
        ...at,
      },
    ];
  if (github.token !== "GITHUB_TOKEN") return [];
  const missing = missingRights(workflow.text);
  if (missing.length === 0) return [];
  return [
    {
      ...problem(
        "towline.yml",
        "poller-rights",
        `in a private repository the workflow's token may not read what the poller asks for: ${missing.join(", ")}`,
        `add \`${missing.map((name) => `${name}: read`).join("`, `")}\` to \`permissions:\` of the tick job in ${workflow.path}`,
      ),
      ...at,
    },
  ];
}

/** Rights that no job of the workflow has. A workflow that cannot be read is another check's. */
function missingRights(workflow: string): string[] {
  try {
    const read = readYaml(workflow) as { permissions?: unknown; jobs?: Record<string, { permissions?: unknown }> };
    const given = [read.permissions, ...Object.values(read.jobs ?? {}).map((job) => job?.permissions)];
    if (given.some((one) => one === "read-all" || one === "write-all")) return [];
    const may = (one: unknown, name: string) =>
      one !== null && typeof one === "object" && /^(read|write)$/.test(String((one as Record<string, unknown>)[name]));
    return wanted.filter((name) => !given.some((one) => may(one, name)));
  } catch {
    return [];
  }
}
