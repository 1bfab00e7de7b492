// A runtime that is an npm package: the host's own npm installs it below ~/.local, at one exact version.
import { bareVersion, type Pin, type Platform } from "../core/release.ts";
import { configuration, outside } from "../errors.ts";
import type { HostFiles } from "../ports.ts";
import { readable } from "../remote/answers.ts";
import type { Deployed, DeployTools, Order } from "./deploy.ts";
import { programPath, readNote, writeNote } from "./deploy-note.ts";
import { sourceOf } from "./release.ts";

const exact = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
/** Seconds. */
const patience = 540;

export async function deployPackage(
  files: HostFiles,
  order: Order,
  pin: Pin | undefined,
  tools: DeployTools,
  { arch }: Platform,
): Promise<Deployed> {
  const { runtime } = order;
  const source = sourceOf(tools.state.settings, runtime);
  const name = source.npm as string;
  const version = bareVersion(order.version ?? pin?.version ?? source.version ?? "");
  if (!exact.test(version))
    throw configuration(
      version === "" ? `no version of ${name} is named` : `\`${version}\` is not one exact version of ${name}`,
      `write \`version: 1.2.3\` below \`releases.${runtime}\` in towline.yml, or use --version`,
    );
  const before = await installed(files, name);
  const said = { version, sha256: null, before, arch, source: `${name}@${version}`, settings: [], warnings: [] };
  if (before === version) return { ...said, state: "nothing to do" };
  if (order.dry) return { ...said, state: before === null ? "would be installed" : "would be replaced" };
  const spec = `${name}@${version}`;
  const { exit, said: words } = await files.call({
    what: "npm",
    name: runtime,
    limit: patience,
    spec,
    scripts: source.scripts,
  });
  if (exit === 127)
    throw configuration(
      "there is no npm on this host",
      "install Node.js there, so that `npm` is on the PATH of a plain shell",
    );
  const now = await installed(files, name);
  if (exit !== 0 || now !== version)
    throw outside(
      `npm could not install ${spec}: ${readable(words).slice(-300) || `exit code ${exit}`}`,
      "what was there before may be gone: npm replaces in place; deploy again",
    );
  const note = await readNote(files, runtime);
  const found = note?.npm === name ? note.found : before;
  await writeNote(files, runtime, {
    files: {},
    models: [],
    added: [],
    classic: [],
    variables: [],
    wrote: {},
    version,
    npm: name,
    ...(found ? { found } : {}),
    foreign: false,
    ephemeral: order.ephemeral === true && (before === null || note?.ephemeral === true),
    source: spec,
    at: tools.now().toISOString(),
    ...(note?.before ? { before: note.before } : {}),
  });
  const program = (await files.state([programPath(runtime)])).get(programPath(runtime));
  const warnings = program?.kind === "none" ? [`${name} brought no command named ${runtime}`] : [];
  return { ...said, state: before === null ? "installed" : "replaced", warnings };
}

/** The version that stands below ~/.local, or null. */
export async function installed(files: HostFiles, name: string): Promise<string | null> {
  const bytes = await files.show(`.local/lib/node_modules/${name}/package.json`);
  try {
    const { version } = JSON.parse(Buffer.from(bytes ?? "").toString("utf8")) as { version?: unknown };
    return typeof version === "string" ? version.slice(0, 100) : null;
  } catch {
    return null;
  }
}
