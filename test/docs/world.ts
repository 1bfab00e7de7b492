// Where the commands of one page are typed: a person's home and folder, and the machines that the page calls by address.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { findSshd, openSsh, type RunningServer } from "../../src/demo/sshd.ts";
import { makeKey } from "../../src/shell/pack-keys.ts";
import { program } from "../integration/real.ts";
import { type Typed, type Typing, typed } from "./typed.ts";

/** Machines of the pages: the private addresses that stand there. They let in the person's key. */
export const addresses = /\b(?:192\.168\.50|10\.20\.0|203\.0\.113)\.\d{1,3}\b/g;
const { username: user } = userInfo();

export interface World {
  dir: string;
  /** Lines in one shell; the folder and the variables are those of the lines before. */
  type(script: string, how?: Typing): Promise<Typed>;
  /** Text of a page with the login that the machines here have. */
  here(text: string): string;
  /** The folder that the person is in. */
  cwd(): string;
  /** Seconds of the processor that all of it took so far. */
  spent(): number;
  down(): Promise<void>;
}

const shims = (node: string): Record<string, string> => ({
  towline: `exec '${node}' '${program}' "$@"`,
  npx: `case "$1" in towline | towline@*) shift; exec towline "$@" ;; esac; echo "npx $* is not run here" >&2; exit 1`,
  // What would go to the forge is counted here: secrets as their number of bytes.
  gh: `case "$1 $2" in "secret set") n=$(wc -c); [ "$n" -gt 20 ] && echo "gh $* <$n bytes>" ;; *) echo "gh $*" ;; esac`,
});

/** A pack with its origin, made once by `init` and then copied: the folder that both stand in. */
let first: Promise<World> | undefined;
async function pack(dir: string): Promise<void> {
  first ??= worldOf("", false).then(async (world) => {
    const { code, out } = await world.type("towline init pack --yes --zone UTC");
    if (code !== 0) throw new Error(`towline init ended with ${code}:\n${out}`);
    return world;
  });
  const from = join((await first).dir, "work");
  cpSync(from, join(dir, "work"), { recursive: true });
  const config = join(dir, "work", "pack", ".git", "config");
  writeFileSync(config, readFileSync(config, "utf8").replace(from, join(dir, "work")));
}

/** Takes away what the worlds shared. */
export async function end(): Promise<void> {
  await (await first)?.down();
  rmSync(compiled, { recursive: true, force: true });
}
const compiled = join(tmpdir(), `towline-docs-compiled-${process.pid}`);

export async function worldOf(text: string, inPack: boolean): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), "towline-docs-"));
  const home = join(dir, "home");
  for (const one of ["home/.ssh", "bin", "work"]) mkdirSync(join(dir, one), { recursive: true, mode: 0o700 });
  const key = await makeKey(join(home, ".ssh", "id_ed25519"), "person");
  writeFileSync(
    join(home, ".gitconfig"),
    "[user]\n  name = person\n  email = person@example.org\n[init]\n  defaultBranch = main\n",
  );
  for (const [name, body] of Object.entries(shims(process.execPath))) {
    writeFileSync(join(dir, "bin", name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(dir, "bin", name), 0o755);
  }
  const servers: RunningServer[] = [];
  const routes: Record<string, number> = {};
  for (const address of new Set(text.match(addresses))) {
    const server = await machine(join(dir, address), key?.public ?? "");
    servers.push(server);
    routes[`${address}:22`] = server.port;
  }
  // What the sample of a plugin asks, where somebody has it: an Alertmanager without alerts.
  const alerts = /(localhost|127\.0\.0\.1):9093/.test(text) ? await answering("[]") : null;
  if (alerts) for (const name of ["localhost", "127.0.0.1"]) routes[`${name}:9093`] = alerts.port;
  writeFileSync(join(dir, "routes.json"), JSON.stringify(routes));
  if (inPack) await pack(dir);
  writeFileSync(join(dir, "cwd"), join(dir, inPack ? "work/pack" : "work"));
  const world: World = {
    dir,
    type: (script, how = {}) => typed({ dir, compiled }, script, how),
    here: (said) =>
      said
        .replace(/\b[a-z]+@(?=192\.168\.50\.|10\.20\.0\.|203\.0\.113\.)/g, `${user}@`)
        .replace(/(ansible_user=|User )\w+/g, `$1${user}`),
    cwd: () => readFileSync(join(dir, "cwd"), "utf8").trim(),
    spent: () =>
      [...readFileSync(join(dir, "times"), "utf8").matchAll(/(\d+)m([\d.]+)s/g)].reduce(
        (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
        0,
      ),
    down: async () => {
      alerts?.server.close();
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  return world;
}

async function answering(body: string) {
  const server = createServer((_request, response) => void response.end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

async function machine(dir: string, authorized: string): Promise<RunningServer> {
  const home = join(dir, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  symlinkSync(join(home, ".ssh", "authorized_keys"), join(dir, "authorized_keys"));
  const lock = await makeKey(join(dir, "lock"), "lock");
  return openSsh(findSshd() as string, { dir, home, user, hostKey: lock?.private ?? "", authorized });
}
