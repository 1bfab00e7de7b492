// What the bare repository says of each job, commit by commit, and whether it agrees with what the tickers were told.
import { execFileSync } from "node:child_process";
import type { TestPack } from "../../fakes/pack.ts";
import type { Event } from "./watch.ts";

/** One ledger commit: who made it, and what it wrote of jobs. */
export interface Write {
  commit: string;
  tick: string;
  jobs: { job: string; state: string; epoch: number; tick: string; result: string | null }[];
}

/** Every commit of towline's on the branch, oldest first. */
export function historyOf(pack: TestPack, ref = "main"): Write[] {
  const log = pack.at(
    "log",
    "--reverse",
    "--author=towline",
    "--format=%x01%H%x02%(trailers:key=Towline-Tick,valueonly,separator=%x20)",
    "--raw",
    "--no-abbrev",
    "--no-renames",
    ref,
  );
  const commits = log.split("\x01").slice(1);
  const blobs = new Set<string>();
  const found = commits.map((text) => {
    const [head = "", ...rest] = text.split("\n");
    const [commit = "", tick = ""] = head.split("\x02");
    const files = rest.flatMap((line) => {
      const [, blob, status, path] = /^:\d+ \d+ \w+ (\w+) (\w)\t(jobs\/[\d/]{10}\/[^/]*\.md)$/.exec(line) ?? [];
      return blob && path && status !== "D" ? [{ blob, job: (path.split("/").at(-1) as string).slice(0, -3) }] : [];
    });
    for (const { blob } of files) blobs.add(blob);
    return { commit, tick: tick.trim(), files };
  });
  const texts = new Map([...textsOf(pack.origin, [...blobs])].map(([blob, text]) => [blob, registerOf(text)] as const));
  return found.map(({ commit, tick, files }) => ({
    commit,
    tick,
    jobs: files.map(({ blob, job }) => ({ job, ...(texts.get(blob) as Register) })),
  }));
}

/** Blob id → its text, by one git for all. */
function textsOf(repo: string, blobs: string[]): Map<string, string> {
  const input = blobs.join("\n");
  const all = execFileSync("git", ["cat-file", "--batch", "--buffer"], { cwd: repo, input, maxBuffer: 1 << 30 });
  const texts = new Map<string, string>();
  for (let at = 0; at < all.length; ) {
    const end = all.indexOf("\n", at);
    const [blob = "", , size] = all.toString("latin1", at, end).split(" ");
    texts.set(blob, all.toString("utf8", end + 1, end + 1 + Number(size)));
    at = end + 2 + Number(size);
  }
  return texts;
}

type Register = Omit<Write["jobs"][number], "job">;

const field = (text: string, name: string) => new RegExp(`^\\s*${name}: "?([^"\\n]+?)"?$`, "m").exec(text)?.[1];

function registerOf(text: string): Register {
  const head = text.split("\n---\n")[0] as string;
  return {
    state: field(head, "state") ?? "?",
    epoch: Number(field(head, "epoch")),
    tick: field(head, "tick") ?? "?",
    result: field(head, "result") ?? null,
  };
}

/**
 * Anomalies: what no run of the protocol may show. Model: each job is one register (epoch, state, result); a claim sets
 * epoch + 1, a finish sets the result once; every operation takes effect at one moment between its call and its answer.
 */
export function anomalies(history: Write[], events: Event[]): string[] {
  return [...answers(history, events), ...order(history, events), ...registers(history), ...rights(history, events)];
}

type Push = Extract<Event, { op: "push" }>;
const pushes = (events: Event[]) => events.filter((one): one is Push => one.op === "push");

/** What tickers were told of their pushes is what happened. */
function answers(history: Write[], events: Event[]): string[] {
  const said: string[] = [];
  const there = new Set(history.map((one) => one.commit));
  const told = pushes(events);
  const may = new Set(told.flatMap((one) => (one.state === "lost" ? [] : (one.commit ?? []))));
  for (const one of told)
    if (one.state === "won" && !there.has(one.commit ?? ""))
      said.push(`${one.who} was told that ${one.commit} won, and it is not there`);
  // A ticker that died in a push can have landed one that nobody was told of.
  const calls = new Map<string, number>();
  for (const one of events) if (one.op === "pushing") calls.set(one.tick, (calls.get(one.tick) ?? 0) + 1);
  for (const one of told) calls.set(one.tick, (calls.get(one.tick) ?? 0) - 1);
  for (const { commit, tick } of history)
    if (!may.has(commit) && (calls.get(tick) ?? 0) < 1)
      said.push(`${commit} of ${tick} landed, and its ticker was told it had lost`);
    else if (!may.has(commit)) calls.set(tick, (calls.get(tick) ?? 0) - 1);
  return said;
}

/** If one push was answered before another began, it stands before it. */
function order(history: Write[], events: Event[]): string[] {
  const place = new Map(history.map((one, index) => [one.commit, index]));
  const landed = pushes(events).filter((one) => one.state === "won" && place.has(one.commit ?? ""));
  landed.sort((a, b) => (place.get(a.commit ?? "") ?? 0) - (place.get(b.commit ?? "") ?? 0));
  let latest = 0;
  const said: string[] = [];
  for (const one of landed) {
    if (one.to < latest)
      said.push(`${one.commit} was answered before ${latest} and stands after a push that began later`);
    latest = Math.max(latest, one.from);
  }
  return said;
}

/** Each job's register only moves as the protocol allows. */
function registers(history: Write[]): string[] {
  const said: string[] = [];
  const now = new Map<string, Register>();
  for (const { commit, jobs } of history)
    for (const { job, ...next } of jobs) {
      const before = now.get(job);
      now.set(job, next);
      const at = `${job} in ${commit.slice(0, 10)}`;
      if (next.epoch < (before?.epoch ?? 1) || next.epoch > (before?.epoch ?? 0) + 1)
        said.push(`${at}: epoch ${before?.epoch ?? "none"} became ${next.epoch}`);
      if (!before && next.result !== null) said.push(`${at}: a result without a claim`);
      if (before && before.result !== null && next.result !== before.result && next.epoch === before.epoch)
        said.push(`${at}: its result was written twice`);
      if (before && next.epoch === before.epoch && next.tick !== before.tick) said.push(`${at}: one epoch, two claims`);
    }
  return said;
}

/** Nothing is asked of a host in a claim's name unless its ticker had been told by then that it won that claim. */
function rights(history: Write[], events: Event[]): string[] {
  const said: string[] = [];
  const claims = new Map<string, Write>();
  for (const write of history)
    for (const { job, epoch, tick } of write.jobs)
      if (!claims.has(`${job}/${epoch}`) && tick === write.tick) claims.set(`${job}/${epoch}`, write);
  const won = new Map(pushes(events).flatMap((one) => (one.state === "won" && one.commit ? [[one.commit, one]] : [])));
  const sent = new Set<string>();
  for (const one of events) {
    if (one.op !== "start") continue;
    const key = `${one.job}/${one.epoch}`;
    const claim = won.get(claims.get(key)?.commit ?? "");
    if (!claim || claim.who !== one.who || claim.tick !== one.tick || claim.to > one.from)
      said.push(`${one.who} sent the start of ${key} without a claim that it knew it had won`);
    if (sent.has(key)) said.push(`the start of ${key} was sent twice`);
    sent.add(key);
  }
  return said;
}
