// Limits on what is spent: that each is written so that it holds, and that what it is for can ever start.
import { type Limit, limitsOf, type Want, wantsOf } from "./budget.ts";
import { atField, meant, type Pack, problem } from "./check-pack.ts";
import { deadlineOf } from "./claim.ts";
import type { Entry, Problem } from "./entry.ts";
import { locate } from "./locate.ts";
import { nearest } from "./nearest.ts";
import { amount, isListPrice, meterOf, mostOf, units } from "./spent.ts";

type Fields = Record<string, unknown>;
const fieldsIn = (value: unknown): Fields => (value !== null && typeof value === "object" ? (value as Fields) : {});

type Complain = (field: PropertyKey[], code: string, message: string, fix: string, level?: Problem["level"]) => Problem;

export function budgetProblems(pack: Pack): Problem[] {
  const of = <K extends Entry["kind"]>(kind: K) => pack.entries.filter((entry) => entry.kind === kind) as Entry<K>[];
  const agents = of("agent");
  const records = [...of("task"), ...agents, ...of("rule"), ...of("host")];
  const words = records.flatMap((entry) => {
    const at: Complain = (field, code, message, fix, level) => atField(pack, entry, field, code, message, fix, level);
    return unitProblems(at, ["budget"], entry.data.budget, entry.kind === "host" ? "spans" : "both");
  });
  return [...words, ...settingsWords(pack, agents), ...judged(pack, agents)];
}

/** Where fields of towline.yml stand. `locate` reads frontmatter: one line more above. */
const inSettings =
  (pack: Pack): Complain =>
  (field, code, message, fix, level = "error") => {
    const place = locate(`---\n${pack.texts.get("towline.yml") ?? ""}\n---\n`, field);
    return { ...problem("towline.yml", code, message, fix), ...place, line: Math.max(1, place.line - 1), level };
  };

function settingsWords(pack: Pack, agents: Entry<"agent">[]): Problem[] {
  if (!pack.settings) return [];
  const { budget, defaults, accounts = {}, requesters = {} } = pack.settings;
  const at = inSettings(pack);
  const used = new Set(agents.flatMap(({ data }) => data.account ?? []));
  const idle = Object.keys(accounts).filter((name) => !used.has(name) && !pack.broken.has("agents"));
  const strange = agents.filter(({ data }) => data.account !== undefined && pack.settings?.accounts !== undefined);
  return [
    ...unitProblems(at, ["budget"], budget, "spans"),
    ...unitProblems(at, ["defaults", "budget"], defaults.budget, "run"),
    ...Object.entries({ accounts, requesters }).flatMap(([group, all]) =>
      Object.entries(all).flatMap(([name, one]) => unitProblems(at, [group, name, "budget"], one.budget, "spans")),
    ),
    ...idle.map((name) =>
      at(
        ["accounts", name],
        "account-idle",
        `no agent is charged to the account \`${name}\``,
        `write \`account: ${name}\` in an agent's record, or take it out`,
        "warning",
      ),
    ),
    ...strange.flatMap((agent) => {
      const near = nearest(agent.data.account as string, Object.keys(accounts));
      return Object.hasOwn(accounts, agent.data.account as string) || near === null
        ? []
        : [
            atField(
              pack,
              agent,
              ["account"],
              "unknown-account",
              `towline.yml lists no account \`${agent.data.account}\``,
              `did you mean \`${near}\`?`,
              "warning",
            ),
          ];
    }),
  ];
}

