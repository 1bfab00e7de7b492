import { describe, expect, test } from "vitest";
import { lineOf, problemsOf, publishedOf, tableOf } from "../../src/action.ts";
import { actionsReport, cut, neutralise, secretsOf } from "../../src/shell/actions-report.ts";

/** How the runner finds commands: `::` after any blanks, or `##[name` anywhere; it splits lines at CR and LF. */
const isCommand = (text: string) =>
  text.split(/\r\n|[\r\n]/).some((line) => /^[\s\u0085]*::/.test(line) || /##\[[a-z]/i.test(line));

describe("neutralise", () => {
  test.each([
    "::set-env name=PATH::/evil",
    "  ::add-path::/evil",
    "\u00a0\t::stop-commands::x",
    "fine\n::error::forged",
    "fine\r::error::forged",
    "progress\r\n\r\n  ::set-output name=a::b",
    "text ##[set-env name=a]b",
    "##[group]x",
    "\u001b[2K::warning::x",
    "\u0085::error::x",
    "\u0000::error::x",
    "::",
  ])("%j is no command any more", (text) => {
    expect(isCommand(neutralise(text))).toBe(false);
    expect(isCommand(neutralise(neutralise(text)))).toBe(false);
  });

  test("ordinary text stays as it is", () => {
    for (const text of [
      "2 done, 1 failed: backup, nginx",
      "std::vector a::b",
      "# heading\n## [link](x)",
      "ümlaut 日本 ✓",
    ])
      expect(neutralise(text)).toBe(text);
  });
});

describe("secretsOf", () => {
  test("takes secret-named variables and private keys, key by line, and nothing else", () => {
    const key =
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\r\nAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\n";
    const found = secretsOf({
      WEB1: key,
      TURSO_AUTH_TOKEN: "eyJhbGciOi",
      API_KEY: "sk-123456",
      HOME: "/home/runner",
      MONKEYS: "abcdefgh",
    });
    expect(found).toContain("b3BlbnNzaC1rZXk");
    expect(found).toContain("AAAAEbm9uZQ");
    expect(found).toContain("eyJhbGciOi");
    expect(found).toContain("sk-123456");
    expect(found).toContain(key);
    expect(found.join(" ")).not.toMatch(/home|abcdefgh/);
    expect(found.some((line) => line.startsWith("-----") && !line.includes("\n"))).toBe(false);
  });

  test("a value too short to hide without hiding everything is left out", () => {
    expect(secretsOf({ API_KEY: "1", DB_PASSWORD: "" })).toEqual([]);
  });
});

describe("cut", () => {
  test("text within the limit is untouched", () => expect(cut("a\nb\n", 4)).toBe("a\nb\n"));

  test("longer text ends at a line, within the limit in bytes, and says so", () => {
    const text = cut("ü 1234567890\n".repeat(100_000), 900 << 10);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(900 << 10);
    expect(text).toContain("cut here");
    expect(text.split("\n")[1000]).toBe("ü 1234567890");
  });

  test("no room at all gives nothing", () => expect(cut("a".repeat(500), 10)).toBe(""));
});

describe("actionsReport", () => {
  test("commands are read only between the token's own lines", () => {
    const write = process.stdout.write;
    let printed = "";
    process.stdout.write = ((text: string) => {
      printed += text;
      return true;
    }) as typeof process.stdout.write;
    try {
      const report = actionsReport("t0ken");
      report.note("::set-env name=A::b");
      report.error("broken\n::error::forged", { path: "tasks/a.md", line: 3, column: 7 });
      report.progress("##[add-path]/evil");
      report.end();
    } finally {
      process.stdout.write = write;
    }
    const lines = printed.trimEnd().split("\n");
    expect(lines).toEqual([
      "::stop-commands::t0ken",
      "| ::set-env name=A::b",
      "::t0ken::",
      "::error file=tasks/a.md,line=3,col=7::broken%0A::error::forged",
      "::stop-commands::t0ken",
      "## [add-path]/evil",
      "::t0ken::",
    ]);
  });
});

describe("what the action reads from its verbs", () => {
  test("a tick is told in one line", () => {
    expect(lineOf({ started: [{}, {}], ended: [{}], commits: [] })).toBe("2 started, 1 ended, 0 ledger commits");
    expect(lineOf({})).toBe("0 started, 0 ended, 0 ledger commits");
  });

  test("an export counts as changed only with a folder to publish", () => {
    expect(publishedOf({ publish: { changed: true, export: "out" } })).toEqual({ changed: true, export: "out" });
    for (const told of [
      null,
      [],
      {},
      { publish: { changed: true } },
      { publish: { changed: "true", export: "x" } },
      { publish: { changed: true, export: "" } },
    ])
      expect(publishedOf(told).changed).toBe(false);
  });

  test("problems come as a list or under `problems`, and their text cannot break the table", () => {
    const problem = {
      path: "tasks/a|b.md",
      line: 3,
      column: 1,
      level: "error" as const,
      code: "x",
      message: "a | <b> [c](d)\n| e",
      fix: "`f`",
    };
    expect(problemsOf([problem])).toEqual([problem]);
    expect(problemsOf({ problems: [problem] })).toEqual([problem]);
    expect(problemsOf("no")).toEqual([]);
    const row = tableOf([problem]).split("\n")[2] ?? "";
    expect(row.match(/\|/g)).toHaveLength(5);
    expect(row).not.toMatch(/[<>`[]/);
    expect(tableOf([]).split("\n")).toHaveLength(2);
  });
});
