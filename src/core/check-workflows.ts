// Workflows that rules start: that the settings allow them, that they are there, and that they take what they are given.
import { atField, meant, type Pack, problem } from "./check-pack.ts";
import type { Entry, Problem } from "./entry.ts";
import { locate } from "./locate.ts";
import { readYaml } from "./split.ts";
import { workflowOf } from "./workflow-calls.ts";

const folder = ".github/workflows/";

export function workflowProblems(pack: Pack): Problem[] {
  const rules = pack.entries.filter((entry): entry is Entry<"rule"> => entry.kind === "rule");
  return [...settingProblems(pack), ...rules.flatMap((rule) => ruleProblems(pack, rule))];
}

function settingProblems(pack: Pack): Problem[] {
  const files = [...pack.texts.keys()].flatMap((path) => (path.startsWith(folder) ? [path.slice(folder.length)] : []));
  return (pack.settings?.forge?.workflows ?? []).flatMap((file, i) => {
    const text = pack.texts.get(folder + file);
    const place = locate(`---\n${pack.texts.get("towline.yml") ?? ""}\n---\n`, ["forge", "workflows", i]);
    const at = (code: string, message: string, fix: string): Problem[] => [
      { ...problem("towline.yml", code, message, fix), line: Math.max(1, place.line - 1), column: place.column },
    ];
    if (text === undefined)
      return at("no-workflow", `there is no ${folder}${file}`, meant(file, files, "add it, or take the line away"));
    if (inputsOf(text) === null)
      return at(
        "no-dispatch",
        `${folder}${file} cannot be started by anybody`,
        "add `workflow_dispatch:` below its `on:`",
      );
    return [];
  });
}

function ruleProblems(pack: Pack, rule: Entry<"rule">): Problem[] {
  const calls = rule.data.then.flatMap((action, i) => {
    const value = (action as Record<string, unknown>).call;
    const file = workflowOf(value);
    return file === null ? [] : [{ file, value: value as Record<string, unknown>, here: ["then", i, "call"] }];
  });
  return calls.flatMap(({ file, value, here }) => {
    const warn = (at: PropertyKey[], code: string, message: string, fix: string) =>
      atField(pack, rule, [...here, ...at], code, message, fix, "warning");
    const { forge } = pack.settings ?? {};
    if (pack.settings && forge?.name !== "github")
      return [
        warn(
          ["workflow"],
          "no-workflow",
          "only `forge: github` starts workflows, so a memo is all that comes of it",
          "name the forge in towline.yml",
        ),
      ];
    const known = forge?.workflows ?? [];
    if (pack.settings && !known.includes(file)) {
      const fix = meant(file, known, `write it below \`forge.workflows\` in towline.yml: [${file}]`);
      return [
        warn(
          ["workflow"],
          "no-workflow",
          `towline.yml does not let rules start \`${file}\`, so a memo is all that comes of it`,
          fix,
        ),
      ];
    }
    const often =
      rule.data.limit === 1000 && rule.data.cooldown === undefined
        ? [
            warn(
              [],
              "workflow-often",
              "it starts as often as that happens, and each start costs minutes",
              "add `limit: 5` (a day) or `cooldown: 1h`",
            ),
          ]
        : [];
    return [...often, ...inputProblems(pack.texts.get(folder + file), value.inputs, warn)];
  });
}

type Warn = (at: PropertyKey[], code: string, message: string, fix: string) => Problem;

/** The forge refuses a start with an input that the workflow does not name, or without one that it wants. */
function inputProblems(text: string | undefined, given: unknown, warn: Warn): Problem[] {
  const taken = text === undefined ? null : inputsOf(text);
  if (!taken) return [];
  const names = given !== null && typeof given === "object" ? Object.keys(given) : [];
  return [
    ...names
      .filter((name) => !taken.has(name))
      .map((name) =>
        warn(
          ["inputs", name],
          "workflow-input",
          `the workflow has no input \`${name}\`, and the forge refuses the start`,
          meant(name, [...taken.keys()], "take it away, or add it to the workflow"),
        ),
      ),
    ...[...taken]
      .filter(([name, wanted]) => wanted && !names.includes(name))
      .map(([name]) =>
        warn([], "workflow-input", `the workflow wants its input \`${name}\``, `add \`inputs: {${name}: …}\``),
      ),
  ];
}

/** Input → whether it must be given; null: nobody can start the workflow. */
function inputsOf(text: string): Map<string, boolean> | null {
  let on: unknown;
  try {
    on = (readYaml(text) as { on?: unknown } | null)?.on;
  } catch {
    return new Map(); // what cannot be read is another check's
  }
  if ([on].flat().includes("workflow_dispatch")) return new Map();
  const events = (on ?? {}) as Record<string, { inputs?: Record<string, Input> | null } | null>;
  if (typeof events !== "object" || !Object.hasOwn(events, "workflow_dispatch")) return null;
  const inputs = Object.entries(events.workflow_dispatch?.inputs ?? {});
  return new Map(inputs.map(([name, one]) => [name, String(one?.required) === "true" && one?.default === undefined]));
}

type Input = { required?: unknown; default?: unknown } | null;
