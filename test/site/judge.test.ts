// Every kind of page, found in the built files: by axe in light and dark, on a phone, without scripts, within a budget;
// and the same pages full of harm, which must stay text.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildSite, serveSite } from "../../src/shell/site.ts";
import { executable, launch, needs, opened } from "./browser.ts";
import { budgetOf } from "./budget.ts";
import { payloads, poisonedInput } from "./payloads.ts";
import { sampleInput, writeSample } from "./sample.ts";

const wide = { width: 1360, height: 900 };
const phone = { width: 390, height: 844 };
const small = { width: 360, height: 740 };
const forbidden =
  "img, iframe, object, embed, form, style, base, script:not([src]), [style], [onerror], [onload], [onclick]";

describe.skipIf(executable === undefined)(`the pages${needs}`, () => {
  let root: string;
  let browser: Browser;
  const sites: Record<string, { out: string; url: string; close(): Promise<void> }> = {};

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "towline-judge-"));
    browser = await launch();
    for (const [name, input] of [
      ["quiet", sampleInput("quiet")],
      ["poisoned", poisonedInput()],
    ] as const) {
      mkdirSync(join(root, `${name}-data`));
      await writeSample(join(root, `${name}-data`), input);
      const { out } = await buildSite({ data: join(root, `${name}-data`), out: join(root, name) });
      sites[name] = { out, ...(await serveSite(out, { port: 0, host: "127.0.0.1" })) };
    }
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    for (const site of Object.values(sites)) await site.close();
    rmSync(root, { recursive: true, force: true });
  });
  const site = (name: string) => sites[name] as NonNullable<(typeof sites)[string]>;

  /** Addresses of a built site's pages: all at the top, and of those that are made alike the largest and the smallest. */
  function kindsOf(out: string): string[] {
    const files = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
    const alike = Map.groupBy(files, (name) => {
      const parts = dirname(name).split("/");
      return parts.length < 2 ? name : `${parts[0]} ${parts.length}`;
    });
    return [...alike.values()].flatMap((names) => {
      const bySize = names.toSorted((a, b) => statSync(join(out, b)).size - statSync(join(out, a)).size);
      const some = new Set([bySize[0], bySize.at(-1)]);
      return [...some].map((name) => (name as string).replace(/index\.html$/, ""));
    });
  }

  const weights = new Map<string, number>();
  function weigh(out: string, address: string): number {
    const path = new URL(address).pathname;
    const file = join(out, path.endsWith("/") ? `${path}index.html` : path);
    const known = weights.get(file) ?? gzipSync(readFileSync(file)).length;
    weights.set(file, known);
    return known;
  }

  const shifted = (page: Page) =>
    page.evaluate<number>(
      "new Promise((done) => { let sum = 0; new PerformanceObserver((all) => { for (const one of all.getEntries()) if (!one.hadRecentInput) sum += one.value; }).observe({ type: 'layout-shift', buffered: true }); requestAnimationFrame(() => setTimeout(() => done(sum), 50)); })",
    );

  async function complaints(page: Page, rules?: string[]): Promise<string[]> {
    const options = { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : {}) };
    const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes
          .slice(0, 2)
          .map((node) => `${id}: ${node.html.slice(0, 160)} (${node.any[0]?.message ?? node.failureSummary})`),
      );
  }
  const openSome = (page: Page, most: number) =>
    page.evaluate(`for (const one of [...document.querySelectorAll('details')].slice(0, ${most})) one.open = true`);

  test("each is quiet, light, at rest, and readable for all in light and dark", async () => {
    const { out, url } = site("quiet");
    const kinds = kindsOf(out);
    expect(kinds.length).toBeGreaterThan(12);
    const wrong: string[] = [];
    await opened(
      browser,
      { viewport: wide, colorScheme: "light", serviceWorkers: "block" },
      async (page, { said, asked }) => {
        // As somebody opens it in time: what is late is told by a script, and takes room that was not there.
        await page.clock.setFixedTime(new Date("2026-11-21T08:13:00Z"));
        await page.goto(url); // a browser's very first page comes in pieces on a busy machine
        for (const path of kinds) {
          const tell = (...what: string[]) => wrong.push(...what.map((one) => `/${path}: ${one}`));
          asked.length = 0;
          await page.goto(url + path);
          const shift = await shifted(page);
          const loaded = asked.filter((one) => !one.endsWith("/version.json"));
          const budget = budgetOf(path);
          const kilobytes = loaded.reduce((sum, one) => sum + (one.startsWith(url) ? weigh(out, one) : 0), 0) / 1000;
          if (kilobytes > budget.kilobytes) tell(`${kilobytes.toFixed(0)} kB are over ${budget.kilobytes}`);
          if (loaded.length > budget.requests) tell(`${loaded.length} requests are over ${budget.requests}`);
          if (shift > budget.shift) tell(`it shifts by ${shift.toFixed(3)}, over ${budget.shift}`);
          tell(...loaded.filter((one) => !one.startsWith(url)).map((one) => `asks ${one}`));
          await openSome(page, 6);
          await page.evaluate(axe.source);
          tell(...(await complaints(page)).map((one) => `light: ${one}`));
          await page.emulateMedia({ colorScheme: "dark" });
          tell(...(await complaints(page, ["color-contrast"])).map((one) => `dark: ${one}`));
          await page.setViewportSize(small);
          const room = await page.evaluate<number>("document.documentElement.scrollWidth");
          if (room > small.width) tell(`is ${room} wide on a phone of ${small.width}`);
          tell(...(await complaints(page, ["color-contrast", "target-size"])).map((one) => `phone, dark: ${one}`));
          await page.setViewportSize(wide);
          await page.emulateMedia({ colorScheme: "light" });
          tell(...said.splice(0).map((one) => `says ${one}`));
        }
      },
    );
    expect(wrong).toEqual([]);
  }, 240_000);

  test("each fits a phone, and says what it has to say without scripts", async () => {
    const { out, url } = site("quiet");
    await opened(browser, { viewport: phone, javaScriptEnabled: false }, async (page, { said, asked }) => {
      for (const path of kindsOf(out)) {
        await page.goto(url + path);
        expect((await page.locator("h1").innerText()).trim(), path).not.toBe("");
        expect((await page.locator("main").innerText()).length, path).toBeGreaterThan(40);
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        expect(width, `/${path} on a phone`).toBe(phone.width);
        const row = page.locator("main details > summary").first();
        if ((await row.count()) > 0) {
          const open = () =>
            page
              .locator("main details")
              .first()
              .evaluate((one) => one.hasAttribute("open"));
          const before = await open();
          await row.click();
          expect(await open(), path).toBe(!before);
        }
        await page.setViewportSize(wide);
        expect(await page.evaluate("document.documentElement.scrollWidth"), `/${path} without scripts`).toBe(
          wide.width,
        );
        await page.setViewportSize(phone);
      }
      expect(said).toEqual([]);
      expect(asked.filter((one) => !one.startsWith(url))).toEqual([]);
    });
  }, 120_000);

  test("of hundreds of payloads in every field none runs, loads, or becomes a tag", async () => {
    expect(payloads.length).toBeGreaterThanOrEqual(300);
    const { out, url } = site("poisoned");
    const files = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
    const full = files.filter((name) => readFileSync(join(out, name), "utf8").includes("canary"));
    expect(full.length).toBeGreaterThan(150);
    // All files are searched; a browser looks at those that differ in their making.
    for (const name of full) {
      const read = readFileSync(join(out, name), "utf8");
      // Inside quotes nothing is a tag.
      const html = read.replace(/=("[^"]*"|'[^']*')/g, (word) => (/[<>]/.test(word) ? '=""' : word));
      expect(
        html.match(/<(img|iframe|object|embed|form|style|base|portal|marquee|video|audio|math)[\s>/]/gi),
        name,
      ).toBeNull();
      expect(
        html.match(/<script(?![^>]*\ssrc="\/)|<link(?![^>]*\shref="\/)|<meta http-equiv="?refresh/gi),
        name,
      ).toBeNull();
      expect(
        [...html.matchAll(/\shref="([^"]*)"/g)]
          .map((hit) => hit[1])
          .filter((href) => !/^([/#?]|https?:|mailto:)/.test(href as string)),
        name,
      ).toEqual([]);
    }
    await opened(browser, { viewport: wide, serviceWorkers: "block" }, async (page, { said, asked }) => {
      for (const path of kindsOf(out)) {
        await page.goto(url + path);
        await openSome(page, 1000);
        const search = page.locator("input").first();
        if ((await search.count()) > 0 && (await search.isVisible())) {
          await search.fill("canary");
          await page.waitForTimeout(300);
        }
        expect(await page.locator(forbidden).count(), path).toBe(0);
        expect(await page.evaluate("'canary' in window"), path).toBe(false);
      }
      expect(said).toEqual([]);
      expect(asked.filter((one) => !one.startsWith(url))).toEqual([]);
    });
  }, 240_000);
});
