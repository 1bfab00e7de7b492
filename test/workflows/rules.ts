// What must never be in a workflow of ours, checked offline. The names are those of zizmor's audits where one exists.
import { parse } from "yaml";

export interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  env?: Record<string, unknown>;
  if?: unknown;
  shell?: string;
}
export interface Job {
  steps?: Step[];
  permissions?: string | Record<string, string>;
  env?: Record<string, unknown>;
  concurrency?: { "cancel-in-progress"?: unknown };
  "runs-on"?: unknown;
  "timeout-minutes"?: unknown;
  secrets?: unknown;
  container?: unknown;
  services?: Record<string, unknown>;
  if?: unknown;
  needs?: string | string[];
}
export interface Workflow {
  path: string;
  text: string;
  on: Record<string, unknown>;
  permissions: unknown;
  concurrency: unknown;
  env: unknown;
  name: unknown;
  jobs: [string, Job][];
  /** All steps, with the name of their job; a composite action counts as one job. */
  steps: [string, Step, Job][];
  action: boolean;
}

export function read(path: string, text: string): Workflow {
  const doc = parse(text) as Record<string, unknown>;
  const action = doc.runs !== undefined;
  const jobs = Object.entries((action ? { action: doc.runs } : doc.jobs) as Record<string, Job>);
  const on = doc.on;
  return {
    path,
    text,
    action,
    on: (typeof on === "string"
      ? { [on]: null }
      : Array.isArray(on)
        ? Object.fromEntries(on.map((o) => [o, null]))
        : (on ?? {})) as never,
    permissions: doc.permissions,
    concurrency: doc.concurrency,
    env: doc.env,
    name: doc.name,
    jobs,
    steps: jobs.flatMap(([name, job]) => (job.steps ?? []).map((step) => [name, step, job] as [string, Step, Job])),
  };
}

const writes = (job: Job) =>
  typeof job.permissions === "string"
    ? ["all"]
    : Object.entries(job.permissions ?? {}).flatMap(([name, level]) => (level === "write" ? [name] : []));
const has = (value: unknown, pattern: RegExp) => pattern.test(JSON.stringify(value ?? null));
const secret = /\bsecrets\b/;
/** Steps of which the test is true, as findings. */
const steps = (file: Workflow, test: (step: Step, job: Job) => boolean) =>
  file.steps
    .filter(([, step, job]) => test(step, job))
    .map(([name, step]) => `${name}: ${step.uses ?? step.run ?? ""}`);
const jobs = (file: Workflow, test: (job: Job) => boolean) =>
  file.jobs.filter(([, job]) => test(job)).map(([name]) => name);
const when = (bad: boolean, finding: string) => (bad ? [finding] : []);
const lines = (file: Workflow, pattern: RegExp) => file.text.split("\n").filter((line) => pattern.test(line));

/** Events that anybody can cause. */
const by_anybody = new Set([
  "issues",
  "issue_comment",
  "pull_request_review",
  "pull_request_review_comment",
  "discussion",
  "discussion_comment",
  "fork",
  "watch",
]);
const holdsNothing = (f: Workflow) =>
  !has(f.env, secret) &&
  f.steps.every(([, step]) => step.uses === undefined) &&
  f.jobs.every(([, job]) => !has(job, secret) && writes(job).every((name) => name === "actions"));
/** Jobs that this one waits for, and those that they wait for. */
const needed = (f: Workflow, job: Job): Job[] =>
  [job.needs ?? []].flat().flatMap((name) => {
    const found = f.jobs.find(([other]) => other === name)?.[1];
    return found ? [found, ...needed(f, found)] : [];
  });
const isBehindCondition = (f: Workflow, job: Job) =>
  needed(f, job).some((one) => one.if !== undefined && one.concurrency === undefined);
/** A package that another job made, as it is. */
const ships = /^npm publish \.\/[\w.*-]+\.tgz --provenance --access public --ignore-scripts$/;
const stops = (job: Job) => /^vars\.TOWLINE_STOP == ''(\s*&&|$)/.test(String(job.if ?? "").trim());

