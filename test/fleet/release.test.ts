// What is downloaded for a machine, and what is refused: against a loopback server in GitHub's shapes.
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checksumIn, parsePin, platformOf } from "../../src/core/release.ts";
import { settings as schema } from "../../src/core/schema.ts";
import { download } from "../../src/shell/download.ts";
import { createReleases } from "../../src/shell/release.ts";
import { unpacked } from "../../src/shell/release-unpack.ts";
import {
  archive,
  elf,
  machines,
  olderFiles,
  type ReleaseServer,
  serveReleases,
  sha,
  tarred,
  todaysFiles,
} from "./release-server.ts";

let server: ReleaseServer;
beforeEach(async () => {
  server = await serveReleases();
});
afterEach(() => server.close());

const programs = Object.fromEntries(
  Object.entries(machines).map(([arch, number]) => [arch, elf(number, `for ${arch}`)]),
);
const platform = (machine: string) => {
  const found = platformOf(machine);
  if (!found) throw new Error(machine);
  return found;
};
const settings = (release: object) => schema.parse({ id: "p", releases: { picoclaw: release } });
const ours = (more: object = {}) => settings({ github: "EricGrill/picoclaw", api: `${server.url}/api`, ...more });
async function get(machine: string, version?: string, from = ours(), env = {}, pin?: { sha256: string }) {
  const releases = createReleases(from, env);
  const found = await releases.find("picoclaw", version, platform(machine));
  return releases.get("picoclaw", found, platform(machine), pin);
}
const told = (promise: Promise<unknown>) =>
  promise.then(
    () => "it went well",
    (thrown: Error & { code?: number; advice?: string }) => `${thrown.code}: ${thrown.message} (${thrown.advice})`,
  );

