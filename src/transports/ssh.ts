// SSH by the ssh2 library. Only promises leave this file.
import { createHash } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { userInfo } from "node:os";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2, {
  type AnyAuthMethod,
  type AuthHandlerMiddleware,
  type ConnectConfig,
  type ParsedKey,
  type ServerHostKeyAlgorithm,
} from "ssh2";
import { configuration, messageOf } from "../errors.ts";
import { type Connection, type ConnectOptions, HostFault, type HostFaultKind, type Transport } from "../ports.ts";
import { bare, placeOf } from "./address.ts";
import { unlock } from "./key.ts";
import { connectionOf } from "./ssh-connection.ts";

const { Client, utils } = ssh2;

type Host = Parameters<Transport["connect"]>[1];

const keepalive = { keepaliveInterval: 3000, keepaliveCountMax: 3 };

export const fingerprintOf = (key: Buffer) =>
  `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;

/** `SHA256:…` of what a host record pins: a fingerprint already, or a key line. Throws a configuration Fault. */
export function pinnedFingerprint(pinned: string): string {
  const word = pinned.trim();
  if (word.startsWith("@"))
    throw configuration("`host_key` pins an authority for host certificates", "write `transport: openssh` beside it");
  if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(word)) return word.replace(/=$/, "");
  const key = utils.parseKey(keyLine(word));
  if (key instanceof Error)
    throw configuration(
      "`host_key` is neither a fingerprint nor a key line",
      "write `SHA256:…` as `ssh-keyscan HOST | ssh-keygen -lf -` prints it, or the line of a .pub file",
    );
  return fingerprintOf(key.getPublicSSH());
}

/** A line of known_hosts starts with host names; a line of a .pub file with the type. */
function keyLine(word: string): string {
  const parts = word.split(/\s+/);
  const type = parts.findIndex((part) => /^(ssh|ecdsa|sk)-/.test(part));
  return type < 0 ? word : parts.slice(type, type + 2).join(" ");
}

/**
 * The pinned key's own kind goes first, so that a host with several keys shows that one. Nothing is compressed: a few
 * bytes of a hostile host must not become many here.
 */
function preferred(pinned: string | undefined): ConnectConfig["algorithms"] {
  const type = pinned ? /\b(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa)\b/.exec(pinned)?.[1] : undefined;
  const compress = ["none" as const];
  if (!type) return { compress };
  const first = (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type]) as ServerHostKeyAlgorithm[];
  return { compress, serverHostKey: { prepend: first, append: [], remove: [] } };
}

export interface SshOptions {
  /** Socket of a running ssh agent, for hosts with `key: agent`. */
  agent?: string;
  /** Makes the connection that SSH runs in; absent: TCP. */
  dial?(name: string, host: Host): Duplex;
}

export function ssh({ agent, dial }: SshOptions = {}): Transport {
  return {
    name: "ssh",
    async connect(name, host, options) {
      const wanted = host.host_key ? pinnedFingerprint(host.host_key) : undefined;
      const username = host.user ?? userInfo().username;
      const { key, passphrase, password } = options;
      if (key === undefined && password === undefined && !agent)
        throw configuration(
          `${name} has no key to log in with`,
          "write `key: env:NAME`, `key: file:~/…` or `key: agent`",
        );
      const methods =
        key !== undefined
          ? keyed(username, unlock(name, key, passphrase))
          : password === undefined
            ? [{ type: "agent" as const, username, agent: agent as string }]
            : passwords(username, password);
      const until = performance.now() + options.timeout;
      for (;;) {
        const sock = dial?.(name, host) ?? (await socketTo(name, host, options, until - performance.now()));
        const readyTimeout = Math.max(500, until - performance.now());
        const { authHandler, heard } = inTurn(username, methods);
        const config = { authHandler, username, readyTimeout };
        try {
          return await handshake({ name, host, wanted, sock, options, config });
        } catch (thrown) {
          if (thrown instanceof HostFault) thrown.takes = heard.takes;
          if (!turnedAway(thrown) || performance.now() + 1000 > until) throw thrown;
          await sleep(200 + Math.random() * 600);
        }
      }
    },
  };
}

const keyed = (username: string, key: ParsedKey): AnyAuthMethod[] => [{ type: "publickey", username, key }];

/** Many servers ask for the password by the keyboard way only. Their first question is for it; a second gets no answer. */
function passwords(username: string, password: string): AnyAuthMethod[] {
  if (password === "") return [];
  let given = false;
  return [
    { type: "password", username, password },
    {
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        finish(prompts.map((one) => (one.echo || given ? "" : password)));
        given = true;
      },
    },
  ];
}

/** Each method once, as far as the server takes it; what it takes is heard. */
function inTurn(username: string, methods: AnyAuthMethod[]): { authHandler: AuthHandlerMiddleware; heard: Heard } {
  const left = [...methods];
  const heard: Heard = {};
  const authHandler: AuthHandlerMiddleware = (offers, _partial, next) => {
    const first = left[0];
    // A key is shown at once; who has something else to offer asks first what is taken.
    if (!offers && first?.type !== "publickey") return next({ type: "none", username });
    if (offers) heard.takes = offers;
    const fits = left.findIndex(
      (one) => !offers || (offers as string[]).includes(one.type === "agent" ? "publickey" : one.type),
    );
    if (fits < 0) return next(false as never);
    next(left.splice(0, fits + 1).at(-1) as AnyAuthMethod);
  };
  return { authHandler, heard };
}

interface Heard {
  takes?: string[];
}

/** A server with too many logins at once (MaxStartups) hangs up before it says anything: that passes. */
const turnedAway = (thrown: unknown) =>
  thrown instanceof HostFault &&
  thrown.kind === "unreachable" &&
  /closed the connection|before handshake|ECONNRESET/.test((thrown.cause as Error | undefined)?.message ?? "");

async function socketTo(name: string, host: Host, options: ConnectOptions, left: number): Promise<Duplex> {
  const { via, signal } = options;
  if (!via) return tcp(name, host, Math.max(500, left), options.timeout, signal);
  if (!via.connection.forward)
    throw configuration(`${name}: \`jump: ${via.name}\` leads nowhere`, `${via.name} must be reached by SSH itself`);
  try {
    return await via.connection.forward(bare(host.address), host.port, Math.max(500, left));
  } catch (thrown) {
    throw new HostFault("unreachable", `${name} (${placeOf(host)}): ${messageOf(thrown)}`, { cause: thrown });
  }
}

