// A private dashboard: nothing to read in what is published, all of it for whoever has the key, in a real browser.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newSiteKey, padded, pbkdf2_rounds, sealFolder } from "../../src/shell/seal.ts";
import { buildSite, serveSite } from "../../src/shell/site.ts";
import { executable, launch, needs, opened } from "./browser.ts";
import { sampleInput, writeSample } from "./sample.ts";

const key = newSiteKey();
const shell = ["404.html", "favicon.svg", "index.html", "keep.js", "site.json", "sw.js", "unlock.css", "unlock.js"];
const pieces = (out: string) => readdirSync(join(out, "c")).sort((a, b) => Number(a) - Number(b));
const whole = (out: string) =>
  Buffer.concat([
    ...shell.map((name) => readFileSync(join(out, name))),
    ...pieces(out).map((n) => readFileSync(join(out, "c", n))),
  ]);

let root: string;
let out: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "towline-private-"));
  const data = join(root, "data");
  mkdirSync(data);
  await writeSample(data, sampleInput("quiet"));
  ({ out } = await buildSite({ data, out: join(root, "site"), base: "/fleet/", lock: { key } }));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A small site, sealed. */
async function sealed(name: string, files: Record<string, string>, lock: Parameters<typeof sealFolder>[2]) {
  const plain = join(root, `${name}-plain`);
  mkdirSync(plain);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(plain, path), text);
  const from = fileURLToPath(new URL("../../site/sealed", import.meta.url));
  await sealFolder(plain, join(root, name), lock, { from, base: "/" });
  return join(root, name);
}
const page = (title: string) =>
  `<!doctype html><html lang="en"><head><link rel="icon" href="/favicon.svg"><title>${title}</title></head><body><h1>${title}</h1></body></html>`;

describe("what is published", () => {
  test("no title, name, count or path of the pack stands in any file or name of a file", () => {
    expect(readdirSync(out).sort()).toEqual([...shell, "c"].sort());
    const all = whole(out).toString("latin1");
    for (const canary of [
      "harbour",
      "darth",
      "nginx",
      "rotate",
      "undici",
      "Berlin",
      "example",
      "tasks",
      "reflections",
      "1111111",
    ])
      expect(all.toLowerCase()).not.toContain(canary.toLowerCase());
    expect(all).not.toContain(key);
  });

  test("pieces are of one size and of a number that says little; nothing repeats from build to build", async () => {
    expect(new Set(pieces(out).map((n) => statSync(join(out, "c", n)).size))).toEqual(new Set([(256 << 10) + 28]));
    expect([1, 8, 9, 17, 100, 1000].map(padded)).toEqual([8, 8, 10, 20, 112, 1024]);
    const small = await sealed("small", { "index.html": page("a") }, { key });
    const big = await sealed("big", { "index.html": page("b".repeat(900_000)), "more.html": page("c") }, { key });
    expect(pieces(small).length).toBe(pieces(big).length);
    const again = await sealed("again", { "index.html": page("a") }, { key });
    const head = (folder: string) => JSON.parse(readFileSync(join(folder, "site.json"), "utf8"));
    expect(head(again).salt).not.toBe(head(small).salt);
    expect(Object.keys(head(small)).sort()).toEqual(["kdf", "pieces", "salt", "size", "version"]);
    const first = (folder: string) => readFileSync(join(folder, "c", "0"));
    expect(first(again).subarray(0, 12)).not.toEqual(first(small).subarray(0, 12));
    // Two pieces of nothing but padding are two different texts.
    expect(readFileSync(join(small, "c", "6")).subarray(12, 64)).not.toEqual(
      readFileSync(join(small, "c", "7")).subarray(12, 64),
    );
    expect(pbkdf2_rounds).toBeGreaterThanOrEqual(600_000);
  });
});

describe.skipIf(executable === undefined)(`in a browser${needs}`, () => {
  let browser: Browser;
  const served: Awaited<ReturnType<typeof serveSite>>[] = [];
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    for (const one of served) await one.close();
  });
  const serve = async (folder: string, base = "/") => {
    const one = await serveSite(folder, { port: 0, host: "127.0.0.1", base });
    served.push(one);
    return one.url;
  };

  test("an address with the key opens it; pages, links and what is open work as ever; the key is gone from the address", async () => {
    const url = await serve(out, "/fleet/");
    await opened(browser, {}, async (page, { said, asked }) => {
      await page.goto(`${url}#key=${key}`);
      await page.getByRole("heading", { name: /Quiet night/ }).waitFor();
      expect(page.url()).toBe(url);
      expect(await page.title()).toBe("harbour");
      await page.locator("nav a", { hasText: "Fleet" }).click();
      await page.locator("details.row summary").first().click();
      expect(await page.locator("details.row .open").first().isVisible()).toBe(true);
      await page.goto(`${url}fleet/#boba`);
      expect(await page.locator("#boba").isVisible()).toBe(true);
      expect((await page.goto(`${url}nowhere/`))?.status()).toBe(404);
      expect(said.filter((line) => !/404/.test(line))).toEqual([]);
      expect(asked.filter((one) => !one.startsWith(url))).toEqual([]);
    });
    // Another session, in which nobody has the key.
    await opened(browser, {}, async (page) => {
      await page.goto(url);
      await page.getByLabel("Key").waitFor();
      expect(await page.title()).toBe("Locked");
      await page.getByLabel("Key").fill(newSiteKey());
      await page.getByRole("button", { name: "Unlock" }).click();
      await page.getByText("This key does not fit.").waitFor();
      expect(await page.content()).not.toContain("harbour");
    });
  }, 60_000);

  test("a passphrase opens it, and a newer build with the same one is taken up while the page is open", async () => {
    const lock = { passphrase: "four words of mine" };
    const first = await sealed("worded", { "index.html": page("monday"), "version.json": "1" }, lock);
    const url = await serve(first);
    await opened(browser, {}, async (page_, { said }) => {
      await page_.goto(url);
      await page_.getByLabel("Passphrase").fill(lock.passphrase);
      await page_.getByRole("button", { name: "Unlock" }).click();
      await page_.getByRole("heading", { name: "monday" }).waitFor();
      const second = await sealed("worded-2", { "index.html": page("tuesday"), "version.json": "2" }, lock);
      rmSync(first, { recursive: true });
      cpSync(second, first, { recursive: true });
      const version = () => page_.evaluate<string>("fetch('version.json').then((one) => one.text())");
      await expect.poll(version, { timeout: 30_000, interval: 500 }).toBe("2");
      await page_.reload();
      await page_.getByRole("heading", { name: "tuesday" }).waitFor();
      expect(said).toEqual([]);
    });
  }, 60_000);

  test("once it is no longer private, the old way in steps aside", async () => {
    const folder = await sealed("open", { "index.html": page("inside") }, { key });
    const url = await serve(folder);
    await opened(browser, {}, async (page_) => {
      await page_.goto(`${url}#key=${key}`);
      await page_.getByRole("heading", { name: "inside" }).waitFor();
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      writeFileSync(join(folder, "index.html"), page("for all"));
      const title = async () => {
        await page_.goto(url);
        return page_.title();
      };
      await expect.poll(title, { timeout: 30_000, interval: 1000 }).toBe("for all");
    });
  }, 60_000);
});
