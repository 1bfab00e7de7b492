// Machines: that a ticker can reach them, that no machine stands here twice, that every jump leads somewhere.

import { isKept, keptWords, packKeys } from "./agent-needs.ts";
import { cycles } from "./check-links.ts";
import { atField, meant, type Pack } from "./check-pack.ts";
import { pluginOffer } from "./check-plugins.ts";
import type { Entry, Problem } from "./entry.ts";
import { own_transports } from "./plugin-offers.ts";
import { parsePin } from "./release.ts";
import { readYaml } from "./split.ts";

/** `workflow` is the text of the workflow that runs ticks, or null. */
export function hostProblems(pack: Pack, workflow: string | null): Problem[] {
  const hosts = pack.entries.filter((entry) => entry.kind === "host") as Entry<"host">[];
  const locals = new Set(hosts.flatMap(({ id, data }) => (data.transport === "local" ? [id] : [])));
  const ways = new Set(hosts.flatMap(({ data }) => data.jump ?? []));
  const kept = packKeys(hosts, pack.settings);
  const hosted = workflow === null ? null : hostedRunner(workflow);
  return [
    ...hosts.flatMap((host) => [
      ...jump(pack, host, locals),
      ...transport(pack, host),
      ...runtimes(pack, host),
      ...keyName(pack, host, kept),
      ...(hosted === null ? [] : reach(pack, host, hosted, ways)),
    ]),
    ...cycles(
      pack,
      hosts,
      "jump",
      (host) => (host.data.jump === undefined ? [] : [host.data.jump]),
      "no connection can be made",
    ),
    ...same(pack, hosts, "address", addressOf),
    ...same(pack, hosts, "identity", (host) => host.data.identity),
  ];
}

function jump(pack: Pack, host: Entry<"host">, locals: ReadonlySet<string>): Problem[] {
  const known = pack.names.get("hosts") ?? new Set();
  const name = host.data.jump;
  if (name === undefined) return [];
  if (locals.has(name))
    return [
      atField(
        pack,
        host,
        ["jump"],
        "jump-local",
        `\`jump\` names \`${name}\`, which is this machine itself`,
        "take `jump` out: what this machine reaches needs no way",
      ),
    ];
  if (known.has(name)) return [];
  return [
    atField(
      pack,
      host,
      ["jump"],
      "unknown-host",
      `\`jump\` names \`${name}\`, and there is no such host`,
      meant(name, known, `add hosts/${name}.md`),
    ),
  ];
}

function transport(pack: Pack, host: Entry<"host">): Problem[] {
  const name = host.data.transport;
  if (own_transports.has(name)) return [];
  const offer = pluginOffer(pack, name, "transport");
  const say = (why: string, fix: string) => [atField(pack, host, ["transport"], "unknown-transport", why, fix)];
  if (offer === null)
    return say(
      `there is no transport \`${name}\``,
      meant(
        name,
        [...own_transports, ...Object.keys(pack.settings?.plugins ?? {})],
        "write ssh, openssh or local, or name the plugin in towline.yml",
      ),
    );
  if (offer !== "fine") return say(offer.why, offer.fix);
  if (pack.settings?.plugins[name]?.program === undefined)
    return say(
      `towline.yml does not say which program \`${name}\` may start where ticks run`,
      `write \`program: …\` below the plugin there; \`towline plugin check ${name}\` names it`,
    );
  return [];
}

function runtimes(pack: Pack, host: Entry<"host">): Problem[] {
  const named = host.data.runtimes ?? [];
  const { releases = {}, plugins = {} } = pack.settings ?? {};
  const known = [...pack.runtimes, ...Object.keys(releases), ...Object.keys(plugins)];
  const bad = Array.isArray(named) ? [] : Object.entries(named).filter(([, pin]) => parsePin(pin) === null);
  const pins = bad.map(([name, pin]) =>
    atField(
      pack,
      host,
      ["runtimes", name],
      "pin",
      `\`${pin}\` is no version and sha256`,
      'write it like "1.2.3", or "1.2.3 sha256:…" as `towline fleet deploy` does',
    ),
  );
  const unknown = (Array.isArray(named) ? named : Object.keys(named)).flatMap((name, i) =>
    known.includes(name)
      ? []
      : [
          atField(
            pack,
            host,
            ["runtimes", Array.isArray(named) ? i : name],
            "unknown-runtime",
            `there is no runtime \`${name}\``,
            meant(name, known, "this version has no use for it"),
            "warning",
          ),
        ],
  );
  return [...pins, ...unknown];
}

