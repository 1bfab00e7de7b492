// A proxy between the client and the server that delays answers, loses them, or answers in the server's place.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

export interface Middle {
  url: string;
  /** What becomes of the next calls; `pass` until told. Returns to `pass` after `count` calls (default: never). */
  next(
    fate: "pass" | "lose-answer" | "drop" | { wait: number } | { status: number },
    count?: number,
    /** Calls that pass before. */
    after?: number,
  ): void;
  stop(): Promise<void>;
}

export async function startProxy(target: string): Promise<Middle> {
  let fate: Parameters<Middle["next"]>[0] = "pass";
  let left = Number.POSITIVE_INFINITY;
  let ahead = 0;
  const { hostname, port } = new URL(target);

  const decide = () => {
    if (ahead > 0) {
      ahead--;
      return "pass";
    }
    if (left <= 0) return "pass";
    left--;
    return fate;
  };

  function handle(from: IncomingMessage, to: ServerResponse): void {
    const now = decide();
    if (now === "drop") return void from.socket.destroy();
    if (typeof now === "object" && "status" in now) {
      from.resume();
      return void to.writeHead(now.status).end("no");
    }
    const onward = request(
      { hostname, port, path: from.url, method: from.method, headers: from.headers },
      async (answer) => {
        const parts: Buffer[] = [];
        for await (const part of answer) parts.push(part as Buffer);
        if (now === "lose-answer") return void from.socket.destroy();
        if (typeof now === "object") await new Promise((resolve) => setTimeout(resolve, now.wait));
        to.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(parts));
      },
    );
    onward.on("error", () => from.socket.destroy());
    from.on("error", () => onward.destroy());
    from.pipe(onward);
  }

  const server = createServer(handle);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    next: (to, count = Number.POSITIVE_INFINITY, after = 0) => {
      fate = to;
      left = count;
      ahead = after;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
