// Looks on at a run while it prints, until it ends: asks its host again and again, and goes on where a connection broke.
import type { Entry } from "../core/entry.ts";
import { epochOf, isLive } from "../core/jobs.ts";
import type { Cut } from "../core/mask.ts";
import { clean } from "../core/text.ts";
import { configuration, messageOf } from "../errors.ts";
import { heed, Interrupted } from "../interrupt.ts";
import type { Clock, Glimpse } from "../ports.ts";
import { type Piece, wholeLines } from "./lines.ts";
import type { Pool } from "./pool.ts";

export interface Stand {
  job: Entry<"job">;
  host: Entry<"host"> | undefined;
}

type Stream = "out" | "err";

export interface Looking {
  clock: Clock;
  /** A pool that has not failed yet. */
  connect(): Pool;
  /** The job as origin has it now. */
  stand(): Promise<Stand>;
  /** Takes secrets out. */
  mask(text: string, cut: Cut): string;
  /** Whole lines, made harmless. */
  said(stream: Stream, text: string): void;
  note(line: string): void;
  signal: AbortSignal;
}

/** `over`: its record has it all. `ended`: on its host, and nobody has written that down yet. `left`: the signal came. */
export interface Seen {
  how: "over" | "ended" | "left";
  job: Entry<"job">;
  /** Bytes of it that were shown. */
  bytes: number;
}

const pause = 1000;
/** Longest pause in ms between two tries to reach a host. */
const longest = 15_000;

export async function lookOn(at: Looking, first: Stand): Promise<Seen> {
  const eyes = watching(at, first);
  try {
    return await eyes.watch();
  } catch (thrown) {
    if (!(thrown instanceof Interrupted) && !at.signal.aborted) throw thrown;
    return eyes.seen("left");
  } finally {
    eyes.close();
  }
}

function watching(at: Looking, first: Stand) {
  let stand = first;
  let pool = at.connect();
  let told = "";
  let failed = 0;
  let shown = 0;
  const from = { out: 0, err: 0 };
  let lines = { out: wholeLines(), err: wholeLines() };
  const note = (line: string) => {
    if (line !== told) at.note(line);
    told = line;
  };
  const flush = () => {
    for (const stream of ["out", "err"] as const) say(stream, lines[stream].end());
  };
  const say = (stream: Stream, piece: Piece | null) => {
    if (piece && piece.text !== "") at.said(stream, clean(at.mask(piece.text, piece.cut)));
  };
  const seen = (how: Seen["how"]): Seen => {
    flush();
    return { how, job: stand.job, bytes: shown };
  };
  const sleep = (ms: number) => at.clock.sleep(ms, at.signal);

  /** What origin says now: it may have ended, or have been started again somewhere. */
  async function again(): Promise<void> {
    const before = stand;
    stand = await at.stand().catch((thrown) => {
      note(`origin cannot be asked: ${messageOf(thrown)}; trying again`);
      return stand;
    });
    if (epochOf(before.job) === epochOf(stand.job) && before.job.data.host === stand.job.data.host) return;
    flush();
    from.out = from.err = 0;
    lines = { out: wholeLines(), err: wholeLines() };
    if (isLive(stand.job)) note(`it was given to ${stand.job.data.host} once more`);
  }

  async function look(host: Entry<"host">): Promise<Glimpse | null> {
    const opened = await heed(at.signal, pool.open(host));
    let fault = "fault" in opened ? opened : null;
    if (!("fault" in opened))
      try {
        const glimpse = await heed(at.signal, opened.session.peek(stand.job.id, epochOf(stand.job), from));
        if (failed > 0) note(`${host.id} answers again`);
        failed = 0;
        return glimpse;
      } catch (thrown) {
        if (thrown instanceof Interrupted) throw thrown;
        fault = pool.fail(host.id, thrown);
      }
    note(`${host.id} ${fault?.message}; trying again`);
    pool.close();
    pool = at.connect();
    await sleep(Math.min(longest, pause * 2 ** failed++));
    return null;
  }

  function show({ out, err, whole, state }: Glimpse): void {
    from.out += out.length;
    from.err += err.length;
    shown += out.length + err.length;
    say("out", lines.out.add(out));
    say("err", lines.err.add(err));
    if (!whole && state === "running" && out.length + err.length === 0)
      note("it prints more than its host keeps: what comes last stands in its record when it has ended");
  }

  return {
    seen,
    close: () => pool.close(),
    async watch(): Promise<Seen> {
      while (isLive(stand.job)) {
        if (!stand.host)
          throw configuration(`${stand.job.id} runs on ${stand.job.data.host ?? "no host"}, which has no record`);
        const glimpse = await look(stand.host);
        if (glimpse) show(glimpse);
        const quiet = glimpse !== null && glimpse.out.length + glimpse.err.length === 0;
        if (quiet && (glimpse.state === "ended" || glimpse.state === "died")) return seen("ended");
        if (quiet && glimpse.state === "none") note(`${stand.host.id} has not begun it yet`);
        if (glimpse === null || glimpse.state === "none" || glimpse.state === "acked") await again();
        if (quiet && isLive(stand.job)) await sleep(glimpse.state === "running" ? pause : pause * 3);
      }
      return seen("over");
    },
  };
}
