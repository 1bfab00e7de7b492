// The fleet's records in the words of other tools. What cannot be said there is left out, or said in a comment.
import { dump } from "js-yaml";
import type { Entry } from "./entry.ts";
import { addressFault, placeText, userFault } from "./machine-address.ts";
import { oneLine } from "./text.ts";

type HostEntry = Entry<"host">;

export interface Fleet {
  hosts: readonly HostEntry[];
  /** Where this machine keeps the key that a variable would hold; null: nowhere. */
  keyFile(name: string): string | null;
}

const formats = { ansible, ssh_config, json, csv, known_hosts } satisfies Record<string, (fleet: Fleet) => string>;
export type ExportFormat = keyof typeof formats;
export const export_formats = Object.keys(formats) as ExportFormat[];

export function exportFleet(format: ExportFormat, fleet: Fleet): string {
  const hosts = fleet.hosts.filter((host) => host.data.off !== true).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return formats[format]({ ...fleet, hosts });
}

/** Records with an address or a user that could be an option to another tool are not handed on. */
const isFit = ({ data }: HostEntry) =>
  addressFault(data.address) === null && (data.user === undefined || userFault(data.user) === null);

const unfit = (hosts: readonly HostEntry[]) =>
  hosts
    .filter((host) => !isFit(host))
    .map(
      (host) => `# ${host.id} was left out: ${oneLine(host.data.address, 60)} cannot be an address, or its user none`,
    );

function keyPath({ data }: HostEntry, keyFile: Fleet["keyFile"]): string | undefined {
  if (data.key?.startsWith("file:")) return data.key.slice(5);
  return (data.key?.startsWith("env:") && keyFile(data.key.slice(4))) || undefined;
}

/** `user@address:port` of each hop, the first one first. */
function hops(host: HostEntry, all: readonly HostEntry[]): string | undefined {
  const chain: string[] = [];
  const seen = new Set([host.id]);
  for (let name = host.data.jump; name !== undefined && !seen.has(name); ) {
    seen.add(name);
    const next = all.find((one) => one.id === name && isFit(one));
    if (!next) break;
    chain.unshift(`${next.data.user ? `${next.data.user}@` : ""}${placeText(next.data)}`);
    name = next.data.jump;
  }
  return chain.length === 0 ? undefined : chain.join(",");
}

function ansible({ hosts, keyFile }: Fleet): string {
  const fit = hosts.filter(isFit);
  const vars = fit.map((host) => {
    const { address, port, user, transport } = host.data;
    const jump = hops(host, hosts);
    const all = {
      ansible_host: address,
      ansible_port: port === 22 ? undefined : port,
      ansible_user: user,
      ansible_ssh_private_key_file: keyPath(host, keyFile),
      ansible_ssh_common_args: jump === undefined ? undefined : `-J ${jump}`,
      ansible_connection: transport === "local" ? "local" : undefined,
    };
    return [host.id, Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))];
  });
  // Ansible keeps these two names for itself, and takes others in letters, digits and underlines.
  const group = (label: string) => label.replace(/[^A-Za-z0-9_]/g, "_");
  const named = fit.flatMap((host) => (host.data.labels ?? []).map((label) => ({ label: group(label), id: host.id })));
  const children = [
    ...Map.groupBy(
      named.filter(({ label }) => !/^(all|ungrouped|)$/.test(label)),
      ({ label }) => label,
    ),
  ]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, all]) => [label, { hosts: Object.fromEntries(all.map(({ id }) => [id, {}])) }]);
  const inventory = {
    all: {
      hosts: Object.fromEntries(vars),
      ...(children.length > 0 ? { children: Object.fromEntries(children) } : {}),
    },
  };
  return [...unfit(hosts), dump(inventory, { lineWidth: -1, noRefs: true })].join("\n");
}

function ssh_config({ hosts, keyFile }: Fleet): string {
  const blocks = hosts
    .filter((host) => isFit(host) && host.data.transport !== "local")
    .map((host) => {
      const { address, port, user, jump } = host.data;
      const key = keyPath(host, keyFile);
      const word = (text: string) => (/\s/.test(text) ? `"${text}"` : text);
      return [
        `Host ${host.id}`,
        `    HostName ${address}`,
        ...(user ? [`    User ${user}`] : []),
        ...(port === 22 ? [] : [`    Port ${port}`]),
        ...(key && !/["\u0000-\u001f]/.test(key)
          ? [`    IdentityFile ${word(key.replaceAll("%", "%%"))}`, "    IdentitiesOnly yes"]
          : []),
        ...(jump ? [`    ProxyJump ${jump}`] : []),
        "",
      ].join("\n");
    });
  return [...unfit(hosts), ...blocks].join("\n");
}

/** The classic `picoclaw-fleet.json` with our fields beside its own; `towline fleet import` reads it. */
function json({ hosts }: Fleet): string {
  const all = hosts.map(({ id, data }) => {
    const { address: host, port, user, arch, labels, slots, network, key, host_key, jump, cordon } = data;
    return {
      name: id,
      host,
      port: port === 22 ? undefined : port,
      user,
      arch,
      labels,
      slots,
      network,
      key,
      host_key,
      jump,
      cordon: cordon ?? undefined,
    };
  });
  return `${JSON.stringify({ hosts: all }, null, 2)}\n`;
}

const csv_columns = [
  "name",
  "address",
  "port",
  "user",
  "arch",
  "labels",
  "slots",
  "network",
  "key",
  "host_key",
  "jump",
  "cordon",
] as const;

function csv({ hosts }: Fleet): string {
  const cell = (value: unknown) => {
    const text = Array.isArray(value) ? value.join(" ") : value === undefined || value === null ? "" : String(value);
    return /[",\r\n;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = hosts.map(({ id, data }) =>
    csv_columns.map((name) => cell(name === "name" ? id : data[name])).join(","),
  );
  return [csv_columns.join(","), ...rows, ""].join("\n");
}

/** Only whole key lines can stand there; a fingerprint cannot be turned back into its key. */
function known_hosts({ hosts }: Fleet): string {
  const lines = hosts
    .filter((host) => host.data.transport !== "local")
    .map(({ id, data }) => {
      const [, type, key] = /(?:^|\s)((?:ssh|ecdsa|sk)-\S+) ([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(data.host_key ?? "") ?? [];
      const name = data.port === 22 ? data.address : `[${data.address}]:${data.port}`;
      if (type && key && addressFault(data.address) === null) return `${name} ${type} ${key}`;
      return `# ${id}: ${data.host_key ? "its key is pinned by its fingerprint only" : "no key is pinned"}`;
    });
  return [...lines, ""].join("\n");
}
