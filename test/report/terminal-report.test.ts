import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { terminalReport } from "../../src/shell/report.ts";

test("no text of a record steers the terminal, and a finding with a place is one line", () => {
  let out = "";
  const stream = new Writable({
    write(chunk, _, done) {
      out += chunk;
      done();
    },
  });
  const report = terminalReport(stream as unknown as NodeJS.WriteStream);
  const hostile = "`title` is `\u001b[2J\u001b]0;owned\u0007red\u0007 \u202ertl\n newline`";
  report.error(hostile, { path: "tasks/\u001b[31ma.md", line: 2, column: 8 });
  report.warning(hostile);
  report.note(hostile);
  report.progress("● fine: ü 日本語");
  const plain = out.replaceAll(/\u001b\[\d+m/g, "");
  expect(plain.split("\n")).toEqual([
    "tasks/a.md:2:8: error: `title` is `red ⟨U+202E⟩rtl newline`",
    "warning: `title` is `red ⟨U+202E⟩rtl",
    " newline`",
    "`title` is `red ⟨U+202E⟩rtl",
    " newline`",
    "● fine: ü 日本語",
    "",
  ]);
});