const uname = { x86_64: "amd64", aarch64: "arm64", riscv64: "riscv64", armv7l: "armv7" };
describe("a release", () => {
  test.each(Object.entries(uname))(
    "gives a %s machine its own file, by today's names and by the older ones",
    async (machine, arch) => {
      server.releases.set("v0.1.1", olderFiles(programs)).set("v0.2.9", todaysFiles("0.2.9", programs));
      for (const version of [undefined, "0.2.9", "v0.2.9", "0.1.1"]) {
        const program = await get(machine, version);
        expect(String(program.bytes.subarray(64))).toBe(`for ${arch}`);
        expect(program.version).toBe(version === "0.1.1" ? "0.1.1" : "0.2.9");
        expect(program.sha256).toBe(sha(programs[arch] as Buffer));
      }
    },
  );

  test("that lacks a machine's file says what it has", async () => {
    server.releases.set("v0.1.1", olderFiles({ amd64: programs.amd64 as Buffer }));
    expect(await told(get("armv7l"))).toMatch(
      /^3: release v0.1.1 .* has no picoclaw for armv7: it has picoclaw-linux-amd64, sha256sums.txt/,
    );
    expect(await told(get("x86_64", "9.9.9"))).toMatch(
      /^3: EricGrill\/picoclaw has no release 9.9.9.*sipeed\/picoclaw/,
    );
  });

  test("with a wrong digest, with none, or with two that differ is refused; a pin stands in for none", async () => {
    const files = todaysFiles("0.2.9", programs);
    const sums = "picoclaw_0.2.9_checksums.txt";
    server.releases.set("v0.2.9", { ...files, [sums]: `${"0".repeat(64)}  picoclaw_Linux_x86_64.tar.gz\n` });
    expect(await told(get("x86_64"))).toMatch(/^4: picoclaw_Linux_x86_64.tar.gz is not what its checksum says/);
    server.releases.set("v0.2.9", { ...files, [sums]: "nothing of the kind" });
    expect(await told(get("x86_64"))).toMatch(/^4: .*names no sha256 for picoclaw_Linux_x86_64.tar.gz/);
    const { [sums]: _, ...bare } = files;
    server.releases.set("v0.2.9", bare);
    expect(await told(get("x86_64"))).toMatch(/^3: nothing says what .* must be/);
    const pin = { sha256: sha(programs.amd64 as Buffer) };
    expect((await get("x86_64", undefined, ours(), {}, pin)).sha256).toBe(pin.sha256);
    expect(await told(get("x86_64", undefined, ours(), {}, { sha256: "1".repeat(64) }))).toMatch(
      /^4: .*not what the host's record pins/,
    );
    const name = "picoclaw_Linux_x86_64.tar.gz";
    server.digests.set(name, `sha256:${sha(files[name] as Uint8Array)}`);
    expect((await get("x86_64")).version).toBe("0.2.9");
    server.releases.set("v0.2.9", files);
    server.digests.set(name, `sha256:${"2".repeat(64)}`);
    expect(await told(get("x86_64"))).toMatch(/^4: the checksums for .* contradict each other/);
  });

  test("is downloaded once, however many machines want it", async () => {
    server.releases.set("v0.2.9", todaysFiles("0.2.9", programs));
    const releases = createReleases(ours(), {});
    const one = async () =>
      releases.get(
        "picoclaw",
        await releases.find("picoclaw", undefined, platform("x86_64")),
        platform("x86_64"),
        undefined,
      );
    await Promise.all([one(), one(), one()]);
    expect(server.asked.filter(({ path }) => path.startsWith("/moved/") && path.endsWith(".gz"))).toHaveLength(1);
    expect(server.asked.filter(({ path }) => path.endsWith("/latest"))).toHaveLength(1);
  });

  test("is read with the token that its settings name, and with no other", async () => {
    server.releases.set("v0.2.9", todaysFiles("0.2.9", programs));
    await get("x86_64", undefined, ours(), { GITHUB_TOKEN: "of-another-server" });
    expect(server.asked.map((one) => one.authorization).filter(Boolean)).toEqual([]);
    await get("x86_64", undefined, ours({ token: "MINE" }), { MINE: "the-right-one" });
    expect(server.asked.filter(({ path }) => path.includes("/assets/")).map((one) => one.authorization)).toEqual([
      "Bearer the-right-one",
      "Bearer the-right-one",
    ]);
    expect(await told(get("x86_64", undefined, ours({ token: "MINE" })))).toMatch(/^3: the token for .* is not set/);
  });

  test("that may not be asked for now says until when", async () => {
    server.fault = (_, response) => {
      response.writeHead(403, {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1900000000",
        "content-type": "application/json",
      });
      response.end('{"message":"API rate limit exceeded"}');
      return true;
    };
    expect(await told(get("x86_64"))).toMatch(/^4: EricGrill\/picoclaw cannot be read: .*come back at 2030-03-17/);
  });

  test("may come from a plain address, with its checksum beside it or in the settings", async () => {
    const file = archive("tool", elf(machines.arm64));
    server.releases.set("1.0.0", {
      "tool_linux_arm64.tar.gz": file,
      "tool_linux_arm64.tar.gz.sha256": `${sha(file)}\n`,
    });
    const from = (more: object) =>
      schema.parse({
        id: "p",
        releases: { tool: { url: `${server.url}/dl/{version}/tool_{os}_{arch}.tar.gz`, ...more } },
      });
    const one = async (more: object) => {
      const releases = createReleases(from(more), {});
      return releases.get(
        "tool",
        await releases.find("tool", undefined, platform("aarch64")),
        platform("aarch64"),
        undefined,
      );
    };
    expect((await one({ version: "1.0.0" })).version).toBe("1.0.0");
    expect(
      (await one({ version: "v1.0.0", sha256: { arm64: sha(file) } }).catch((thrown) => thrown)).message ?? "",
    ).toBe("");
    expect(await told(one({}))).toMatch(/^3: no version of tool is named/);
    expect(await told(one({ version: "1.0.0", sha256: "3".repeat(64) }))).toMatch(/^4: .*not what its checksum says/);
    expect(await told(one({ version: "2.0.0" }))).toMatch(/^3: nothing says what/);
    expect(await told(one({ version: "2.0.0", sha256: "3".repeat(64) }))).toMatch(/^4: .*is not there \(404\)/);
  });
});

describe("a download", () => {
  const most = 1000;
  const answer = (status: number, headers: Record<string, string | number>, body = "") => {
    server.fault = (path, response) => {
      if (!path.startsWith("/x")) return false;
      response.writeHead(status, headers);
      response.end(body);
      return true;
    };
    return told(download(`${server.url}/x`, { most }));
  };

  test("is refused when it is larger than it may be, whether it says so or not", async () => {
    expect(await answer(200, { "content-length": 2000 }, "x".repeat(2000))).toMatch(/^4: the download is larger/);
    expect(await answer(200, { "transfer-encoding": "chunked" }, "x".repeat(2000))).toMatch(
      /^4: the download is larger/,
    );
  });

  test("is refused when it was cut, or nothing comes any more", async () => {
    server.fault = (_, response) => {
      response.writeHead(200, { "content-length": 500 });
      response.write("half");
      setTimeout(() => response.destroy(), 50);
      return true;
    };
    expect(await told(download(`${server.url}/x`, { most }))).toMatch(/^4: .*cannot be downloaded: it was cut/);
    server.fault = (_, response) => {
      response.writeHead(200, { "content-length": 500 });
      response.write("half");
      return true;
    };
    expect(await told(download(`${server.url}/x`, { most, silence: 200 }))).toMatch(/^4: .*nothing came for 0.2 s/);
    expect(await told(download(`${server.url}/x`, { most, wall: 200 }))).toMatch(/^4: .*longer than 0.2 s/);
    server.fault = (_, response) => {
      response.end("four");
      return true;
    };
    expect(await told(download(`${server.url}/x`, { most, size: 5 }))).toMatch(/^4: .*4 of 5 bytes/);
  });

  test("is not led to another server without https, to another kind of address, or in a circle", async () => {
    const other = await serveReleases();
    try {
      for (const location of [
        `${other.url}/x`,
        server.url.replace("127.0.0.1", "localhost"),
        "file:///etc/passwd",
        "ftp://x/",
        "https://me:secret@example.org/",
      ])
        expect([location, await answer(302, { location })]).toEqual([
          location,
          expect.stringMatching(/which is not followed/),
        ]);
      expect(other.asked).toEqual([]);
    } finally {
      await other.close();
    }
    expect(await answer(302, { location: "/x" })).toMatch(/from one address to the next/);
  });

  test("takes the token to the first server only", async () => {
    const seen: [string, string | null][] = [];
    const fetch = (async (input: URL, init: RequestInit) => {
      seen.push([String(input), new Headers(init.headers).get("authorization")]);
      return String(input) === "https://one.example/x"
        ? new Response(null, { status: 302, headers: { location: "https://two.example/y" } })
        : new Response("body");
    }) as typeof globalThis.fetch;
    expect(String(await download("https://one.example/x", { most, token: "t", fetch }))).toBe("body");
    expect(seen).toEqual([
      ["https://one.example/x", "Bearer t"],
      ["https://two.example/y", null],
    ]);
    const down = (async () =>
      new Response(null, { status: 302, headers: { location: "http://one.example/x" } })) as typeof globalThis.fetch;
    expect(await told(download("https://one.example/x", { most, fetch: down }))).toMatch(/which is not followed/);
  });
});

