// What the verbs for errands share: their ports, which machines are meant, and a wish as a task of its own.
import { randomBytes } from "node:crypto";
import { type Entry, parseEntry } from "../core/entry.ts";
import { errandTask, type Wish } from "../core/errand.ts";
import { agentOf } from "../core/gate.ts";
import { nearest } from "../core/nearest.ts";
import { render } from "../core/render.ts";
import { max_bytes } from "../core/split.ts";
import type { State } from "../core/state.ts";
import { configuration, usage } from "../errors.ts";
import { namedBy } from "../plugin/plug.ts";
import { runtimes } from "../runtimes/index.ts";
import { createDeployer } from "../shell/deployer.ts";
import type { ErrandPorts } from "../shell/errand.ts";
import { createFleet } from "../shell/fleet.ts";
import { createPool } from "../shell/pool.ts";
import { createScan } from "../shell/scan.ts";
import { createScreen } from "../shell/screen.ts";
import { secretOf, type Wire } from "../wire.ts";
import { plugOf } from "./plug.ts";

export interface Selection {
  host?: string[];
  label?: string[];
  all?: boolean;
}

export function portsOf(wire: Wire, dir: string): ErrandPorts {
  const { env, clock } = wire;
  const secret = secretOf(wire);
  const plug = plugOf(wire, dir);
  return {
    clock,
    runtimes,
    plug: plug.runtime,
    screen: createScreen(wire.secrets, createScan()),
    secret,
    mask: (text, cut) => wire.secrets.mask(text, cut),
    deployer: createDeployer({ env, clock, secret }),
    connect: (pack, hosts, state) =>
      createPool(
        createFleet({ ...wire, hosts, ...namedBy(state ?? (() => undefined)), offers: plug.transports }),
        pack,
      ),
  };
}

/** Where it is to run, as far as the command line says so. */
export function choice({ host = [], label = [], all }: Selection, state: State) {
  const hosts = [...state.hosts.keys()].sort();
  if (hosts.length === 0)
    throw configuration("there are no machines in hosts/", "add one, then: towline fleet enroll NAME");
  for (const name of host) {
    if (state.hosts.has(name)) continue;
    const near = nearest(name, hosts);
    throw usage(`there is no hosts/${name}.md`, near ? `did you mean ${near}?` : `hosts: ${hosts.join(", ")}`);
  }
  const labels = new Set([...state.hosts.values()].flatMap(({ data }) => data.labels ?? []));
  for (const name of label)
    if (!labels.has(name))
      throw usage(
        `no machine has the label ${name}`,
        labels.size > 0 ? `labels: ${[...labels].sort().join(", ")}` : "write `labels: [web]` into a host's record",
      );
  if (all) return { hosts: ["any"], each: true };
  const selectors = [...host, ...label.map((name) => `label:${name}`)];
  return selectors.length === 0 ? {} : { hosts: selectors, each: selectors.length > 1 || label.length > 0 };
}

/** The wish as a task of its own. Throws a Fault where nobody could do it. */
export function taskOf(state: State, wish: Wish, { by, record }: { by: string; record: boolean }): Entry<"task"> {
  const agents = [...state.agents.keys()].sort();
  const { defaults } = state.settings;
  // Of one agent nobody needs to say which.
  const only =
    defaults.agent === undefined && defaults.runtime === undefined && agents.length === 1 ? agents[0] : undefined;
  const name = wish.agent ?? wish.like?.agent ?? only;
  const agent = agentOf(state, { data: { agent: name } } as Entry<"task">);
  if (!agent && name !== undefined) {
    const near = nearest(name, agents);
    throw usage(`there is no agents/${name}.md`, near ? `did you mean ${near}?` : `agents: ${agents.join(", ")}`);
  }
  if (!agent)
    throw configuration(
      "no agent is named, and towline.yml has no default",
      agents.length > 0 ? `add --agent NAME: ${agents.join(", ")}` : "write agents/NAME.md with `runtime: shell`",
    );
  const task = errandTask(
    { ...wish, agent: name },
    { token: randomBytes(8).toString("hex"), by, runtime: agent.data.runtime },
  );
  return record ? asWritten(task) : task;
}

/** As the ledger will have it, so that no later reader takes it for edited. */
function asWritten(task: Entry<"task">): Entry<"task"> {
  const text = render("task", task.data, task.body);
  if (Buffer.byteLength(text) > max_bytes)
    throw usage("a task over 1 MiB cannot be recorded", "put the long part where the machine can read it");
  return parseEntry(task.path, "task", text).entry ?? task;
}
