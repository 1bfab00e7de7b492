import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };
import type { EnvFault, Mended } from "../core/env-block.ts";
import { withSecrets } from "../core/env-block.ts";
import {
  type Fate,
  fates,
  generated_path,
  type Kept,
  listed,
  readGenerated,
  renderGenerated,
} from "../core/generated.ts";
import { compareVersions } from "../core/pinned.ts";
import { secretNames } from "../core/secret-names.ts";
import { withSetting } from "../core/setting-line.ts";
import { readSettings } from "../core/state.ts";
import { tick_workflow } from "../core/tick-env.ts";
import { wishedOf, withNames } from "../core/upgrade.ts";
import { configuration, exit, usage } from "../errors.ts";
import { type Place, runGit } from "../shell/git.ts";
import { openWorkTree, workFiles } from "../shell/pack-files.ts";
import { freshFiles } from "../shell/pack-made.ts";
import { writeNew, writeWhole } from "../shell/write-whole.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface UpgradeFlags extends Common {
  check?: boolean;
  take?: string[];
}

export interface Upgraded {
  changed: boolean;
  /** Lines of the workflow of the ticks: secrets that it did not hand over. */
  added: Mended["added"];
  /** Versions that the pack named before and names now; null: nothing of it is kept up to date. */
  version: { from: string | null; to: string } | null;
  files: (Pick<Kept, "path" | "before" | "after"> & { fate: Fate })[];
}

const faults: Record<EnvFault, [string, string]> = {
  unreadable: ["cannot be read as YAML", "look at it with an editor that knows workflows"],
  "no-step": ["has no step that runs a tick", "add one, like `run: npm run --silent tick`"],
  flow: ["has an `env:` that lines cannot be added to", "write it with a line for each name, below `env:`"],
};

/**
 * Adds `towline upgrade`: files that `init` made, as this version makes them, and the secrets that records name handed to
 * the ticks. Run by a person, who pushes it with their own rights: a tick only reports what is missing.
 */
export function upgrade(program: Command, wire: Wire): void {
  program
    .command("upgrade")
    .description(
      "bring the files that towline made up to date, none that a person changed, and hand the secrets in use to the ticks",
    )
    .option("--repo <dir>", "the pack repository", ".")
    .option("--check", "only show what would be written; exit code 1 when that is anything")
    .option(
      "--take <path...>",
      "give up what was changed by hand in these files, which must be committed: towline's come in",
    )
    .option("--json", "print what was written as JSON")
    .action(async (flags: UpgradeFlags) => {
      const place = await openWorkTree(repoDir(wire, flags), wire.env);
      const { writes, ...done } = await upgraded(place, flags.take ?? []);
      if (!flags.check)
        for (const [path, text] of writes)
          await put(
            place.cwd,
            path,
            text,
            done.files.some((one) => one.path === path && one.fate === "new"),
          );
      const { upgradeDescribed } = await import("./upgrade-said.ts");
      const files = done.files.map(({ path, fate }) => ({ path, fate }));
      wire.out(
        flags.json ? `${JSON.stringify({ ...done, files }, null, 2)}\n` : upgradeDescribed(done, flags.check === true),
      );
      if (done.changed && flags.check) wire.exit(exit.findings);
    });
}

const wanted = (path: string) =>
  path === "towline.yml" || path === generated_path || /^\w+\/.*\.md$/.test(path) || made.test(path);
/** Where files of towline's making stand. */
const made = /^(\.github\/|\.vscode\/|schema\/|\.gitattributes$|\.remarkrc\.json$)/;