describe("an archive", () => {
  const open = (bytes: Uint8Array, arch = "x86_64") => told(unpacked(bytes, "picoclaw", "a file", platform(arch)));
  const good = elf(machines.amd64);

  test("gives its one program, and nothing that only looks like it", async () => {
    expect(Buffer.from(await unpacked(archive("picoclaw", good), "picoclaw", "f", platform("x86_64")))).toEqual(good);
    expect(Buffer.from(await unpacked(gzipSync(good), "picoclaw", "f", platform("x86_64")))).toEqual(good);
    expect(await open(gzipSync(tarred("other", good)))).toMatch(/holds no file named picoclaw/);
    // A link or a folder of that name is no program; a path that climbs out is only a name.
    expect(await open(gzipSync(tarred("picoclaw", Buffer.alloc(0), "2")))).toMatch(/holds no file/);
    expect(
      Buffer.from(await unpacked(tarred("../../etc/picoclaw", good), "picoclaw", "f", platform("x86_64"))),
    ).toEqual(good);
    expect(await open(Buffer.concat([tarred("picoclaw", good), tarred("b/picoclaw", good)]))).toMatch(/holds 2 files/);
  });

  test("that is damaged, cut or packed otherwise is refused", async () => {
    const tar = tarred("picoclaw", good);
    expect(await open(tar.subarray(0, 520))).toMatch(/is cut/);
    const bad = Buffer.from(tar);
    bad[0] = 0x71;
    expect(await open(bad)).toMatch(/is damaged/);
    expect(await open(archive("picoclaw", good).subarray(0, 60))).toMatch(/is damaged/);
    expect(await open(Buffer.from("504b030400000000", "hex"))).toMatch(/packed with zip/);
  });

  test("with a program for another machine, or with none at all, is refused", async () => {
    expect(await open(archive("picoclaw", elf(machines.arm64)))).toMatch(/built for arm64, this machine is amd64/);
    expect(await open(Buffer.from("<html>not found</html>"))).toMatch(/no program for Linux/);
  });
});

test("checksums are read in the forms that are about", () => {
  const hash = sha("x").toUpperCase();
  for (const text of [
    `${hash}  a.tar.gz`,
    `${hash} *a.tar.gz\r\n`,
    `SHA256 (a.tar.gz) = ${hash}`,
    `${hash}  ./dist/a.tar.gz`,
    `${hash}\n`,
  ])
    expect(checksumIn(text, "a.tar.gz")).toBe(sha("x"));
  for (const text of ["", `${hash}  b.tar.gz`, `${hash.slice(1)}  a.tar.gz`, `${hash}\n${hash}\n`])
    expect(checksumIn(text, "a.tar.gz")).toBeNull();
});

test("a pin is a version, a digest or both", () => {
  const digest = "a".repeat(64);
  expect(parsePin(`v1.2.3 sha256:${digest}`)).toEqual({ version: "1.2.3", sha256: digest });
  expect([parsePin("1.2.3"), parsePin(`sha256:${digest}`), parsePin("")]).toEqual([
    { version: "1.2.3" },
    { sha256: digest },
    {},
  ]);
  for (const wrong of ["1.2.3 4.5.6", "sha256:abc", "1.2.3 md5:abc", "../x", "a b c"])
    expect(parsePin(wrong)).toBeNull();
});
