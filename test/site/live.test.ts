// A real pack whose ticks publish into a folder that is served: an open page lives through them, and its site goes out
// by every way that needs no account.
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newSiteKey } from "../../src/shell/seal.ts";
import { serveSite } from "../../src/shell/site.ts";
import { buildOnce } from "../../src/shell/site-once.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { makeKey, needsSshd, type Served, serve } from "../transports/servers.ts";
import { executable, launch, needs } from "./browser.ts";

const started = Date.now();
const day_ms = 86_400_000;
const iso = (at: number) => new Date(at).toISOString().replace(/\.\d+Z/, "Z");

/** Reflections of the days before, enough to scroll. */
const earlier = Object.fromEntries(
  Array.from({ length: 24 }, (_, n) => {
    const at = iso(started - day_ms - n * 3 * 3_600_000);
    const title = n % 4 === 0 ? `Read the sitemap, ${n}` : `Looked at the ropes, ${n}`;
    return [
      `reflections/${at.slice(0, 4)}/${at.slice(5, 7)}/${at.slice(0, 10)}-rope-${n}.md`,
      md(`timestamp: ${at}\ntitle: "${title}"\noutcome: success\ndomain: DECK`, "All of them hold."),
    ];
  }),
);

let pack: TestPack;
let home: string;
let served: Served | undefined;
let secret = "";
const www = () => join(pack.dir, "www");
const run = (args: string[], more: NodeJS.ProcessEnv = {}) => {
  const env = { PATH: process.env.PATH, HOME: home, KEY: secret, GIT_CONFIG_GLOBAL: "/dev/null", ...more };
  return cli(pack.clone, args, env, home);
};
const tick = async () => {
  const { code, out, said } = await run(["tick", "--json"]);
  expect([code, said]).toEqual([0, expect.not.stringContaining("degraded")]);
  return JSON.parse(out) as { commits: string[]; publish: { changed: boolean } };
};

beforeAll(async () => {
  pack = testPack(basics([], "site: {publish: dir:../www}\n"));
  home = join(pack.dir, "home");
  mkdirSync(home);
  let web = {};
  if (needsSshd === null) {
    const key = makeKey(join(pack.dir, "id"));
    secret = key.text;
    served = await serve({ dir: home, key });
    const fields = Object.entries(served.record).map(([name, value]) => `${name}: ${value}\n`);
    web = { "hosts/web.md": md(`${fields.join("")}key: env:KEY`) };
  }
  pack.push({ ...earlier, ...web, "hosts/here.md": md("address: localhost\ntransport: local\nslots: 4") });
  expect(await tick()).toMatchObject({ publish: { changed: true } });
}, 240_000);
afterAll(async () => {
  await served?.stop();
  pack.remove();
});

const memory = () => JSON.parse(pack.at("show", "refs/towline/beat:beat.json")).database;

test("a tick that writes to the database compares it, and says so on the page of health; one that cannot remembers it", async () => {
  expect(readFileSync(join(www(), "health", "index.html"), "utf8")).toMatch(
    /✓<\/span>\s*as the records[\s\S]*compared/,
  );
  expect(memory()).toMatchObject({ differ: 0, records: expect.any(Number) });
  const before = memory();
  const away = await run(["tick", "--no-site"], { TURSO_URL: "http://127.0.0.1:9" });
  expect(away.out).toContain("degraded: sync");
  expect(memory()).toEqual({ ...before, failing: expect.any(String) });
  await tick();
  expect(memory()).toEqual(before);
});

