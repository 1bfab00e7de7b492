// Runs inside the process of a plugin, as its only program: loads the one file, answers calls, a line of JSON each.
// Nothing here keeps towline safe: that is the process, its limits, and the judge of what it answers (sandbox.ts).
import dgram from "node:dgram";
import dns from "node:dns";
import { writeSync } from "node:fs";
import { isBuiltin, registerHooks, syncBuiltinESMExports } from "node:module";
import net from "node:net";
import os from "node:os";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { Call, Context, Plugin, Seen } from "./define.ts";

interface Loaded {
  plugin: Plugin;
  api: unknown;
}
type Thrown = { message?: unknown; stack?: unknown } | null | undefined;

const [, , file = "", define = "", network = ""] = process.argv;

// Shells put words of their own there.
for (const name of Object.keys(process.env)) delete process.env[name];
// What is printed is nobody's answer.
process.stdout.write = process.stderr.write.bind(process.stderr);
latch();

/** Node lets a process signal others of its user, whatever else it may not do. A latch and no wall: it keeps accidents out. */
function latch(): void {
  const no = (what: string) => () => {
    throw new Error(`a plugin may not ${what}`);
  };
  const signal = no("signal processes");
  for (const name of ["kill", "_kill", "_debugProcess", "_debugEnd"]) replace(process, name, signal);
  replace(os, "setPriority", no("change processes"));
  if (network !== "network") {
    const say = no(
      "reach the network: name what is to be read in `fetch`, or write `network: true` below it in towline.yml",
    );
    replace(net.Socket.prototype, "connect", say);
    replace(net.Server.prototype, "listen", say);
    for (const name of ["bind", "connect", "send"]) replace(dgram.Socket.prototype, name, say);
    for (const from of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype])
      for (const name of Object.getOwnPropertyNames(from))
        if (/^(lookup|resolve|reverse)/.test(name)) replace(from, name, say);
  }
  syncBuiltinESMExports();
}

function replace(on: object, name: string, by: () => never): void {
  Object.defineProperty(on, name, { value: by, writable: false, configurable: false });
}

registerHooks({
  resolve(name, context, next) {
    if (name === "towline/plugin") return { url: pathToFileURL(define).href, shortCircuit: true };
    if (isBuiltin(name) || /^(\.|file:)/.test(name)) return next(name, context);
    throw new Error(
      `it imports \`${name}\`, and only \`towline/plugin\`, files beside it and \`node:\` modules are there`,
    );
  },
});

let loaded: Loaded | undefined;
async function load(): Promise<Loaded> {
  if (loaded) return loaded;
  const { default: Made } = await import(pathToFileURL(file).href);
  if (typeof Made !== "function") throw new Error("it has no `export default class extends Plugin`");
  loaded = { plugin: new Made(), api: Made.api };
  return loaded;
}

/** What the class declares, as values. */
function declared({ plugin, api }: Loaded) {
  const { title, every, kinds, gone, options, needs, secrets, actions, hooks, runtime, transport, forge } = plugin;
  return {
    ...{ api, title, every, kinds, gone, options, needs, secrets, runtime, transport },
    ...(forge && { forge: { says: forge.says, can: Object.keys(forge).filter((one) => methodOf(forge, one)) } }),
    actions: Object.fromEntries(Object.entries(actions ?? {}).map(([name, { says }]) => [name, says])),
    hooks: Object.keys(hooks ?? {}),
    has: (["fetch", "poll", "page", "setup"] as const).filter((name) => typeof plugin[name] === "function"),
  };
}

type Method = (given: object) => unknown;
/** A function of its own, by name. */
function methodOf(of: object, name: string): Method | undefined {
  const found = Object.hasOwn(of, name) ? (of as Record<string, unknown>)[name] : undefined;
  return typeof found === "function" ? (found as Method).bind(of) : undefined;
}

const calls: Record<string, (of: Loaded, given: never) => unknown> = {
  describe: declared,
  fetch: ({ plugin }, context: Context) => plugin.fetch?.(context),
  poll: ({ plugin }, context: Context) => plugin.poll?.(context),
  page: ({ plugin }, context: Context) => plugin.page?.(context),
  setup: ({ plugin }, context: Context) => plugin.setup?.(context),
  hook: ({ plugin }, seen: Seen) => plugin.hooks[seen.phase]?.(seen),
  forge: ({ plugin }, { what, ...asked }: { what: string }) => methodOf(plugin.forge ?? {}, what)?.(asked),
  action: ({ plugin }, call: Call & { action: string }) => plugin.actions[call.action]?.run(call),
};

/** Where in the plugin's own file it was thrown. */
function lineOf(thrown: Thrown): number | undefined {
  const base = file.slice(file.lastIndexOf("/") + 1).replace(/[.]/g, "\\.");
  const found = new RegExp(`${base}:(\\d+)`).exec(String(thrown?.stack ?? ""));
  return found ? Number(found[1]) : undefined;
}

const fault = (thrown: Thrown) => ({ fault: String(thrown?.message ?? thrown).slice(0, 1000), line: lineOf(thrown) });

/** Whole, also where the pipe takes less at a time. */
function say(value: unknown): void {
  let rest = Buffer.from(`${JSON.stringify(value)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN") process.exit(1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

for (const event of ["uncaughtException", "unhandledRejection"])
  process.on(event, (thrown: Thrown) => {
    say(fault(thrown));
    process.exit(1);
  });

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  try {
    const { call, given } = JSON.parse(line) as { call: string; given: never };
    // A class without an answer gives nothing, which is judged outside.
    say({ value: (await calls[call]?.(await load(), given)) ?? null });
  } catch (thrown) {
    say(fault(thrown as Thrown));
  }
});
lines.on("close", () => process.exit(0));
