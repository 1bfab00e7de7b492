// The judge of histories judges: a good one passes, each forged one is found.
import { expect, test } from "vitest";
import { anomalies, type Write } from "./kit/history.ts";
import type { Event } from "./kit/watch.ts";

type Job = Write["jobs"][number];
const claim = (job: string, epoch: number, tick: string): Job => ({ job, state: "claimed", epoch, tick, result: null });
const finish = (job: string, epoch: number, tick: string, result = "r"): Job => ({
  ...claim(job, epoch, tick),
  state: "finished",
  result,
});
const push = (
  who: string,
  commit: string,
  from: number,
  to: number,
  state: "won" | "lost" | "unknown" = "won",
): Event[] => [
  { op: "pushing", who, tick: `${who}-tick`, from },
  { op: "push", who, tick: `${who}-tick`, from, to, state, commit: state === "lost" ? undefined : commit },
];
const start = (who: string, job: string, epoch: number, from: number): Event => ({
  op: "start",
  who,
  tick: `${who}-tick`,
  from,
  job,
  epoch,
});

/** Ann claims x and starts it; Bob claims y, Cy takes y over in epoch 2; Ann's push after that is lost. */
const good = (): { history: Write[]; events: Event[] } => ({
  history: [
    { commit: "c1", tick: "ann-tick", jobs: [claim("x", 1, "ann-tick")] },
    { commit: "c2", tick: "bob-tick", jobs: [claim("y", 1, "bob-tick"), finish("x", 1, "ann-tick")] },
    { commit: "c3", tick: "cy-tick", jobs: [claim("y", 2, "cy-tick")] },
    { commit: "c4", tick: "cy-tick", jobs: [finish("y", 2, "cy-tick")] },
  ],
  events: [
    ...push("ann", "c1", 0, 10),
    start("ann", "x", 1, 11),
    ...push("bob", "c2", 12, 20, "unknown"),
    ...push("cy", "c3", 30, 40),
    start("cy", "y", 2, 41),
    ...push("ann", "", 35, 45, "lost"),
    ...push("cy", "c4", 50, 60),
  ],
});

test("a good history has no anomaly", () => {
  const { history, events } = good();
  expect(anomalies(history, events)).toEqual([]);
});

type Forge = (world: { history: Write[]; events: Event[] }) => void;
const forged: [string, RegExp, Forge][] = [
  [
    "a push that was called lost has landed",
    /told it had lost/,
    (w) => w.events.splice(4, 1, { ...w.events[4], state: "lost", commit: undefined } as Event),
  ],
  ["a push that was called won is not there", /it is not there/, (w) => w.events.push(...push("dan", "c9", 70, 80))],
  [
    "two claims of one epoch",
    /one epoch, two claims/,
    (w) => w.history.splice(1, 0, { commit: "c0", tick: "bob-tick", jobs: [claim("x", 1, "bob-tick")] }),
  ],
  [
    "an epoch that goes back",
    /epoch 2 became 1/,
    (w) => w.history.splice(3, 0, { commit: "c0", tick: "bob-tick", jobs: [claim("y", 1, "bob-tick")] }),
  ],
  [
    "a result that is written twice",
    /written twice/,
    (w) => w.history.push({ commit: "c5", tick: "cy-tick", jobs: [finish("x", 1, "ann-tick", "other")] }),
  ],
  [
    "a result without a claim",
    /without a claim/,
    (w) => w.history.push({ commit: "c5", tick: "cy-tick", jobs: [finish("z", 1, "cy-tick")] }),
  ],
  [
    "a later push that stands before an earlier one",
    /stands after a push that began later/,
    (w) => w.history.splice(0, 0, w.history.splice(3, 1)[0] as Write),
  ],
  [
    "a start before the claim was known to be won",
    /without a claim/,
    (w) => w.events.splice(2, 1, start("ann", "x", 1, 5)),
  ],
  [
    "a start by one whose push came to nothing known",
    /without a claim/,
    (w) => w.events.push(start("bob", "y", 1, 21)),
  ],
  ["a start that is sent twice", /sent twice/, (w) => w.events.push(start("ann", "x", 1, 12))],
];

test.each(forged)("%s is found", (_, words, forge) => {
  const world = good();
  forge(world);
  expect(anomalies(world.history, world.events).join("\n")).toMatch(words);
});
