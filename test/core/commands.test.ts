// Commands in comments: what is read as one, and what is said to what is none.
import { describe, expect, test } from "vitest";
import { readCommand } from "../../src/core/commands.ts";

const fault = (body: string) => {
  const read = readCommand(body);
  return read && "fault" in read ? `${read.fault}: ${read.fix}` : read;
};

describe("a command", () => {
  test.each([
    ["/towline run nightly", { verb: "run", what: "nightly" }],
    ["/towline run", { verb: "run", what: null }],
    ["\n\n  /towline   run   `tasks/nightly.md`  \r\nthanks!", { verb: "run", what: "nightly" }],
    ["/Towline Run #nightly", { verb: "run", what: "nightly" }],
    [
      "/towline cancel [nightly-0123456789](https://x.example/jobs/a.md)",
      { verb: "cancel", what: "nightly-0123456789" },
    ],
    [
      "/towline answer a1b2 yes, on Sunday\nand only one\n",
      { verb: "answer", text: "a1b2 yes, on Sunday\nand only one" },
    ],
    ["/towline answer\nyes", { verb: "answer", text: "yes" }],
    ["/towline approve", { verb: "approve", what: null }],
    ["/towline drop a1b2", { verb: "drop", what: "a1b2" }],
    ["/towline why nightly", { verb: "why", what: "nightly" }],
    ["/towline stop", { verb: "stop", cancel: false, seconds: null, until: null, why: "" }],
    [
      "/towline stop 2h the disk is full",
      { verb: "stop", cancel: false, seconds: 7200, until: null, why: "the disk is full" },
    ],
    ["/towline stop now", { verb: "stop", cancel: true, seconds: null, until: null, why: "" }],
    [
      "/towline stop until 2026-11-21T09:00:00+01:00 holiday",
      { verb: "stop", cancel: false, seconds: null, until: "2026-11-21T09:00:00+01:00", why: "holiday" },
    ],
    ["/towline stop off", { verb: "go-on" }],
  ])("%j", (body, command) => expect(readCommand(body)).toEqual({ command }));

  test.each([
    "",
    "towline run nightly",
    "> /towline run nightly",
    "    /towline run nightly",
    "`/towline run nightly`",
    "/towlines run nightly",
    "please /towline run nightly",
    "```\n/towline run nightly\n```",
    "Look:\n> /towline run nightly",
    "Look:\n```sh\n/towline stop\n```\nno?",
    "Look:\n~~~\n```\n/towline stop\n~~~",
    "<!-- /towline stop -->",
  ])("is not read from %j", (body) => expect(readCommand(body)).toBeNull());

  test.each([
    ["/towline", "it names nothing to do: write one of run, cancel, answer, approve, drop, why, stop"],
    ["/towline rnu nightly", "there is no command `rnu`: did you mean `/towline run TASK`?"],
    ["/towline deploy", "there is no command `deploy`: there are run, cancel, answer, approve, drop, why, stop"],
    ["/towline run a b", "`run` takes one name, and more is written: `b`: write `/towline run TASK`"],
    ["/towline answer", "`answer` says nothing: write `/towline answer NUMBER your words`"],
    ["/towline stop off now", "`stop off` takes nothing else: `now`: write `/towline stop off`"],
    [
      "/towline stop until tomorrow",
      "`until` takes a time with a zone, and here stands `tomorrow`: write it like 2026-11-21T09:00:00+01:00, or a span like `/towline stop 2h`",
    ],
    [
      "Hello,\n/towline run nightly",
      "a command stands on the first line of a comment: write it anew, with `/towline` in front of everything else",
    ],
    ["/towline run night\u200bly", "there are letters in it that cannot be seen: type it by hand"],
    ["/towline run \u202eylthgin", "there are letters in it that cannot be seen: type it by hand"],
    [`/towline answer ${"x".repeat(3000)}`, "its line is too long: put long words below it"],
    [
      "/towline constructor",
      "there is no command `constructor`: there are run, cancel, answer, approve, drop, why, stop",
    ],
  ])("%j is answered with advice", (body, words) => expect(fault(body)).toBe(words));
});
