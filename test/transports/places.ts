// Where the contract of hosts is tried: this machine under three shells, and loopback machines under three SSH servers,
// reached by both SSH clients.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transport_offer } from "../../src/core/plugin-offers.ts";
import { type Host, host as hostSchema } from "../../src/core/schema.ts";
import { bringUp } from "../../src/demo/machines.ts";
import type { Fleet } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { size } from "../chaos/kit/sizes.ts";
import { carrier } from "./carrier.ts";
import { hostOf, makeKey, needsDropbear, needsSshClient, needsSshd, type Serve, serve } from "./servers.ts";

export interface Place {
  host: Host;
  home: string;
  /** A fleet of its own each time, as another runner would have. */
  fleet(): Fleet;
  down(): Promise<void>;
}

export interface Variant {
  name: string;
  /** Why it cannot be tried here. */
  missing: string | null;
  /** In the long size only: each part of it is in another variant, too. */
  rare?: true;
  up(): Promise<Place>;
}

export const variants: Variant[] = [
  { name: "this machine under sh", missing: null, up: () => here("/bin/sh") },
  { name: "this machine under bash", missing: shellMissing("/bin/bash"), rare: true, up: () => here("/bin/bash") },
  { name: "this machine under busybox ash", missing: shellMissing("/bin/busybox"), up: () => here("/bin/busybox") },
  { name: "ssh to OpenSSH", missing: needsSshd, up: () => machine("openssh") },
  { name: "ssh to the built-in server", missing: null, up: () => machine("built-in") },
  {
    name: "ssh to dropbear, login shell busybox ash",
    missing: needsDropbear ?? shellMissing("/bin/busybox"),
    up: () => served("ssh", { server: "dropbear", shell: "busybox" }),
  },
  {
    name: "the system's ssh to OpenSSH, login shell bash",
    missing: needsSshd ?? needsSshClient,
    up: () => served("openssh", { settings: ["MaxSessions 4"] }),
  },
  {
    name: "the system's ssh to dropbear, login shell dash",
    missing: needsDropbear ?? needsSshClient ?? shellMissing("/bin/dash"),
    rare: true,
    up: () => served("openssh", { server: "dropbear", shell: "/bin/dash" }),
  },
  { name: "ssh through a plugin's program", missing: null, rare: true, up: carried },
];

/** Those of this size. */
export const tried = variants.filter((one) => size(!one.rare, true));

function shellMissing(path: string): string | null {
  return existsSync(path) ? null : `needs ${path} (npm test -- --install)`;
}

const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The host program's shell is whatever `sh` is first in the PATH. */
async function here(shell: string): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  const home = join(dir, "home");
  mkdirSync(join(dir, "bin"));
  mkdirSync(home);
  symlinkSync(shell, join(dir, "bin", "sh"));
  // Under busybox its own tools are used, too, as on a machine that has nothing else.
  if (shell.endsWith("busybox"))
    for (const tool of execFileSync(shell, ["--list"], { encoding: "utf8" }).split("\n"))
      if (tool && tool !== "sh") symlinkSync(shell, join(dir, "bin", tool));
  const env = { PATH: `${join(dir, "bin")}:${system}` };
  return {
    host: hostSchema.parse({ address: "localhost", transport: "local", slots: "40" }),
    home,
    fleet: () => createFleet({ env, home }),
    down: async () => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}

/** A server with settings of its own, reached by this transport. */
async function served(transport: "ssh" | "openssh", how: Partial<Serve>): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  const key = makeKey(join(dir, "id"));
  const server = await serve({ dir, key, ...how });
  return {
    host: hostOf(server, { transport }),
    home: server.home,
    fleet: () => createFleet({ env: { KEY: key.text, PATH: system, TMPDIR: dir }, home: dir }),
    async down() {
      await server.stop();
      rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

async function machine(server: "openssh" | "built-in"): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  const { machines, down } = await bringUp({ dir, count: 1, server });
  const [one] = machines;
  if (!one) throw new Error("no machine came up");
  return {
    host: hostSchema.parse({
      address: one.address,
      port: String(one.port),
      user: one.user,
      host_key: one.hostKey,
      key: "env:KEY",
      slots: "40",
    }),
    home: one.home,
    fleet: () => createFleet({ env: { KEY: one.keyText }, home: dir }),
    down,
  };
}

/** The built-in server, reached as a plugin offers it. */
async function carried(): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
  const { machines, down } = await bringUp({ dir, count: 1, server: "built-in" });
  const [one] = machines;
  if (!one) throw new Error("no machine came up");
  mkdirSync(join(dir, "bin"));
  writeFileSync(join(dir, "bin", "carry"), carrier, { mode: 0o755 });
  const offer = transport_offer.parse({ says: "x", program: "carry", args: ["{address}", "{port}"] });
  const fields = {
    address: one.address,
    port: String(one.port),
    user: one.user,
    host_key: one.hostKey,
    key: "env:KEY",
  };
  return {
    host: hostSchema.parse({ ...fields, transport: "tunnel", slots: "40" }),
    home: one.home,
    fleet: () =>
      createFleet({
        env: { KEY: one.keyText, PATH: `${join(dir, "bin")}:${system}` },
        home: dir,
        offers: async () => ({ offer, env: {} }),
      }),
    down,
  };
}
