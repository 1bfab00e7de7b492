// Plugins: that those which towline.yml names are there, that those which are there are named, and what they are handed.
import { actionIn } from "./calls.ts";
import { meant, type Pack, problem } from "./check-pack.ts";
import type { Entry, Problem } from "./entry.ts";
import { locate } from "./locate.ts";
import { own_forges, own_runtimes, own_transports } from "./plugin-offers.ts";

const code = /^plugins\/([a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)\.(ts|mts|mjs|js)$/;

export function pluginProblems(pack: Pack, paths: readonly string[]): Problem[] {
  const { settings } = pack;
  if (!settings) return [];
  const files = Map.groupBy(
    paths.filter((path) => code.test(path)),
    (path) => code.exec(path)?.[1] as string,
  );
  const at = (name: string) => {
    const place = locate(`---\n${pack.texts.get("towline.yml") ?? ""}\n---\n`, ["plugins", name]);
    return { line: Math.max(1, place.line - 1), column: place.column };
  };
  const problems: Problem[] = [];
  for (const [name, own] of Object.entries(settings.plugins)) {
    const say = (what: string, message: string, fix: string) =>
      problems.push({ ...problem("towline.yml", what, message, fix), ...at(name) });
    if (own.package !== undefined) {
      if (own.digest === undefined)
        say(
          "plugin-pin",
          `the package ${own.package} is not pinned, so \`${name}\` does not run`,
          "write `digest: …` beside it; `towline plugin list` shows it",
        );
    } else if (!files.has(name))
      say(
        "unknown-plugin",
        `there is no plugins/${name}.ts`,
        meant(name, files.keys(), `write it: towline plugin new ${name}`),
      );
  }
  for (const [name, [first = "", second]] of files) {
    for (const [what, taken] of Object.entries({ runtime: own_runtimes, transport: own_transports, forge: own_forges }))
      if (taken.has(name) && speaksOf(pack.texts.get(first) ?? "", what))
        problems.push({
          ...problem(
            first,
            "plugin-name",
            `\`${name}\` is a ${what} of towline's own, and stays so whatever a plugin of that name offers`,
            "give the plugin another name",
          ),
          level: "warning",
        });
    if (second !== undefined)
      problems.push(
        problem(second, "plugin-twice", `\`${name}\` has two files, so neither runs`, `remove ${second} or ${first}`),
      );
    if (settings.plugins[name] === undefined && isPlugin(pack, first))
      problems.push({
        ...problem(
          first,
          "plugin-not-named",
          "towline.yml does not name this plugin, so it does not run",
          `write \`plugins: {${name}: {}}\` there`,
        ),
        level: "warning",
      });
  }
  return problems;
}

/** In a repository that holds other code, `plugins/` may be anything. */
const isPlugin = ({ texts }: Pack, path: string) => (texts.get(path) ?? "").includes('"towline/plugin"');

/** `NAME.ACTION` in a rule; null: it has not that form. Whether the plugin has such an action is known when it runs. */
export function pluginAction(pack: Pack, name: string, rule: Entry<"rule">): Problem | "fine" | null {
  const [, plugin] = /^([a-z0-9-]+)\.[a-z][a-z0-9_-]*$/.exec(name) ?? [];
  if (plugin === undefined || !pack.settings) return null;
  if (actionIn(pack.settings, name)) return "fine";
  const off = pack.settings.plugins[plugin]?.off;
  return problem(
    rule.path,
    "unknown-action",
    off ? `the plugin \`${plugin}\` is switched off` : `there is no plugin \`${plugin}\``,
    off
      ? `take \`off\` away from it in towline.yml`
      : meant(plugin, Object.keys(pack.settings.plugins), `name it below \`plugins:\` in towline.yml`),
  );
}

/** Whether a plugin may offer this; null: there is no plugin of that name. Its code is not run here: its text must name the word. */
export function pluginOffer(
  pack: Pack,
  name: string,
  what: "runtime" | "transport" | "forge",
): "fine" | { why: string; fix: string } | null {
  const own = pack.settings?.plugins[name];
  if (own === undefined) return null;
  if (own.off) return { why: `the plugin \`${name}\` is switched off`, fix: "take `off` away from it in towline.yml" };
  const text = [...pack.texts].find(([path]) => code.exec(path)?.[1] === name)?.[1];
  if (own.package === undefined && text !== undefined && !speaksOf(text, what))
    return { why: `the plugin \`${name}\` offers no ${what}`, fix: "name another" };
  return "fine";
}

const speaksOf = (text: string, what: string) => new RegExp(`\\b${what}\\b`).test(text);
