// Ways to hosts: directly, or through jump hosts, each with its own key and its own pinned host key. A jump host is
// logged in to once for all that are behind it.
import type { Host } from "../core/schema.ts";
import { configuration, Fault, messageOf } from "../errors.ts";
import { type Connection, type ConnectOptions, HostFault, type Transport } from "../ports.ts";
import { bare } from "../transports/address.ts";
import { type Offers, type TransportOptions, transportBy } from "../transports/index.ts";
import { type Keyring, type Login, resolveKey } from "./fleet-key.ts";
import { limiter, withoutName } from "./pool.ts";

/** The record of a host that another names in `jump`. */
export type HostLookup = (name: string) => Host | undefined | Promise<Host | undefined>;

export interface WaysOptions extends Keyring {
  /** Milliseconds until a connection must stand, with all hops before it; 10 s when absent. */
  connectTimeout?: number;
  /** Where the records of jump hosts are looked up. */
  hosts?: HostLookup;
  /** Ways that plugins offer; absent: there are none. */
  offers?: Offers;
  /** Logs in with this instead of the key that the record names; at jump hosts not. */
  login?: Login;
}

export interface Ways {
  /** A connection to a host as its record says. Throws HostFault, and Fault where a record or a key is wrong. */
  connect(name: string, host: Host, onUnknownKey?: ConnectOptions["onUnknownKey"], pack?: string): Promise<Connection>;
  /** Leaves the jump hosts. */
  close(): void;
}

/** Logins at one address at the same time: an sshd as it is installed turns some away from ten on (MaxStartups). */
const logins = 8;

export function createWays(options: WaysOptions): Ways {
  const jumps = new Map<string, Promise<Connection>>();
  const gates = new Map<string, ReturnType<typeof limiter>>();
  const variants = new Map<string, Promise<Transport>>();
  const { env, home } = options;
  const timeout = options.connectTimeout ?? 10_000;
  let over = false;

  const variant = (kind: Host["transport"]) => {
    const made = variants.get(kind) ?? transportBy(kind, transportOptions(env, home), options.offers);
    variants.set(kind, made);
    return made;
  };
  const gate = (host: Host) => {
    const place = `${host.jump ?? ""} ${bare(host.address)} ${host.port}`;
    const made = gates.get(place) ?? limiter(logins);
    gates.set(place, made);
    return made;
  };

  interface Leg {
    name: string;
    host: Host;
    until: number;
    /** Names of the hosts that are to be reached through this one, nearest last. */
    behind: string[];
    onUnknownKey?: ConnectOptions["onUnknownKey"];
    /** Whose keys on this machine may be used. */
    pack: string | undefined;
  }

  async function leg({ name, host, until, behind, onUnknownKey, pack }: Leg): Promise<Connection> {
    if (over) throw new HostFault("lost", `${name}: the connections were given up`);
    const kind = await variant(host.transport);
    const own = behind.length === 0 ? options.login : undefined;
    const named = () => own ?? resolveKey(name, host.key, { ...options, pack }, host.key_passphrase);
    const login = host.transport === "local" ? {} : await named();
    const via = host.jump === undefined ? undefined : await jump(name, host.jump, until, [...behind, name], pack);
    const enter = () => {
      const left = until - performance.now();
      if (left <= 0)
        throw new HostFault("unreachable", `${name}: other logins at ${host.address} took all of ${timeout / 1000} s`);
      return kind.connect(name, host, { ...login, via, timeout: left, onUnknownKey });
    };
    return host.transport === "local" ? enter() : gate(host)(enter);
  }

  async function jump(name: string, by: string, until: number, behind: string[], pack: string | undefined) {
    if (behind.includes(by))
      throw configuration(
        `${name}: \`jump\` goes in a circle: ${[...behind.slice(behind.indexOf(by)), by].join(" → ")}`,
        "no connection can be made; take one of them out",
      );
    const host = await options.hosts?.(by);
    if (!host)
      throw configuration(
        `${name} is behind \`${by}\` (jump), and there is no hosts/${by}.md`,
        `add hosts/${by}.md, or take \`jump\` out`,
      );
    if (host.transport === "local")
      throw configuration(`${name} is behind \`${by}\` (jump), which is this machine itself`, "take `jump` out");
    const going = jumps.get(by) ?? leg({ name: by, host, until, behind, pack });
    jumps.set(by, going);
    try {
      return { name: by, connection: forgetting(by, await going) };
    } catch (thrown) {
      throw behindFault(name, by, thrown);
    }
  }

  /** A way that broke in use is made anew for whoever comes next. */
  function forgetting(by: string, connection: Connection): Connection {
    const { forward } = connection;
    return {
      ...connection,
      forward:
        forward &&
        (async (...where) => {
          try {
            return await forward(...where);
          } catch (thrown) {
            if (thrown instanceof HostFault && thrown.kind === "lost") jumps.delete(by);
            throw thrown;
          }
        }),
    };
  }

  return {
    connect: (name, host, onUnknownKey, pack = options.pack) =>
      leg({ name, host, until: performance.now() + timeout, behind: [], onUnknownKey, pack }),
    close() {
      over = true;
      for (const one of jumps.values())
        one.then(
          (connection) => connection.close(),
          () => {},
        );
      jumps.clear();
    },
  };
}

/** Whatever is wrong with the jump host, the hosts behind it are merely out of reach. */
function behindFault(name: string, by: string, thrown: unknown): unknown {
  const said = `${name} is behind ${by} (jump): ${by} ${withoutName(by, messageOf(thrown))}`;
  if (thrown instanceof HostFault) return new HostFault("unreachable", said, { cause: thrown });
  if (thrown instanceof Fault) return new Fault(thrown.code, said, thrown.advice, { cause: thrown });
  return thrown;
}

/** Whatever else stands in our environment may be a key: a ProxyCommand or SendEnv of ssh_config must not see it. */
const passed = ["USER", "LOGNAME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMPDIR"];

const transportOptions = (env: Keyring["env"], home: string): TransportOptions => ({
  home,
  path: env.PATH ?? "/usr/bin:/bin",
  agent: env.SSH_AUTH_SOCK,
  env: Object.fromEntries(passed.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
});
