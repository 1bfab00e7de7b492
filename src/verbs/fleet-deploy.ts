import { readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import type { Entry } from "../core/entry.ts";
import { formatPin, isVersion } from "../core/release.ts";
import { configuration, messageOf, usage } from "../errors.ts";
import { type Deployed, deployOn, type Order } from "../shell/deploy.ts";
import { setPin } from "../shell/pin-record.ts";
import { createReleases } from "../shell/release.ts";
import { writeWhole } from "../shell/write-whole.ts";
import { secretOf, type Wire } from "../wire.ts";
import { chosenHosts, failedRow, live, type ManyFlags, manyOptions, onEach, type Row, tell } from "./fleet-many.ts";

interface DeployFlags extends ManyFlags {
  runtime: string;
  version?: string;
  file?: string;
  keepSettings?: boolean;
  pin?: boolean;
  dryRun?: boolean;
}

const most_file = 512 << 20;

/** Adds `towline fleet deploy HOST…`. */
export function fleetDeploy(group: Command, wire: Wire): void {
  const command = group
    .command("deploy [hosts...]")
    .description(
      "put a runtime on machines: the program, checked and pinned, and its settings; exit code 1 if one fails",
    )
    .option("--runtime <name>", "which one", "picoclaw")
    .option("--version <version>", "this one; `latest`: the newest; without it the pinned one")
    .option("--file <path>", "a program or an archive from here instead of a release")
    .option("--keep-settings", "leave picoclaw's settings and keys on the machines as they are")
    .option("--no-pin", "do not write version and sha256 into the machines' records")
    .option("--dry-run", "only say what would be done");
  manyOptions(command).action(async (names: string[], flags: DeployFlags) => {
    const order = await orderOf(wire, flags);
    const fleet = await chosenHosts(wire, names, flags);
    const screen = live(wire, flags);
    let finished = 0;
    const progress = (what: string) => screen.say(`${finished} of ${fleet.hosts.length} done · ${what}`);
    const percent = (bytes: number, all: number | undefined) =>
      all ? `${Math.floor((bytes / all) * 100)} %` : `${Math.floor(bytes / 2 ** 20)} MiB`;
    const tools = {
      state: fleet.state,
      releases: createReleases(fleet.state.settings, wire.env, (bytes, all) =>
        progress(`${order.runtime} is downloaded: ${percent(bytes, all)}`),
      ),
      secret: secretOf(wire),
      now: () => wire.clock.now(),
    };
    const results = await onEach(
      wire,
      fleet,
      flags,
      (session, host) =>
        deployOn(session, host, order, {
          ...tools,
          sent: (bytes, all) => progress(`${host.id}: ${percent(bytes, all)}`),
        }),
      (count) => {
        finished = count;
        progress("");
      },
    ).finally(screen.clear);
    const rows = await Promise.all(
      fleet.hosts.map(async (host) => {
        const result = results.get(host.id);
        if (!result || "fault" in result) return failedRow(host.id, result?.fault);
        const row = rowOf(host.id, result.value);
        const pinned =
          order.dry || flags.pin === false
            ? null
            : await writePin(fleet.top, host, order.runtime, pinText(result.value));
        return {
          ...row,
          pinned: pinned === true,
          warnings: [...row.warnings, ...(pinned === false ? [unpinned(order, result.value)] : [])],
        };
      }),
    );
    const bad = rows.filter((row) => !row.ok).length;
    const wrote = rows.filter((row) => "pinned" in row && row.pinned).length;
    const pins =
      wrote > 0
        ? `; ${wrote === 1 ? "its record was" : `${wrote} records were`} pinned: commit ${wrote === 1 ? "it" : "them"}`
        : "";
    tell(
      wire,
      flags,
      rows,
      `${rows.length - bad} of ${rows.length} ${rows.length === 1 ? "is" : "are"} as wanted${pins}`,
    );
  });
}

async function orderOf(wire: Wire, flags: DeployFlags): Promise<Order> {
  const { runtime, version, file } = flags;
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(runtime) || runtime === "shell")
    throw usage(`\`${runtime}\` is no runtime that can be deployed`, "like --runtime picoclaw");
  if (version !== undefined && !isVersion(version)) throw usage(`\`${version}\` is no version`, "like --version 1.2.3");
  if (file !== undefined && version === "latest")
    throw usage("--file has no newest version", "leave --version out, or name it");
  return {
    runtime,
    version,
    keepSettings: flags.keepSettings,
    dry: flags.dryRun,
    file:
      file === undefined ? undefined : { source: basename(file), bytes: await local(resolve(wire.cwd, file), file) },
  };
}

async function local(path: string, shown: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > most_file) throw configuration(`${shown} is larger than 512 MiB`, "is it the right file?");
    return await readFile(path);
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "Fault") throw thrown;
    throw configuration(`${shown} cannot be read: ${messageOf(thrown)}`, "name a program, or a .tar.gz that holds it");
  }
}

function rowOf(host: string, { state, version, before, arch, warnings, ...more }: Deployed): Row {
  return { host, state, ok: true, version, before, arch, why: null, remedy: null, warnings, ...more };
}

const pinText = ({ version, sha256 }: Deployed) =>
  formatPin({ ...(version === "local" ? {} : { version }), ...(sha256 ? { sha256 } : {}) });

const unpinned = (order: Order, deployed: Deployed) =>
  `its record could not be pinned without touching what stands around it: write \`runtimes: {${order.runtime}: "${pinText(deployed)}"}\``;

/** true: written. null: it stood there already. false: it cannot be written without touching what people wrote. */
export async function writePin(
  top: string,
  host: Entry<"host">,
  runtime: string,
  pin: string,
): Promise<boolean | null> {
  const path = join(top, host.path);
  const text = await readFile(path, "utf8");
  const changed = setPin(text, runtime, pin);
  if (changed === null) return false;
  if (changed === text) return null;
  await writeWhole(path, changed);
  return true;
}
