// Writes picoclaw's own settings on a host, with the keys that records name. Nothing of what people wrote there is lost.
import { createHash } from "node:crypto";
import { isKept, keptWords } from "../core/agent-needs.ts";
import { configure, environment, type Model, secure, type Wrote } from "../core/picoclaw-settings.ts";
import { configuration } from "../errors.ts";
import type { HostFiles } from "../ports.ts";
import { readable } from "../remote/answers.ts";
import type { Note } from "./deploy-note.ts";

export const home = ".picoclaw";
export const settings_files = {
  config: `${home}/config.json`,
  security: `${home}/.security.yml`,
  env: `${home}/.env`,
} as const;
/** What people and agents wrote there. */
export const workspace = `${home}/workspace`;

export type SettingsNote = Pick<Note, "files" | "models" | "added" | "classic" | "variables" | "wrote">;

/** Keys by variable. Throws a configuration Fault for one that is not set here, or is the pack's own. */
export function keysFor(
  models: Model[],
  secret: (name: string) => string | undefined,
  kept: ReadonlySet<string>,
): Map<string, string> {
  const names = [...new Set(models.flatMap(({ variable }) => variable ?? []))];
  return new Map(
    names.map((name) => {
      if (isKept(name, kept)) throw configuration(keptWords(name).message, "name another one in `api_key_env`");
      const key = secret(name)?.trim();
      if (!key)
        throw configuration(
          `${name} is not set here, so picoclaw would get no key`,
          `set ${name}, or use --keep-settings to leave the settings on the host as they are`,
        );
      if (/[\r\n\0]/.test(key)) throw configuration(`${name} is more than one line`, "give the key alone");
      return [name, key];
    }),
  );
}

export interface Wanted {
  models: Model[];
  keys: ReadonlyMap<string, string>;
  /** What was noted at the last deploy. */
  before: SettingsNote;
  /** Notes on the host what is about to be written: what is noted can be taken away again. */
  save(note: SettingsNote): Promise<void>;
}

export interface Put {
  written: string[];
  /** What a person has to see to. */
  warnings: string[];
}

export async function putSettings(files: HostFiles, wanted: Wanted): Promise<Put> {
  const there = await files.state([settings_files.config, settings_files.security, workspace]);
  const first = there.get(settings_files.config)?.kind === "none";
  if (!first) return putModels(files, wanted, false);
  if (there.get(workspace)?.kind !== "none")
    return left(
      `~/${workspace} is there but no config.json: \`picoclaw onboard\` would overwrite what is in it, so it was not run; write config.json, then deploy again`,
    );
  const made = [settings_files.config, settings_files.security].filter((path) => there.get(path)?.kind === "none");
  const noted = Object.fromEntries(made.map((path) => [path, "made"] as const));
  const before = { ...wanted.before, files: { ...wanted.before.files, ...noted } };
  await wanted.save(before);
  const { exit, said } = await files.call({ what: "onboard", name: "picoclaw", limit: 60 });
  if (exit !== 0) {
    // What it began, and what a person writes there now, is not known to be ours.
    await wanted.save(wanted.before);
    return left(`\`picoclaw onboard\` ended with ${exit}: ${readable(said).slice(0, 200)}`);
  }
  const { written, warnings } = await putModels(files, { ...wanted, before }, true);
  return { written: ["onboard", ...written], warnings };
}

const left = (warning: string): Put => ({ written: [], warnings: [warning] });

interface Change {
  path: string;
  old: Uint8Array | null;
  fresh: string;
}

async function putModels(files: HostFiles, { models, keys, before, save }: Wanted, first: boolean): Promise<Put> {
  if (models.length === 0) return { written: [], warnings: [] };
  const old = {
    config: await files.show(settings_files.config),
    security: await files.show(settings_files.security),
    env: await files.show(settings_files.env),
  };
  if (old.config === null) return left("picoclaw has no config.json there, so no key was written");
  const ours = { wrote: before.wrote, sha };
  const config = configure(textOf(old.config), models, first, keys, ours);
  if (typeof config === "string") return left(`picoclaw's settings were left as they are: ${config}`);
  const named = config.names.flatMap((name, index) => {
    const key = keys.get(models[index]?.variable ?? "");
    return key ? [[name, key] as const] : [];
  });
  const security = secure(textOf(old.security), new Map(named), ours);
  if (typeof security === "string") return left(`picoclaw's settings were left as they are: ${security}`);
  const values = { PROVIDER: models[0]?.provider ?? "", ...Object.fromEntries(keys) };
  const env = environment(textOf(old.env), values, ours);
  const warnings = env.theirs.map(
    (name) => `~/${settings_files.env} has a ${name} of its own, which was left as it is`,
  );
  // The keys first: a config that names models without keys is worse than keys that nothing names yet.
  const changes: Change[] = [
    { path: settings_files.security, old: old.security, fresh: security.security },
    { path: settings_files.config, old: old.config, fresh: config.config },
    { path: settings_files.env, old: old.env, fresh: env.env },
  ].filter((one) => textOf(one.old) !== one.fresh);
  if (changes.length === 0) return { written: [], warnings };
  const more = (known: string[], added: string[]) => [...new Set([...known, ...added])];
  const kinds = changes.map(
    ({ path, old }) => [path, before.files[path] ?? (old === null ? "made" : "changed")] as const,
  );
  await save({
    files: { ...before.files, ...Object.fromEntries(kinds) },
    models: more(
      before.models,
      named.map(([name]) => name),
    ),
    added: more(before.added, config.added),
    classic: more(before.classic, config.classic),
    variables: more(before.variables, Object.keys(values)),
    wrote: joined(before.wrote, { ...config.wrote, ...security.wrote, ...env.wrote }),
  });
  for (const { path, old, fresh } of changes) {
    const was = old === null ? "none" : createHash("sha256").update(old).digest("hex");
    await files.put(path, Buffer.from(fresh), { mode: "600", was });
  }
  return { written: changes.map(({ path }) => path.slice(home.length + 1)), warnings };
}

/** Older ones stay: whoever is cut off before the files are written has still the older ones in them. */
const joined = (known: Wrote, fresh: Wrote): Wrote => ({
  ...known,
  ...Object.fromEntries(
    Object.entries(fresh).map(([place, hashes]) => [
      place,
      [...new Set([...hashes, ...(known[place] ?? [])])].slice(0, 9),
    ]),
  ),
});

export const sha = (text: string) => createHash("sha256").update(text).digest("hex");
const textOf = (bytes: Uint8Array | null) => (bytes === null ? "" : Buffer.from(bytes).toString("utf8"));
