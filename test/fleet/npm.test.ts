// A runtime that is an npm package: the host's own npm, against a loopback registry.
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseEntry } from "../../src/core/entry.ts";
import { settings as schema } from "../../src/core/schema.ts";
import { deployOn, type Order } from "../../src/shell/deploy.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { createReleases } from "../../src/shell/release.ts";
import { tearDown } from "../../src/shell/teardown.ts";
import { tarred } from "./release-server.ts";

const path = `${join(process.execPath, "..")}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
const npm = (() => {
  try {
    execFileSync("sh", ["-c", "npm --version"], { env: { PATH: path }, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!npm)("an npm package, needs npm", () => {
  let home: string;
  let registry: Server;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "towline-npm-"));
    const packed = (version: string) =>
      gzipSync(
        Buffer.concat([
          tarred("package/package.json", Buffer.from(manifest(version))),
          tarred("package/tool.js", Buffer.from(`#!/usr/bin/env node\nconsole.log("tool ${version}");\n`)),
          Buffer.alloc(1024),
        ]),
      );
    const manifest = (version: string) =>
      JSON.stringify({
        name: "@x/tool",
        version,
        bin: { tool: "tool.js" },
        scripts: { postinstall: "touch $HOME/ran" },
      });
    registry = createServer((request, response) => {
      const { port } = registry.address() as AddressInfo;
      const version = /tool-(.*)\.tgz$/.exec(request.url ?? "")?.[1];
      if (version) return void response.end(packed(version));
      const versions = ["1.0.0", "1.1.0"].map((one) => {
        const tarball = `http://127.0.0.1:${port}/tool-${one}.tgz`;
        const integrity = `sha512-${createHash("sha512").update(packed(one)).digest("base64")}`;
        return [one, { ...JSON.parse(manifest(one)), dist: { tarball, integrity }, hasInstallScript: true }];
      });
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({ name: "@x/tool", "dist-tags": { latest: "1.1.0" }, versions: Object.fromEntries(versions) }),
      );
    });
    await new Promise<void>((up) => registry.listen(0, "127.0.0.1", up));
    writeFileSync(join(home, ".npmrc"), `registry=http://127.0.0.1:${(registry.address() as AddressInfo).port}/\n`);
  });
  afterAll(() => {
    registry.close();
    rmSync(home, { recursive: true, force: true });
  });

  const settings = (more: object) => schema.parse({ id: "p", releases: { tool: { npm: "@x/tool", ...more } } });
  async function on<T>(
    work: (session: Awaited<ReturnType<ReturnType<typeof createFleet>["open"]>>) => Promise<T>,
  ): Promise<T> {
    const { entry } = parseEntry("hosts/one.md", "host", "---\naddress: localhost\ntransport: local\n---\n");
    if (!entry) throw new Error("no record");
    const session = await createFleet({ env: { PATH: path }, home }).open("one", entry.data, "p");
    try {
      return await work(session);
    } finally {
      session.close();
    }
  }
  const deploy = (order: Partial<Order>, more: object = {}) =>
    on((session) => {
      const { entry } = parseEntry("hosts/one.md", "host", "---\naddress: localhost\ntransport: local\n---\n");
      const state = { settings: settings(more), agents: new Map(), hosts: new Map() };
      const tools = {
        state,
        releases: createReleases(state.settings, {}),
        secret: () => undefined,
        now: () => new Date(0),
      };
      return deployOn(session, entry as NonNullable<typeof entry>, { runtime: "tool", ...order }, tools);
    });
  const says = () => String(execFileSync(join(home, ".local/bin/tool"), { env: { PATH: path, HOME: home } }));

  test("is installed at one exact version, without its scripts unless told, and taken away again", async () => {
    mkdirSync(join(home, ".local/bin"), { recursive: true });
    await expect(deploy({})).rejects.toThrow("no version of @x/tool is named");
    await expect(deploy({ version: "latest" })).rejects.toThrow("is not one exact version");
    expect(await deploy({ dry: true, version: "1.0.0" })).toMatchObject({ state: "would be installed" });
    expect(await deploy({ version: "1.0.0" })).toMatchObject({ state: "installed", version: "1.0.0", warnings: [] });
    expect([says(), existsSync(join(home, "ran"))]).toEqual(["tool 1.0.0\n", false]);
    expect(await deploy({}, { version: "1.0.0" })).toMatchObject({ state: "nothing to do" });
    expect(await deploy({}, { version: "1.1.0", scripts: true })).toMatchObject({ state: "replaced", before: "1.0.0" });
    expect([says(), existsSync(join(home, "ran"))]).toEqual(["tool 1.1.0\n", true]);
    await expect(deploy({ version: "9.9.9" })).rejects.toThrow(/npm could not install @x\/tool@9.9.9/);
    expect(says()).toBe("tool 1.1.0\n");
    const torn = await on((session) => tearDown(session, { runtime: "tool", open: [] }));
    expect(torn).toMatchObject({ removed: ["npm package @x/tool"], left: [] });
    expect(existsSync(join(home, ".local/bin/tool"))).toBe(false);
    // One that was there before is replaced, and stays.
    const env = { PATH: path, HOME: home };
    await promisify(execFile)("npm", ["install", "-g", "--prefix", join(home, ".local"), "@x/tool@1.0.0"], { env });
    expect(await deploy({ version: "1.1.0" })).toMatchObject({ state: "replaced", before: "1.0.0" });
    expect(await deploy({ version: "1.0.0" })).toMatchObject({ state: "replaced", before: "1.1.0" });
    const kept = await on((session) => tearDown(session, { runtime: "tool", open: [] }));
    expect(kept.removed).toEqual([]);
    expect(kept.left).toContain("npm package @x/tool, which was there before towline (1.0.0)");
    expect(says()).toBe("tool 1.0.0\n");
    expect(readFileSync(join(home, ".npmrc"), "utf8")).toContain("registry=");
  });
});
