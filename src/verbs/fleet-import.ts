import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { detectFormat, type ImportFormat, import_formats, importAs } from "../core/import.ts";
import type { Imported, ImportProblem } from "../core/import-machine.ts";
import { keyWord } from "../core/import-machine.ts";
import { type ImportedHost, planImport } from "../core/import-plan.ts";
import { exit, messageOf, usage } from "../errors.ts";
import { newRecord } from "../shell/new-record.ts";
import { openLocal } from "../shell/pack.ts";
import { textOf } from "../shell/pack-files.ts";
import { whereOf } from "../shell/person-edit.ts";
import { pushNew } from "../shell/person-push.ts";
import { propose } from "../shell/propose.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { commitLines } from "./next-steps.ts";

interface ImportFlags extends Common {
  format?: string;
  key?: string;
  dryRun?: boolean;
  push?: boolean;
  pr?: boolean;
}

const max_file = 8 << 20;

/** Adds `towline fleet import FILE…`. */
export function fleetImport(group: Command, wire: Wire): void {
  group
    .command("import <files...>")
    .description(
      "write host records from a picoclaw-fleet.json, an Ansible inventory, an ssh_config or a CSV; none is overwritten",
    )
    .option("--format <format>", `what the files are: ${import_formats.join(", ")} (default: found out)`)
    .option("--key <place>", "the key of all of them, whatever the files say: env:NAME, file:PATH or agent")
    .option("--push", "put them on origin at once, those files and nothing else")
    .option("--pr", "propose them as a branch to merge")
    .option("--dry-run", "say what would be written, and write nothing")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the outcome as JSON")
    .action(async (files: string[], flags: ImportFlags) => {
      const { format, key } = flags;
      if (format !== undefined && !import_formats.includes(format as ImportFormat))
        throw usage(`there is no format \`${format.slice(0, 40)}\``, `write one of ${import_formats.join(", ")}`);
      if (key !== undefined && keyWord(key) === null)
        throw usage(`\`--key ${key.slice(0, 40)}\` is no place`, "write env:NAME, file:PATH or agent");
      const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
      const state = await readWorkTree(repo, top, tips);
      const broken = new Set(
        state.problems
          .filter((one) => one.path.startsWith("hosts/") && one.level === "error")
          .map((one) => one.path.slice(6, -3)),
      );
      const read = [];
      for (const file of files)
        read.push({ file, ...(await readOne(resolve(wire.cwd, file), file, format as ImportFormat)) });
      const plan = planImport(read, { hosts: state.hosts, broken }, { key, fallback: "env:TOWLINE_SSH_KEY" });
      const where = whereOf(flags);
      const landed = flags.dryRun || where === "here" ? null : await landHosts(wire, top, where, plan.hosts);
      const hosts = landed?.hosts ?? (flags.dryRun ? plan.hosts : await written(top, plan.hosts));
      for (const one of plan.problems) wire.report[one.level](`${one.message} (${one.fix})`, one);
      const { branch = null, url = null, commit = null } = landed ?? {};
      const outcome = { hosts, problems: plan.problems, branch, url, commit, dry_run: flags.dryRun === true };
      wire.out(
        flags.json
          ? `${JSON.stringify(outcome, null, 2)}\n`
          : described(hosts, plan.problems, flags.dryRun === true, landed?.said),
      );
      const short = plan.problems.some((one) => one.level === "error") || hosts.some((one) => one.state === "differs");
      if (short) wire.exit(exit.findings);
    });
}

