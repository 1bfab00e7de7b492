// docs/ as a site: built once, then read as a browser would, from the files alone.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Place, pageOf } from "../../docs-site/src/links.ts";
import { addressOf, sources } from "../../docs-site/src/sources.ts";

const root = join(import.meta.dirname, "..", "..");
const base = "/towline/";

describe("a page, as it stands at the forge", () => {
  const linked = (text: string, at: Place) => pageOf(`# T\n\n${text}`, at).body.slice(2);
  const place: Place = {
    path: "docs/records/task.md",
    pages: new Map([
      ["docs/README.md", ""],
      ["docs/work.md", "work/"],
      ["README.md", "project/readme/"],
    ]),
    exists: (path) => !path.includes("gone"),
    base,
  };
  const files = "https://forge.example/o/r/blob/main/";

  test.each([
    ["[a](../work.md#review)", "[a](/towline/work/#review)"],
    [
      "[`a`](../work.md) and [b](../../README.md#a-task)",
      "[`a`](/towline/work/) and [b](/towline/project/readme/#a-task)",
    ],
    ["[a](..)", "[a](/towline/)"],
    ["[a](#here) [b](https://example.org/work.md)", "[a](#here) [b](https://example.org/work.md)"],
    ["`[a](../work.md)`", "`[a](../work.md)`"],
    ["```md\n[a](../gone.md)\n```", "```md\n[a](../gone.md)\n```"],
    ["| a | [b](../work.md) |\n|---|---|", "| a | [b](/towline/work/) |\n|---|---|"],
    ["[a](../samples/x.yml) b", "a b"],
  ])("%s", (from, to) => expect(linked(from, place)).toBe(to));

  test("a file that is no page is read at the forge, where one is known", () =>
    expect(linked("[a](../samples/x.yml)", { ...place, files })).toBe(`[a](${files}docs/samples/x.yml)`));

  test("a link that leads nowhere names its file and line", () =>
    expect(() => linked("one\n\n[a](../gone.md)\n", place)).toThrow(
      "docs/records/task.md:5: the link leads to docs/gone.md",
    ));

  test("the first heading is the title", () => {
    expect(pageOf("<!-- made -->\n\n# A `b` c\n\ntext\n", place)).toEqual({
      title: "A b c",
      body: "<!-- made -->\n\n\n\ntext\n",
    });
    expect(() => pageOf("text\n", place)).toThrow("begin with a heading");
  });
});

describe("the site", () => {
  let out: string;
  const pages = new Map<string, string>();

  beforeAll(async () => {
    // In the checkout, where git looks away: astro renames files from there, and the tests' own folder may be another disk.
    const beside = join(root, "docs-site", ".astro");
    await mkdir(beside, { recursive: true });
    out = await mkdtemp(join(beside, "test-"));
    await promisify(execFile)(
      process.execPath,
      [join(root, "node_modules/astro/bin/astro.mjs"), "build", "--root", "docs-site"],
      {
        cwd: root,
        // Not the variables that vitest sets, like BASE_URL: the build would take them for its own.
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          ASTRO_TELEMETRY_DISABLED: "1",
          TOWLINE_DOCS_OUT: out,
          TOWLINE_DOCS_BASE: base,
        },
        maxBuffer: 1 << 24,
      },
    );
    for (const path of await readdir(out, { recursive: true }))
      if (path.endsWith(".html")) pages.set(path, await readFile(join(out, path), "utf8"));
  });
  afterAll(() => rm(out, { recursive: true, force: true }));

  const home = () => pages.get("index.html") ?? "";
  const ids = (html: string) => new Set([...html.matchAll(/\sid="([^"]*)"/g)].map((found) => found[1]));
  const values = (html: string, name: string) =>
    [...html.matchAll(new RegExp(`<([a-z-]+)\\s(?:[^>"]|"[^"]*")*?\\b${name}="([^"]*)"`, "g"))].map(
      ([, tag, value]) => ({
        tag: tag as string,
        value: (value as string).replaceAll("&amp;", "&"),
      }),
    );

  test("every page of docs/ is there and in the sidebar", () => {
    const listed = new Set(values(home(), "href").map(({ value }) => value));
    const addresses = [...sources(root).values()].map(addressOf);
    expect(addresses.filter((address) => !pages.has(`${address}index.html`))).toEqual([]);
    expect(addresses.filter((address) => !listed.has(`${base}${address}`))).toEqual([]);
    expect(addresses.length).toBeGreaterThan(15);
  });

  /** Links of a page that lead to no file of the site, or to no place in it. */
  const broken = (path: string, html: string, there: Set<string>) =>
    [...values(html, "href"), ...values(html, "src")].flatMap(({ value }) => {
      if (/^(https?|mailto|data):/.test(value)) return [];
      const { pathname, hash } = new URL(value, `http://x${base}${path}`);
      const file = decodeURI(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
      const places = ids(file === `${base}${path}` ? html : (pages.get(file.slice(base.length)) ?? ""));
      const found = there.has(file) && (hash === "" || places.has(decodeURIComponent(hash.slice(1))));
      return found ? [] : [`${path}: ${value}`];
    });

  test("every link leads to a file of the site, and to a place in it", async () => {
    const there = new Set((await readdir(out, { recursive: true })).map((path) => `${base}${path}`));
    expect([...pages].flatMap(([path, html]) => broken(path, html, there))).toEqual([]);
    const wrong = `<a href="${base}fleet/#gone">a</a><a href="${base}gone/">b</a><a href="/fleet/">c</a><img src="x.png">`;
    expect(broken("a.html", wrong, there)).toHaveLength(4);
  });

  /** What a browser would ask others for. */
  const outsideIn = (html: string) =>
    [...values(html, "src"), ...values(html, "href").filter(({ tag }) => tag !== "a")]
      .map(({ value }) => value)
      .filter((value) => /^([a-z]+:)?\/\//i.test(value));
  const askedIn = (text: string) =>
    text.match(/(@import|url\(|import\(|from|fetch\()\s*["']?(https?:)?\/\/[^\s"')]*/g) ?? [];

  test("nothing is loaded from outside", async () => {
    expect([...pages].flatMap(([, html]) => outsideIn(html))).toEqual([]);
    for (const path of await readdir(out, { recursive: true }))
      if (/\.(css|js)$/.test(path))
        expect({ path, asked: askedIn(await readFile(join(out, path), "utf8")) }).toEqual({ path, asked: [] });
    const wrong = `<script src="https://x.example/a.js"></script><link rel="stylesheet" href="//x.example/a.css">`;
    expect(outsideIn(`${wrong}<a href="https://x.example/">b</a>`)).toHaveLength(2);
    expect(askedIn(`@import "https://x.example/a.css"; src: url(//x.example/b.woff2)`)).toHaveLength(2);
  });

  test("every verb has a place", async () => {
    // The page is what the program says: docs.test.ts compares them.
    const named = [...(await readFile(join(root, "docs/verbs.md"), "utf8")).matchAll(/^## (.+)$/gm)].map(
      ([, name]) => name,
    );
    const places = ids(pages.get("verbs/index.html") ?? "");
    expect(named.filter((name) => !places.has(name?.replaceAll(" ", "-")))).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
  });

  test("its own search comes along", async () => expect(await readdir(join(out, "pagefind"))).toContain("pagefind.js"));
});
