// One conversation with the host program: a request at a time, each with its own nonce and deadline.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, HostFault, type Pipe } from "../ports.ts";
import { readable } from "../remote/answers.ts";
import { type Frame, frameReader } from "../remote/frame.ts";
import { installCommand, type Program, type Seat, serveCommand } from "../remote/program.ts";
import { encodeRequest, type Request } from "../remote/request.ts";

export interface Conversation {
  /** `patience`: milliseconds after which the host is told to answer a question that it holds back. */
  ask(request: Omit<Request, "nonce">, patience?: number): Promise<Frame>;
  /** True when nothing was ever answered and the command has ended: the program may be missing. */
  unanswered(): boolean;
  close(): void;
  /** Closes, and waits a moment for the command's end: dropbear refuses a command that meets the end of another. */
  finish(): Promise<void>;
}

const max_payload = 64 << 20;
const usual_idle = 30_000;
const longest = 600_000;
/** What answers may come to at most, by verb. A host that claims more, or drips, does not hold the others up. */
const most: Record<string, number> = {
  hello: 1 << 20,
  list: 1 << 20,
  fetch: 1 << 20, // more where the caller expects it
  ended: 1 << 18,
  ...Object.fromEntries(["enroll", "start", "seal", "cancel", "tell", "peek", "ack"].map((verb) => [verb, 1 << 16])),
};
/** Bytes a second that the slowest line is taken to carry. */
const slowest = 8192;
const carried = (bytes: number) => (bytes / slowest) * 1000;

type Waiter = { resolve(frame: Frame): void; reject(thrown: unknown): void; touch(): void };

export function converse(name: string, pipe: Pipe): Conversation {
  const reader = frameReader(max_payload);
  let waiter: Waiter | null = null;
  let broken: HostFault | null = null;
  let ended = false;

  const breakOff = (thrown: HostFault) => {
    broken ??= thrown;
    pipe.kill();
    waiter?.reject(broken);
    waiter = null;
  };

  async function listen(): Promise<void> {
    for await (const chunk of pipe.stdout) {
      const frame = reader.push(chunk);
      waiter?.touch();
      if (!frame) continue;
      const asked = waiter;
      waiter = null;
      asked?.resolve(frame);
    }
    const code = await pipe.closed;
    ended = true;
    const said = readable(pipe.stderr());
    const why =
      code === null ? "the connection broke" : `the host program ended with ${code}${said ? `: ${said}` : ""}`;
    breakOff(new HostFault("lost", `${name}: ${why}`));
  }
  const over = listen().catch((thrown) =>
    breakOff(
      thrown instanceof HostFault
        ? new HostFault(thrown.kind, `${name}: ${thrown.message}`)
        : new HostFault("lost", `${name}: ${thrown}`),
    ),
  );

  function send(request: Omit<Request, "nonce">, patience: number | undefined): Promise<Frame> {
    if (broken) return Promise.reject(broken);
    const nonce = randomBytes(8).toString("hex");
    const text = encodeRequest({ ...request, nonce });
    const limit = Math.min(max_payload, request.most ?? most[request.verb] ?? max_payload);
    // An answer cannot begin before the whole request is there.
    const first = Math.min(longest, usual_idle + carried(text.length + (request.raw?.length ?? 0))) + (patience ?? 0);
    return new Promise<Frame>((resolve, reject) => {
      const late = () =>
        breakOff(new HostFault("lost", `${name}: no answer to ${request.verb} within ${Math.round(first / 1000)} s`));
      let timer = setTimeout(late, first);
      const whole = setTimeout(late, Math.min(longest, first + carried(limit)));
      const enough = patience === undefined ? undefined : setTimeout(() => pipe.stdin.write("\n"), patience);
      const done = () => {
        clearTimeout(timer);
        clearTimeout(whole);
        clearTimeout(enough);
      };
      waiter = {
        resolve: (frame) => {
          done();
          resolve(frame);
        },
        reject: (thrown) => {
          done();
          reject(thrown);
        },
        touch: () => {
          clearTimeout(timer);
          timer = setTimeout(late, usual_idle);
        },
      };
      reader.expect(nonce, limit);
      pipe.stdin.write(text);
      if (request.raw) pipe.stdin.write(request.raw);
    });
  }

  let last: Promise<unknown> = Promise.resolve();
  const close = () => {
    broken ??= new HostFault("lost", `${name}: the conversation was closed`);
    pipe.stdin.end();
  };
  return {
    ask(request, patience) {
      const answer = last.then(() => send(request, patience));
      last = answer.catch(() => {});
      return answer.then((frame) => checked(name, request.verb, frame));
    },
    unanswered: () => reader.untouched() && ended,
    close,
    async finish() {
      close();
      const late = new AbortController();
      await Promise.race([over, sleep(5000, undefined, { signal: late.signal }).catch(() => {})]);
      late.abort();
    },
  };
}

function checked(name: string, verb: string, frame: Frame): Frame {
  const text = () => readable(frame.payload.toString("latin1", 0, 300));
  if (frame.verb === "refused") throw new HostFault("protocol", `${name}: the host program refused ${verb}: ${text()}`);
  if (frame.verb !== verb) throw new HostFault("protocol", `${name}: the host answered ${frame.verb} to ${verb}`);
  return frame;
}

/** Starts the program on a host and says hello; sends the program first where it is missing. */
export async function greet<T>(
  name: string,
  connection: Connection,
  { program, ...seat }: Seat & { program: Program },
  hello: (conversation: Conversation) => Promise<T>,
): Promise<{ conversation: Conversation; answer: T }> {
  for (let installed = false; ; installed = true) {
    const conversation = converse(name, await connection.exec(serveCommand(seat, program)));
    try {
      return { conversation, answer: await hello(conversation) };
    } catch (thrown) {
      conversation.close();
      if (installed || !conversation.unanswered()) throw thrown;
      await install(name, connection, { program, ...seat });
    }
  }
}

async function install(name: string, connection: Connection, { program, ...seat }: Seat & { program: Program }) {
  const pipe = await connection.exec(installCommand(seat, program));
  const timer = setTimeout(() => pipe.kill(), usual_idle + carried(program.text.length));
  try {
    pipe.stdin.write(program.text);
    pipe.stdin.end();
    let said = "";
    for await (const chunk of pipe.stdout) said = (said + Buffer.from(chunk).toString("latin1")).slice(-4096);
    const code = await pipe.closed;
    if (/(^|\n)installed\n$/.test(said)) return;
    const why = code === null ? "the connection broke" : readable(pipe.stderr()) || `it ended with ${code}`;
    throw new HostFault(code === null ? "lost" : "refused", `${name}: the host program cannot be installed: ${why}`);
  } finally {
    clearTimeout(timer);
  }
}
