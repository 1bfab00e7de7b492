// What the system's ssh is started with for one host: a private folder with the pinned key, the sockets, and options
// that hold whatever the person's own ssh_config says.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { configuration, messageOf } from "../errors.ts";
import type { ConnectOptions, Transport } from "../ports.ts";
import { bare } from "./address.ts";
import { serveKey } from "./agent.ts";
import { unlock } from "./key.ts";
import { pinnedFingerprint } from "./ssh.ts";

type Host = Parameters<Transport["connect"]>[1];

export interface Den {
  /** What is called: an address, or a `Host` of the person's ssh_config. */
  address: string;
  env: Record<string, string>;
  /** Path of the shared connection's socket; null where no path is short enough for one. */
  control: string | null;
  /** `SHA256:…` that is pinned. */
  wanted: string | undefined;
  /** Arguments before the address. Milliseconds for a connection that has to be made. */
  options(limit: number): string[];
  /** The key that the host showed last. */
  shown(): Shown | undefined;
  /** Accepts this key from now on. */
  pin(fingerprint: string): void;
  /** Why the jump host did not lead there, the last time that it was asked. */
  astray(): string | undefined;
  remove(): void;
}

interface Shown {
  /** `SHA256:…` */
  fingerprint: string;
  key: Uint8Array;
}

interface Making {
  name: string;
  host: Host;
  options: ConnectOptions;
  env: Readonly<Record<string, string>>;
  folders: readonly string[];
  version: number;
}

/** `sun_path` holds 107 bytes, and ssh binds the socket under a longer name first. */
const longest = 107 - 18;
const authority = /^@cert-authority\s+(\S.*)$/;

