import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type SecretName, secretNames, type Use } from "../core/secret-names.ts";
import { type Handed, tick_workflow, tickEnv } from "../core/tick-env.ts";
import { configuration, exit } from "../errors.ts";
import { idIn } from "../shell/pack.ts";
import { openWorkTree, workFiles } from "../shell/pack-files.ts";
import { packKeyFile } from "../shell/pack-keys.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { quoted } from "./next-steps.ts";

interface SecretRow extends SecretName {
  /** `variable`, or the file of this machine that holds it. */
  here: string | null;
  /** Where the workflow of the ticks takes it from. */
  mapped: Handed | null;
  missing: boolean;
  /** What sets it. */
  command: string;
}

/** Adds `towline secrets`. */
export function secrets(program: Command, wire: Wire): void {
  program
    .command("secrets")
    .description(
      "each secret that a record refers to, whether it is here and handed to the ticks; exit code 1 if one is missing",
    )
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print them as JSON")
    .action(async (flags: Common) => {
      const dir = repoDir(wire, flags);
      const place = await openWorkTree(dir, wire.env);
      const files = await workFiles(
        place,
        (path) => path === tick_workflow || path === "towline.yml" || /^\w+\/.*\.md$/.test(path),
      );
      const workflow = files.find((file) => file.path === tick_workflow)?.text ?? null;
      const given = workflow === null ? null : tickEnv(workflow);
      if (workflow !== null && given === null)
        throw configuration(
          `${tick_workflow} cannot be read as YAML`,
          "look at it with an editor that knows workflows",
        );
      const { names, wrong } = secretNames(files);
      const pack = (await idIn(dir, wire.env)) ?? "";
      const rows = names.map((name) => rowOf(name, { wire, pack, given }));
      for (const at of wrong)
        wire.report.error("here should stand the name of a variable, in capitals; what stands there is not shown", at);
      wire.out(flags.json ? `${JSON.stringify({ secrets: rows, wrong }, null, 2)}\n` : printed(rows, given !== null));
      if (wrong.length > 0 || rows.some((row) => row.missing)) wire.exit(exit.findings);
    });
}

interface Around {
  wire: Wire;
  pack: string;
  given: Map<string, Handed> | null;
}

function rowOf(secret: SecretName, { wire, pack, given }: Around): SecretRow {
  const file = packKeyFile(wire, pack, secret.name);
  const own = secret.kind === "key" && existsSync(file);
  const here = wire.env[secret.name] ? "variable" : own ? file : null;
  const mapped = given?.get(secret.name) ?? null;
  // In the CI service the variable itself is the proof; elsewhere it cannot be seen whether the secret behind it is set.
  const there = given === null || wire.env.GITHUB_ACTIONS === "true" ? here !== null : mapped !== null;
  return {
    ...secret,
    here,
    mapped,
    missing: !there && !secret.optional,
    command: command(secret, mapped, own ? file : null),
  };
}

function command({ name, kind }: SecretName, mapped: Handed | null, file: string | null): string {
  if (name.startsWith("GITHUB_")) return `${name}: \${{ github.token }}`;
  const set = `gh secret set ${mapped?.secret ?? name}`;
  if (kind === "value") return set;
  return file === null ? `towline fleet keygen --name ${name}` : `${set} < ${quoted(file)}`;
}

function printed(rows: SecretRow[], ci: boolean): string {
  if (rows.length === 0) return "No record refers to a secret.\n";
  const cells = rows.map((row) => [
    row.name,
    row.here === null ? "no" : row.here === "variable" ? "yes" : "key file",
    !ci ? "-" : row.mapped === null ? "no" : `line ${row.mapped.line}`,
    `${usedBy(row.uses)}${row.optional ? " (by default; it can be left out)" : ""}`,
  ]);
  const all = [["NAME", "HERE", "TICK.YML", "USED BY"], ...cells];
  const widths = [0, 1, 2].map((i) => Math.max(...all.map((line) => (line[i] as string).length)));
  const line = (mark: string, words: string[]) =>
    `${mark} ${words.map((word, i) => word.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd();
  const marks = rows.map((row) => (row.missing ? "✕" : row.optional && row.here === null ? "○" : "✓"));
  const lacking = rows.filter((row) => row.missing);
  return [
    line(" ", all[0] as string[]),
    ...cells.map((words, i) => line(marks[i] as string, words)),
    ...(lacking.length === 0
      ? [ci ? "All are handed to the ticks. Whether each is set there, `gh secret list` shows." : "All are here."]
      : ["", ...lacking.flatMap((row) => steps(row, ci))]),
    "",
  ].join("\n");
}

function usedBy(uses: Use[]): string {
  const first = uses.slice(0, 2).map(({ path, line }) => `${path}:${line}`);
  return uses.length > 2 ? `${first.join(", ")} and ${uses.length - 2} more` : first.join(", ");
}

function steps({ name, mapped, command: set }: SecretRow, ci: boolean): string[] {
  const env = name.startsWith("GITHUB_") ? set : `${name}: \${{ secrets.${name} }}`;
  return [
    `${name} is missing:`,
    ...(name.startsWith("GITHUB_") ? [] : [`  ${set}`]),
    ...(ci && mapped === null ? [`  in ${tick_workflow}, in the \`env:\` of the tick step: ${env}`] : []),
  ];
}
