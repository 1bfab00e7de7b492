// Equal answers are one, the others are shown by how they differ; what it all comes to as an exit code.
import { describe, expect, test } from "vitest";
import { type Answer, type AnswerState, countLine, foldAnswers, verdictOf } from "../../src/core/answers.ts";
import { systemClock } from "../../src/shell/clock.ts";

const said = (host: string, answer: string, more: Partial<Answer> = {}): Answer => ({
  task: "t",
  title: "T",
  host,
  job: `t-${host}`,
  state: "finished",
  good: true,
  partial: false,
  answer,
  why: null,
  took: 1,
  cost: null,
  ...more,
});
const failed = (host: string, state: AnswerState, why: string, answer = "") =>
  said(host, answer, { state, good: false, why });
const hosts = (groups: { same: Answer[] }[]) => groups.map(({ same }) => same.map((one) => one.host).join(" "));
const numbered = (count: number, from: number, make: (host: string) => Answer) =>
  Array.from({ length: count }, (_, at) => make(`h${String(from + at).padStart(3, "0")}`));
const long = Array.from({ length: 20 }, (_, at) => `line ${at}`);

test("three hundred hosts, in whatever order they answered", () => {
  const other = long.with(7, "another").join("\n");
  const all = [
    ...numbered(4, 0, (host) => failed(host, "failed", "exit 3: boom")),
    ...numbered(9, 4, (host) => said(host, other)),
    ...numbered(287, 13, (host) => said(host, `${long.join("\n")}\n`)),
  ];
  const shuffled = all.toSorted((a, b) => (`${a.host}`.at(-1) ?? "").localeCompare(`${b.host}`.at(-1) ?? ""));
  const folded = foldAnswers(shuffled);
  expect(folded).toEqual(foldAnswers(all));
  expect([folded.majority?.same.length, folded.others.length, folded.failures.length]).toEqual([287, 1, 1]);
  expect(folded.others[0]?.differs).toEqual([" line 6", "-line 7", "+another", " line 8"]);
  expect(countLine(folded)).toBe("287 hosts agree, 9 differ, 4 failed");
});

test("no answer is the usual one where two are as frequent, or all are alone", () => {
  const tie = foldAnswers([said("a", "x"), said("b", "x"), said("c", "y"), said("d", "y"), said("e", "z")]);
  expect([tie.majority, hosts(tie.others), tie.others.map((one) => one.differs)]).toEqual([
    null,
    ["a b", "c d", "e"],
    [null, null, null],
  ]);
  expect(hosts(foldAnswers([said("b", "x"), said("a", "y")]).others)).toEqual(["a", "b"]);
});

test("a difference is short: an answer that is as short itself is shown whole, a long one is cut", () => {
  const short = foldAnswers([said("a", "x"), said("b", "x"), said("c", "y")]);
  expect(short.others[0]?.differs).toBeNull();
  const book = Array.from({ length: 300 }, (_, at) => `line ${at}`);
  const other = book.map((line, at) => (at % 10 === 0 ? `${line}!` : line)).join("\n");
  const cut = foldAnswers([said("a", book.join("\n")), said("b", book.join("\n")), said("c", other)]);
  expect(cut.others[0]?.differs).toHaveLength(13);
  expect(cut.others[0]?.differs?.at(-1)).toMatch(/^… \d+ more lines differ$/);
  const clock = systemClock();
  const from = clock.tick();
  const noise = (seed: number) => Array.from({ length: 5000 }, (_, at) => `${(at * seed) % 7919}`).join("\n");
  foldAnswers([said("a", noise(3)), said("b", noise(3)), said("c", noise(5))]);
  expect(clock.tick() - from).toBeLessThan(20_000);
});

test("failures are one where they say the same, whatever name their host gives itself", () => {
  const folded = foldAnswers([
    failed("a", "unreachable", "a connection refused"),
    failed("b", "unreachable", "b connection refused"),
    failed("c", "timeout", "ran into its time limit after 2s", "half"),
    failed("d", "skipped", "cordoned (new disk)"),
  ]);
  expect(hosts(folded.failures)).toEqual(["a b", "c", "d"]);
  expect(countLine(folded)).toBe("1 timed out, 2 unreachable, 1 skipped");
});

describe("exit codes", () => {
  test.each([
    ["all good, one host takes no work", 0, [said("a", "x"), failed("b", "skipped", "cordoned")]],
    ["one failed", 1, [said("a", "x"), failed("b", "failed", "exit 1")]],
    ["one timed out", 1, [failed("b", "timeout", "late", "half")]],
    ["one of two is away", 1, [said("a", "x"), failed("b", "unreachable", "gone")]],
    ["all are away", 4, [failed("a", "unreachable", "gone"), failed("b", "unreachable", "gone")]],
    ["none was asked", 1, [failed("a", "skipped", "cordoned")]],
  ])("%s: %i", (_, code, answers) => expect(verdictOf(answers)).toBe(code));
});