async function readOne(path: string, file: string, format: ImportFormat | undefined): Promise<Imported> {
  const bytes = await stat(path).then(
    (found) => {
      if (!found.isFile()) throw usage(`${file} is no file`, "name the files, not their folder");
      if (found.size > max_file) throw usage(`${file} is over ${max_file >> 20} MiB`, "split it");
      return readFile(path);
    },
    (thrown) => {
      throw usage(`${file} cannot be read: ${messageOf(thrown)}`, "name a file that is there");
    },
  );
  const text = textOf(bytes);
  if (text === null || text.includes("\0")) throw usage(`${file} is no text in UTF-8`, "save it as UTF-8");
  const found = format ?? detectFormat({ file, text });
  if (found === null)
    throw usage(`${file} is of no format that is known`, `say it with --format: ${import_formats.join(", ")}`);
  return importAs(found, { file, text });
}

const joined = (fresh: ImportedHost[]) =>
  fresh.length === 1 ? `${fresh[0]?.host} joins the fleet` : `${fresh.length} machines join the fleet`;

/** The new ones on origin, in one commit: on the default branch, or on one that people may merge. */
async function landHosts(wire: Wire, top: string, where: "push" | "pr", hosts: ImportedHost[]) {
  const fresh = hosts.filter(({ state }) => state === "new");
  const files = new Map(fresh.map(({ path, text }) => [path, text as string]));
  const message = joined(fresh);
  if (where === "pr") {
    const made = await (await propose({ dir: top, ...wire }, "towline/fleet-import")).push(files, message);
    const said = made
      ? `  proposed on the branch ${made.branch}${made.url ? `: ${made.url}` : ""}; merging it is the yes`
      : "";
    return { hosts, said, branch: made?.branch, url: made?.url, commit: made?.commit };
  }
  const { commit, there, here } = await pushNew(top, wire, files, message);
  const late = (one: ImportedHost): ImportedHost =>
    there.has(one.path) ? { ...one, state: "differs", why: "origin has it already" } : one;
  const said =
    commit === null ? "" : `  pushed as ${commit.slice(0, 10)}${here ? "" : "; git pull brings them into this folder"}`;
  return { hosts: hosts.map(late), said, commit };
}

/** One file a host; what came to be meanwhile is not written over. */
async function written(top: string, hosts: ImportedHost[]): Promise<ImportedHost[]> {
  const done: ImportedHost[] = [];
  for (const one of hosts) {
    const fresh = one.state === "new" && !(await newRecord(top, "hosts", one.host, one.text as string));
    done.push(
      fresh ? { ...one, state: "differs", why: `${join("hosts", `${one.host}.md`)} came to be meanwhile` } : one,
    );
  }
  return done;
}

function described(hosts: ImportedHost[], problems: ImportProblem[], dry: boolean, landed?: string): string {
  const of = (state: ImportedHost["state"]) => hosts.filter((one) => one.state === state);
  const fresh = of("new");
  const errors = problems.filter((one) => one.level === "error").length;
  const counts = [
    `${fresh.length} ${dry ? "would be written" : "written"}`,
    ...(of("same").length > 0 ? [`${of("same").length} there already`] : []),
    ...(of("differs").length + of("known").length > 0
      ? [`${of("differs").length + of("known").length} left as they are`]
      : []),
    ...(errors > 0 ? [`${errors} left out`] : []),
  ];
  const keyed = fresh.some((one) => /^key: ["']?file:/m.test(one.text ?? ""));
  return [
    ...fresh.map((one) => `✓ ${one.path}${one.from.name === one.host ? "" : `  (${one.from.file}:${one.from.line})`}`),
    ...[...of("differs"), ...of("known")].map((one) => `△ ${one.path} was not written: ${one.why}`),
    `${counts.join(", ")}.`,
    ...(keyed
      ? [
          "Some name a key file of this machine, which ticks in a CI service do not have: --key env:TOWLINE_SSH_KEY makes it a secret.",
        ]
      : []),
    ...(fresh.length === 0 || dry
      ? []
      : [
          "",
          "Next, each machine's host key is pinned and its identity taken: towline fleet enroll NAME",
          ...(landed === undefined
            ? commitLines(
                fresh.map((one) => one.path),
                joined(fresh),
              )
            : [landed]),
        ]),
    "",
  ].join("\n");
}