/** Rule → what it finds in a file; nothing when all is well. */
export const rules: Record<string, (file: Workflow) => string[]> = {
  "unpinned-uses": (f) =>
    lines(f, /^\s*-?\s*uses:/).filter((l) => !/uses: (\.\/|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/.test(l)),
  "forbidden-uses": (f) => steps(f, (s) => s.uses !== undefined && !/^(actions\/|\.\/)/.test(s.uses)),
  "excessive-permissions": (f) => [
    ...when(!f.action && JSON.stringify(f.permissions) !== "{}", "top level is not `permissions: {}`"),
    ...(f.action ? [] : jobs(f, (j) => typeof j.permissions !== "object")),
  ],
  "undocumented-permissions": (f) => lines(f, /^\s+[a-z-]+: write\b/).filter((l) => !/: write # \w/.test(l)),
  "template-injection": (f) => steps(f, (s) => has(s.run, /\$\{\{/) || has(s.with?.script, /\$\{\{/)),
  "dangerous-triggers": (f) => [
    ...Object.keys(f.on).filter((on) => ["pull_request_target", "workflow_run"].includes(on)),
    // Anybody can cause these, and they run with the rights of the repository: such a file may hold nothing to take.
    ...Object.keys(f.on).filter((on) => by_anybody.has(on) && !holdsNothing(f)),
  ],
  "uninteresting-events": (f) =>
    Object.keys(f.on).some((on) => by_anybody.has(on))
      ? [
          ...when(f.concurrency !== undefined, "concurrency on the whole workflow: any event replaces one that waits"),
          ...jobs(f, (j) => (j.concurrency !== undefined || j.if === undefined) && !isBehindCondition(f, j)),
        ]
      : [],
  // Checks have no such switch: one that is skipped counts as passed.
  "stop-variable": (f) =>
    f.action || "pull_request" in f.on ? [] : jobs(f, (j) => !stops(j) && !needed(f, j).some(stops)),
  "untrusted-with-secrets": (f) =>
    "pull_request" in f.on ? jobs(f, (j) => writes(j).length > 0 || has(j, secret)) : [],
  "tick-concurrency": (f) => [
    ...when("schedule" in f.on && f.concurrency !== undefined, "concurrency on the whole workflow"),
    ...("schedule" in f.on ? jobs(f, (j) => j.concurrency?.["cancel-in-progress"] !== false) : []),
  ],
  "secrets-outside-step": (f) => [
    ...when(has(f.env, secret), "workflow env"),
    ...jobs(f, (j) => has(j.env, secret) || has(j.if, secret)),
    ...steps(
      f,
      (s) =>
        has(s.with, secret) || has(s.if, secret) || (has(s.env, /\bsecrets\b|github\.token/) && s.run === undefined),
    ),
  ],
  "overprovisioned-secrets": (f) => lines(f, /toJSON\(\s*secrets|secrets\[|fromJSON\(\s*secrets/i),
  "secrets-inherit": (f) => jobs(f, (j) => j.secrets !== undefined),
  "publish-beside-keys": (f) =>
    jobs(f, (j) => {
      const publishing = writes(j).filter((name) => ["pages", "id-token", "packages", "deployments"].includes(name));
      const more =
        writes(j).length > publishing.length ||
        has(j, secret) ||
        (j.steps ?? []).some(
          (s) => (s.run !== undefined && !ships.test(s.run)) || /^actions\/checkout/.test(s.uses ?? ""),
        );
      return publishing.length > 0 && more;
    }),
  "adhoc-packages": (f) =>
    steps(f, (s) => /\b(npm (i|install|add|update)|npx|pnpm|yarn|pip3? install|curl|wget)\b/.test(s.run ?? "")),
  "install-scripts": (f) => steps(f, (s) => /\bnpm ci\b(?!.*--ignore-scripts)/.test(s.run ?? "")),
  "runtime-dependencies-only": (f) =>
    steps(f, (s, j) => /\bnpm ci\b(?!.*--omit=dev)/.test(s.run ?? "") && (f.action || writes(j).length > 0)),
  timeouts: (f) => (f.action ? [] : jobs(f, (j) => typeof j["timeout-minutes"] !== "number")),
  artipacked: (f) =>
    steps(f, (s) => /^actions\/checkout@/.test(s.uses ?? "") && s.with?.["persist-credentials"] !== false),
  "cache-poisoning": (f) =>
    steps(f, (s, j) => writes(j).length > 0 && (/^actions\/cache/.test(s.uses ?? "") || s.with?.cache !== undefined)),
  "insecure-commands": (f) => lines(f, /ACTIONS_ALLOW_UNSECURE_COMMANDS|::(set-env|add-path|set-output)/),
  "github-env": (f) => steps(f, (s) => /GITHUB_(ENV|PATH)\b/.test(s.run ?? "")),
  "moving-runner": (f) =>
    f.action ? [] : jobs(f, (j) => typeof j["runs-on"] !== "string" || /latest|self-hosted|\$\{\{/.test(j["runs-on"])),
  "unpinned-images": (f) => [
    ...jobs(f, (j) =>
      [j.container, ...Object.values(j.services ?? {})].some((c) => c !== undefined && !has(c, /@sha256:[0-9a-f]{64}/)),
    ),
    ...steps(f, (s) => /^docker:/.test(s.uses ?? "")),
  ],
  "hardcoded-container-credentials": (f) =>
    jobs(f, (j) => [j.container, ...Object.values(j.services ?? {})].some((c) => has(c, /"password":"(?!\$\{\{)/))),
  "unsound-condition": (f) => [
    ...jobs(f, (j) => mixed(j.if)),
    ...steps(f, (s) => mixed(s.if)),
    ...lines(f, /if:.*contains\(\s*'[^']*',/),
  ],
  "bot-conditions": (f) => lines(f, /github\.(actor|triggering_actor)\b/),
  "hidden-failure": (f) => lines(f, /continue-on-error: true|\|\| true\b/),
  "anonymous-definition": (f) => when(typeof f.name !== "string", "no name"),
  "full-hour-schedule": (f) =>
    ((f.on.schedule ?? []) as { cron: string }[])
      .map((s) => s.cron)
      .filter((cron) => !/^([1-9]|[1-5]\d)(,\d+)* /.test(cron) || /^(\d+,)*(0|30)(,| )/.test(cron)),
  obfuscation: (f) => lines(f, /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/),
};

/** `if: ${{ x }} && y` is a text, and a text is true. */
const mixed = (condition: unknown) =>
  typeof condition === "string" && condition.includes("${{") && !/^\s*\$\{\{(?:(?!\}\}).)*\}\}\s*$/s.test(condition);
