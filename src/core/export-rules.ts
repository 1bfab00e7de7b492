// Rules in plain words, the pack's own and those that towline brings, with when and how often they fired.
import { z } from "zod";
import { builtin_rules } from "./builtin.ts";
import { linesOf, type PageFiles } from "./export-lines.ts";
import { instant, rows, subjectId, type World } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import { ruleSentences } from "./plain-rule.ts";

type Row = Exported<"rules">;

const fired_row = z.object({ rule: z.string(), key: z.string(), at: z.string(), count: z.number() });

export function ruleRows(world: World, files: PageFiles): Row[] {
  const remembered = linesOf(files.get("state/fired.ndjson"), fired_row);
  const byRule = Map.groupBy(
    world.pupdates.filter((one) => one.rule !== undefined),
    (one) => subjectId(one.rule as string),
  );
  const own = rows(world, "rule").map((row) => ({
    ...row,
    name: row.path.replace(/^.*\/|\.md$/g, ""),
    built_in: false,
  }));
  const brought = builtin_rules.map(({ id, path, data }) => ({
    id,
    name: id,
    path,
    fields: data,
    body: "",
    built_in: true,
  }));
  return [...own, ...brought].map(({ name, ...row }) => {
    const told = byRule.get(name) ?? [];
    const before = remembered.filter((one) => one.rule === name).sort((a, b) => instant(b.at) - instant(a.at))[0];
    const newest = told[0];
    const known = newest && { at: newest.at, pupdate: newest.id };
    // The row of a firing outlives the pupdates that are shown.
    const fired = known ?? (before && { at: before.at });
    return { ...row, says: ruleSentences(row.fields), fired, times: told.length };
  });
}
