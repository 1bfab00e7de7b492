// Many tickers at once on one pack, each a process with a clone of its own; some are killed at random.
import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { TestPack } from "../../fakes/pack.ts";
import { compiled } from "./bundle.ts";
import type { Lab } from "./lab.ts";
import { keyEnv } from "./pack.ts";
import { watchProgress } from "./sizes.ts";
import type { TickerPlan } from "./ticker.ts";
import type { Event } from "./watch.ts";

/** As one file in a whole run of the suites. */
export const tickerFile = process.env.TOWLINE_TICKER || join(import.meta.dirname, "ticker-run.ts");

export interface Crew {
  name: string;
  /** The ticker's program. */
  ticker: string;
  count: number;
  /** True once nothing is left to do. */
  done(): boolean;
  /** Jobs that are recorded, when `done` looked last. */
  reached(): number;
  /** Milliseconds after which the tickers end in any case. */
  limit: number;
  /** This many SIGKILLs at random moments, between these pauses (ms). */
  kills?: { count: number; pause: [number, number]; random(): number };
}

export interface Sailed {
  events: Event[];
  kills: number;
  seconds: number;
}

export async function sail(lab: Lab, pack: TestPack, crew: Crew): Promise<Sailed> {
  const from = performance.now();
  const stop = join(pack.dir, "stop");
  const names = Array.from({ length: crew.count }, (_, i) => `t${i}`);
  for (const who of names) pack.git("clone", "-q", pack.origin, join(pack.dir, who));
  const alive = new Map<string, ChildProcess>();
  const ends: Promise<void>[] = [];
  const launch = (who: string) => {
    const plan: TickerPlan = {
      who,
      repo: join(pack.dir, who),
      log: join(pack.dir, "events"),
      stop,
      sync: false,
      site: false,
    };
    const child = lab.spawn(process.execPath, [crew.ticker, JSON.stringify(plan)], {
      env: { ...process.env, ...keyEnv(lab), ...compiled(lab.dir) },
      stdio: ["ignore", "inherit", "inherit"],
    });
    alive.set(who, child);
    ends.push(new Promise((resolve) => child.once("exit", () => resolve())));
  };
  for (const who of names) launch(who);
  let kills = 0;
  const end = watchProgress(crew.name, () => ({
    kills,
    recorded: crew.reached(),
    seconds: (performance.now() - from) / 1000,
  }));
  const until = from + crew.limit;
  while (performance.now() < until && !((crew.kills?.count ?? 0) <= kills && crew.done())) {
    if (!crew.kills || kills >= crew.kills.count) {
      await delay(200);
      continue;
    }
    const { pause, random } = crew.kills;
    await delay(pause[0] + random() * (pause[1] - pause[0]));
    const who = names[Math.floor(random() * names.length)] as string;
    if (!alive.get(who)?.kill("SIGKILL")) continue;
    kills++;
    launch(who);
  }
  end();
  writeFileSync(stop, "");
  await Promise.all(ends);
  const events = readFileSync(join(pack.dir, "events"), "utf8").split("\n").filter(Boolean);
  return { events: events.map((line) => JSON.parse(line) as Event), kills, seconds: (performance.now() - from) / 1000 };
}
