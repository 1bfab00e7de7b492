// Whoever is asked once a tick, however many passes there are: comments, campfire, plugins, sources.
import type { Decision } from "../core/decide.ts";
import { unmeant } from "../core/lessons.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { messageOf } from "../errors.ts";
import type { Level, Poller } from "../ports.ts";
import { listen, withRights } from "./converse.ts";
import type { TickRun } from "./tick-run.ts";

/** And what was said of its first pass. */
const hooked = "hooks";

export async function listenOnce(state: State, run: TickRun): Promise<void> {
  const { conversations } = run.ports;
  if (!conversations || run.listened) return;
  run.listened = true;
  const why = await listen(conversations, state, run.findings, run.now);
  if (why !== null) run.outcome.degraded.push(why);
}

/** What was found or done out there is kept until it stands in a commit. */
export async function campOnce(state: State, run: TickRun): Promise<void> {
  const { campfire } = run.ports;
  if (!campfire || run.camped) return;
  run.camped = true;
  try {
    run.findings.campfire = (await campfire(state, run.now)) ?? undefined;
  } catch (thrown) {
    run.outcome.degraded.push(`campfire: ${oneLine(messageOf(thrown), 300)}`);
  }
}

/** Whether the plan is to be made again, with what plugins said of it. */
export async function hookOnce(run: TickRun, decision: Decision): Promise<boolean> {
  const { hooks } = run.ports;
  if (!hooks || run.levels.has(hooked)) return false;
  const levels = await hooks(decision, run.now, run.options.signal);
  run.levels.set(hooked, levels);
  run.findings.levels = [...run.findings.levels, ...levels];
  for (const { kind, title } of levels) if (kind === "source.failed") run.outcome.degraded.push(oneLine(title, 300));
  return levels.length > 0;
}

/** Whether the plan is to be made again, with what is known now of runtimes that plugins offer. */
export async function plugOnce(run: TickRun, state: State, { plan }: Decision): Promise<boolean> {
  const { plug, runtimes } = run.ports;
  const names = new Set(plan.starts.map((start) => start.runtime));
  const strange = [...names].filter((name) => !Object.hasOwn(runtimes, name) && !state.plugged?.has(name));
  if (!plug || strange.length === 0) return false;
  for (const name of strange) {
    await plug(state, name);
    const found = state.plugged?.get(name);
    const why = found && "fault" in found ? oneLine(`plugin ${name} failed: ${found.fault}`, 300) : null;
    if (why !== null && !run.outcome.degraded.includes(why)) run.outcome.degraded.push(why);
  }
  return strange.some((name) => state.plugged?.has(name));
}

/** Whether signals are to be put together again, by what they mean. Where no model can be asked, their words have to do. */
export async function meanOnce(run: TickRun, { draft }: Decision): Promise<boolean> {
  const { findings, ports } = run;
  const texts = ports.meanings && !run.meaningless ? unmeant(draft, findings.meanings) : [];
  if (texts.length === 0) return false;
  try {
    const made = await ports.meanings?.(draft, texts, run.options.signal);
    run.meaningless = !made;
    if (!made) return false;
    findings.meanings = { ...made, vectors: new Map([...(findings.meanings?.vectors ?? []), ...made.vectors]) };
    return true;
  } catch (thrown) {
    run.meaningless = true;
    run.outcome.degraded.push(
      `signals: ${oneLine(messageOf(thrown), 300)}; they are put together by their words alone`,
    );
    return false;
  }
}

/** Each source is asked once a tick, however many passes there are. */
export async function pollOnce(state: State, run: TickRun): Promise<Level[]> {
  const sources = await run.ports.pollers(state.settings, state);
  const asked = sources.filter((poller) => !run.levels.has(poller.name));
  await Promise.all(asked.map((poller) => poll(poller, state, run)));
  const levels = [...run.levels.values()].flat();
  return run.ports.conversations ? withRights(run.ports.conversations, state.levels, levels) : levels;
}

async function poll(poller: Poller, state: State, run: TickRun): Promise<void> {
  const level = { source: poller.name, subject: poller.name, family: "source" };
  const known = state.levels.filter((row) => row.source === poller.name);
  try {
    const own = { repo: run.ports.repo, tips: state.tips };
    const levels = await poller.poll(state.settings, run.now, {
      ...{ known, own, signal: run.options.signal },
      page: (name, text) => run.findings.pages.set(name, text),
    });
    const ok: Level = { ...level, kind: "source.ok", first: "calm", title: `${poller.name} answers again` };
    const said = levels.some((one) => one.family === "source" && one.subject === poller.name);
    run.levels.set(poller.name, said ? levels : [...levels, ok]);
  } catch (thrown) {
    const why = messageOf(thrown);
    const title = `${poller.name} could not be read: ${why}`;
    run.levels.set(poller.name, [{ ...level, kind: "source.failed", title, data: { why } }]);
  }
  // The pupdate comes once; a person who looks at this tick is told each time.
  for (const { kind, title } of run.levels.get(poller.name) ?? [])
    if (kind === "source.failed") run.outcome.degraded.push(oneLine(title, 300));
}
