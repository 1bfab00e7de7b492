// The forge: that the workflow of the ticks hands over what it needs, and that its token reaches what tasks work on.
import { meant, type Pack, problem } from "./check-pack.ts";
import { pluginOffer } from "./check-plugins.ts";
import type { Problem } from "./entry.ts";
import { missingRights, rightsFor } from "./forge-rights.ts";
import { locate } from "./locate.ts";
import { own_forges } from "./plugin-offers.ts";
import type { ForgeSettings, Task } from "./schema.ts";

interface Workflow {
  path: string;
  text: string;
}

/** `workflow` is that which runs ticks, or null. */
export function forgeProblems(pack: Pack, workflow: Workflow | null): Problem[] {
  const forge = pack.settings?.forge;
  if (forge && !own_forges.has(forge.name)) return offered(pack, forge.name);
  if (forge?.name !== "github") return [];
  return [...handed(pack, forge, workflow), ...reach(pack, forge)];
}

/** A plugin's, or a name that was misspelt. */
function offered(pack: Pack, name: string): Problem[] {
  const offer = pluginOffer(pack, name, "forge");
  if (offer === "fine") return [];
  const place = locate(`---\n${pack.texts.get("towline.yml") ?? ""}\n---\n`, ["forge"]);
  const known = [...own_forges, ...Object.keys(pack.settings?.plugins ?? {})];
  const { why, fix } = offer ?? {
    why: `there is no forge \`${name}\``,
    fix: meant(name, known, "write `github` or `git`, or name the plugin that offers it below `plugins:`"),
  };
  const line = Math.max(1, place.line - 1);
  return [{ ...problem("towline.yml", "unknown-forge", why, fix), line, column: place.column }];
}

function handed(pack: Pack, forge: ForgeSettings, workflow: Workflow | null): Problem[] {
  if (!workflow) return [];
  const place = locate(`---\n${pack.texts.get("towline.yml") ?? ""}\n---\n`, ["forge"]);
  const warning = (code: string, message: string, fix: string): Problem => ({
    ...problem("towline.yml", code, message, fix),
    line: Math.max(1, place.line - 1),
    column: place.column,
    level: "warning",
  });
  const name = forge.app?.key ?? forge.token;
  const own = name === "GITHUB_TOKEN";
  // The action hands its own token on under this name.
  const given = own && /^\s*-?\s*uses:.*towline/m.test(workflow.text);
  if (!given && !new RegExp(`^\\s*${name}:`, "m").test(workflow.text))
    return [
      warning(
        "forge-token",
        `the forge needs \`${name}\`, and ${workflow.path} does not set it`,
        `add \`${name}: …\` to the \`env:\` of the tick step`,
      ),
    ];
  const lacks = own ? missingRights(workflow.text, rightsFor({ forge, pollers: {} }, false)) : [];
  if (lacks.length === 0) return [];
  return [
    warning(
      "forge-rights",
      `the workflow's token lacks ${lacks.join(", ")}: proposals, the inbox${forge.workflows.length > 0 ? ", answers and starts of workflows" : " and answers"} need them`,
      `add ${lacks.map((one) => `\`${one}\``).join(", ")} to \`permissions:\` of the tick job in ${workflow.path}, and let Actions create pull requests in the repository's settings`,
    ),
  ];
}

/** The CI service's own token ends at the fence of the repository that it is for. */
function reach(pack: Pack, forge: ForgeSettings): Problem[] {
  if (forge.app || forge.token !== "GITHUB_TOKEN") return [];
  return pack.entries.flatMap((one) => {
    const { repo, status } = one.data as Partial<Task>;
    if (one.kind !== "task" || status !== "ready" || repo === undefined || repo === ".") return [];
    const place = locate(pack.texts.get(one.path) ?? "", ["repo"]);
    return {
      ...problem(
        one.path,
        "forge-reach",
        `GITHUB_TOKEN ends at the pack's own repository, and this works on \`${repo}\``,
        "give `forge:` in towline.yml an `app:`, or the `token:` of somebody who may push there",
      ),
      line: place.line,
      column: place.column,
      level: "warning" as const,
    };
  });
}