describe.skipIf(executable === undefined)(`an open page${needs}`, () => {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serveSite>>;
  beforeAll(async () => {
    browser = await launch();
    site = await serveSite(www(), { port: 0, host: "127.0.0.1" });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test("takes in what a tick commits, and keeps its place, its focus, what is open and what was typed", async () => {
    const context = await browser.newContext({ viewport: { width: 1360, height: 700 } });
    const open = async (path: string, told = true) => {
      const page = await context.newPage();
      if (!told) await page.route("**/version.json?*", (request) => request.abort());
      await page.clock.install({ time: started });
      await page.goto(site.url + path);
      // From here on its time stands still: only the test moves it.
      await page.clock.pauseAt(started + 10 * 60_000);
      return page;
    };
    const [rows, words, front] = [await open("reflections/"), await open("reflections/?q=sitemap"), await open("")];
    const asked: string[] = [];
    rows.on("request", (request) => asked.push(request.url()));
    const row = rows.locator("details.row").nth(6);
    await row.locator("summary").click();
    await rows.evaluate("scrollTo(0, 260)");
    const found = words.locator(".found a.row");
    await found.first().waitFor();
    const kept = rows.locator("details.row[open]");
    const top = () => kept.evaluate((one) => Math.round(one.getBoundingClientRect().top));
    const [before, version] = [await top(), await rows.locator("body").getAttribute("data-version")];
    const commit = await rows.locator(".asof .commit").innerText();
    const age = await rows.locator(".asof .age").innerText();

    await rows.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })");
    asked.length = 0;
    await rows.clock.runFor(60_000);
    expect(asked).toEqual([]);
    await rows.evaluate("delete document.hidden");
    await rows.clock.runFor(10_000);
    expect(asked).toEqual([expect.stringContaining("/version.json?")]);

    // A quiet tick commits and builds nothing; that it came is told all the same, and that none came, too.
    expect(await tick()).toMatchObject({ commits: [], publish: { changed: false } });
    expect(JSON.parse(readFileSync(join(www(), "version.json"), "utf8"))).toMatchObject({ version, live: true });
    const look = "document.dispatchEvent(new Event('visibilitychange'))";
    const beat = front.locator(".beat");
    await front.evaluate(look);
    await expect.poll(() => beat.locator("time").isVisible()).toBe(false);
    expect(await beat.innerText()).toMatch(/^a tick every 30 min, the last \d+ min ago$/);
    await front.clock.fastForward(7 * 3_600_000);
    await expect.poll(() => beat.innerText()).toBe("?no tick for over 6 h 00 min");
    // Where nobody tells of ticks, quiet ones may have come since it was built.
    const alone = await open("", false);
    await alone.clock.fastForward(7 * 3_600_000);
    expect(await alone.locator(".beat").innerText()).toBe("?nothing written for over 6 h 00 min");

    pack.push({ "tasks/sails.md": md("title: Mend the sitemap's sails\nhosts: [here]", "echo mended") });
    const did = await tick();
    expect(did.commits.length).toBeGreaterThan(0);
    expect(did.publish.changed).toBe(true);
    for (const page of [rows, words]) {
      await page.evaluate(look);
      await page.locator(`body:not([data-version="${version}"])`).waitFor();
    }
    expect(await rows.locator(".listed .fresh .title bdi").allInnerTexts()).toEqual(["Mend the sitemap's sails"]);
    expect(await kept.count()).toBe(1);
    expect(Math.abs((await top()) - before)).toBeLessThan(2);
    expect(
      await rows.evaluate("document.activeElement?.tagName === 'SUMMARY' && document.activeElement.parentElement.open"),
    ).toBe(true);
    await rows.clock.runFor(700);
    expect(await rows.locator(".fresh").count()).toBe(0);
    expect(await rows.locator(".asof .commit").innerText()).not.toBe(commit);
    expect(await rows.locator(".asof .age").innerText()).not.toBe(age);
    expect(await words.locator("input").inputValue()).toBe("sitemap");
    expect(await found.allInnerTexts()).toEqual(expect.arrayContaining([expect.stringContaining("Mend the sitemap")]));
    expect(await words.locator(".listed").isVisible()).toBe(false);
    await context.close();
  }, 240_000);
});

test("what was built is not built again, and goes out whole into a folder and a branch", async () => {
  pack.git("pull", "-q", "origin", "main");
  const site = join(pack.clone, ".git", "towline", "site");
  const first = JSON.parse((await run(["site", "build", "--json"])).out);
  const made = () => statSync(join(site, "index.html")).mtimeMs;
  const before = made();
  expect((await run(["site", "build"])).out).toBe(`✓ nothing changed since it was built  ${site}\n`);
  expect(first).toMatchObject({ out: site });
  const page = readFileSync(join(site, "reflections", "index.html"), "utf8");

  const folder = join(pack.dir, "folder");
  const said = await run(["site", "deploy", "--to", `dir:${folder}`]);
  expect([said.code, said.out]).toEqual([0, `✓ deployed as it was built  dir:${folder}\n`]);
  expect(readFileSync(join(folder, "reflections", "index.html"), "utf8")).toBe(page);

  const main = pack.at("rev-parse", "main");
  for (let times = 0; times < 2; times++) expect((await run(["site", "deploy", "--to", "branch:pages"])).code).toBe(0);
  expect(pack.at("show", "pages:reflections/index.html")).toBe(page);
  expect(pack.at("rev-list", "--count", "pages").trim()).toBe("1");
  expect(pack.at("rev-parse", "main")).toBe(main);
  expect(pack.git("status", "--porcelain")).toBe("");

  expect(await run(["site", "deploy", "--to", "ftp"])).toMatchObject({
    code: 2,
    said: expect.stringContaining("--to ftp is no way"),
  });
  expect(made()).toBe(before);

  // There is nothing in `data`: whoever builds fails. What is locked is never taken for built: its key may be another.
  const marks = join(pack.clone, ".git", "towline");
  const once = { data: join(home, "nowhere"), out: site, digest: first.digest, marks };
  expect(await buildOnce(once)).toMatchObject({ built: false });
  for (const other of [{ digest: "x" }, { base: "/fleet/" }, { force: true }, { lock: { key: newSiteKey() } }])
    await expect(buildOnce({ ...once, ...other })).rejects.toThrow(/there is no export/);
  expect(made()).toBe(before);
}, 240_000);

test.skipIf(needsSshd !== null)(
  `it goes out whole to a host over ssh${needsSshd ? `: ${needsSshd}` : ""}`,
  async () => {
    const there = join(home, "srv", "fleet");
    const sent = await run(["site", "deploy", "--to", `ssh:web:${there}`]);
    expect([sent.code, sent.said]).toEqual([0, ""]);
    const page = readFileSync(join(pack.clone, ".git", "towline", "site", "reflections", "index.html"), "utf8");
    expect(readFileSync(join(there, "reflections", "index.html"), "utf8")).toBe(page);
    expect(existsSync(join(there, "version.json"))).toBe(true);
  },
  240_000,
);
