import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { type Entry, parseEntry } from "../core/entry.ts";
import { byTick, firedBy, type Judged, replay as judgeAgain, type Told, tickTime } from "../core/replay-rules.ts";
import { parseDuration } from "../core/scalar.ts";
import type { Pupdate } from "../core/schema.ts";
import { counted, oneLine } from "../core/text.ts";
import { configuration, usage } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import { openLocal } from "../shell/pack.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

const shown = 20;

interface ReplayFlags extends Common {
  since: string;
  rule?: string;
  json?: boolean;
}

/** Adds `towline replay`: what the rules as they stand here would have made of what happened, beside what was made of it. */
export function replay(program: Command, wire: Wire): void {
  program
    .command("replay")
    .description("what changed rules would have done with what happened; nothing is done, nothing is written")
    .option("--since <time>", "how far back: 7d, or a time", "7d")
    .option("--rule <file>", "try this rule, in place of the one of its name")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the answer as JSON")
    .action(async (flags: ReplayFlags) => {
      const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
      const state = await readWorkTree(repo, top, tips);
      const tried = flags.rule === undefined ? null : ruleAt(resolve(wire.cwd, flags.rule));
      const rules = tried
        ? [...state.rules.filter(({ id }) => id !== tried.id), tried].sort((a, b) => (a.id < b.id ? -1 : 1))
        : state.rules;
      const history = await told(repo, tips, sinceOf(flags.since, wire.clock.now()));
      // A rule that is tried, or differs from what the commit has, did something else then.
      const judged = judgeAgain(rules, history, (id) => id !== tried?.id);
      const changed = differences(history, judged);
      if (flags.json) wire.out(`${JSON.stringify(asJson(history, judged, changed, tried?.id), null, 2)}\n`);
      else wire.out(`${words(history, judged, changed, tried?.id).join("\n")}\n`);
    });
}

function ruleAt(path: string): Entry<"rule"> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw usage(`${path} cannot be read`, "name the file of a rule, like rules/host-silent.md");
  }
  const { entry, problems } = parseEntry(`rules/${basename(path)}`, "rule", text);
  const [first] = problems;
  if (!entry)
    throw configuration(`${path}:${first?.line ?? 1}: ${first?.message ?? "no rule"}`, first?.fix ?? "mend it");
  return entry;
}

function sinceOf(text: string, now: Date): Date {
  const seconds = parseDuration(text);
  const at = seconds === null ? Date.parse(text) : now.getTime() - seconds * 1000;
  if (Number.isNaN(at)) throw usage(`--since ${text} is no time`, "write 7d, 12h, or 2026-11-21T09:00:00Z");
  return new Date(at);
}

/** What was told since then, in order, each with the time of its tick. */
async function told(repo: Repo, tips: Tips, since: Date): Promise<Told[]> {
  if (tips.ledger === null) return [];
  const first = `pupdates/${since.toISOString().slice(0, 10).replaceAll("-", "/")}`;
  const items = (await repo.tree(tips.ledger, ["pupdates"]))
    .filter(({ path }) => path.endsWith(".ndjson") && path >= first)
    .sort((a, b) => byTick(a.path, b.path));
  const blobs = await repo.blobs(
    items.map(({ blob }) => blob),
    16 << 20,
  );
  const text = new TextDecoder();
  return items.flatMap(({ path, blob }) => {
    const bytes = blobs.get(blob);
    const rows = bytes ? text.decode(bytes).split("\n").flatMap(parsed) : [];
    return rows.flatMap((pupdate) => {
      const now = tickTime(path) ?? new Date(pupdate.at);
      return now >= since ? [{ pupdate, now }] : [];
    });
  });
}

function parsed(line: string): Pupdate[] {
  try {
    const row = JSON.parse(line) as Pupdate;
    return typeof row?.id === "string" && typeof row.at === "string" ? [row] : [];
  } catch {
    return []; // one torn line must not hide the others
  }
}

interface Difference {
  pupdate: Pupdate;
  is: Judged;
}

const differences = (history: readonly Told[], judged: readonly Judged[]): Difference[] =>
  history.flatMap(({ pupdate }, at) => {
    const is = judged[at] as Judged;
    return is.verdict === (pupdate.verdict ?? "ignored") && is.rule === pupdate.rule ? [] : [{ pupdate, is }];
  });

const pupdatesOf = (history: readonly Told[]) => history.map(({ pupdate }) => pupdate);

function words(history: readonly Told[], judged: readonly Judged[], changed: Difference[], tried?: string): string[] {
  const lines = [`${counted(history.length, "pupdate")}, ${counted(changed.length, "other verdict")}`];
  const fired = [...firedBy(judged, pupdatesOf(history)).values()];
  const was = Map.groupBy(pupdatesOf(history), ({ rule }) => rule);
  for (const { rule, count } of fired.filter((one) => tried === undefined || one.rule === tried))
    lines.push(`  ${rule}: would have fired ${count}, fired first ${was.get(rule)?.length ?? 0}`);
  if (tried !== undefined && !fired.some(({ rule }) => rule === tried)) lines.push(`  ${tried}: would not have fired`);
  const by = (rule: string | undefined) => (rule === undefined ? "" : ` by ${rule}`);
  for (const { pupdate, is } of changed.slice(0, shown))
    lines.push(
      `  ${pupdate.at} ${pupdate.kind} ${oneLine(pupdate.title, 100)}: was ${pupdate.verdict ?? "ignored"}${by(pupdate.rule)}, would be ${is.verdict}${by(is.rule)} (${pupdate.id})`,
    );
  if (changed.length > shown) lines.push(`  … and ${changed.length - shown} more: --json names them all`);
  return lines;
}

const asJson = (history: readonly Told[], judged: readonly Judged[], changed: Difference[], tried?: string) => ({
  pupdates: history.length,
  rule: tried,
  fired: [...firedBy(judged, pupdatesOf(history)).values()],
  changed: changed.map(({ pupdate, is }) => ({
    ...{ id: pupdate.id, at: pupdate.at, kind: pupdate.kind, subject: pupdate.subject, title: pupdate.title },
    was: { verdict: pupdate.verdict ?? "ignored", rule: pupdate.rule },
    is: { verdict: is.verdict, rule: is.rule },
  })),
});
