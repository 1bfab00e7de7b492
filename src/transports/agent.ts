// An ssh agent with one key, in this process: the system's client logs in with a key that stands in no file.
// (The protocol is draft-ietf-sshm-ssh-agent; the one of the ssh2 library stumbles over requests that it does not know.)
import { createServer, type Server } from "node:net";
import type { ParsedKey } from "ssh2";

const ask = { identities: 11, sign: 13 };
const say = { failure: 5, identities: 12, signature: 14 };
const most = 256 << 10;

/** Listens on a socket in a folder that is ours alone. */
export async function serveKey(key: ParsedKey, socket: string): Promise<Server> {
  const server = createServer((client) => {
    let heard = Buffer.alloc(0);
    client.on("error", () => client.destroy());
    client.on("data", (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      while (heard.length >= 4) {
        const length = heard.readUInt32BE();
        if (length > most) return void client.destroy();
        if (heard.length < 4 + length) return;
        client.write(text(answer(key, heard.subarray(4, 4 + length))));
        heard = heard.subarray(4 + length);
      }
    });
  });
  server.unref();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socket, resolve));
  return server;
}

function answer(key: ParsedKey, request: Buffer): Buffer {
  const blob = key.getPublicSSH();
  if (request[0] === ask.identities)
    return Buffer.concat([Buffer.from([say.identities]), uint32(1), text(blob), text("towline")]);
  const refused = Buffer.from([say.failure]);
  if (request[0] !== ask.sign) return refused;
  const wanted = readText(request, 1);
  const data = wanted && readText(request, wanted.end);
  if (!data?.value || !wanted?.value.equals(blob) || request.length < data.end + 4) return refused;
  const [format, hash] = formatOf(key.type, request.readUInt32BE(data.end));
  const signature = key.sign(data.value, hash);
  if (signature instanceof Error) return refused;
  const body = key.type.startsWith("ecdsa-") ? numbers(signature) : signature;
  return Buffer.concat([Buffer.from([say.signature]), text(Buffer.concat([text(format), text(body)]))]);
}

/** Flags choose the hash of an RSA signature; other keys have one. */
function formatOf(type: string, flags: number): [format: string, hash: string | undefined] {
  if (type !== "ssh-rsa") return [type, undefined];
  if (flags & 4) return ["rsa-sha2-512", "sha512"];
  return flags & 2 ? ["rsa-sha2-256", "sha256"] : ["ssh-rsa", "sha1"];
}

const uint32 = (value: number) => {
  const made = Buffer.alloc(4);
  made.writeUInt32BE(value);
  return made;
};
const text = (value: Buffer | string) =>
  Buffer.concat([uint32(Buffer.byteLength(value)), Buffer.from(value as Buffer)]);

function readText(from: Buffer, at: number): { value: Buffer; end: number } | null {
  if (from.length < at + 4) return null;
  const end = at + 4 + from.readUInt32BE(at);
  return end > from.length ? null : { value: from.subarray(at + 4, end), end };
}

/** The two numbers of an ECDSA signature, out of their DER sequence. */
function numbers(der: Buffer): Buffer {
  let at = (der[1] as number) & 0x80 ? 3 : 2;
  const parts = [0, 1].map(() => {
    const length = der[at + 1] as number;
    const number = der.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    return text(number);
  });
  return Buffer.concat(parts);
}
