// Rules: that they can ever match, that their actions exist, and that their examples come true.
import { atField, meant, type Pack } from "./check-pack.ts";
import { pluginAction } from "./check-plugins.ts";
import type { Entry, Problem } from "./entry.ts";
import { locate } from "./locate.ts";
import { examples } from "./markdown.ts";
import { nearest } from "./nearest.ts";
import { actionOf, matches, operators, valueFault } from "./rules.ts";
import { isMap, readYaml } from "./split.ts";
import { action_names } from "./triage.ts";
import { workflowOf } from "./workflow-calls.ts";

/** What a rule does with a pupdate, in a word: an action's name, or `ignored` when it does not fire. */
export type Expected = (rule: Entry<"rule">, pupdate: Record<string, unknown>) => string;

const fields = ["id", "at", "source", "kind", "subject", "title", "actor", "url", "tags", "data"];
const kinds =
  "pr.opened pr.updated pr.stale pr.merged pr.closed pr.review_requested pr.review_done pr.changes_requested pr.commented pr.approved pr.conflicted pr.green pr.reverted pr.active issue.opened issue.labelled issue.unlabelled issue.closed issue.commented check.failed check.recovered push job.finished job.failed job.cancelled job.stuck job.lost job.asked job.replied job.confessed job.remarked job.overlaps job.unclear host.down host.up host.drifted host.matches host.full host.free host.disk host.disk_ok network.down network.up calendar.starting task.due task.overdue task.blocked task.paused rollout.stopped campfire.opened campfire.refused insight.approved insight.dismissed source.failed source.ok tick.late budget.near budget.reached account.limited memo.answered reflection.surprised command.given result.withheld record.changed week.quiet".split(
    " ",
  );

export function ruleProblems(pack: Pack, expected: Expected = byPredicate): Problem[] {
  const rules = pack.entries.filter((entry) => entry.kind === "rule") as Entry<"rule">[];
  const plugins =
    [...pack.texts.keys()].some((path) => path.startsWith("plugins/")) || (pack.names.get("plugins")?.size ?? 0) > 0;
  return rules.flatMap((rule) => [
    ...predicate(pack, rule, rule.data.when, ["when"]),
    ...rule.data.then.flatMap((action, i) => actionProblems(pack, rule, action, i, plugins)),
    ...exampleProblems(rule, expected),
  ]);
}

const byPredicate: Expected = (rule, pupdate) =>
  !rule.data.off && matches(rule.data.when, pupdate)
    ? rule.data.ask_first
      ? "ask"
      : actionOf(rule.data.then[0] as Record<string, unknown>)
    : "ignored";

function predicate(pack: Pack, rule: Entry<"rule">, when: Record<string, unknown>, path: PropertyKey[]): Problem[] {
  if (Object.keys(when).length === 0)
    return [
      atField(
        pack,
        rule,
        path,
        "never",
        "a condition without any field never matches",
        "name a field, like `kind: job.failed`",
      ),
    ];
  return Object.entries(when).flatMap(([name, wanted]) => {
    const here = [...path, name];
    if (name === "any" || name === "all" || name === "not") return branches(pack, rule, wanted, here);
    return fieldProblems(pack, rule, name, wanted, here);
  });
}

function branches(pack: Pack, rule: Entry<"rule">, value: unknown, here: PropertyKey[]): Problem[] {
  const parts = Array.isArray(value)
    ? value.map((part, i) => ({ part, at: [...here, i] }))
    : [{ part: value, at: here }];
  return parts.flatMap(({ part, at }) =>
    isMap(part)
      ? predicate(pack, rule, part, at)
      : [
          atField(
            pack,
            rule,
            at,
            "condition",
            `\`${String(here.at(-1))}\` takes conditions, each a map of fields`,
            "write `- kind: …` lines below it",
          ),
        ],
  );
}

function fieldProblems(pack: Pack, rule: Entry<"rule">, name: string, wanted: unknown, here: PropertyKey[]): Problem[] {
  const first = name.split(".", 1)[0] as string;
  const problems: Problem[] = [];
  if (!fields.includes(first))
    problems.push(
      atField(
        pack,
        rule,
        here,
        "unknown-field",
        `a pupdate has no field \`${first}\`, so this never matches`,
        meant(first, [...fields, "any", "all", "not"], "details of an event stand under `data.`"),
      ),
    );
  if (isMap(wanted))
    for (const operator of Object.keys(wanted).filter((one) => !Object.hasOwn(operators, one)))
      problems.push(
        atField(
          pack,
          rule,
          [...here, operator],
          "unknown-operator",
          `there is no operator \`${operator}\``,
          meant(operator, Object.keys(operators), `use one of ${Object.keys(operators).join(", ")}`),
        ),
      );
  if (isMap(wanted))
    for (const [operator, value] of Object.entries(wanted)) {
      const fault = Object.hasOwn(operators, operator) ? valueFault(operator, value) : null;
      if (fault !== null)
        problems.push(
          atField(
            pack,
            rule,
            [...here, operator],
            "operator-value",
            `${fault}, so this never matches`,
            "mend the value",
          ),
        );
    }
  if (name === "kind") for (const kind of [wanted].flat()) problems.push(...kindProblems(pack, rule, kind, here));
  return problems;
}

