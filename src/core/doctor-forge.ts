// The forge's settings: who can read the pack, who could read its secrets, and what its token may do.
import type { Examined, Finding } from "./doctor.ts";
import { readWorkflow } from "./doctor-schedule.ts";
import type { Entry } from "./entry.ts";
import type { Settings } from "./schema.ts";
import { oneLine } from "./text.ts";
import { tick_workflow, tickEnv } from "./tick-env.ts";

export function forgeFindings(one: Examined): Finding[] {
  return [...openToAll(one), ...environment(one), ...otherRepos(one), ...pulls(one)];
}

function openToAll({ hosts, forge }: Examined): Finding[] {
  const real = hosts.filter(({ data }) => !data.off);
  const first = real[0];
  if (!first || forge?.private !== false) return [];
  return [
    {
      level: "warning",
      code: "public-pack",
      message: `anybody can read this repository, and it names ${real.length === 1 ? "a machine" : `${real.length} machines`}, what runs there and what came of it`,
      fix: "make the repository private, or keep the hosts in a private pack",
      path: first.path,
      line: 1,
      link: `${forge.page}/settings`,
    },
  ];
}

/** Whoever may push a branch may write a workflow there that prints every secret of the repository. */
function environment({ workflow, forge }: Examined): Finding[] {
  if (workflow === null || ![...(tickEnv(workflow)?.values() ?? [])].some(({ secret }) => secret !== null)) return [];
  const jobs = Object.values(readWorkflow(workflow).jobs ?? {});
  const name = jobs.flatMap((job) => {
    const ticks = job?.steps?.some((step) => /\btick\b/.test(step?.run ?? ""));
    const named = (job?.environment as { name?: string } | undefined)?.name ?? job?.environment;
    return ticks && typeof named === "string" ? [named] : [];
  })[0];
  const at = { path: tick_workflow, line: 1, ...(forge ? { link: `${forge.page}/settings/environments` } : {}) };
  const why = "everybody who may push a branch can read the secrets of the ticks from there";
  if (name === undefined)
    return [
      {
        level: "warning",
        code: "environment",
        message: `${why}: they belong to the repository`,
        fix: "keep them in an environment that only the default branch may use, and add `environment: NAME` to the tick job",
        ...at,
      },
    ];
  const found = forge?.environments?.find((other) => other.name === name);
  if (!forge?.environments || found?.limited) return [];
  return [
    {
      level: "error",
      code: "environment",
      message: found
        ? `${why}: other branches than ${forge.default_branch ?? "the default branch"} may use the environment ${name}`
        : `there is no environment ${name}`,
      fix: `let only ${forge.default_branch ?? "the default branch"} use the environment ${name}`,
      ...at,
    },
  ];
}

/** Tasks whose work the ticks cannot push: the service's own token is for this repository alone. */
export function unpushable(
  workflow: string | null,
  tasks: readonly Entry<"task">[],
  own: string | undefined,
): Entry<"task">[] {
  if (workflow === null || tickEnv(workflow)?.get("GITHUB_TOKEN")?.secret !== null) return [];
  return tasks.filter(({ data }) => {
    const named = data.repo?.replace(/^https:\/\/github\.com\//, "").replace(/\.git$/, "");
    return named !== undefined && /^[\w.-]+\/[\w.-]+$/.test(named) && named.toLowerCase() !== own?.toLowerCase();
  });
}

/** An App, or the token of somebody who may push elsewhere. */
const hasOwnToken = (forge: Settings["forge"]) =>
  forge !== undefined && (forge.app !== undefined || forge.token !== "GITHUB_TOKEN");

export const unpushable_words = {
  message: (repo: string | undefined) =>
    `the token of the ticks is for this repository alone: work on ${oneLine(repo ?? "", 100)} cannot be pushed`,
  fix: `hand the ticks a token or an App that may write there: in ${tick_workflow} \`GITHUB_TOKEN: \${{ secrets.NAME }}\``,
};

const otherRepos = ({ workflow, tasks, forge, settings }: Examined): Finding[] =>
  (hasOwnToken(settings.forge) ? [] : unpushable(workflow, tasks, forge?.repository)).map(({ path, data }) => ({
    level: "error",
    code: "token",
    message: unpushable_words.message(data.repo),
    fix: unpushable_words.fix,
    path,
    line: 1,
  }));

function pulls({ settings, tasks, forge }: Examined): Finding[] {
  const first = tasks.find(({ data }) => data.repo !== undefined);
  if (forge?.may_open_pulls !== false || !first || settings.forge?.name === "git") return [];
  return [
    {
      level: "warning",
      code: "pull-requests",
      message: "Actions may not create pull requests here, so work that waits for review cannot be shown as one",
      fix: "tick `Allow GitHub Actions to create and approve pull requests`",
      path: first.path,
      line: 1,
      link: `${forge.page}/settings/actions`,
    },
  ];
}