/** What no limit is made of. A word that is not known limits nothing, and its author believes that it does. */
function unitProblems(at: Complain, field: PropertyKey[], value: unknown, form: "run" | "spans" | "both"): Problem[] {
  const spans = ["day", "month"];
  return Object.entries(fieldsIn(value)).flatMap(([name, inner]) => {
    if (spans.includes(name) && form !== "run")
      return Object.keys(fieldsIn(inner)).flatMap((unit) =>
        (units as readonly string[]).includes(unit) ? [] : [unitProblem(at, [...field, name, unit], unit, units)],
      );
    const isUnit = (units as readonly string[]).includes(name);
    if (isUnit && form !== "spans") return [];
    if (isUnit)
      return [
        at(
          [...field, name],
          "budget-time",
          `\`${name}\` stands for one run, and here are limits over a time`,
          `write \`budget: {day: {${name}: …}}\`, or \`month\``,
        ),
      ];
    if (spans.includes(name))
      return [
        at(
          [...field, name],
          "budget-time",
          `\`${name}\` is a limit over a time, and this one is for one run`,
          "write it as `budget:` of towline.yml, of an agent or of an account",
        ),
      ];
    return [
      unitProblem(at, [...field, name], name, form === "spans" ? spans : form === "run" ? units : [...units, ...spans]),
    ];
  });
}

const unitProblem = (at: Complain, field: PropertyKey[], word: string, known: readonly string[]) =>
  at(field, "budget-unit", `\`${word}\` limits nothing`, meant(word, known, `write one of ${known.join(", ")}`));

/** What follows from limits, agents and tasks together. Each limit is complained of once. */
function judged(pack: Pack, agents: Entry<"agent">[]): Problem[] {
  const { settings } = pack;
  if (!settings) return [];
  const of = <K extends Entry["kind"]>(kind: K) => pack.entries.filter((entry) => entry.kind === kind) as Entry<K>[];
  const byId = <E extends Entry>(entries: E[]) => new Map(entries.map((entry) => [entry.id, entry]));
  const state = {
    settings,
    agents: byId(agents),
    rules: of("rule"),
    hosts: byId(of("host")),
    tasks: byId(of("task").filter(({ data }) => data.status === "ready")),
  };
  const wants = [...state.tasks.values()].flatMap((task): Want[] => {
    const agent = state.agents.get(task.data.agent ?? settings.defaults.agent ?? "");
    if (!agent || agent.data.off) return [];
    return [{ task, agent, requester: "", deadline: deadlineOf(state, task, agent) }];
  });
  const limits = limitsOf(state);
  const entries = new Map<string, Entry>([...pack.entries].map((entry) => [entry.path, entry]));
  return limits.flatMap((limit) => {
    const entry = entries.get(limit.path);
    const at: Complain = entry
      ? (field, code, message, fix, level) => atField(pack, entry, field, code, message, fix, level)
      : inSettings(pack);
    const own = wantsOf(limit, wants);
    return limitProblem(
      limit,
      own.map((want) => ({ want, most: mostOf(state, want, want.deadline)[limit.unit] })),
      at,
    );
  });
}

function limitProblem(limit: Limit, asked: { want: Want; most: number | undefined }[], at: Complain): Problem[] {
  const { field, unit, period } = limit;
  const never = asked.find(({ most }) => most !== undefined && most > limit.most);
  if (never)
    return [
      at(
        field,
        "budget-never",
        `${amount(unit, limit.most)} a ${period} are less than the ${amount(unit, never.most ?? 0)} that one run of ${never.want.task.path} may take: it can never start`,
        "raise the one or lower the other",
      ),
    ];
  const blind = unit === "minutes" || unit === "runs" ? undefined : asked.find(({ most }) => most === undefined);
  if (!blind) return [];
  const { runtime } = blind.want.agent.data;
  if (isListPrice(blind.want.agent.data)) return [];
  return meterOf(runtime, unit) === undefined
    ? [
        at(
          field,
          "budget-blind",
          `\`${runtime}\` does not tell what a run costs in ${unit}: ${blind.want.agent.path} would never reach this limit`,
          unit === "usd"
            ? "add `price: {run: 0.02}` to that agent, or `budget: {usd: …}` for one run"
            : `add \`budget: {${unit}: …}\` for one run to that agent`,
        ),
      ]
    : [
        at(
          field,
          "budget-open",
          `nothing says how many ${unit} one run of ${blind.want.agent.path} may take: runs that are under way at once may go beyond this`,
          `add \`budget: {${unit}: …}\` to that agent or its tasks, or \`defaults: {budget: {${unit}: …}}\` to towline.yml`,
          "warning",
        ),
      ];
}
