// The demo while its dashboard is served: what a person pushes is picked up, and told in a line.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { glyphs } from "../core/jobs.ts";
import { reviewPath } from "../core/review.ts";
import type { State } from "../core/state.ts";
import { messageOf, outside } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { gitEnv, runGit } from "../shell/git.ts";
import type { TickOutcome } from "../shell/tick-run.ts";
import { remark } from "./pack.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Seconds between two ticks. */
export const rhythm = 15;

export interface Live {
  clock: Clock;
  /** The clone that a person works in. */
  pack: string;
  env: Env;
  tick(): Promise<TickOutcome & { publish: { changed: boolean } }>;
  say(line: string): void;
  signal: AbortSignal;
}

/** Ticks until the signal. A tick that fails is told in a line, and the next one tries again. */
export async function keepTicking({ clock, pack, env, tick, say, signal }: Live): Promise<void> {
  const told = new Set<string>();
  while (!signal.aborted) {
    await clock.sleep(rhythm * 1000, signal).catch(() => {});
    if (signal.aborted) return;
    const at = () => clock.now().toTimeString().slice(0, 8);
    try {
      const outcome = await tick();
      await catchUp(pack, env);
      const line = news(outcome, told);
      if (line && !signal.aborted) say(`  ${at()}  ${line}`);
    } catch (thrown) {
      if (!signal.aborted) say(`  ${at()}  ✕ this tick failed: ${messageOf(thrown).split("\n", 1)[0]}`);
    }
  }
}

/** What a tick brought, on one line, or "". A record that cannot be read is told once. */
function news({ starts, ended, state, degraded, publish }: Awaited<ReturnType<Live["tick"]>>, told: Set<string>) {
  const over = new Set(ended.map((job) => job.task));
  const said = [...over].map((task) => {
    const status = state.status.get(task)?.data;
    const why = status?.reason ? ` (${status.reason})` : "";
    return `${glyphs[status?.state ?? ""] ?? "·"} ${task} ${status?.state ?? "ended"}${why}`;
  });
  const open = new Set(starts.map((start) => start.task).filter((task) => !over.has(task)));
  said.push(...[...open].map((task) => `● ${task} started`));
  for (const { level, path, line, message } of state.problems) {
    const problem = `✕ ${path}:${line}: ${message}`;
    if (level === "error" && !told.has(problem)) said.push(problem);
    told.add(problem);
  }
  said.push(...degraded.map((one) => `◐ ${one}`));
  if (said.length === 0) return publish.changed ? "the dashboard was built anew" : "";
  return `${said.join(", ")}${publish.changed ? "; the dashboard is new" : ""}`;
}

/** Brings the clone up to its origin, unless a person is at work in it. */
export async function catchUp(pack: string, env: Env): Promise<void> {
  const git = (...args: string[]) => runGit({ cwd: pack, env: gitEnv(env) }, args);
  const changes = await git("--no-optional-locks", "status", "--porcelain");
  if (changes.code === 0 && String(changes.stdout) === "") await git("pull", "--quiet", "--ff-only");
}

/** Says something of the coding work that waits for people, as a person would: a line in a file, pushed. False: none waits yet. */
export async function reviewOnce(pack: string, env: Env, state: State): Promise<boolean> {
  const work = [...state.jobs.values()].find((job) => job.data.task === remark.task && job.data.state === "review");
  if (!work) return false;
  const path = reviewPath(work.id);
  await mkdir(dirname(join(pack, path)), { recursive: true });
  await writeFile(join(pack, path), remark.text);
  for (const args of [
    ["add", path],
    ["commit", "--quiet", "--message", "A remark on the greeting"],
    ["pull", "--quiet", "--rebase"],
    ["push", "--quiet"],
  ]) {
    const ran = await runGit({ cwd: pack, env: gitEnv(env) }, args);
    if (ran.code !== 0) throw outside(`git ${args[0]} failed: ${ran.stderr.trim()}`);
  }
  return true;
}

const program = fileURLToPath(new URL("../../bin/towline", import.meta.url));
const quoted = (path: string) => (/^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** What shows the coding work. */
export const lookAt = (pack: string) => `${quoted(program)} review ${remark.task} --repo ${quoted(pack)}`;

/** What shows the campfire. */
export const lookAtFire = (pack: string) => `${quoted(program)} campfire --repo ${quoted(pack)}`;

/** What asks all machines something at once. */
export const askAll = (pack: string, keyFile: string) =>
  `TOWLINE_DEMO_KEY="$(cat ${quoted(keyFile)})" ${quoted(program)} dispatch --all 'uname -r' --repo ${quoted(pack)}`;

/** Commands that add a task: one block to paste into a shell. */
export function tryIt(pack: string, keyFile: string): string[] {
  const git = `git -C ${quoted(pack)}`;
  const task = `${pack}/tasks/hello.md`;
  return [
    `printf '%s\\n' --- 'title: Say hello' --- 'echo "hello from $(uname -n)"' > ${quoted(task)}`,
    `${git} add tasks/hello.md`,
    `${git} commit --quiet --message 'Say hello'`,
    `${git} pull --quiet --rebase`,
    `${git} push --quiet`,
    `TOWLINE_DEMO_KEY="$(cat ${quoted(keyFile)})" ${quoted(program)} tick --repo ${quoted(pack)}`,
  ];
}
