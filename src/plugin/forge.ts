// Questions to a forge that a plugin offers. The plugin says step by step what is to be read or sent; towline does it, with
// keys that the plugin does not see. One process for what is asked in a row.
import { setTimeout as sleep } from "node:timers/promises";
import { digest } from "../core/hash.ts";
import { type ForgeQuestion, forge_sends } from "../core/plugin-offers.ts";
import { judgeStep, type Sending } from "../core/plugin-options.ts";
import type { PluginSettings } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import { messageOf, outside } from "../errors.ts";
import { sendOne } from "./act.ts";
import type { PluginPorts } from "./poller.ts";
import { PluginFault } from "./sandbox.ts";
import { contextOf, openSession, type Session, taken, type World } from "./session.ts";

type Code = Parameters<typeof openSession>[0];

/** Steps of one answer. */
const most_steps = 8;
/** How long a process waits for the next question, ms. */
const rest = 200;

export interface Asking {
  name: string;
  own: PluginSettings;
  ports: PluginPorts;
  world: World;
  code(): Promise<Code>;
  signal: AbortSignal | undefined;
  /** Sends it, in place of HTTP: for tests of plugins. */
  send?(one: Sending, name: string): Promise<void>;
}

/** Throws a Fault whatever goes wrong in the plugin, or where it leads to. */
export function forgeCalls(asking: Asking): (what: ForgeQuestion, given: object) => Promise<unknown> {
  const { name, own, ports, signal } = asking;
  let opened: Promise<Session> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  const open = async (): Promise<Session> =>
    openSession(await asking.code(), own, { signal, limits: { wall: 30_000, ...ports.limits } });
  async function one(what: ForgeQuestion, given: object): Promise<unknown> {
    opened ??= open();
    const session = await opened;
    const context = await contextOf(session, asking.world);
    const read: Record<string, string> = {};
    for (let step = 1; step <= most_steps; step++) {
      const said = await session.ask("forge", { ...context, ...given, what, read });
      const next = taken(judgeStep(said, own, forge_sends.has(what)));
      if ("answer" in next) return next.answer;
      if ("fetch" in next) Object.assign(read, await asking.world.read(next.fetch));
      else
        for (const [key, sending] of Object.entries(next.send)) {
          // What is the same for the forge has the same key, however often it is asked.
          const idempotent = digest(name, what, key, JSON.stringify([given, sending])).slice(0, 32);
          await (asking.send?.(sending, key) ?? sendOne(sending, idempotent, ports, { signal }));
          read[key] = "sent";
        }
    }
    throw new PluginFault(`it comes to no answer within ${most_steps} steps`);
  }

  return async (what, given) => {
    waiting++;
    const mine = turn.then(() => one(what, given));
    turn = mine.catch(() => {});
    try {
      return await mine;
    } catch (thrown) {
      // A process that failed answers nothing more.
      const failed = opened;
      opened = undefined;
      await failed?.then((session) => session.close()).catch(() => {});
      throw outside(`the forge ${name}: ${oneLine(messageOf(thrown), 300)}`, "the next tick asks again");
    } finally {
      waiting--;
      if (waiting === 0) void leave();
    }
  };

  async function leave(): Promise<void> {
    await sleep(rest);
    if (waiting > 0) return;
    const over = opened;
    opened = undefined;
    await over?.then((session) => session.close()).catch(() => {});
  }
}
