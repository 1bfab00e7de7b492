// One trace of the model on the real thing: a bare repository with hooks, the real line, the real host program.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEntry } from "../../src/core/entry.ts";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { Fleet } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { clone, git, hook, type Origin, open, origin, personPushes, tempDir } from "../repo/origin.ts";
import type { RunState } from "./host.ts";
import { policyFiles, type Shape, stop_file, wall } from "./pack.ts";
import { type Gate, type Puppet, puppet } from "./puppet.ts";
import type { Action } from "./states.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** How long a client waits for the answer of a push that a hook holds up, ms. */
const push_limit = 1200;

export interface Stage {
  /** `refused`: the push that follows will be. `slow`: it is on its way while other things happen. */
  act(action: Action, after: { refused: boolean; slow: boolean }): Promise<void>;
  /** `task state epoch attempt host result?` of each job. */
  ledger(): string[];
  /** `task/epoch state` of each run: a pack's jobs have other ids each time. */
  runs(): string[];
  /** `task.epoch` of every start, in the agents' own words. */
  ran(): string[];
  close(): void;
}

export async function stageFor(shape: Shape): Promise<Stage> {
  const [name = ""] = shape.hosts;
  const home = tempDir("home");
  const from = origin(policyFiles(shape));
  const root = join(home, ".towline");
  const base = Date.now();
  let jumps = 0;
  let patient = false;
  const now = () => new Date(base + jumps * (wall + 60) * 1000);
  const ticks = new Map<string, Puppet>();
  const letters = new Map<string, () => Promise<void>>();
  const host = hostSchema.parse({ address: "localhost", transport: "local", slots: String(shape.slots) });
  const fleet = (): Fleet => createFleet({ env: { PATH: path }, home });
  hold(from, home);

  async function begin(id: string): Promise<void> {
    const dir = clone(from);
    // A server that outlives its client, as one behind SSH does.
    git(dir, "config", "remote.origin.receivepack", "setsid git-receive-pack");
    const repo = await open(dir, { ledgerBranch: "towline", deadlines: { push: 20_000 } });
    const hurried = await open(dir, { ledgerBranch: "towline", deadlines: { push: push_limit } });
    // Only a push that a hook holds up is given up soon.
    const push: typeof repo.push = (...given) =>
      (existsSync(join(home, "hold")) && !patient ? hurried : repo).push(...given);
    ticks.set(id, puppet({ ...repo, push }, fleet(), now));
    await at(id, "fetch");
  }

  const of = (id: string) => ticks.get(id) as Puppet;
  async function at(id: string, ...wanted: Gate[]): Promise<Gate> {
    const gate = await Promise.race([of(id).at(), late()]);
    const thrown = of(id).fault();
    if (gate === "end" && thrown) throw thrown;
    if (!wanted.includes(gate)) throw new Error(`${id} waits at ${gate} and not at ${wanted.join(" or ")}`);
    return gate;
  }

  /** Lets the tick go on until it waits at one of these. */
  async function until(id: string, ...wanted: Gate[]): Promise<Gate> {
    const all: Gate[] = ["fetch", "open", "push", "look", "seal", "start", "wait", "end"];
    for (let gate = await at(id, ...all); ; gate = await at(id, ...all)) {
      if (wanted.includes(gate)) return gate;
      of(id).go();
    }
  }

  async function own(
    id: string,
    { name: what, how = "" }: Action,
    { refused, slow }: { refused: boolean; slow: boolean },
  ): Promise<void> {
    const tick = of(id);
    if (what === "fetch") {
      await until(id, "fetch"); // a push that is refused lies in between where the ledger moved
      tick.go();
      await at(id, "open", "push", "end");
    } else if (what === "ask") {
      if ((await tick.at()) === "open") tick.go(how === "" ? undefined : "silent");
      await at(id, "push", "end");
      if (refused) await until(id, "fetch");
      else if (slow) await connect(id);
    } else if (what === "push") await push(id, how);
    else if (what === "look") {
      await at(id, "look");
      tick.go();
      await at(id, "seal", "start", "wait", "fetch", "end");
    } else if (what === "seal" || what === "start") {
      await at(id, what);
      if (how === "on its way") post(id);
      tick.go(how === "" ? undefined : how);
      await at(id, "seal", "start", "wait", "fetch", "end");
      await spoken();
    } else if (what === "wait") await until(id, "fetch", "end");
  }

  /** The push stands before the server's hook: leases were checked, nothing moved. */
  async function connect(id: string): Promise<void> {
    writeFileSync(join(home, "hold"), "pre");
    patient = true;
    of(id).go();
    await eventually(() => existsSync(join(home, "holding")));
    rmSync(join(home, "hold"));
    patient = false;
  }

  async function push(id: string, how: string): Promise<void> {
    if (how === "lands" && existsSync(join(home, "holding"))) {
      await release("let");
      await at(id, "look", "end", "fetch");
      return;
    }
    await at(id, "push");
    if (how === "lands") {
      of(id).go();
      await at(id, "look", "end", "fetch");
      return;
    }
    const tip = ledgerTip();
    writeFileSync(join(home, "hold"), how === "unknown" ? "pre" : "post");
    of(id).go();
    await at(id, "fetch");
    if (how !== "unknown") await eventually(() => ledgerTip() !== tip);
    rmSync(join(home, "hold"));
    if (how !== "unknown") await release("let");
  }

  async function release(word: "let" | "refuse"): Promise<void> {
    writeFileSync(join(home, word), "");
    await eventually(() => !existsSync(join(home, "holding")));
    rmSync(join(home, word), { force: true });
  }

  /** Every run that goes on has said so: its agent is past its first line. */
  const spoken = () =>
    eventually(() => {
      const said = ranIn(home);
      return runsOf(root).every((run) => {
        const [key = "", state] = run.split(" ");
        return state !== "running" || said.includes(key.replace("/", "."));
      });
    });

  function post(id: string): void {
    const request = of(id).letter();
    letters.set(`${taskOf(request.job)}/${request.epoch}`, async () => {
      const session = await fleet().open(name, host, basename(packOf(root)));
      await session.start(request);
      session.close();
    });
  }

  const ledgerTip = () =>
    spawnSync("git", ["-C", from.bare, "rev-parse", "-q", "--verify", "towline"]).stdout.toString();

  async function world({ name: what, how, key = "" }: Action): Promise<void> {
    const [model = "", epoch = ""] = key.split("/");
    const job = jobNames(root).find((one) => taskOf(one) === taskOf(model)) ?? model;
    if (what === "jump") jumps++;
    else if (what === "policy")
      existsSync(join(from.person, "STOP.md")) ? removeStop(from) : personPushes(from, { "STOP.md": stop_file });
    else if (what === "end") {
      writeFileSync(join(home, `go.${job}.${epoch}`), "");
      await eventually(() => existsSync(join(packOf(root), "jobs", job, `${epoch}.sum`)));
    } else if (what === "restart") restart(root);
    else if (what === "letter") {
      if (how === "arrives")
        await letters
          .get(`${taskOf(model)}/${epoch}`)?.()
          .then(spoken);
    } else if (what === "late push") {
      const tip = ledgerTip();
      await release(how === "lands" ? "let" : "refuse");
      if (how === "lands") await eventually(() => ledgerTip() !== tip);
    }
  }

  return {
    async act(action, after) {
      const { name: what, tick, how } = action;
      if (what === "begin") return begin(tick as string);
      if (what !== "die") return tick && what !== "late push" ? own(tick, action, after) : world(action);
      if (how === "start on its way") post(tick as string);
      if (how !== "push under way") return;
      await push(tick as string, "unknown");
    },
    ledger: () => ledgerOf(from),
    runs: () => runsOf(root),
    ran: () => ranIn(home),
    close() {
      for (const word of ["let", "refuse"]) writeFileSync(join(home, word), "");
      killRuns(root);
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

const ranIn = (home: string) =>
  existsSync(join(home, "ran")) ? readFileSync(join(home, "ran"), "utf8").trim().split("\n").map(shortName) : [];

/** `a-0123456789.1` → `a.1` */
const shortName = (line: string) =>
  `${taskOf(line.slice(0, line.lastIndexOf(".")))}${line.slice(line.lastIndexOf("."))}`;

const late = () => sleep(30_000, undefined, { ref: false }).then((): never => raise("the tick does not go on"));
const raise = (words: string): never => {
  throw new Error(words);
};

async function eventually(what: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !what(); await sleep(10)) if (Date.now() > end) raise("it never came");
}

/** While `hold` says so, the server keeps a push before (`pre`) or after (`post`) its ref moved, until a word comes. */
function hold(from: Origin, home: string): void {
  const wait = (phase: string, on: string) =>
    `[ "$(cat ${home}/hold 2>/dev/null)" = ${phase} ] || exit 0\n: >${home}/holding\nexec </dev/null >/dev/null 2>&1\n` +
    `i=0; until [ -e ${home}/let ] || [ -e ${home}/refuse ] || [ $((i += 1)) -gt 3000 ]; do sleep 0.02; done\n${on}`;
  const done = `rm -f ${home}/holding`;
  hook(from, "pre-receive", wait("pre", `[ -e ${home}/let ]; end=$?\n${done}\nexit $end`));
  hook(from, "post-receive", wait("post", done));
}

function removeStop(from: Origin): void {
  git(from.person, "pull", "-q", "--ff-only");
  git(from.person, "rm", "-q", "STOP.md");
  git(from.person, "commit", "-q", "-m", "go on");
  git(from.person, "push", "-q", "origin", "HEAD:main");
}

/** Ends every process of this root's runs, by id, as a power cut would. */
function killRuns(root: string): void {
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${id}/cmdline`, "latin1");
      const ours = readFileSync(`/proc/${id}/environ`, "latin1").includes(`TOWLINE_RUN=${root}/`);
      const supervisor =
        command.includes("supervise") &&
        readFileSync(`/proc/${id}/environ`, "latin1").includes(`HOME=${join(root, "..")}`);
      if (ours || supervisor) process.kill(Number(id), "SIGKILL");
    } catch {
      // It is gone, or somebody else's.
    }
  }
}

/** The machine restarts: what ran is dead, and the program meets another boot id than the one it noted. */
function restart(root: string): void {
  killRuns(root);
  writeFileSync(join(packOf(root), "boot"), "before\n");
}

function ledgerOf(from: Origin): string[] {
  const listed = spawnSync("git", ["-C", from.bare, "ls-tree", "-r", "--name-only", "towline", "jobs/"]).stdout;
  return listed
    .toString()
    .split("\n")
    .filter(Boolean)
    .map((file) => {
      const { entry } = parseEntry(file, "job", git(from.bare, "show", `towline:${file}`));
      if (!entry) throw new Error(`${file} cannot be read`);
      const { task, state, host, run } = entry.data;
      return `${task} ${state} e${run.epoch} a${run.attempt} ${host} ${run.result ? "result" : "-"}`;
    })
    .sort();
}

/** The pack's folder on the host: its name has a random part. */
const packOf = (root: string) =>
  join(root, (existsSync(root) ? readdirSync(root) : []).find((item) => item.startsWith("model")) ?? "model");

const jobNames = (root: string) => {
  const jobs = join(packOf(root), "jobs");
  return existsSync(jobs) ? readdirSync(jobs) : [];
};

export const taskOf = (job: string) => job.slice(0, job.lastIndexOf("-"));

function runsOf(root: string): string[] {
  return jobNames(root).flatMap((job) => {
    const dir = join(packOf(root), "jobs", job);
    return readdirSync(dir, { withFileTypes: true })
      .filter((item) => item.isDirectory())
      .map((item) => `${taskOf(job)}/${item.name} ${stateOf(join(dir, item.name))}`);
  });
}

function stateOf(dir: string): RunState | "acked" {
  const word = (end: string) =>
    existsSync(`${dir}.${end}`) ? readFileSync(`${dir}.${end}`, "utf8").trim() : undefined;
  if (word("acked") === "-") return "never";
  if (word("acked") !== undefined) return "acked";
  const sum = word("sum");
  if (sum === undefined) return "running";
  return sum.split(" ")[3] === "died" ? "died" : "ended";
}
