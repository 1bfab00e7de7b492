// What the CI files call: `node src/action.ts tick|check [options]`. The same verbs as the command line, with
// findings as annotations and what the next job needs as step outputs.
import { randomUUID } from "node:crypto";
import * as core from "@actions/core";
import { main } from "./cli.ts";
import type { Problem } from "./core/entry.ts";
import { type Touched, touchedText } from "./core/touched.ts";
import { exit, messageOf } from "./errors.ts";
import { actionsReport, secretsOf } from "./shell/actions-report.ts";
import { tokenFromEnvironment } from "./shell/credential.ts";
import { maskedReport } from "./shell/masked.ts";
import { repoDir, type Wire, wireUp } from "./wire.ts";

/** What `tick --json` says of its publish stage, as far as the workflow needs it. */
interface Published {
  changed: boolean;
  export: string | null;
}

/** Lets git reach origin, where this step was given a token for it. */
async function letIn(args: string[], wire: Wire): Promise<void> {
  const named = args.indexOf("--repo");
  const dir = repoDir(wire, { repo: named < 0 ? undefined : args[named + 1] });
  const { GITHUB_SERVER_URL: server, GITHUB_TOKEN: token } = wire.env;
  if (server && token) await tokenFromEnvironment(dir, server);
}

async function tick(args: string[], wire: Wire): Promise<void> {
  await letIn(args, wire);
  const told = await json(["tick", "--json", ...args], wire);
  if (told !== null) wire.report.note(lineOf(told));
  if (hasWritten(told)) await forecast(args, wire);
  const published = publishedOf(told);
  core.setOutput("changed", String(published.changed));
  core.setOutput("export", published.export ?? "");
}

/** A quiet tick says nothing of it: it stays as cheap as it is. */
const hasWritten = (told: unknown) => [(told as { commits?: unknown } | null)?.commits ?? []].flat().length > 0;

async function forecast(args: string[], wire: Wire): Promise<void> {
  const at = args.indexOf("--repo");
  let said = "";
  const out = (text: string) => {
    said += text;
  };
  // It adds to the summary of a tick that is done, and fails nothing.
  const where = at < 0 ? [] : args.slice(at, at + 2);
  await main(["doctor", "--forecast", ...where], { ...wire, out, exit: () => {} });
  await wire.report.summary(`\n\n${said}`);
}

async function check(args: string[], wire: Wire): Promise<void> {
  await letIn(args, wire);
  const found = await json(["check", "--json", ...args], wire);
  const problems = problemsOf(found);
  for (const { level, message, fix, ...at } of problems) wire.report[level](`${message} (${fix})`, at);
  if (found !== null) wire.report.note(problems.length === 0 ? "nothing to mend" : `${problems.length} to mend`);
  // Only what can be read is nothing to mend: without an answer the verb has said what stopped it.
  if (found !== null) await wire.report.summary([tableOf(problems), touchesOf(found)].filter(Boolean).join("\n"));
}

/** Runs a verb and reads what it printed for machines; null when that is no JSON (the verb has said why). */
async function json(argv: string[], wire: Wire): Promise<unknown> {
  let printed = "";
  await main(argv, {
    ...wire,
    out: (text) => {
      printed += text;
    },
  });
  try {
    return JSON.parse(printed);
  } catch {
    if (printed !== "") wire.report.note(printed);
    return null;
  }
}

/** What a tick did, in a line for the log. */
export function lineOf(told: unknown): string {
  const count = (name: string) => [(told as Record<string, unknown>)[name]].flat().filter(Boolean).length;
  return `${count("started")} started, ${count("ended")} ended, ${count("commits")} ledger commits`;
}

export function publishedOf(told: unknown): Published {
  const publish = (told as { publish?: Partial<Published> } | null)?.publish;
  const folder = typeof publish?.export === "string" && publish.export !== "" ? publish.export : null;
  return { changed: publish?.changed === true && folder !== null, export: folder };
}

export function problemsOf(told: unknown): Problem[] {
  const list = Array.isArray(told) ? told : (told as { problems?: unknown } | null)?.problems;
  return Array.isArray(list) ? (list as Problem[]) : [];
}

function touchesOf(told: unknown): string {
  const touches = (told as { touches?: Touched } | null)?.touches;
  return touches ? touchedText(touches) : "";
}

export function tableOf(problems: Problem[]): string {
  if (problems.length === 0) return "towline check: nothing to mend.\n";
  const cell = (text: string) => text.replace(/[\\|`<>&*_[\]]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/\s+/g, " ");
  const rows = problems.map((p) => `| ${p.level} | ${cell(p.path)}:${p.line} | ${cell(p.message)} | ${cell(p.fix)} |`);
  return `| | where | what | what to do |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

/** Also behind `towline ci`, for packs that have no source of towline in them. */
export async function act(argv: string[]): Promise<void> {
  const verbs = { tick, check };
  const service = actionsReport(randomUUID());
  const bare = wireUp();
  const report = maskedReport(service, bare.secrets);
  const wire: Wire = { ...bare, report, terminal: false };
  const [verb, ...args] = argv;
  try {
    service.mask(secretsOf(wire.env));
    if (verb === "tick" || verb === "check") return await verbs[verb](args, wire);
    report.error(`action: the verb is tick or check, not ${verb ?? "nothing"}`);
    wire.exit(exit.usage);
  } catch (thrown) {
    report.error(`this is a fault of towline's own, please report it: ${messageOf(thrown)}`);
    report.note((thrown as Error).stack ?? "");
    wire.exit(70);
  } finally {
    service.end();
  }
}

if (import.meta.main) await act(process.argv.slice(2));