/** Plugins bring kinds of their own, so only what looks like a slip is worth a word. */
function kindProblems(pack: Pack, rule: Entry<"rule">, kind: unknown, here: PropertyKey[]): Problem[] {
  if (typeof kind !== "string" || kinds.includes(kind)) return [];
  const near = nearest(kind, kinds);
  return near
    ? [
        atField(
          pack,
          rule,
          here,
          "unknown-kind",
          `\`${kind}\` is no kind of pupdate that towline makes`,
          `did you mean \`${near}\`?`,
          "warning",
        ),
      ]
    : [];
}

function actionProblems(
  pack: Pack,
  rule: Entry<"rule">,
  action: Record<string, unknown>,
  i: number,
  plugins: boolean,
): Problem[] {
  const name = actionOf(action);
  const here = ["then", i, name];
  if (name === "call" && workflowOf(action[name]) !== null) return []; // ./check-workflows.ts
  if (name === "notify" || name === "call") return channelProblems(pack, rule, { name, value: action[name] }, here);
  if (action_names.includes(name)) return [];
  const plugged = pluginAction(pack, name, rule);
  if (plugged === "fine") return [];
  if (plugged) return [{ ...plugged, ...locate(pack.texts.get(rule.path) ?? "", here) }];
  return [
    atField(
      pack,
      rule,
      here,
      "unknown-action",
      `there is no action \`${name}\``,
      meant(name, action_names, `use one of ${action_names.join(", ")}`),
      plugins ? "warning" : "error",
    ),
  ];
}

/** Channels that the settings do not name: a memo would be all that comes of it. */
function channelProblems(
  pack: Pack,
  rule: Entry<"rule">,
  { name, value }: { name: string; value: unknown },
  here: PropertyKey[],
): Problem[] {
  if (!pack.settings) return [];
  const channels = pack.settings.notify?.channels ?? {};
  const hooks = Object.keys(channels).filter((one) => name === "notify" || channels[one]?.kind === "webhook");
  const said = isMap(value) ? (name === "call" ? value.webhook : value.to) : name === "call" ? value : undefined;
  const named = said === undefined ? [] : [said].flat().map(String);
  const missing = named.find((one) => !hooks.includes(one));
  if (missing === undefined && hooks.length > 0) return [];
  const what = missing === undefined ? "there is no channel" : `there is no such channel as \`${missing}\``;
  const fix = `write it below \`notify.channels\` in towline.yml: {kind: ${name === "call" ? "webhook" : "ntfy"}, url: env:NAME}`;
  const message = `${what}, so a memo is all that comes of \`${name}\``;
  return [atField(pack, rule, here, "no-channel", message, meant(missing ?? "", hooks, fix), "warning")];
}

function exampleProblems(rule: Entry<"rule">, expected: Expected): Problem[] {
  // Parsing markdown is slow next to everything else here, and most bodies have no examples.
  if (!/^#{1,2}\s+Examples/m.test(rule.body)) return [];
  return examples(rule.body).flatMap(({ text, line }) => {
    const at = (code: string, message: string, fix: string): Problem => ({
      path: rule.path,
      line: rule.bodyLine + line - 1,
      column: 1,
      level: "error",
      code,
      message,
      fix,
    });
    let read: unknown;
    try {
      read = readYaml(text);
    } catch (thrown) {
      return [
        at(
          "example",
          `the example is not YAML: ${(thrown as { reason?: string }).reason ?? thrown}`,
          "check indentation and quoting",
        ),
      ];
    }
    return [read].flat().flatMap((example) => {
      if (!isMap(example) || typeof example.verdict !== "string")
        return [
          at(
            "example",
            "an example is a pupdate with the verdict that is expected",
            "write the fields below `pupdate:`, and `verdict: memo`, or `verdict: ignored` when the rule must not fire",
          ),
        ];
      const { verdict, ...flat } = example;
      const got = expected(rule, isMap(flat.pupdate) ? flat.pupdate : flat);
      if (got === verdict || (got === "ignored" && verdict === "none")) return [];
      return [
        at(
          "example",
          `the example expects \`${verdict as string}\`, and the rule gives \`${got}\``,
          "mend the rule or the example",
        ),
      ];
    });
  });
}
