// Actions of plugins, after what asked for them stands in a commit. A plugin says what is to be sent; towline sends it, with
// keys that the plugin does not see.
import { type CallRow, isOverdue } from "../core/calls.ts";
import { judgeAction, type Sending } from "../core/plugin-options.ts";
import type { PluginSettings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { messageOf } from "../errors.ts";
import { type Source, sendSource } from "../pollers/fetch.ts";
import type { PollContext } from "../ports.ts";
import { codeOf, type PluginPorts, worldOf } from "./poller.ts";
import { addressOf } from "./read.ts";
import { PluginFault } from "./sandbox.ts";
import { contextOf, openSession, type Session, taken } from "./session.ts";

export interface Acted {
  /** Ids of calls that need not be made again. */
  done: string[];
  /** Plugin → why one of its calls failed. */
  failed: Map<string, string>;
}

/** Each plugin's calls in their order, those of others beside them. Never throws. */
export async function act(
  state: State,
  before: ReadonlySet<string>,
  ports: PluginPorts,
  now: Date,
  context: PollContext,
): Promise<Acted> {
  const acted: Acted = { done: [], failed: new Map() };
  const waiting = (state.calls ?? []).filter((one) => !before.has(one.id) && !isOverdue(one, now));
  const groups = [...Map.groupBy(waiting, ({ plugin }) => plugin)].filter(([name]) => state.settings.plugins[name]);
  await Promise.all(
    groups.map(async ([name, calls]) => {
      const own = state.settings.plugins[name] as PluginSettings;
      let session: Session | null = null;
      try {
        session = await openSession(await codeOf(name, ports, own, context), own, {
          ...{ signal: context.signal, limits: ports.limits ?? {} },
        });
        for (const call of calls) {
          await callOne(session, own, call, ports, { state, now, context });
          acted.done.push(call.id);
        }
      } catch (thrown) {
        acted.failed.set(name, oneLine(messageOf(thrown), 300));
      } finally {
        await session?.close();
      }
    }),
  );
  return acted;
}

interface Around {
  state: State;
  now: Date;
  context: PollContext;
}

async function callOne(
  session: Session,
  own: PluginSettings,
  { id, plugin, action, rule, value, pupdate }: CallRow,
  ports: PluginPorts,
  { state, now, context }: Around,
): Promise<void> {
  const known = Object.keys(session.declared.actions);
  if (!known.includes(action))
    throw new PluginFault(
      `rule ${rule} wants its action \`${oneLine(action, 40)}\`, and there is ${known.length === 0 ? "none" : known.join(", ")}`,
    );
  const given = await contextOf(session, worldOf(plugin, ports, state.settings, now, context));
  const { send } = taken(judgeAction(await session.ask("action", { ...given, id, action, rule, value, pupdate }), own));
  for (const [nth, one] of send.entries()) await sendOne(one, `${id}-${nth}`, ports, context);
}

export async function sendOne(
  one: Sending,
  key: string,
  { env }: Pick<PluginPorts, "env">,
  { signal }: Pick<PollContext, "signal">,
): Promise<void> {
  const { token, headers, method, body } = one;
  const source: Source = { name: "action", url: addressOf(one, env), token, headers, wall: 10, every: 0 };
  const [text, type] =
    typeof body === "string" ? [body, "text/plain; charset=utf-8"] : [JSON.stringify(body ?? null), "application/json"];
  await sendSource(source, { env, accept: "*/*", signal }, { method, key, type, text: body === undefined ? "" : text });
}
