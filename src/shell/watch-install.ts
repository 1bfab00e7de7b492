// Puts the service of `towline watch` in place: below a root folder, and without a word to systemd.
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import type { Entry } from "../core/entry.ts";
import { accountOf, isPlain, secretsFile, type Unit, unitName, unitText, userFault } from "../core/watch-unit.ts";
import { configuration, messageOf, outside, usage } from "../errors.ts";

export interface Install extends Omit<Unit, "home"> {
  /** Folder that stands for `/`. */
  root: string;
  hosts: Iterable<Entry<"host">>;
  dry: boolean;
}

export interface Installed {
  path: string;
  text: string;
  /** What is left to a person, a command each. */
  next: string[];
}

/** Throws a Fault where the user is none to run ticks as; then nothing is written. */
export async function installWatch(install: Install): Promise<Installed> {
  const { root, user, pack, repo } = install;
  const passwd = await readFile(join(root, "etc/passwd"), "utf8").catch(() => "");
  const found = accountOf(passwd, user);
  if (found === null)
    throw usage(
      `there is no user ${user} on this machine`,
      `useradd --system --create-home ${isPlain(user) ? user : "towline"}`,
    );
  const hasAgents = existsSync(join(root, found.home, ".towline"));
  const fault = userFault({ ...found, hasAgents }, install.hosts, hostname());
  if (fault) throw configuration(fault.message, fault.advice);
  const unit: Unit = { ...install, home: found.home };
  for (const word of [pack, user, found.home, repo, unit.node, unit.program, unit.every, unit.serve ?? "x"])
    if (!isPlain(word))
      throw usage(`${JSON.stringify(word)} cannot stand in a unit of systemd`, "use a path without spaces and signs");
  const text = unitText(unit);
  const path = join(root, "etc/systemd/system", unitName(pack));
  if (!install.dry) await put(path, text);
  return {
    path,
    text,
    next: [
      `chown -R ${user} ${repo}`,
      `install -D -m 600 /dev/null ${secretsFile(pack)}`,
      `systemctl daemon-reload && systemctl enable --now ${unitName(pack)}`,
    ],
  };
}

async function put(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.draft`, text, { mode: 0o644 });
    await rename(`${path}.draft`, path);
  } catch (thrown) {
    throw outside(`${path} cannot be written: ${messageOf(thrown)}`, "run it as root, or look first with --dry-run");
  }
}
