// A connection of the ssh2 library that stands: commands on it, and the way on to hosts behind it.
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientChannel, Client as Ssh } from "ssh2";
import { type Connection, HostFault, type Pipe } from "../ports.ts";
import { chunks, keepText } from "./pipe.ts";

/** Longest wait in ms for a channel while others of ours are open: a server may allow few at a time (MaxSessions). */
const patience = 10_000;

export function connectionOf(name: string, client: Ssh): Connection {
  let lost: HostFault | undefined;
  const lose = (why: string) => {
    lost ??= new HostFault("lost", `${name}: ${why}`);
  };
  client.on("error", (thrown) => lose(thrown.message));
  client.once("close", () => lose("the connection was closed"));
  const sessions = channels();
  const ways = channels();

  /** Answers, or fails as soon as the connection does. */
  const ask = <T>(run: (done: (thrown: Error | undefined, value: T) => void) => void) =>
    new Promise<T>((resolve, reject) => {
      if (lost) return reject(lost);
      const broken = () => reject(lost ?? new HostFault("lost", `${name}: the connection was closed`));
      client.once("close", broken);
      run((thrown, value) => {
        client.off("close", broken);
        if (thrown) reject(thrown);
        else resolve(value);
      });
    });

  return {
    async exec(command) {
      for (const until = performance.now() + patience; ; ) {
        const before = sessions.closed();
        try {
          // Listened to at once: a short command's exit may have come in the same packet as the channel.
          return await ask<Pipe>((done) =>
            client.exec(command, (thrown, channel) =>
              thrown ? done(thrown, undefined as never) : done(undefined, pipeOf(sessions.add(channel))),
            ),
          );
        } catch (thrown) {
          if (lost) throw lost;
          const full =
            wasRefused(thrown) && (sessions.open() > 0 || sessions.closed() !== before || sessions.justClosed());
          if (full && performance.now() < until) await Promise.race([sessions.next(), sleep(200)]);
          else throw new HostFault("refused", `${name}: no command can be run: ${(thrown as Error).message}`);
        }
      }
    },
    async forward(address, port, timeout) {
      let late = false;
      const channel = ask<ClientChannel>((done) => client.forwardOut("127.0.0.1", 0, address, port, done));
      channel.then((one) => late && one.destroy()).catch(() => {});
      const timer = new AbortController();
      const silence = sleep(timeout, "silence" as const, { signal: timer.signal });
      silence.catch(() => {});
      try {
        const first = await Promise.race([channel, silence]);
        if (first !== "silence") return ways.add(first as unknown as Duplex);
        late = true;
        throw new HostFault(
          "unreachable",
          `${name} gets no answer from there within ${Math.round(timeout / 100) / 10} s`,
        );
      } catch (thrown) {
        if (thrown instanceof HostFault) throw thrown;
        throw new HostFault("unreachable", `${name} ${cannotReach(thrown as Error & { reason?: number })}`);
      } finally {
        timer.abort();
      }
    },
    close() {
      const end = () => {
        client.end();
        // A peer that does not answer the goodbye does not keep the process alive.
        setTimeout(() => client.destroy(), 1000).unref();
      };
      // The hosts behind it get their goodbye through it.
      if (ways.open() === 0) end();
      else void Promise.race([ways.empty(), sleep(1000)]).then(end);
    },
  };
}

/** What is open on a connection. */
function channels() {
  const open = new Set<Duplex>();
  let waiting: (() => void)[] = [];
  let closed = 0;
  let last = Number.NEGATIVE_INFINITY;
  const next = () => new Promise<void>((resolve) => waiting.push(resolve));
  return {
    add<T extends Duplex>(channel: T): T {
      open.add(channel);
      channel.once("close", () => {
        open.delete(channel);
        closed++;
        last = performance.now();
        for (const go of waiting.splice(0)) go();
        waiting = [];
      });
      return channel;
    },
    open: () => open.size,
    closed: () => closed,
    /** The server may not have noticed yet. */
    justClosed: () => performance.now() - last < 1000,
    next,
    async empty() {
      while (open.size > 0) await next();
    },
  };
}

const wasRefused = (thrown: unknown) => (thrown as { reason?: unknown } | undefined)?.reason !== undefined;

/** Reasons of RFC 4254, section 5.1. */
function cannotReach({ reason, message }: { reason?: number; message: string }): string {
  if (reason === 1) return "does not pass connections on (AllowTcpForwarding and PermitOpen of its sshd)";
  return `cannot reach it: ${message.replace(/^\(SSH\) Channel open failure: /, "")}`;
}

function pipeOf(channel: ClientChannel): Pipe {
  let code: number | null = null;
  channel.on("exit", (exit: number | null) => {
    code = exit;
  });
  channel.on("error", () => {});
  const closed = new Promise<number | null>((resolve) => channel.once("close", () => resolve(code)));
  return {
    stdin: {
      write: (data) => void channel.write(data),
      end: () => void channel.end(),
    },
    stdout: chunks(channel),
    stderr: keepText(channel.stderr),
    closed,
    kill: () => channel.destroy(),
  };
}
