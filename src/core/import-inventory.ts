// An Ansible inventory as groups, hosts and variables, however it was written, and the machines in it.
import type { ImportProblem, RawMachine } from "./import-machine.ts";
import { shown } from "./import-machine.ts";

export interface Variable {
  value: string;
  line: number;
  /** It is locked (`!vault`) or no plain text. */
  locked?: boolean;
}

export type Variables = Map<string, Variable>;

export interface Inventory {
  file: string;
  hosts: Map<string, { line: number; vars: Variables }>;
  groups: Map<string, { hosts: Set<string>; children: Set<string>; vars: Variables }>;
  problems: ImportProblem[];
}

export const emptyInventory = (file: string): Inventory => ({
  file,
  hosts: new Map(),
  groups: new Map(),
  problems: [],
});

export function groupOf(inventory: Inventory, name: string) {
  const group = inventory.groups.get(name) ?? { hosts: new Set(), children: new Set(), vars: new Map() };
  inventory.groups.set(name, group);
  return group;
}

/** Machines at most that one file may make: a range makes much out of little. */
export const max_machines = 10_000;

/** The names of a pattern like `web[01:20].example.org` or `db-[a:c]`; or what is wrong with it. */
export function expandRange(pattern: string): string[] | string {
  const found = /^(.*?)\[([0-9]{1,9}|[A-Za-z]):([0-9]{1,9}|[A-Za-z])(?::([0-9]{1,6}))?\](.*)$/.exec(pattern);
  if (!found) return /[[\]]/.test(pattern) ? "its range is not like [01:20] or [a:f]" : [pattern];
  const [, before = "", from = "", to = "", step = "1", after = ""] = found;
  const digits = /^\d/.test(from);
  if (digits !== /^\d/.test(to)) return "its range goes from a number to a letter";
  const [low, high] = digits ? [Number(from), Number(to)] : [from.charCodeAt(0), to.charCodeAt(0)];
  const by = Number(step);
  if (low > high || by < 1) return "its range goes backwards";
  if ((high - low) / by > max_machines) return `its range makes over ${max_machines} machines`;
  const rest = expandRange(after);
  if (typeof rest === "string") return rest;
  const names: string[] = [];
  for (let at = low; at <= high; at += by) {
    const word = digits ? String(at).padStart(from.startsWith("0") ? from.length : 1, "0") : String.fromCharCode(at);
    for (const end of rest) names.push(`${before}${word}${end}`);
    if (names.length > max_machines) return `its range makes over ${max_machines} machines`;
  }
  return names;
}

/** Adds the hosts of a pattern to a group, with variables of their own. */
export function addHosts(
  inventory: Inventory,
  group: string,
  pattern: string,
  at: { line: number; vars: Variables },
): void {
  const names = expandRange(pattern);
  const full =
    typeof names === "string"
      ? names
      : inventory.hosts.size + names.length > max_machines
        ? `the file names over ${max_machines} machines`
        : null;
  if (full !== null || typeof names === "string") {
    problem(inventory, at.line, "error", `${shown(pattern)}: ${full}`, "mend it there; it was left out");
    return;
  }
  for (const name of names) {
    const host = inventory.hosts.get(name) ?? { line: at.line, vars: new Map() };
    for (const [key, value] of at.vars) host.vars.set(key, value);
    inventory.hosts.set(name, host);
    groupOf(inventory, group).hosts.add(name);
  }
}

export function problem(
  { file, problems }: Inventory,
  line: number,
  level: ImportProblem["level"],
  message: string,
  fix: string,
): void {
  problems.push({ path: file, line, level, message, fix });
}

/** Groups of a host with all that hold those, outermost first: the order in which their variables count. */
function groupsOf(inventory: Inventory): Map<string, string[]> {
  const parents = new Map<string, string[]>();
  for (const [name, { children }] of inventory.groups)
    for (const child of children) parents.set(child, [...(parents.get(child) ?? []), name]);
  const depths = new Map<string, number>();
  const above = (name: string, seen: Set<string>): Set<string> => {
    if (seen.has(name)) return seen; // a loop ends where it began
    seen.add(name);
    for (const parent of parents.get(name) ?? []) above(parent, seen);
    return seen;
  };
  const depth = (name: string, path: Set<string> = new Set()): number => {
    if (path.has(name)) return 0;
    const known = depths.get(name);
    if (known !== undefined) return known;
    const up = (parents.get(name) ?? []).map((parent) => depth(parent, new Set([...path, name])) + 1);
    const found = name === "all" ? -1 : Math.max(0, ...up);
    depths.set(name, found);
    return found;
  };
  const result = new Map<string, string[]>();
  const chains = new Map<string, Set<string>>();
  for (const [name, { hosts }] of inventory.groups) {
    const chain = above(name, new Set());
    chains.set(name, chain);
    for (const host of hosts) result.set(host, [...(result.get(host) ?? []), ...chain]);
  }
  for (const [host, names] of result)
    result.set(
      host,
      [...new Set(["all", ...names])].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1)),
    );
  return result;
}

