// What every way of speaking to loopback machines needs: records for ours, a configuration for the system's ssh client.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ssh2 from "ssh2";
import { host as hostSchema } from "../src/core/schema.ts";
import type { Machine, Machines } from "../src/demo/machines.ts";
import { createFleet } from "../src/shell/fleet.ts";

export const hostOf = (
  { address, port, user, hostKey }: Machine,
  { root, slots = 2 }: { root?: string; slots?: number } = {},
) => hostSchema.parse({ address, port: String(port), user, host_key: hostKey, key: "env:KEY", slots, root });

export const fleetOf = ({ machines }: Machines) =>
  createFleet({ env: { KEY: machines[0]?.keyText }, home: "/nonexistent", connectTimeout: 30_000 });

/** Writes a configuration for the system's ssh client; gives its path. */
export function sshConfig(dir: string, { machines, keyFile }: Machines, checked: boolean): string {
  const known = join(dir, "known_hosts");
  const line = ({ name, port }: Machine) => {
    const key = ssh2.utils.parseKey(readFileSync(join(dir, name, "host_key")));
    if (key instanceof Error) throw key;
    return `[127.0.0.1]:${port} ${key.type} ${key.getPublicSSH().toString("base64")}\n`;
  };
  if (checked) writeFileSync(known, machines.map(line).join(""));
  const trust = checked
    ? ["StrictHostKeyChecking yes", `UserKnownHostsFile ${known}`, "GlobalKnownHostsFile /dev/null"]
    : ["StrictHostKeyChecking no", "UserKnownHostsFile /dev/null"];
  const all = [`IdentityFile ${keyFile}`, "IdentitiesOnly yes", "BatchMode yes", "LogLevel ERROR", ...trust];
  const hosts = machines.map(
    ({ name, port, user }) => `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user}\n`,
  );
  const file = join(dir, checked ? "ssh_config.checked" : "ssh_config");
  writeFileSync(file, `${hosts.join("")}Host *\n${all.map((option) => `  ${option}\n`).join("")}`);
  return file;
}
