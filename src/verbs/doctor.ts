import type { Command } from "commander";
import { type Examined, examine, type Finding, type ForgeFacts } from "../core/doctor.ts";
import { sizeFindings } from "../core/doctor-size.ts";
import { costFindings, type Forecast, forecastLine } from "../core/forecast.ts";
import type { ForgeSettings, Settings } from "../core/schema.ts";
import { isFolder } from "../core/target.ts";
import { oneLine } from "../core/text.ts";
import { tick_workflow } from "../core/tick-env.ts";
import { exit, messageOf, usage } from "../errors.ts";
import { forecastFrom, free_minutes } from "../shell/forecast.ts";
import { ledgerSize } from "../shell/ledger-size.ts";
import { openLocal } from "../shell/pack.ts";
import { openWorkTree, workFiles } from "../shell/pack-files.ts";
import { readWorkTree } from "../shell/read.ts";
import { originUrl } from "../shell/repo-open.ts";
import { wayOut } from "../shell/way-out.ts";
import { type Common, repoDir, secretOf, type Wire } from "../wire.ts";

interface DoctorFlags extends Common {
  forecast?: boolean;
  offline?: boolean;
  included: string;
}

interface Diagnosis {
  findings: Finding[];
  forecast: Forecast;
  /** What could not be looked at, in words. */
  untold: string[];
}

/** Adds `towline doctor`: what keeps the pack from working, how to mend it, and what it will cost. Changes nothing. */
export function doctor(program: Command, wire: Wire): void {
  program
    .command("doctor")
    .description("what keeps this pack from working, beyond its records, and what a month of it takes; changes nothing")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--forecast", "only the forecast: minutes, money and growth")
    .option("--offline", "do not ask the forge")
    .option("--included <minutes>", "minutes of a private repository that cost nothing a month", `${free_minutes}`)
    .option("--json", "print it as JSON")
    .action(async (flags: DoctorFlags) => {
      const found = await diagnose(wire, flags);
      wire.out(flags.json ? `${JSON.stringify({ version: 1, ...found }, null, 2)}\n` : printed(found, flags));
      if (!flags.forecast && found.findings.some(({ level }) => level === "error")) wire.exit(exit.findings);
    });
}

async function diagnose(wire: Wire, flags: DoctorFlags): Promise<Diagnosis> {
  const included = Number(flags.included);
  if (!Number.isInteger(included) || included < 0)
    throw usage(`--included ${flags.included} is no number of minutes`, "write it like 2000");
  const dir = repoDir(wire, flags);
  const now = wire.clock.now();
  const { repo, tips, top } = await openLocal(dir, wire);
  const state = await readWorkTree(repo, top, tips);
  const files = await workFiles(
    await openWorkTree(dir, wire.env),
    (path) => path === tick_workflow || path === "towline.yml" || /^\w+\/.*\.md$/.test(path),
  );
  const origin = await originUrl(dir, wire.env);
  // Beside a folder no CI service runs: its minutes and secrets are none.
  const folder = origin !== null && isFolder(origin) && wire.env.GITHUB_REPOSITORY === undefined;
  const workflow = folder ? null : (files.find(({ path }) => path === tick_workflow)?.text ?? null);
  const forge = flags.offline || flags.forecast ? null : await askForge(wire, dir, state.settings);
  const examined: Examined = {
    files,
    workflow,
    settings: state.settings,
    hosts: [...state.hosts.values()],
    tasks: [...state.tasks.values()],
    forge,
    folder,
    now,
  };
  const free = forge?.private === false ? null : included;
  const { settings } = state;
  const forecast = await forecastFrom({ repo, dir, env: wire.env, workflow, included: free, now }, state);
  const size = flags.forecast || tips.ledger === null ? null : await ledgerSize(dir, wire.env, tips.ledger);
  const sizes = size === null ? [] : sizeFindings(size);
  return {
    findings: flags.forecast ? [] : [...examine(examined), ...costFindings(forecast, settings), ...sizes],
    forecast,
    untold: [
      ...(forge?.untold ?? []),
      ...(forge || flags.forecast ? [] : [untold(flags.offline ? "--offline was said" : no_token)]),
    ],
  };
}

const no_token = "set GITHUB_TOKEN, and run it again";
const untold = (why: string) => `the forge's settings: ${why}`;

/** null: there is no token, or origin is no repository of that forge. */
async function askForge(wire: Wire, dir: string, { forge }: Settings): Promise<ForgeFacts | null> {
  const { env } = wire;
  const named = [forge?.token ?? "GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];
  const variable = named.find((name) => env[name]) ?? "";
  const token = env[variable];
  const key = forge?.app && secretOf(wire)(forge.app.key);
  if (!token && !key) return null;
  const { repositoryOf } = await import("../shell/github-place.ts");
  const found = repositoryOf((await originUrl(dir, env)) ?? "");
  const own = env.GITHUB_REPOSITORY ?? (found && `${found.owner}/${found.name}`);
  if (!own || !/^[\w.-]+\/[\w.-]+$/.test(own)) return null;
  const web = env.GITHUB_SERVER_URL ?? `https://${found?.host ?? "github.com"}`;
  const server = web === "https://github.com" ? "https://api.github.com" : `${web}/api/v3`;
  const url = forge?.url ?? env.GITHUB_API_URL ?? server;
  const fetch = await wayOut(env, url);
  const told: ForgeFacts = token
    ? await (await import("../shell/forge-facts.ts")).forgeFacts({ url, web, repository: own, token, variable, fetch })
    : { repository: own, page: `${web}/${own}`, untold: [untold(no_token)] };
  if (forge?.app) await askApp(wire, told, forge, { url, web, fetch, key });
  return told;
}

/** What the App may do there: it is asked with its own key. */
async function askApp(
  { clock }: Wire,
  facts: ForgeFacts,
  forge: ForgeSettings,
  { key, ...at }: { url: string; web: string; fetch: typeof globalThis.fetch; key: string | undefined },
): Promise<void> {
  const { app, wall } = forge;
  if (!app) return;
  const [owner = "", repo = ""] = facts.repository.split("/");
  const { grantedTo } = await import("../forges/github-app.ts");
  try {
    if (!key) throw new Error(`set ${app.key}, and run it again`);
    facts.app = await grantedTo(app, key, { owner, repo }, { ...at, wall, now: clock.now().getTime() });
  } catch (thrown) {
    facts.untold.push(`what the App may do: ${oneLine(messageOf(thrown), 300)}`);
  }
}

function printed({ findings, forecast, untold }: Diagnosis, flags: DoctorFlags): string {
  const line = `A month: ${forecastLine(forecast)}`;
  if (flags.forecast) return `${line}\n`;
  const said = findings.flatMap(({ level, message, fix, path, line: at, link }) => [
    `${level === "error" ? "✕" : "!"} ${path === undefined ? "" : `${path}:${at ?? 1}: `}${message}`,
    `    ${fix}${link === undefined ? "" : `\n    ${link}`}`,
  ]);
  return [
    ...(said.length > 0 ? said : ["✓ nothing to mend"]),
    ...untold.map((one) => `○ not looked at: ${one}`),
    line,
    "",
  ].join("\n");
}