export function machinesOf(inventory: Inventory): RawMachine[] {
  const groups = groupsOf(inventory);
  return [...inventory.hosts].flatMap(([name, { line, vars }]) => {
    const chain = groups.get(name) ?? ["all"];
    const all: Variables = new Map();
    for (const group of chain) for (const [key, value] of inventory.groups.get(group)?.vars ?? []) all.set(key, value);
    for (const [key, value] of vars) all.set(key, value);
    return (
      machineOf(inventory, { name, line, labels: chain.filter((one) => one !== "all" && one !== "ungrouped") }, all) ??
      []
    );
  });
}

const said: Record<"address" | "port" | "user" | "key", string[]> = {
  address: ["ansible_host", "ansible_ssh_host"],
  port: ["ansible_port", "ansible_ssh_port"],
  user: ["ansible_user", "ansible_ssh_user"],
  key: ["ansible_ssh_private_key_file", "ansible_private_key_file"],
};

function machineOf(inventory: Inventory, raw: RawMachine, vars: Variables): RawMachine | null {
  const connection = vars.get("ansible_connection");
  if (connection && !["ssh", "smart", "paramiko", "paramiko_ssh"].includes(connection.value)) {
    const message = `${shown(raw.name)} is not reached by SSH (ansible_connection is ${shown(connection.value)})`;
    problem(
      inventory,
      connection.line,
      "warning",
      message,
      "it was left out; the machine that ticks run on is `transport: local`",
    );
    return null;
  }
  for (const [field, names] of Object.entries(said) as [keyof typeof said, string[]][]) {
    const name = names.find((one) => vars.has(one));
    const variable = name === undefined ? undefined : (vars.get(name) as Variable);
    if (!variable) continue;
    if (!variable.locked && !/\{\{|\{%/.test(variable.value)) raw[field] = variable.value;
    else {
      const level = field === "key" ? "warning" : "error";
      problem(
        inventory,
        variable.line,
        level,
        `${shown(raw.name)}: ${name} is worked out by Ansible and unknown here`,
        level === "error" ? "write its value; the machine was left out" : "it was left out; give one with --key",
      );
      if (level === "error") return null;
    }
  }
  const args = ["ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args"].flatMap(
    (name) => vars.get(name) ?? [],
  );
  for (const { value, line } of args) {
    const jump =
      /(?:^|\s)(?:-J\s*|-o\s*"?ProxyJump[= ])([^\s"']+)/i.exec(value)?.[1] ??
      /\bssh\b[^"']*-W\s+\S+[^"']*\s([\w.@:-]+)["']?\s*$/.exec(value)?.[1];
    if (jump) raw.jump = jump.split(",").at(-1) as string;
    else if (/ProxyCommand/i.test(value)) {
      raw.cordon = "it is reached by a ProxyCommand: see `transport: openssh`";
      problem(
        inventory,
        line,
        "warning",
        `${shown(raw.name)} is reached by a ProxyCommand, which was not taken over`,
        "give its record a `jump:`, or `transport: openssh` with the ProxyCommand in ~/.ssh/config; until then it is cordoned",
      );
    }
  }
  return raw;
}

const secret = /^ansible_.*(pass|password)$/;

/** Passwords are never taken over, nor shown. */
export function reportPasswords(inventory: Inventory): void {
  const all = [...inventory.hosts.values(), ...inventory.groups.values()].flatMap(({ vars }) =>
    [...vars].filter(([name]) => secret.test(name)),
  );
  for (const [name, { line }] of all)
    problem(
      inventory,
      line,
      "warning",
      `${shown(name)} is a password, and towline logs in with keys`,
      "it was left out; towline fleet add USER@HOST brings a key there",
    );
}
