// Where a built site goes, and where it must not go. The site is a small folder: what Astro makes of it is not asked here.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import { publishWay } from "../../src/core/publish-way.ts";
import { host as hostSchema, settings as settingsSchema } from "../../src/core/schema.ts";
import { type DeliverPorts, deliver, refuseOpen, wayOf } from "../../src/shell/deliver.ts";
import { connectHost } from "../../src/shell/fleet.ts";
import { siteLock } from "../../src/shell/site-lock.ts";
import { cli } from "../fakes/cli.ts";
import { basics, testPack } from "../fakes/pack.ts";
import { hostOf, makeKey, needsSshd, type Served, serve } from "../transports/servers.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-deliver-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function files(folder: string, given: Record<string, string>): string {
  for (const [name, text] of Object.entries(given)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
const built = (text = "new") => files(join(dir, "built"), { "index.html": text, "tasks/index.html": "tasks" });
const siteOf = (text: Record<string, unknown>) =>
  settingsSchema.parse({ id: "p", name: "p", site: text }).site as NonNullable<
    ReturnType<typeof settingsSchema.parse>["site"]
  >;
const entry = (id: string, data: Entry<"host">["data"]) =>
  ({ id, path: `hosts/${id}.md`, kind: "host", data, body: "", bodyLine: 1 }) as Entry<"host">;
const ports = (more: Partial<DeliverPorts> = {}): DeliverPorts => ({
  dir,
  env: { PATH: process.env.PATH },
  hosts: new Map(),
  connect: () => Promise.reject(new Error("nobody asked for a host")),
  ...more,
});

test("what is written in site.publish, and what is no way at all", () => {
  expect(publishWay()).toEqual({ to: "pages" });
  expect(publishWay("branch")).toEqual({ to: "branch", branch: "gh-pages" });
  expect(publishWay("ssh:web-1:/srv/www/fleet/")).toEqual({ to: "ssh", host: "web-1", path: "/srv/www/fleet" });
  expect(publishWay("cloudflare:fleet")).toEqual({ to: "cloudflare", project: "fleet", branch: "main" });
  const wrong = [
    "ftp",
    "pages:x",
    "dir",
    "ssh:web",
    "ssh:web:/",
    "ssh:web:srv",
    "ssh:web:/srv/../etc",
    "ssh:-o:/srv",
    "cloudflare",
  ];
  for (const way of [...wrong, "ssh:web:/srv/a'b", "ssh:web:/srv/$(id)", "cloudflare:--help"])
    expect(publishWay(way)).toBeNull();
  expect(() => wayOf(siteOf({ publish: "ftp" }))).toThrow(/`ftp` is not known/);
});

test("a folder follows the site: what an older one left is gone, hidden names stay, other things are left alone", async () => {
  const target = join(dir, "www");
  await deliver({ to: "dir", dir: "www" }, built("old"), ports());
  files(target, { "tasks/secret-plan/index.html": "x", ".well-known/a": "kept" });
  await deliver({ to: "dir", dir: "www" }, built("new"), ports());
  expect(readFileSync(join(target, "index.html"), "utf8")).toBe("new");
  expect(readdirSync(target, { recursive: true }).sort()).toEqual(
    [".well-known", ".well-known/a", "index.html", "tasks", "tasks/index.html"].sort(),
  );
  files(join(dir, "mine"), { "notes.txt": "not a site" });
  await expect(deliver({ to: "dir", dir: "mine" }, built(), ports())).rejects.toThrow(/is not empty and holds no site/);
  expect(readdirSync(join(dir, "mine"))).toEqual(["notes.txt"]);
});

describe.skipIf(needsSshd !== null)(`over ssh${needsSshd ? `: ${needsSshd}` : ""}`, () => {
  let served: Served;
  afterEach(() => served.stop());

  test("the pinned host gets the site whole; another key, a folder of somebody else and half a site change nothing", async () => {
    const key = makeKey(join(dir, "id"));
    served = await serve({ dir, key });
    const host = entry("web", hostOf(served));
    const to = (path: string, one = host) =>
      deliver({ to: "ssh", host: "web", path }, built(), ports({ hosts: new Map([["web", one]]), connect }));
    const connect = (one: Entry<"host">) => connectHost(one.id, one.data, { env: { KEY: key.text }, home: dir });
    const www = join(dir, "srv", "www");
    await to(www);
    files(www, { "old.html": "x" });
    await to(www);
    expect(readdirSync(www).sort()).toEqual(["index.html", "tasks"]);
    expect(readdirSync(join(dir, "srv"))).toEqual(["www"]);
    files(join(dir, "mine"), { "notes.txt": "not a site" });
    await expect(to(join(dir, "mine"))).rejects.toThrow(/mine is not empty and holds no site/);
    expect(readdirSync(join(dir, "mine"))).toEqual(["notes.txt"]);
    const other = makeKey(join(dir, "other"));
    const wrong = entry("web", hostSchema.parse({ ...served.record, host_key: other.public, key: "env:KEY" }));
    await expect(to(join(dir, "elsewhere"), wrong)).rejects.toMatchObject({ kind: "changed-key" });
    const bare = entry("web", hostSchema.parse({ ...served.record, host_key: undefined, key: "env:KEY" }));
    await expect(to(join(dir, "elsewhere"), bare)).rejects.toMatchObject({ kind: "unknown-key" });
    expect(existsSync(join(dir, "elsewhere"))).toBe(false);
    rmSync(join(dir, "built", "index.html"));
    const half = deliver(
      { to: "ssh", host: "web", path: www },
      join(dir, "built"),
      ports({ hosts: new Map([["web", host]]), connect }),
    );
    await expect(half).rejects.toThrow(/not all of the site arrived/);
    expect(readFileSync(join(www, "index.html"), "utf8")).toBe("new");
  }, 60_000);
});

test("a host that the pack does not have", async () => {
  const hosts = new Map([["db", entry("db", hostSchema.parse({ address: "192.0.2.1" }))]]);
  const sent = deliver({ to: "ssh", host: "web", path: "/srv" }, built(), ports({ hosts }));
  await expect(sent).rejects.toThrow(/there is no hosts\/web\.md/);
});

test("Cloudflare's own program is called with what it needs, and with no other secret", async () => {
  const npx = join(dir, "bin", "npx");
  files(dir, {
    "bin/npx": `#!/bin/sh\n{ printf '%s\\n' "$@"; env; } > ${join(dir, "called")}\n[ "$CLOUDFLARE_ACCOUNT_ID" = good ] || { echo "✘ [ERROR] no such account" >&2; exit 1; }\n`,
  });
  chmodSync(npx, 0o755);
  const env = {
    PATH: `${join(dir, "bin")}:${process.env.PATH}`,
    CLOUDFLARE_API_TOKEN: "t",
    CLOUDFLARE_ACCOUNT_ID: "good",
    TOWLINE_SSH_KEY: "canary",
  };
  const way = { to: "cloudflare", project: "fleet", branch: "main" } as const;
  await deliver(way, built(), ports({ env }));
  const called = readFileSync(join(dir, "called"), "utf8");
  expect(called).toMatch(/^--yes\nwrangler@[\d.]+\npages\ndeploy\n.*built\n--project-name=fleet\n--branch=main\n/);
  expect(called).toContain("CLOUDFLARE_API_TOKEN=t");
  expect(called).not.toContain("canary");
  const bad = deliver(way, built(), ports({ env: { ...env, CLOUDFLARE_ACCOUNT_ID: "bad" } }));
  await expect(bad).rejects.toThrow(/no such account/);
  await expect(deliver(way, built(), ports())).rejects.toThrow(
    /CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not set/,
  );
});

describe("what a private repository holds", () => {
  const github = (event: object) => {
    files(dir, { "event.json": JSON.stringify(event) });
    return { GITHUB_ACTIONS: "true", GITHUB_EVENT_PATH: join(dir, "event.json"), PATH: process.env.PATH };
  };
  const refused = (site: Record<string, unknown>, env: NodeJS.ProcessEnv, open = false, from = dir) => {
    const one = siteOf(site);
    return refuseOpen(one, wayOf(one), ports({ env, open, dir: from }));
  };

  test("is not published for all, unless somebody said so or it is encrypted", async () => {
    const env = github({ repository: { private: true } });
    for (const publish of ["pages", "branch", "ssh:web:/srv/www", "cloudflare:fleet"]) {
      await expect(refused({ publish }, env)).rejects.toThrow(
        /the repository is private, and its dashboard would be public/,
      );
      await refused({ publish, private: "true" }, env);
      await refused({ publish, public: "true" }, env);
      await refused({ publish }, env, true);
    }
    await refused({ publish: "dir:www" }, env);
    await refused({ publish: "pages" }, github({ repository: { private: false } }));
  });

  test("nor where the forge does not tell; where there is no forge, nobody can", async () => {
    const pack = testPack({ "towline.yml": "id: p\nname: p\n" });
    try {
      await refused({ publish: "pages" }, github({}), false, pack.clone);
      pack.git("remote", "set-url", "origin", "https://github.com/example/fleet.git");
      await expect(refused({ publish: "pages" }, github({}), false, pack.clone)).rejects.toThrow(
        /does not say whether/,
      );
    } finally {
      pack.remove();
    }
  });

  test("is not built without what locks it", () => {
    const secrets = (given: Record<string, string>) => (name: string) => given[name];
    expect(siteLock(siteOf({}), secrets({}))).toBeUndefined();
    const key = "AAAAAAAAAAAAAAAAAAAAAA";
    expect(siteLock(siteOf({ private: "true" }), secrets({ TOWLINE_SITE_KEY: key }))).toEqual({ key });
    expect(() => siteLock(siteOf({ private: "true" }), secrets({}))).toThrow(/TOWLINE_SITE_KEY is not set/);
    expect(() => siteLock(siteOf({ private: "true", key: "K" }), secrets({ K: "hunter2" }))).toThrow(/K holds no key/);
    const worded = siteOf({ private: "true", passphrase: "P" });
    expect(siteLock(worded, secrets({ P: "four words of mine" }))).toEqual({ passphrase: "four words of mine" });
    expect(() => siteLock(worded, secrets({ P: "short" }))).toThrow(/too short/);
    expect(() => siteLock(worded, secrets({ TOWLINE_SITE_KEY: key }))).toThrow(/P is not set/);
  });
});

test("`site deploy` refuses before it builds, and says what to write", async () => {
  const pack = testPack(basics([], "site: {publish: branch, private: true}\n"));
  try {
    const locked = await cli(pack.clone, ["site", "deploy"], { PATH: process.env.PATH });
    expect([locked.code, locked.said]).toEqual([3, expect.stringMatching(/TOWLINE_SITE_KEY is not set/)]);
    pack.push({ "towline.yml": "id: test-pack\nsite: {publish: pages}\n" });
    const pages = await cli(pack.clone, ["site", "deploy"], { PATH: process.env.PATH });
    expect([pages.code, pages.said]).toEqual([2, expect.stringMatching(/delivered by the workflow's own job/)]);
  } finally {
    pack.remove();
  }
});
