// The pages in a real browser: what judge.test.ts does not ask of each of them.
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildSite, serveSite } from "../../src/shell/site.ts";
import { executable, launch, needs, opened } from "./browser.ts";
import { sampleInput, writeSample } from "./sample.ts";

const pages = ["", "reflections/", "tasks/", "jobs/", "fleet/"];
/** Looked at in fewer modes: they are made of the same parts. */
const beside = [
  "pupdates/",
  "rules/",
  "knowledge/",
  "campfire/",
  "costs/",
  "health/",
  "collections/",
  "plugins/",
  "collections/outreach/",
];
const forbidden = "img, iframe, object, embed, form, style, script:not([src]), [style], [onerror], [onload]";
const modes: Record<string, BrowserContextOptions> = {
  light: { viewport: { width: 1360, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1360, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true, hasTouch: true },
  "small phone, dark": { viewport: { width: 320, height: 640 }, colorScheme: "dark", isMobile: true, hasTouch: true },
  "scripts off": { viewport: { width: 1360, height: 900 }, javaScriptEnabled: false },
};

describe.skipIf(executable === undefined)(`browser${needs}`, () => {
  const sites: Record<string, Awaited<ReturnType<typeof serveSite>>> = {};
  let root: string;
  let browser: Browser;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "towline-browser-"));
    browser = await launch();
    for (const kind of ["quiet", "empty"] as const) {
      const data = join(root, `${kind}-data`);
      await mkdir(data);
      await writeSample(data, sampleInput(kind));
      const { out } = await buildSite({ data, out: join(root, kind) });
      sites[kind] = await serveSite(out, { port: 0, host: "127.0.0.1" });
    }
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    for (const site of Object.values(sites)) await site.close();
    await rm(root, { recursive: true, force: true });
  });

  const url = (kind: string, path = "") => `${sites[kind]?.url}${path}`;

  /** A page whose every word to the console and every request is kept. */
  const visit = (options: BrowserContextOptions, address: string, work: (page: Page) => Promise<void>) =>
    opened(browser, { ...options, serviceWorkers: "block" }, async (page, { said, asked }) => {
      const response = await page.goto(address);
      expect(response?.status()).toBe(200);
      await work(page);
      expect(said).toEqual([]);
      expect(asked.filter((one) => !one.startsWith(new URL(address).origin))).toEqual([]);
    });

  // judge.test.ts looks at all pages in the other ways, and at hostile ones.
  test.each([
    ["small phone, dark", "quiet"],
    ["phone", "empty"],
  ])(
    "%s: every page of the %s pack is quiet, fits, and opens",
    async (mode, kind) => {
      const options = modes[mode] as BrowserContextOptions;
      for (const path of pages)
        await visit(options, url(kind, path), async (page) => {
          expect(await page.locator("h1").innerText()).not.toBe("");
          const rows = page.locator("details.row");
          if (kind === "empty") expect(await rows.count()).toBe(0);
          else if ((await rows.count()) > 0) {
            await rows.first().locator("summary").click();
            expect(await rows.first().locator(".open").isVisible()).toBe(true);
          }
          await rows.evaluateAll((all) => {
            for (const row of all) row.setAttribute("open", "");
          });
          expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(options.viewport?.width);
          expect(await page.locator(forbidden).count()).toBe(0);
        });
    },
    60_000,
  );

  const beside_in: [string, "quiet" | "empty"][] = [
    ["small phone, dark", "quiet"],
    ["phone", "empty"],
  ];
  test.each(beside_in)(
    "%s: the pages beside the daily ones of the %s pack fit, say their numbers twice, and teach when empty",
    async (mode, kind) => {
      const options = modes[mode] as BrowserContextOptions;
      for (const path of kind === "empty" ? beside.slice(0, -1) : beside)
        await visit(options, url(kind, path), async (page) => {
          expect(await page.locator("h1").innerText()).not.toBe("");
          const closed = page.locator("details:not([open]) > summary:visible");
          const before = await closed.count();
          if (before > 0) {
            await closed.first().click();
            expect(await closed.count()).not.toBe(before);
          }
          await page.locator("details").evaluateAll((all) => {
            for (const one of all) one.setAttribute("open", "");
          });
          expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(options.viewport?.width);
          expect(await page.locator(forbidden).count()).toBe(0);
          for (const figure of await page.locator("figure.chart").all()) {
            expect(await figure.locator("svg[role=img] > title").count()).toBe(1);
            expect(await figure.locator("svg > desc").innerHTML()).not.toBe("");
            expect(await figure.locator("tbody tr").count()).toBeGreaterThan(0);
          }
          if (kind === "empty" && !["rules/", "health/"].includes(path))
            expect(await page.locator(".empty").count()).toBe(1);
        });
    },
    120_000,
  );

  test("every link inside the site leads to a file and, with a fragment, to an element of it", async () => {
    const out = join(root, "quiet");
    const all = await readdir(out, { recursive: true });
    const files = all.filter((name) => name.endsWith(".html"));
    expect(files.length).toBeGreaterThan(80);
    const ids = new Map<string, Set<string>>();
    const wanted = new Map<string, string>();
    for (const file of files) {
      const html = await readFile(join(out, file), "utf8");
      const found = [...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1] as string);
      expect(new Set(found).size).toBe(found.length);
      const place = `/${file.replace(/index\.html$/, "")}`;
      ids.set(place, new Set(found));
      for (const [, link] of html.matchAll(/<a\s[^>]*href="([/#][^"]*)"/g))
        wanted.set((link as string).startsWith("#") ? `${place}${link}` : (link as string), file);
    }
    expect(wanted.size).toBeGreaterThan(200);
    const feeds = new Set((await readdir(out, { recursive: true })).filter((name) => name.endsWith("feed.json")));
    for (const [link, from] of wanted) {
      if (feeds.has(link.slice(1))) continue;
      const [page, fragment] = link.split("#") as [string, string?];
      if (all.includes(page.slice(1)) && !page.endsWith("/")) continue;
      const there = ids.get(page);
      expect(there, `${link} in ${from}`).toBeDefined();
      if (fragment) expect(there?.has(decodeURIComponent(fragment)), `${link} in ${from}`).toBe(true);
    }
  });

  test("a permalink opens its row, and what was open is open after a reload", async () => {
    await visit(modes.light ?? {}, url("quiet", "fleet/#boba"), async (page) => {
      expect(await page.locator("#boba").isVisible()).toBe(true);
      await page.locator("details.row summary").last().click();
      await page.goto(url("quiet", "jobs/"));
      await page.goto(url("quiet", "fleet/"));
      await page.reload();
      expect(await page.locator("details.row[open]").count()).toBe(2);
    });
  });

  test("days stay in sight while their rows pass", async () => {
    await visit(modes.phone ?? {}, url("quiet", "reflections/"), async (page) => {
      await page.evaluate("scrollTo(0, 700)");
      const tops = await page.locator(".day").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
      expect(tops.some((top) => Math.abs(top) < 1)).toBe(true);
    });
  });

  test("from home, at most two clicks say why a job started, what it cost and what it said", async () => {
    // Wherever one begins: at the day's jobs, at what waits, at what was written of a run.
    const ways = [
      [".today a.row"],
      [".waits details.memo summary", ".waits details.memo[open] .links a"],
      [".newest a.row", "details.row[open] .links a"],
    ];
    await visit(modes.light ?? {}, url("quiet"), async (page) => {
      for (const clicks of ways) {
        expect(clicks.length).toBeLessThanOrEqual(2);
        await page.goto(url("quiet"));
        for (const place of clicks) await page.locator(place).first().click();
        await page.waitForURL("**/jobs/*/");
        const text = await page.locator("main").innerText();
        for (const fact of [/Why\s+It was due/, /Cost\s+\S/, /What it said\s+\S/]) expect(text).toMatch(fact);
      }
    });
  });

  test("a job of coding work shows its diff with its remarks, its steps and what it was told", async () => {
    const folder = (await readdir(join(root, "quiet/jobs"))).filter((name) => name.startsWith("nginx-errors"));
    const pages = await Promise.all(
      folder.map((name) => readFile(join(root, "quiet/jobs", name, "index.html"), "utf8")),
    );
    const coded = folder[pages.findIndex((html) => html.includes("What it changed"))];
    await visit(modes.light ?? {}, url("quiet", `jobs/${coded}/`), async (page) => {
      const rows = await page.locator(".diff").first().locator("tr").allInnerTexts();
      expect(rows.map((row) => row.split("\t").map((cell) => cell.trim()))).toContainEqual([
        "",
        "3",
        "+",
        "location = /sitemap-old.xml { return 404; }",
      ]);
      expect(rows[5]).toMatch(/settled\s*Why not 410\?/);
      expect(await page.locator(".remarks").innerText()).toMatch(/open\s+Good otherwise/);
      expect(await page.locator(".events").innerText()).toMatch(/it asked\s+May I touch the sitemap\?\s+Yes, go ahead/);
      await page.getByText("What it was told", { exact: true }).click();
      expect(await page.getByText("Find the errors.").isVisible()).toBe(true);
    });
  });

  test("reflections are found by words and by lists, at once, and the choice stands in the address", async () => {
    await visit(modes.light ?? {}, url("quiet", "tasks/"), async (page) => {
      await page.keyboard.press("/");
      await page.waitForURL("**/reflections/#search");
      await page.locator("#search:focus").waitFor();
      await page.keyboard.type("sitemp removed");
      const found = page.locator(".found a.row");
      await found.first().waitFor();
      expect(await found.first().innerText()).toContain("Summarise yesterday's nginx errors");
      const all = await found.count();
      await page.locator('[data-list="outcome/partial"]').click();
      await expect.poll(() => found.count()).toBeLessThan(all);
      expect(new Set(await page.locator(".found .state").allInnerTexts())).toEqual(new Set(["◐\npartial"]));
      expect(page.url()).toContain("?q=sitemp+removed&outcome=partial");
      await page.reload();
      await found.first().waitFor();
      const title = await found.first().locator("bdi").innerText();
      await found.first().click();
      expect(await page.locator("details.row[open] .title bdi").innerText()).toBe(title);
    });
    await visit(modes["scripts off"] ?? {}, url("quiet", "reflections/"), async (page) => {
      await page.locator('[data-list="host/lando"]').click();
      expect(new Set(await page.locator(".listed .row .aside").allInnerTexts())).toEqual(new Set(["INFRA"]));
      expect(await page.locator("input").isVisible()).toBe(false);
    });
  });

  test.each(["light", "dark"])("text of every role stands out from the %s ground", async (mode) => {
    await visit(modes[mode] ?? {}, url("quiet"), async (page) => {
      const roles = ["paper", "wash", "ink", "muted", "ember", "moss", "amber", "brick", "slate"];
      const style = "getComputedStyle(document.documentElement)";
      const [paper, wash, ...inks] = await Promise.all(
        roles.map((role) => page.evaluate<string>(`${style}.getPropertyValue("--${role}").trim()`)),
      );
      for (const ink of inks)
        for (const ground of [paper, wash])
          expect(contrast(ink as string, ground as string)).toBeGreaterThanOrEqual(4.5);
    });
  });
});

/** Ratio of two `#rrggbb` colours as WCAG counts it. */
function contrast(a: string, b: string): number {
  const light = (colour: string) => {
    const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * (r as number) + 0.7152 * (g as number) + 0.0722 * (b as number);
  };
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}
