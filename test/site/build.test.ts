import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prose } from "../../site/src/prose.ts";
import { Fault } from "../../src/errors.ts";
import { buildSite, serveSite } from "../../src/shell/site.ts";
import { hostile, sampleInput, writeSample } from "./sample.ts";

const limit = 120_000;
const package_dir = new URL("../../site/", import.meta.url);
const pages = [
  "index.html",
  "reflections/index.html",
  "tasks/index.html",
  "jobs/index.html",
  "fleet/index.html",
].concat(
  [
    "pupdates",
    "rules",
    "knowledge",
    "campfire",
    "costs",
    "health",
    "collections",
    "plugins",
    "collections/outreach",
  ].map((name) => `${name}/index.html`),
);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "towline-site-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function sample(name: string, kind: "quiet" | "hostile" | "empty") {
  const data = join(root, `${name}-data`);
  await mkdir(data);
  await writeSample(data, sampleInput(kind));
  return { data, out: join(root, name) };
}
const listing = async (dir: string) => (await readdir(dir, { recursive: true })).sort();

/** Tags of a page with their attributes, as written. */
const tags = (html: string) => [...html.matchAll(/<([a-z][a-z0-9-]*)((?:\s+[^\s=>]+(?:="[^"]*")?)*)\s*\/?>/gi)];

describe("build", () => {
  test(
    "hostile text is inert in every page, and nothing is loaded from outside",
    async () => {
      const { data, out } = await sample("hostile", "hostile");
      const before = await listing(package_dir.pathname);
      await buildSite({ data, out });
      expect(await listing(package_dir.pathname)).toEqual(before);
      expect((await readdir(root)).filter((name) => name.startsWith("."))).toEqual([]);
      for (const page of pages) {
        const html = await readFile(join(out, page), "utf8");
        expect(html).toContain(`http-equiv="content-security-policy"`);
        for (const [tag, name, attributes] of tags(html)) {
          expect(["img", "iframe", "style", "object", "embed", "base", "form"]).not.toContain(name);
          expect(tag).not.toMatch(/\s(on\w+|style|srcdoc|srcset|action)=/i);
          if (name !== "a") expect(attributes).not.toMatch(/(src|href)="(?!\/(?!\/)|#)/);
          else expect(attributes).toMatch(/href="(\/(?!\/)|#|https?:|mailto:)/);
          if (name === "a" && /href="https?:/.test(attributes as string)) expect(attributes).toMatch(/rel="noopener/);
        }
        expect(html.match(/<script[^>]*>[^<]/g)).toBeNull();
      }
      const home = await readFile(join(out, "reflections/index.html"), "utf8");
      expect(home).toContain("&lt;script&gt;window.canary=1");
      for (const file of await listing(join(out, "assets")))
        expect(await readFile(join(out, "assets", file), "utf8")).not.toMatch(
          // Names of XML's languages look like addresses; nothing is asked there.
          /url\(|@import|https?:(?!\/\/www\.w3\.org\/)/,
        );
    },
    limit,
  );

  test(
    "two builds into one place at once, under a base: both end, and one whole site stands there",
    async () => {
      const { data, out } = await sample("twice", "quiet");
      await mkdir(out);
      await writeFile(join(out, "index.html"), "the site before");
      await Promise.all([1, 2].map(() => buildSite({ data, out, base: "fleet/ops" })));
      const html = await readFile(join(out, "index.html"), "utf8");
      expect(html).toContain('href="/fleet/ops/tasks/"');
      const [digest] = (await readdir(join(out, "jobs"))).filter((name) => name.startsWith("inbox-digest"));
      const jobs = await readFile(join(out, "jobs", digest as string, "index.html"), "utf8");
      expect(jobs).toMatch(/<dt>Tokens<\/dt>\s*<dd>800 cache read, 12\d\d input<\/dd>/);
      expect(jobs).toContain("<code>a9936049-5137-52a2-826d-278a16c4e217</code>");
      expect([...html.matchAll(/(?:href|src)="(\/[^"]*)"/g)].filter((m) => !m[1]?.startsWith("/fleet/ops/"))).toEqual(
        [],
      );
      for (const [, asset] of html.matchAll(/(?:href|src)="\/fleet\/ops\/(assets\/[^"]*)"/g))
        await readFile(join(out, asset as string));
      expect((await readdir(root)).filter((name) => name.startsWith("."))).toEqual([]);
    },
    limit,
  );

  test(
    "a broken export is a clear fault, and the site before it stays",
    async () => {
      const { data, out } = await sample("broken", "empty");
      await mkdir(out);
      await writeFile(join(out, "index.html"), "the site before");
      await expect(buildSite({ data: join(root, "nowhere"), out })).rejects.toThrow(/there is no export/);
      await writeFile(join(data, "jobs.json"), `[{"id":"x","path":3}]\n`);
      await expect(buildSite({ data, out })).rejects.toThrow(/does not match its digest/);
      const { exportDigest } = await import("../../src/shell/export.ts");
      const names = (await readdir(data)).filter((name) => name.endsWith(".json"));
      const files = Object.fromEntries(
        await Promise.all(names.map(async (name) => [name, await readFile(join(data, name), "utf8")] as const)),
      );
      await writeFile(join(data, "export.sha256"), exportDigest(files));
      const fault = await buildSite({ data, out }).catch((thrown) => thrown);
      expect(fault).toBeInstanceOf(Fault);
      expect(fault.message).toMatch(/the dashboard could not be built: .*jobs → x .*path.*string/);
      expect(await readFile(join(out, "index.html"), "utf8")).toBe("the site before");
      await writeSample(data, sampleInput("empty"));
      await expect(buildSite({ data, out, limit: 1 })).rejects.toThrow(/was ended after/);
      await mkdir(join(root, "mine"));
      await writeFile(join(root, "mine", "notes.txt"), "not a site");
      await expect(buildSite({ data, out: join(root, "mine") })).rejects.toThrow(/is not empty and holds no site/);
      expect(await readFile(join(root, "mine", "notes.txt"), "utf8")).toBe("not a site");
      await expect(buildSite({ data, out, base: "../../x" })).rejects.toThrow(/is no path of a site/);
    },
    limit,
  );
});

describe("prose", () => {
  test("only what is listed comes through", () => {
    for (const text of hostile)
      expect(prose(text)).not.toMatch(/<(script|img|svg|iframe|style)|javascript:|vbscript:|data:/);
    expect(prose("[a](https://x.example/?q=1&r=2) [b](mailto:a@b.example) [c](/etc) [d](//x.example)")).toBe(
      '<p><a href="https://x.example/?q=1&#38;r=2" rel="noopener noreferrer nofollow">a</a> <a href="mailto:a@b.example" rel="noopener noreferrer nofollow">b</a> c d</p>',
    );
    expect(prose('[x](https://a.example/"onmouseover="alert(1))')).not.toContain('"onmouseover');
    expect(prose("`<b>` & <b>bold</b>")).toBe(
      "<p><code>&#60;b&#62;</code> &#38; <code>&#60;b&#62;</code>bold<code>&#60;/b&#62;</code></p>",
    );
    expect(prose("see [it](../x.md)", (url) => `/here/${url}`)).toBe('<p>see <a href="/here/../x.md">it</a></p>');
  });

  test("what would keep a parser busy ends soon", () => {
    const began = performance.now();
    const openers = [">", "[", "*a ", "_", "`", "~~", "![", "- ", "1. ", "<a ", "[a](", "&", "|a", "> - "];
    for (const opener of openers) prose(opener.repeat(Math.floor(16384 / opener.length)));
    expect(prose(`${"> ".repeat(50)}deep`)).toContain("deep");
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});

describe("serve", () => {
  const ask = (url: string, path: string, headers: Record<string, string> = {}, method = "GET") =>
    new Promise<{ status: number; type: string; body: string; location?: string }>((done, fail) => {
      // Not fetch: it tidies `..` away before it asks.
      const { hostname, port } = new URL(url);
      request({ hostname, port, path, headers, method }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () =>
          done({
            status: response.statusCode ?? 0,
            type: response.headers["content-type"] ?? "",
            body,
            location: response.headers.location,
          }),
        );
      })
        .on("error", fail)
        .end();
    });

  test("files, folders and nothing else", async () => {
    const dir = join(root, "served");
    await mkdir(join(dir, "tasks"), { recursive: true });
    await writeFile(join(dir, "index.html"), "home");
    await writeFile(join(dir, "404.html"), "not here");
    await writeFile(join(dir, "tasks/index.html"), "tasks");
    await writeFile(join(dir, "x.css"), "a{}");
    await writeFile(join(dir, ".hidden"), "hidden");
    await writeFile(join(root, "secret.txt"), "secret");
    await symlink(join(root, "secret.txt"), join(dir, "link.txt"));
    const { url, close } = await serveSite(dir, { port: 0, host: "127.0.0.1", base: "/b/" });
    try {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/b\/$/);
      expect(await ask(url, "/b/")).toMatchObject({ status: 200, type: "text/html; charset=utf-8", body: "home" });
      expect(await ask(url, "/b/tasks/?q#x")).toMatchObject({ status: 200, body: "tasks" });
      expect(await ask(url, "/b/tasks")).toMatchObject({ status: 301, location: "/b/tasks/" });
      expect(await ask(url, "/")).toMatchObject({ status: 302, location: "/b/" });
      expect(await ask(url, "/b/x.css", {}, "HEAD")).toMatchObject({
        status: 200,
        type: "text/css; charset=utf-8",
        body: "",
      });
      for (const path of [
        "/b/../secret.txt",
        "/b/%2e%2e/secret.txt",
        "/b/..%2fsecret.txt",
        "/b/link.txt",
        "/b/.hidden",
        "/b/none",
        "/x.css",
      ])
        expect(await ask(url, path)).toMatchObject({ status: 404, body: "not here" });
      for (const path of ["/b/%00", "/b/%zz", "/b/..%5c"]) expect((await ask(url, path)).status).toBe(400);
      expect((await ask(url, "/b/", {}, "POST")).status).toBe(405);
      expect((await ask(url, "/b/", { host: "rebound.example" })).status).toBe(421);
      await expect(serveSite(dir, { port: Number(new URL(url).port), host: "127.0.0.1" })).rejects.toThrow(/is in use/);
    } finally {
      await close();
    }
  });

  test("what is known of ticks is told with the version: the newest of both, and not of a site that is sealed", async () => {
    const dir = join(root, "beating");
    await mkdir(dir);
    const file = join(dir, "version.json");
    await writeFile(file, JSON.stringify({ version: "a.b", tick: "2026-11-20T10:00:00Z" }));
    let heard: { tick: string; live: boolean } | undefined;
    const { url, close } = await serveSite(dir, { port: 0, host: "127.0.0.1", heard: () => heard });
    const told = async () => JSON.parse((await ask(url, "/version.json?1")).body);
    try {
      expect(await told()).toEqual({ version: "a.b", tick: "2026-11-20T10:00:00Z" });
      heard = { tick: "2026-11-20T10:30:00Z", live: true };
      expect(await told()).toEqual({ version: "a.b", tick: "2026-11-20T10:30:00Z", live: true });
      heard = { tick: "2026-11-20T09:30:00Z", live: false };
      expect(await told()).toEqual({ version: "a.b", tick: "2026-11-20T10:00:00Z", live: false });
      await writeFile(file, "1");
      expect(await told()).toBe(1);
    } finally {
      await close();
    }
  });
});
