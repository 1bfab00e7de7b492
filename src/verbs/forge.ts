import { spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { appSettings } from "../core/app-manifest.ts";
import { configuration, usage } from "../errors.ts";
import type { MadeApp } from "../shell/app-flow.ts";
import { originUrl } from "../shell/repo-open.ts";
import { wayOut } from "../shell/way-out.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface AppFlags extends Common {
  name: string;
  org?: string;
  keyFile?: string;
  secret: string;
  port: string;
  wait: string;
  browser: boolean;
}

/** Adds `towline forge app create`. It changes nothing in the pack: what to write there is said. */
export function forge(program: Command, wire: Wire): void {
  const app = program.command("forge").description("the pack's forge").command("app").description("a GitHub App");
  app
    .command("create")
    .description("make a GitHub App that works on other repositories, too, and keep its key in a file")
    .option("--name <name>", "how it is called; no other App on GitHub may be called so", "towline")
    .option("--org <login>", "the organisation that it is to belong to; without it, you")
    .option("--key-file <path>", "where its private key goes; it must not be there yet")
    .option("--secret <NAME>", "the secret that the ticks take the key from", "TOWLINE_APP_KEY")
    .option("--port <number>", "of the page on this machine; 0 for any", "0")
    .option("--wait <minutes>", "how long to wait for you", "15")
    .option("--no-browser", "only print the address to open")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was made as JSON")
    .action((flags: AppFlags) => create(wire, flags));
}

async function create(wire: Wire, flags: AppFlags): Promise<void> {
  const { name, org, secret } = checked(flags);
  const dir = repoDir(wire, flags);
  const { url, web, home } = await placeOf(wire, dir);
  const file = resolve(
    wire.cwd,
    flags.keyFile ?? join(wire.env.XDG_CONFIG_HOME || join(wire.home, ".config"), "towline", `${secret}.pem`),
  );
  // Before anything is made: an App whose key finds no place is of no use.
  if (await there(file)) throw configuration(`${file} is there already`, "name another file: --key-file");
  // Loaded for this verb only: it brings all of GitHub's API along.
  const { beginFlow, exchange, writeKey } = await import("../shell/app-flow.ts");
  const patience = Number(flags.wait) * 60_000;
  const flow = await beginFlow({ web, org, wish: { name, home }, port: Number(flags.port), patience });
  try {
    wire.report.note(`open ${flow.start}`);
    if (flags.browser && wire.terminal) show(flow.start);
    const code = await flow.code;
    const keep = (what: string, value: string) => wire.secrets.add(what, value);
    const made = await exchange(code, { url, fetch: await wayOut(wire.env, url) }, keep);
    await writeKey(file, made.pem);
    const settings = appSettings(made.id, secret, url === "https://api.github.com" ? undefined : url);
    wire.out(flags.json ? asJson(made, { file, secret, settings }) : told(made, { file, secret, settings }));
  } finally {
    flow.close();
  }
}

function checked(flags: AppFlags): AppFlags {
  const whole = (text: string, most: number) => /^\d{1,5}$/.test(text) && Number(text) <= most;
  if (!/^[A-Za-z0-9][\w -]{0,33}$/.test(flags.name))
    throw usage(`--name ${flags.name} is no name of an App`, "letters, digits, spaces and dashes, at most 34");
  if (flags.org !== undefined && !/^[A-Za-z0-9][\w-]{0,38}$/.test(flags.org))
    throw usage(`--org ${flags.org} is no organisation`, "write its login, like acme");
  if (!/^[A-Z][A-Z0-9_]{0,99}$/.test(flags.secret) || flags.secret.startsWith("GITHUB_"))
    throw usage(`--secret ${flags.secret} cannot be a secret's name`, "write it like TOWLINE_APP_KEY");
  if (!whole(flags.port, 65_535)) throw usage(`--port ${flags.port} is no port`, "write a number, or 0 for any");
  if (!whole(flags.wait, 60) || flags.wait === "0")
    throw usage(`--wait ${flags.wait} is no time`, "write minutes from 1 to 60");
  return flags;
}

/** The server of `origin`, and what stands for the pack there. */
async function placeOf({ env }: Wire, dir: string): Promise<{ url: string; web: string; home: string }> {
  const { repositoryOf } = await import("../shell/github-place.ts");
  const found = repositoryOf((await originUrl(dir, env)) ?? "");
  const host = found?.host.replace(/^ssh\.github\.com$/, "github.com") ?? "github.com";
  const web = env.GITHUB_SERVER_URL || `https://${host}`;
  const url = env.GITHUB_API_URL || (web === "https://github.com" ? "https://api.github.com" : `${web}/api/v3`);
  return { url, web, home: found ? `${web}/${found.owner}/${found.name}` : web };
}

const there = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

/** Nobody waits for the browser, and without one the address is enough. */
function show(address: string): void {
  const started = spawn(process.platform === "darwin" ? "open" : "xdg-open", [address], {
    stdio: "ignore",
    detached: true,
  });
  started.once("error", () => {});
  started.unref();
}

interface Kept {
  file: string;
  secret: string;
  settings: string;
}

const next = ({ html_url }: MadeApp, { file, secret }: Kept) => ({
  install: `${html_url}/installations/new`,
  keep: `gh secret set ${secret} --env towline < '${file.replaceAll("'", "'\\''")}'`,
});

function asJson(made: MadeApp, kept: Kept): string {
  const { id, slug, html_url: page } = made;
  const { file, secret, settings } = kept;
  const { install, keep } = next(made, kept);
  return `${JSON.stringify({ version: 1, app: { id, slug, page }, install, key: { file, secret, keep }, settings }, null, 2)}\n`;
}

function told(made: MadeApp, kept: Kept): string {
  const { install, keep } = next(made, kept);
  return [
    `✓ the App ${made.slug} is made; its key is in ${kept.file}`,
    "",
    "1. Choose the repositories that it works on:",
    `   ${install}`,
    "2. Give its key to the ticks, then delete the file:",
    `   ${keep}`,
    "3. Name it in towline.yml, and run `towline upgrade`:",
    ...kept.settings.split("\n").map((line) => `   ${line}`),
    "",
  ].join("\n");
}
