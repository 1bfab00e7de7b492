// A person looks into the pane of a job, by the system's own ssh and a login of their own: not by the key of the pack,
// which can do nothing else than speak with the host program.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { own_transports } from "../core/plugin-offers.ts";
import type { Host } from "../core/schema.ts";
import { configuration, outside } from "../errors.ts";
import { attach_exit, attachCommand } from "../remote/attach.ts";
import { seatOf } from "../remote/program.ts";
import { placeOf } from "../transports/address.ts";
import { versionOf } from "../transports/openssh.ts";
import { type Den, makeDen, word } from "../transports/openssh-den.ts";
import type { HostLookup } from "./ways.ts";

export interface Attaching {
  job: string;
  pack: string;
  /** Name of the host, and its record. */
  name: string;
  host: Host;
  read_only: boolean;
  hosts: HostLookup;
  env: Readonly<Record<string, string | undefined>>;
  home: string;
}

/** Returns when the person has left, or the pane has ended. Throws a Fault when there is nothing to see. */
export async function attach(at: Attaching): Promise<void> {
  const command = attachCommand(seatOf(at.host), at.pack, at.job, at.read_only);
  const env = Object.fromEntries(
    Object.entries({ ...at.env, HOME: at.home }).filter(([, value]) => value !== undefined),
  );
  const code =
    at.host.transport === "local"
      ? await shown("sh", ["-c", command], env as Record<string, string>)
      : await over(at, command, env as Record<string, string>);
  if (code !== 0) throw why(at, code);
}

/** The terminal is the program's until it ends. */
function shown(program: string, args: string[], env: Record<string, string>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: "inherit" });
    child.once("error", (thrown) =>
      reject(outside(`${program} cannot be run: ${thrown.message}`, "install OpenSSH's client")),
    );
    child.once("close", resolve);
  });
}

async function over(at: Attaching, command: string, env: Record<string, string>): Promise<number | null> {
  const { name, host } = at;
  const dens: Den[] = [];
  if (!own_transports.has(host.transport))
    throw configuration(
      `${name} is reached by a plugin (transport ${host.transport}), and panes are shown by the system's ssh alone`,
      "log in there by hand, and attach with tmux",
    );
  try {
    const version = await client(env);
    const way = await jumps(at);
    // From the first jump host on: each is the way to the next, and lets nothing but its pinned key be its own.
    let to: string[] = [];
    for (const [i, one] of way.entries()) {
      const next = way[i + 1] ?? { name, host };
      const { den, args } = await reach(at, one, to, { env, version });
      dens.push(den);
      to = ["-o", `ProxyCommand=${["ssh", ...args, "-W", placeOf(next.host), "--", den.address].map(word).join(" ")}`];
    }
    const { den, args } = await reach(at, { name, host }, to, { env, version });
    dens.push(den);
    // The system's ssh gives the ways to the shell of whoever calls it.
    return await shown("ssh", ["-o", "EscapeChar=~", ...args, "-t", "--", den.address, command], {
      ...den.env,
      SHELL: "/bin/sh",
    });
  } finally {
    for (const den of dens) den.remove();
  }
}

interface Stop {
  name: string;
  host: Host;
}

/** Arguments by which a person's own ssh gets to this host, and to no other. */
async function reach(
  { home }: Attaching,
  { name, host }: Stop,
  way: string[],
  { env, version }: { env: Record<string, string>; version: number },
): Promise<{ den: Den; args: string[] }> {
  if (host.host_key === undefined)
    throw configuration(`hosts/${name}.md pins no host key`, `run towline fleet enroll ${name}`);
  const folders = [env.TMPDIR ?? "/tmp", "/tmp"];
  const den = await makeDen({ name, host, options: { timeout: 20_000 }, env, folders, version });
  // First come, first served: a person may be asked for a passphrase, and may leave with `~.`
  const own = ["-o", "BatchMode=no", "-o", "ControlPath=none"];
  return { den, args: [...own, ...way, ...den.options(20_000), ...keyFile(host, home)] };
}

/** Version of the system's ssh. */
const client = (env: Record<string, string>) =>
  versionOf(env).catch(() => {
    throw configuration(
      "a pane is shown by OpenSSH's own client, and there is none in PATH",
      "install it (Debian: openssh-client)",
    );
  });

/** A key file that the record names may be this person's, too. */
function keyFile({ key }: Host, home: string): string[] {
  const [, rest] = /^file:(.+)$/.exec(key ?? "") ?? [];
  const path = rest?.startsWith("~/") ? join(home, rest.slice(2)) : rest;
  return path !== undefined && existsSync(path) ? ["-i", path] : [];
}

/** The jump hosts by their records, the first to be called first. */
async function jumps({ host, hosts }: Attaching): Promise<Stop[]> {
  const way: Stop[] = [];
  let by = host.jump;
  while (by !== undefined && way.length < 8) {
    const record = await hosts(by);
    if (!record) throw configuration(`there is no hosts/${by}.md, which the way leads through`, `add hosts/${by}.md`);
    way.unshift({ name: by, host: record });
    by = record.jump;
  }
  return way;
}

function why({ job, name, host }: Attaching, code: number | null) {
  const place = host.transport === "local" ? "this machine" : name;
  if (code === attach_exit.none)
    return outside(
      `${job} has no pane on ${place}`,
      "it has ended, or has not begun: towline tick, then its record in jobs/",
    );
  if (code === attach_exit.tmux) return outside(`there is no tmux on ${place}`, "install it there (Debian: tmux)");
  if (code === attach_exit.gate)
    return outside(
      `${name} lets this key hold conversations with towline only`,
      `log in there with a key of your own: put it into ~/.ssh/authorized_keys of ${host.user ?? "the user"} on ${name}`,
    );
  if (code === 255) return outside(`ssh did not get in at ${name}`, "its own words stand above; try ssh there by hand");
  return outside(`the pane of ${job} on ${place} was left with code ${code ?? "none"}`, "attach again");
}
