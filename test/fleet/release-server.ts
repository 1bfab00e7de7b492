// A release page in GitHub's shapes on loopback, with faults to order; and programs to put on it.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export const sha = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

export interface ReleaseServer {
  url: string;
  /** Tag → files. The last one that was added is the newest. */
  releases: Map<string, Record<string, Uint8Array | string>>;
  /** Digests that the API names besides, by file. */
  digests: Map<string, string>;
  /** `METHOD path` of each request, with its authorization. */
  asked: { path: string; authorization: string | undefined }[];
  /** Answers a request in place of the server; true when it did. */
  fault: ((path: string, response: ServerResponse, request: IncomingMessage) => boolean) | null;
  close(): Promise<void>;
}

/** `repo`: owner/name. */
export async function serveReleases(repo = "EricGrill/picoclaw"): Promise<ReleaseServer> {
  const releases: ReleaseServer["releases"] = new Map();
  const http = createServer((request, response) => {
    const path = request.url ?? "/";
    served.asked.push({ path, authorization: request.headers.authorization });
    if (served.fault?.(path, response, request)) return;
    const json = (status: number, data: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(data));
    };
    const file = /^\/(?:api\/repos\/.*\/assets|dl|moved)\/([^/]+)\/([^/?]+)$/.exec(path);
    if (file) {
      const bytes = releases.get(decodeURIComponent(file[1] as string))?.[decodeURIComponent(file[2] as string)];
      if (bytes === undefined) return json(404, { message: "Not Found" });
      // As GitHub does: the file itself is somewhere else.
      if (!path.startsWith("/moved/")) {
        response.writeHead(302, { location: `/moved/${file[1]}/${file[2]}` });
        return void response.end();
      }
      response.writeHead(200, { "content-length": Buffer.byteLength(bytes) });
      return void response.end(bytes);
    }
    const page =
      path === `/api/repos/${repo}/releases/latest`
        ? [...releases.keys()].at(-1)
        : /^\/api\/repos\/.*\/releases\/tags\/(.+)$/.exec(path)?.[1];
    const files = page === undefined ? undefined : releases.get(decodeURIComponent(page));
    if (page === undefined || !files) return json(404, { message: "Not Found" });
    const assets = Object.entries(files).map(([name, bytes], id) => ({
      id,
      name,
      size: Buffer.byteLength(bytes),
      url: `${served.url}/api/repos/${repo}/releases/assets/${page}/${name}`,
      browser_download_url: `${served.url}/dl/${page}/${name}`,
      digest: served.digests.get(name) ?? null,
    }));
    json(200, { tag_name: page, name: page, assets });
  });
  await new Promise<void>((up) => http.listen(0, "127.0.0.1", up));
  const served: ReleaseServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    releases,
    digests: new Map(),
    asked: [],
    fault: null,
    close: () => {
      http.closeAllConnections();
      return new Promise((done) => http.close(() => done()));
    },
  };
  return served;
}

/** An archive as goreleaser makes them: a readme, the program in a folder, and something that is not for us. */
export function archive(name: string, program: Uint8Array | string): Uint8Array {
  return gzipSync(
    Buffer.concat([
      tarred("README.md", Buffer.from("# read me\n")),
      tarred("sub/", Buffer.alloc(0), "5"),
      tarred(`sub/${name}-launcher`, Buffer.from("not this one")),
      tarred("link", Buffer.alloc(0), "2"),
      tarred(`sub/${name}`, Buffer.from(program)),
      Buffer.alloc(1024),
    ]),
  );
}

export function tarred(name: string, bytes: Buffer, kind = "0"): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000755\0", 100);
  header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write(kind, 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The beginning of a program for that machine, and a mark. */
export function elf(machine: number, mark = ""): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write("\x7fELF\x02\x01\x01", 0, "latin1");
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(machine, 18);
  return Buffer.concat([bytes, Buffer.from(mark)]);
}

export const machines = { amd64: 62, arm64: 183, riscv64: 243, armv7: 40 } as const;

/** As sipeed's releases since 0.1.2 look, and as those before did. */
export function todaysFiles(
  version: string,
  programs: Record<string, Uint8Array | string>,
): Record<string, Uint8Array | string> {
  const words: Record<string, string> = { amd64: "x86_64" };
  const files = Object.fromEntries(
    Object.entries(programs).map(([arch, bytes]) => [
      `picoclaw_Linux_${words[arch] ?? arch}.tar.gz`,
      archive("picoclaw", bytes),
    ]),
  );
  const sums = Object.entries(files).map(([name, bytes]) => `${sha(bytes)}  ${name}\n`);
  return { ...files, [`picoclaw_${version}_checksums.txt`]: sums.join("") };
}

export function olderFiles(programs: Record<string, Uint8Array | string>): Record<string, Uint8Array | string> {
  const files = Object.fromEntries(Object.entries(programs).map(([arch, bytes]) => [`picoclaw-linux-${arch}`, bytes]));
  const sums = Object.entries(files).map(([name, bytes]) => `${sha(bytes)} *${name}\n`);
  return { ...files, "sha256sums.txt": sums.join("") };
}
