// `node scripts/screenshots.ts [FOLDER]`: the pictures of the README, taken of what the demo really did. Needs Chromium.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveSite } from "../src/shell/serve.ts";
import { launch } from "../test/site/browser.ts";

const home = join(import.meta.dirname, "..");
const pictures = join(home, "docs", "pictures");
const size = { width: 1200, height: 760 };

/** Folder of a demo's site: made now, or of a demo that ran with --dir before. */
function siteIn(dir: string): string {
  const ran = spawnSync(process.execPath, [join(home, "bin", "towline"), "demo", "--once", "--dir", dir], {
    stdio: "inherit",
  });
  if (ran.status !== 0) throw new Error(`the demo ended with ${ran.status}`);
  return join(dir, "site");
}

/** The job with most to show: the longest page. */
function tellingJob(site: string): string {
  const jobs = readdirSync(join(site, "jobs"), { withFileTypes: true }).filter((item) => item.isDirectory());
  const length = (name: string) => readFileSync(join(site, "jobs", name, "index.html")).length;
  return jobs.map(({ name }) => name).sort((a, b) => length(b) - length(a))[0] as string;
}

const dir = mkdtempSync(join(tmpdir(), "towline-pictures-"));
try {
  const site = process.argv[2] ?? siteIn(join(dir, "demo"));
  const served = await serveSite(site, { port: 0, host: "127.0.0.1" });
  const browser = await launch();
  mkdirSync(pictures, { recursive: true });
  const shots = [
    ["home", "", "light"],
    ["home-dark", "", "dark"],
    ["job", `jobs/${tellingJob(site)}/`, "light"],
    ["fleet", "fleet/", "light"],
  ] as const;
  for (const [name, path, colorScheme] of shots) {
    const page = await browser.newPage({ viewport: size, colorScheme, reducedMotion: "reduce" });
    await page.goto(served.url + path);
    await page.screenshot({ path: join(pictures, `${name}.png`) });
    await page.close();
  }
  await browser.close();
  await served.close();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
