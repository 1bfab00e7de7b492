// A TCP proxy in this process. What it does to a connection is decided anew for each, by a function.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** One connection: bytes go on by `send`; both ends can be closed or reset apart. */
export interface Wire {
  toServer(bytes: Buffer): void;
  toClient(bytes: Buffer): void;
  /** Ends this side; `reset` sends RST. */
  endServer(reset?: boolean): void;
  endClient(reset?: boolean): void;
}

/** What happens to the bytes of one connection. Absent parts pass everything on. */
export interface Behaviour {
  client?(bytes: Buffer, wire: Wire): void;
  server?(bytes: Buffer, wire: Wire): void;
  clientEnd?(wire: Wire): void;
  serverEnd?(wire: Wire): void;
}

export interface TcpProxy {
  port: number;
  connections: number;
  close(): Promise<void>;
}

export async function raiseProxy(
  target: { host: string; port: number },
  behave: (number: number) => Behaviour,
): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect({ ...target, noDelay: true });
    client.setNoDelay(true);
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on("close", () => open.delete(socket)).on("error", () => {});
    }
    const wire: Wire = {
      toServer: (bytes) => void (server.destroyed || server.write(bytes)),
      toClient: (bytes) => void (client.destroyed || client.write(bytes)),
      endServer: (reset) => void (reset ? server.resetAndDestroy() : server.end()),
      endClient: (reset) => void (reset ? client.resetAndDestroy() : client.end()),
    };
    const how = behave(++proxy.connections);
    client.on("data", (bytes: Buffer) => (how.client ? how.client(bytes, wire) : wire.toServer(bytes)));
    server.on("data", (bytes: Buffer) => (how.server ? how.server(bytes, wire) : wire.toClient(bytes)));
    client.on("end", () => (how.clientEnd ? how.clientEnd(wire) : wire.endServer()));
    server.on("close", () => (how.serverEnd ? how.serverEnd(wire) : wire.endClient()));
    client.on("close", () => how.clientEnd === undefined && server.end());
  });
  listener.listen({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => listener.once("listening", resolve));
  const proxy: TcpProxy = {
    port: (listener.address() as AddressInfo).port,
    connections: 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        listener.close(() => resolve());
      }),
  };
  return proxy;
}
