// `towline watch` as a service of systemd: the unit's text, and under which user it must not run.
import type { Entry } from "./entry.ts";

export interface Unit {
  pack: string;
  user: string;
  home: string;
  repo: string;
  node: string;
  program: string;
  every: string;
  /** Address on which it shows the dashboard. */
  serve?: string | undefined;
}

export const unitName = (pack: string) => `towline-${pack}.service`;
export const secretsFile = (pack: string) => `/etc/towline/${pack}.env`;

/** Words that systemd takes as they are: no space, quote, `%`, `$` or backslash. */
export const isPlain = (word: string) => /^[\w./@:[\]+,-]+$/.test(word);

export function unitText(unit: Unit): string {
  const more = unit.serve === undefined ? [] : ["--serve", unit.serve];
  const command = [unit.node, unit.program, "watch", "--repo", unit.repo, "--every", unit.every, ...more];
  return `# Written by \`towline watch --install\`. Change it with \`systemctl edit ${unitName(unit.pack)}\`.
[Unit]
Description=towline: ticks of ${unit.pack}
Wants=network-online.target
After=network-online.target

[Service]
User=${unit.user}
WorkingDirectory=${unit.repo}
ExecStart=${command.join(" ")}
# Keys and tokens, NAME=value a line, readable by root only.
EnvironmentFile=-${secretsFile(unit.pack)}
Restart=on-failure
RestartSec=30
# Usage and configuration: only a person mends that.
RestartPreventExitStatus=2 3
TimeoutStopSec=90
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${[...new Set([unit.home, unit.repo])].join(" ")}
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes

[Install]
WantedBy=multi-user.target
`;
}

export interface Account {
  name: string;
  uid: number;
  home: string;
  /** A host program of towline lives in its home: agents run as it. */
  hasAgents: boolean;
}

/** Accounts of a passwd file, by name. */
export function accountOf(passwd: string, name: string): Omit<Account, "hasAgents"> | null {
  for (const line of passwd.split("\n")) {
    const [login, , uid, , , home] = line.split(":");
    if (login === name && home && /^\d+$/.test(uid ?? "")) return { name, uid: Number(uid), home };
  }
  return null;
}

const own_names = new Set(["localhost", "127.0.0.1", "::1"]);

/** Why the ticks must not run as this user; null: they may. Whoever reads the keys of the fleet must be no agent. */
export function userFault(
  { name, uid, hasAgents }: Account,
  hosts: Iterable<Entry<"host">>,
  machine: string,
): { message: string; advice: string } | null {
  const advice = "make one of its own: `useradd --system --create-home towline`, and name it with --user";
  if (uid === 0) return { message: "the ticks must not run as root", advice };
  if (hasAgents)
    return {
      message: `agents run as ${name}: its home holds a host program of towline, and agents could read the fleet's keys`,
      advice,
    };
  for (const { id, data } of hosts) {
    const here = own_names.has(data.address ?? "") || data.address === machine;
    const runs = data.transport === "local" || (here && (data.user ?? name) === name) || (here && data.run_as === name);
    if (runs)
      return {
        message: `agents of hosts/${id}.md run as ${name} on this machine, and could read the fleet's keys`,
        advice: data.transport === "local" ? `reach hosts/${id}.md by ssh, as a user of its own` : advice,
      };
  }
  return null;
}