function tcp(name: string, host: Host, left: number, timeout: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const sock = connectTcp({ host: bare(host.address), port: host.port, noDelay: true, keepAlive: true, signal });
    const fail = (why: string, cause?: unknown) => {
      clearTimeout(timer);
      sock.destroy();
      reject(new HostFault("unreachable", `${name} (${placeOf(host)}): ${why}`, { cause }));
    };
    const timer = setTimeout(() => fail(`no answer within ${timeout / 1000} s`), left);
    const failed = (thrown: Error & { code?: string; errors?: Error[] }) =>
      // A name with several addresses fails with the faults of all.
      fail(reasons[thrown.code ?? ""] ?? (thrown.message || messageOf(thrown.errors?.[0] ?? thrown)), thrown);
    sock.once("error", failed);
    sock.once("connect", () => {
      clearTimeout(timer);
      sock.off("error", failed);
      resolve(sock);
    });
  });
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "no such name",
  EAI_AGAIN: "the name cannot be looked up right now",
  EHOSTUNREACH: "no route to it",
  ENETUNREACH: "no network to it",
  ETIMEDOUT: "no answer",
};

interface Attempt {
  name: string;
  host: Host;
  wanted: string | undefined;
  sock: Duplex;
  options: ConnectOptions;
  config: ConnectConfig;
}

function handshake({ name, host, wanted, sock, options, config }: Attempt): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    let denied: HostFault | undefined;
    const verify = async (key: Buffer, answer: (ok: boolean) => void) => {
      denied = await judge(name, wanted, key, options);
      answer(!denied);
    };
    let ready = false;
    const fail = (thrown: unknown) => {
      client.destroy();
      if (!ready) reject(denied ?? loginFault(name, thrown));
    };
    client.on("error", fail);
    client.once("close", () => fail(new Error("the host closed the connection")));
    client.once("ready", () => {
      ready = true;
      // Whatever comes from the host shows that it is there. The library counts answers to its own questions only, and
      // on a slow line those wait behind all that is being sent. (Missing in its types.)
      sock.on("data", () => (client as unknown as { _resetKA?(): void })._resetKA?.());
      resolve(connectionOf(name, client));
    });
    client.connect({
      ...config,
      ...keepalive,
      sock: sock as Socket,
      algorithms: preferred(host.host_key),
      hostVerifier: (key: Buffer, answer: (ok: boolean) => void) => void verify(key, answer).catch(() => answer(false)),
    });
  });
}

/** Whether the shown key is the host's: nothing when it is. */
async function judge(name: string, wanted: string | undefined, key: Buffer, options: ConnectOptions) {
  const shown = fingerprintOf(key);
  if (wanted === shown) return undefined;
  if (wanted !== undefined)
    return new HostFault("changed-key", `${name} shows the key ${shown}, but ${wanted} is pinned in hosts/${name}.md`);
  if (await options.onUnknownKey?.(shown, key)) return undefined;
  return new HostFault(
    "unknown-key",
    `${name} shows the key ${shown}, and hosts/${name}.md pins no key (pinned: none); towline fleet enroll ${name} pins it`,
  );
}

function loginFault(name: string, thrown: unknown): HostFault {
  const { level, message } = thrown as { level?: string; message?: string };
  const [kind, why]: [HostFaultKind, string] =
    level === "client-authentication"
      ? ["refused", "the login was refused: the key is not accepted for this user"]
      : level === "client-timeout"
        ? ["unreachable", "it accepts connections but does not answer"]
        : ["unreachable", message ?? "the connection broke"];
  return new HostFault(kind, `${name}: ${why}`, { cause: thrown });
}