function keyName(pack: Pack, host: Entry<"host">, kept: ReadonlySet<string>): Problem[] {
  const name = host.data.api_key_env;
  if (name === undefined || !isKept(name, kept)) return [];
  const { message, advice } = keptWords(name);
  return [atField(pack, host, ["api_key_env"], "host-api_key_env", message, advice)];
}

export const ways_out =
  "ways out: a self-hosted runner in that network; a mesh VPN on both sides, with a step in the job that joins it; `jump:` over a host with a public address; or `towline watch` on a machine there with that network declared (`network: lan` here)";

/** A private address, declared as reachable from everywhere, with ticks on a runner outside. */
function reach(pack: Pack, host: Entry<"host">, runner: string, ways: ReadonlySet<string>): Problem[] {
  const { address, network, transport, cordon, off } = host.data;
  // A host that others are behind is called whether it takes work or not.
  const idle = (cordon || off) && !ways.has(host.id);
  if (network !== "public" || transport === "local" || host.data.jump !== undefined || idle) return [];
  if (!isPrivate(address)) return [];
  return [
    atField(
      pack,
      host,
      ["address"],
      "private-address",
      `${address} is a private address, and ticks run on \`${runner}\`, which cannot reach it`,
      ways_out,
    ),
  ];
}

export function isPrivate(address: string): boolean {
  const bare = address
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
  if (/\.(local|lan|home\.arpa|internal)$/.test(bare)) return true;
  if (bare.includes(":")) return /^(f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):/.test(bare);
  const parts = /^(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(bare);
  if (!parts) return false;
  const [a, b] = [Number(parts[1]), Number(parts[2])];
  // 100.64.0.0/10 lies behind a provider's router, or in a mesh VPN that the runner has to join.
  if (a === 100 && b >= 64 && b <= 127) return true;
  return a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 169 && b === 254);
}

interface Job {
  "runs-on"?: unknown;
  steps?: { uses?: unknown; run?: unknown }[];
}

const joins =
  /tailscale|headscale|netbird|zerotier|wireguard|wg-quick|wg setconf|nebula|openvpn|twingate|cloudflared|warp-cli/i;
const says = (job: Job, what: RegExp) =>
  Array.isArray(job?.steps) && job.steps.some((step) => what.test(`${step?.uses ?? ""} ${step?.run ?? ""}`));

/** The label of a runner of the CI service that ticks run on and that joins no private network, or null. */
export function hostedRunner(workflow: string): string | null {
  const hosted = /^(ubuntu|windows|macos)-/;
  try {
    const all = Object.values((readYaml(workflow) as { jobs?: Record<string, Job> }).jobs ?? {});
    // The dashboard may be published from anywhere. Where no job can be told to tick, each may.
    const ticking = all.filter((job) => says(job, /\btick\b|towline/));
    const labels = (ticking.length > 0 ? ticking : all)
      .filter((job) => !says(job, joins))
      .map((job) => [job?.["runs-on"]].flat());
    return (
      labels
        .filter((wanted) => !wanted.includes("self-hosted"))
        .flat()
        .find((label): label is string => typeof label === "string" && hosted.test(label)) ?? null
    );
  } catch {
    return /^\s*runs-on:\s*['"]?((?:ubuntu|windows|macos)-[\w.-]+)/m.exec(workflow)?.[1] ?? null;
  }
}

/** Slots and journals belong to a root: the same machine with another root is another host. */
const addressOf = ({ data }: Entry<"host">) =>
  [
    data.address.toLowerCase().replace(/^\[|\]$/g, ""),
    data.port,
    data.user ?? "",
    data.jump ?? "",
    data.root ?? "",
    data.transport === "local",
  ].join(" ");

function same(
  pack: Pack,
  hosts: Entry<"host">[],
  field: string,
  key: (host: Entry<"host">) => string | undefined,
): Problem[] {
  const groups = Map.groupBy(
    hosts.filter((host) => key(host) !== undefined && !host.data.off),
    key,
  );
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .flatMap((group) =>
      group.map((host) => {
        const other = group.find((one) => one !== host)?.id;
        const message =
          field === "address"
            ? `is the same machine and user as \`${other}\``
            : `has the identity of \`${other}\`: one machine under two names`;
        return atField(
          pack,
          host,
          [field],
          "same-host",
          `\`${host.id}\` ${message}`,
          "remove one of the two, or give one a `root:` and user of its own",
        );
      }),
    );
}
