// The pages in a real browser: light, dark, on a phone, without scripts, and with text that means harm.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildSite, serveSite } from "../../src/shell/site.ts";
import { sampleInput, writeSample } from "./sample.ts";

const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
const args = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
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

describe.skipIf(executable === undefined)(
  `browser${executable === undefined ? ": needs chromium (npm test -- --install)" : ""}`,
  () => {
    const sites: Record<string, Awaited<ReturnType<typeof serveSite>>> = {};
    let root: string;
    let browser: Browser;

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "towline-browser-"));
      browser = await chromium.launch({ executablePath: executable, args });
      for (const kind of ["quiet", "hostile", "empty"] as const) {
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
    async function visit(options: BrowserContextOptions, address: string, work: (page: Page) => Promise<void>) {
      const context = await browser.newContext({ ...options, serviceWorkers: "block" });
      const page = await context.newPage();
      const said: string[] = [];
      const asked: string[] = [];
      page.on("console", (message) => said.push(message.text()));
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("dialog", (dialog) => said.push(dialog.message()));
      context.on("request", (request) => asked.push(request.url()));
      try {
        const response = await page.goto(address);
        expect(response?.status()).toBe(200);
        await work(page);
        expect(said).toEqual([]);
        expect(asked.filter((one) => !one.startsWith(new URL(address).origin))).toEqual([]);
      } finally {
        await context.close();
      }
    }

    describe.each(Object.entries(modes))("%s", (mode, options) => {
      const kinds = ["quiet", ...(mode.includes("dark") ? [] : ["hostile"]), ...(mode === "phone" ? ["empty"] : [])];
      test.each(kinds)(
        "every page of the %s pack is quiet, fits, and opens",
        async (kind) => {
          for (const path of pages)
            await visit(options, url(kind, path), async (page) => {
              expect(await page.locator("h1").innerText()).not.toBe("");
              const rows = page.locator("details.row");
              if (kind === "empty") expect(await rows.count()).toBe(0);
              else {
                await rows.first().locator("summary").click();
                expect(await rows.first().locator(".open").isVisible()).toBe(true);
              }
              await rows.evaluateAll((all) => {
                for (const row of all) row.setAttribute("open", "");
              });
              expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(options.viewport?.width);
              expect(await page.evaluate("'canary' in window")).toBe(false);
              expect(await page.locator(forbidden).count()).toBe(0);
            });
        },
        60_000,
      );
    });

    const beside_in: [string, "quiet" | "hostile" | "empty"][] = [
      ["light", "quiet"],
      ["light", "hostile"],
      ["small phone, dark", "quiet"],
      ["scripts off", "quiet"],
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
            expect(await page.evaluate("'canary' in window")).toBe(false);
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
      60_000,
    );

    test("every link inside the site leads to a page and, with a fragment, to an element of it", async () => {
      const ids = new Map<string, Set<string>>();
      const wanted = new Set<string>();
      for (const path of [...pages, ...beside])
        await visit(modes.light ?? {}, url("quiet", path), async (page) => {
          const links = await page
            .locator("a[href]")
            .evaluateAll((all) => all.map((a) => (a as unknown as { href: string }).href));
          for (const link of links) if (link.startsWith(url("quiet"))) wanted.add(link);
          const found = await page.locator("[id]").evaluateAll((all) => all.map((one) => one.id));
          expect(new Set(found).size).toBe(found.length);
          ids.set(url("quiet", path), new Set(found));
        });
      expect(wanted.size).toBeGreaterThan(100);
      for (const link of wanted) {
        const [page, fragment] = link.split("#") as [string, string?];
        expect([...ids.keys()]).toContain(page);
        if (fragment) expect([...(ids.get(page) ?? [])]).toContain(decodeURIComponent(fragment));
      }
    });

    test("a permalink opens its row, and what was open is open after a reload", async () => {
      await visit(modes.light ?? {}, url("quiet", "tasks/#rotate-logs"), async (page) => {
        expect(await page.locator("#rotate-logs").isVisible()).toBe(true);
        await page.locator("details.row summary").last().click();
        await page.goto(url("quiet", "jobs/"));
        await page.goto(url("quiet", "tasks/"));
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
  },
);

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