/** Files that a person changed become towline's again, where that person says so: git still has what they wrote. */
async function taken(place: Place, kept: Kept[], paths: readonly string[]): Promise<Kept[]> {
  for (const path of paths) {
    const one = kept.find((other) => other.path === path);
    if (one?.fate !== "edited") {
      const edited = kept.filter(({ fate }) => fate === "edited").map((other) => other.path);
      throw usage(
        `${path} is no file that towline made and a person changed`,
        edited.length > 0 ? `those are: ${edited.join(", ")}` : "there is none: `towline upgrade` does it all",
      );
    }
    // Nothing is written through a link, to wherever it leads.
    if (!one.before) throw usage(`${path} is a link, or no text`, "put a plain file in its place first");
    const status = await runGit(place, ["status", "--porcelain", "--", path]);
    if (status.code !== 0 || status.stdout.length > 0)
      throw usage(
        `${path} is not committed as it is, and what you wrote would be lost`,
        `git add ${path} && git commit`,
      );
  }
  return kept.map((one) => (paths.includes(one.path) ? { ...one, fate: "changed" } : one));
}

async function upgraded(place: Place, take: readonly string[]): Promise<Upgraded & { writes: Map<string, string> }> {
  const files = await workFiles(place, wanted);
  // A link, or what is no text, is somebody's own: it counts as a file that towline did not write.
  const text = new Map(
    files.map(({ path, mode, text: said }) => [path, mode.startsWith("100") ? (said ?? "") : ""] as const),
  );
  const names = secretNames(files).names.flatMap(({ name, optional }) => (optional ? [] : [name]));
  const known = readGenerated(text.get(generated_path));
  const tick = text.get(tick_workflow) || null;
  if (known === null && tick === null)
    throw configuration(`there is no file ${tick_workflow}`, "copy it from the template");
  const kept = await taken(place, known === null ? [] : await keptFiles(text, names, tick), take);
  const mended = tick === null ? { text: "", added: [] } : withSecrets(tick, names);
  if (typeof mended === "string") {
    const [message, advice] = faults[mended];
    throw configuration(`${tick_workflow} ${message}`, advice);
  }
  const writes = new Map(
    kept.flatMap(({ path, fate, after }) => (fate === "new" || fate === "changed" ? [[path, after]] : [])),
  );
  if (mended.added.length > 0 && !writes.has(tick_workflow)) writes.set(tick_workflow, mended.text);
  const settings = text.get("towline.yml") ?? "";
  const from = readSettings(settings).settings?.version ?? null;
  if (known !== null) {
    const to = manifest.version;
    if (from !== to) writes.set("towline.yml", withSetting(settings, "version", to));
    const list = renderGenerated(listed(kept, known, to));
    if (list !== text.get(generated_path)) writes.set(generated_path, list);
  }
  return {
    changed: writes.size > 0,
    added: mended.added,
    version: known === null ? null : { from, to: manifest.version },
    files: kept,
    writes,
  };
}

async function keptFiles(text: ReadonlyMap<string, string>, names: string[], tick: string | null): Promise<Kept[]> {
  const { settings } = readSettings(text.get("towline.yml"));
  if (!settings) throw configuration("towline.yml cannot be read", "towline check says where");
  const pinned = settings.version ?? manifest.version;
  if (compareVersions(manifest.version, pinned) < 0)
    throw configuration(
      `this is towline ${manifest.version}, and the pack names ${pinned}: an older one upgrades nothing`,
      "npx towline@latest upgrade",
    );
  const known = readGenerated(text.get(generated_path));
  const people = new Map([...text].filter(([path]) => /^(towline\.yml|(agents|hosts)\/[^/]+\.md)$/.test(path)));
  const workflows = tick !== null || known?.files[tick_workflow] !== undefined;
  const fresh = await freshFiles({ ...wishedOf(settings, tick, manifest.version), workflows, people });
  return fates(withNames(fresh, names), text, known);
}

/** What is new is not written over anything: git may have been told to look away from what stands there. */
async function put(top: string, path: string, text: string, fresh: boolean): Promise<void> {
  await mkdir(dirname(join(top, path)), { recursive: true });
  if (!fresh) return writeWhole(join(top, path), text);
  await writeNew(join(top, path), text).catch((thrown) => {
    if (thrown.code !== "EEXIST") throw thrown;
  });
}
