// The files that towline makes for a pack and keeps up to date: workflows, schemas, the editor's, the issue form.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEntry } from "../core/entry.ts";
import { digestOf, generated_path, renderGenerated } from "../core/generated.ts";
import { editorFiles, pack_schemas } from "../core/init-editor.ts";
import { packWorkflows, type Wished, workflow_files } from "../core/init-workflows.ts";
import { issue_form_path, issueForm } from "../core/issue-form.ts";
import { readSettings } from "../core/state.ts";

/** Where this towline stands: its schemas and workflows are what a pack gets. */
const root = join(import.meta.dirname, "..", "..");

export interface Making extends Wished {
  /** CI of GitHub's kind is wanted here. */
  workflows: boolean;
  /** People's records, of which the issue form lists agents and hosts. */
  people: ReadonlyMap<string, string>;
}

export async function freshFiles(making: Making): Promise<Map<string, string>> {
  const own = async (paths: readonly string[]) =>
    new Map(await Promise.all(paths.map(async (path) => [path, await readFile(join(root, path), "utf8")] as const)));
  return new Map([
    ...editorFiles,
    ...(await own(pack_schemas)),
    ...(making.workflows ? packWorkflows(await own(workflow_files), making) : []),
    ...(making.workflows ? [[issue_form_path, formOf(making.people)] as const] : []),
  ]);
}

function formOf(people: ReadonlyMap<string, string>): string {
  const agents = new Map();
  const hosts = new Map();
  for (const [path, text] of people) {
    if (/^agents\/[^/]+\.md$/.test(path)) add(agents, parseEntry(path, "agent", text).entry);
    if (/^hosts\/[^/]+\.md$/.test(path)) add(hosts, parseEntry(path, "host", text).entry);
  }
  const { settings } = readSettings(people.get("towline.yml"));
  if (!settings) throw new Error("towline.yml cannot be read");
  return issueForm({ agents, hosts, settings });
}

const add = <T extends { id: string }>(to: Map<string, T>, entry: T | null) => entry && to.set(entry.id, entry);

/** With the list of what was written, by which the next upgrade tells a person's change from its own. */
export function withManifest(files: Map<string, string>, version: string): Map<string, string> {
  const digests = Object.fromEntries([...files].map(([path, text]) => [path, digestOf(text)]));
  return new Map([...files, [generated_path, renderGenerated({ version, files: digests })]]);
}