export async function makeDen({ name, host, options, env, folders, version }: Making): Promise<Den> {
  // Option values end at white space, and % means something to ssh.
  const base = folders.find((one) => /^[\w./+-]+$/.test(one) && isFolder(one));
  if (!base) throw configuration("there is no folder for sockets", "set TMPDIR to a folder without blanks in its name");
  const folder = mkdtempSync(join(base, "tl-"));
  const servers: Server[] = [];
  dens.add(folder);
  const remove = () => {
    dens.delete(folder);
    for (const one of servers) one.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const keys = keysOf(name, host, folder, version);
    const control = join(folder, "c").length <= longest ? join(folder, "c") : null;
    const identity = await identityOf(name, folder, options, servers);
    let astray: string | undefined;
    const lost = (why: string | undefined) => {
      astray = why;
    };
    const bridge = options.via ? await bridgeTo(name, host, folder, options.via, servers, lost) : [];
    const set = [...keys.set, ...identity, ...bridge, `ControlPath=${control ?? "none"}`, ...always];
    const user = host.user === undefined ? [] : ["-l", host.user];
    // 22 is what every record says that says nothing: then the person's ssh_config may know better.
    const port = host.port === 22 ? [] : ["-p", String(host.port)];
    return {
      address: bare(host.address),
      env: { ...env },
      control,
      wanted: keys.wanted,
      options: (limit) => [
        "-T",
        "-x",
        "-a",
        ...[...set, `ConnectTimeout=${Math.max(1, Math.ceil(limit / 1000))}`].flatMap((one) => ["-o", one]),
        ...user,
        ...port,
      ],
      shown: keys.shown,
      pin: keys.pin,
      astray: () => astray,
      remove,
    };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

const dens = new Set<string>();
process.once("exit", () => {
  for (const folder of dens) rmSync(folder, { recursive: true, force: true });
});

const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory();

/** First come, first served: options on the command line go before every ssh_config. */
const always = [
  "BatchMode=yes",
  "StrictHostKeyChecking=yes",
  "GlobalKnownHostsFile=/dev/null",
  "CheckHostIP=no",
  "VerifyHostKeyDNS=no",
  "NoHostAuthenticationForLocalhost=no",
  "UpdateHostKeys=no",
  "FingerprintHash=sha256",
  "ForwardAgent=no",
  "ForwardX11=no",
  "ClearAllForwardings=yes",
  "PermitLocalCommand=no",
  "RemoteCommand=none",
  "RequestTTY=no",
  "Tunnel=no",
  "EscapeChar=none",
  "ConnectionAttempts=1",
  "ServerAliveInterval=3",
  "ServerAliveCountMax=3",
  "LogLevel=ERROR",
];

/** Asked by ssh for the keys that it may accept: notes what is shown, and knows the pinned one. */
const known = (alias: string, fingerprint: string, note: string) => `[ "$1" = HOSTNAME ] || exit 0
printf '%s %s\\n' "$2" "$4" >${note}
[ "$2" = '${fingerprint}' ] || exit 0
printf '%s %s %s\\n' ${alias} "$3" "$4"
`;

function keysOf(name: string, host: Host, folder: string, version: number) {
  const [file, script, note] = ["known_hosts", "known", "shown"].map((one) => join(folder, one)) as [
    string,
    string,
    string,
  ];
  const pinned = host.host_key?.trim();
  const ca = pinned === undefined ? undefined : authority.exec(pinned)?.[1];
  const wanted = pinned === undefined || ca !== undefined ? undefined : pinnedFingerprint(pinned);
  // A host certificate names the address, everything else is looked up under a name of ours.
  const alias = ca === undefined ? `towline-${name.replace(/[^A-Za-z0-9.-]/g, "-")}` : bare(host.address);
  const line = pinned === undefined ? undefined : /\b(ssh|ecdsa|sk)-\S+\s+AAAA\S+/.exec(ca ?? pinned)?.[0];
  writeFileSync(file, line === undefined ? "" : `${ca === undefined ? "" : "@cert-authority "}${alias} ${line}\n`);
  const asks = version >= 8.5;
  if (!asks && line === undefined)
    throw configuration(
      `${name}: this machine's ssh (${version}) is too old to check a fingerprint`,
      "write the whole line of the key: `host_key: ssh-ed25519 AAAA…`, or use `transport: ssh`",
    );
  const pin = (fingerprint: string) => writeFileSync(script, known(alias, fingerprint, note), { mode: 0o600 });
  pin(wanted ?? "none");
  const command = asks ? [`KnownHostsCommand=/bin/sh ${script} %I %f %t %K`] : [];
  return {
    wanted,
    pin,
    set: [`UserKnownHostsFile=${file}`, ...command, `HostKeyAlias=${alias}`],
    shown: () => readNote(note),
  };
}

function readNote(note: string): Shown | undefined {
  if (!existsSync(note)) return undefined;
  const [fingerprint, key] = readFileSync(note, "utf8").trim().split(" ");
  return fingerprint && key ? { fingerprint, key: Buffer.from(key, "base64") } : undefined;
}

/** A key without a passphrase in a file is the client's own affair, with the certificate beside it. Others are served by an agent of ours. */
async function identityOf(name: string, folder: string, options: ConnectOptions, servers: Server[]): Promise<string[]> {
  const { key, keyFile, passphrase, password } = options;
  if (password)
    throw configuration(
      `${name}: a password is typed for \`transport: ssh\` only`,
      "leave `transport` out for this login",
    );
  if (password === "") return ["PreferredAuthentications=none"];
  if (key === undefined) return [];
  if (keyFile !== undefined && passphrase === undefined)
    return [`IdentityFile=${quoted(keyFile)}`, "IdentitiesOnly=yes", "IdentityAgent=none"];
  if (folder.length + 2 > longest + 18)
    throw configuration(`${name}: no path is short enough for the socket of its key`, "set TMPDIR to a shorter folder");
  const parsed = unlock(name, key, passphrase);
  const [socket, file] = [join(folder, "a"), join(folder, "id.pub")];
  writeFileSync(file, `${parsed.type} ${parsed.getPublicSSH().toString("base64")}\n`, { mode: 0o600 });
  servers.push(await serveKey(parsed, socket));
  const beside = keyFile === undefined ? undefined : `${keyFile}-cert.pub`;
  const certificate = beside && existsSync(beside) ? [`CertificateFile=${quoted(beside)}`] : [];
  return [`IdentityFile=${file}`, ...certificate, "IdentitiesOnly=yes", `IdentityAgent=${socket}`];
}

const quoted = (path: string) => `"${path.replaceAll("%", "%%").replace(/["\\]/g, "\\$&")}"`;

const program = fileURLToPath(new URL("./bridge.mjs", import.meta.url));
/** For a command that ssh is given as an option: one word of it, whatever is in it. */
export const word = (text: string) => `'${text.replaceAll("%", "%%").replaceAll("'", "'\\''")}'`;

/** The client reaches a host behind a jump host through this process, by a socket that nobody else can open. */
async function bridgeTo(
  name: string,
  host: Host,
  folder: string,
  via: NonNullable<ConnectOptions["via"]>,
  servers: Server[],
  lost: (why: string | undefined) => void,
): Promise<string[]> {
  const { forward } = via.connection;
  if (!forward)
    throw configuration(`${name}: \`jump: ${via.name}\` leads nowhere`, `${via.name} must be reached by SSH itself`);
  const socket = join(folder, "b");
  const server = createServer({ allowHalfOpen: true }, (near) => {
    near.on("error", () => {});
    lost(undefined);
    forward(bare(host.address), host.port, 10_000).then(
      (far) => {
        far.on("error", (thrown) => {
          lost(messageOf(thrown));
          near.destroy();
        });
        far.once("close", () => near.destroy());
        near.once("close", () => far.destroy());
        near.pipe(far);
        far.pipe(near);
      },
      (thrown) => {
        lost(messageOf(thrown));
        near.destroy();
      },
    );
  });
  server.unref();
  servers.push(server);
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socket, resolve));
  return [`ProxyCommand=${word(process.execPath)} ${word(program)} ${word(socket)}`];
}
