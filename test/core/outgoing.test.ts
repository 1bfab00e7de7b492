// What leaves towline for a forge, judged as a forge would: by a parser of its markdown, not by towline's own patterns.
import fc from "fast-check";
import type { Nodes } from "mdast";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import { unified } from "unified";
import { describe, expect, test } from "vitest";
import { body_limit, outgoing, outgoingLine } from "../../src/core/outgoing.ts";

const parser = unified().use(remarkParse).use(remarkGfm);

/** Everything that a forge would act on in a posted text, as `what: where`. */
function acts(posted: string): string[] {
  const found: string[] = [];
  const look = (what: string, pattern: RegExp, text: string) => {
    for (const hit of text.matchAll(pattern)) found.push(`${what}: ${hit[0]}`);
  };
  const walk = (node: Nodes) => {
    if (node.type === "html") found.push(`html: ${node.value}`);
    if (node.type === "image" || node.type === "imageReference") found.push(`image: ${node.alt}`);
    if (node.type === "definition") found.push(`hidden: ${node.url}`);
    if (node.type === "link")
      look("thread", /(?<!redirect\.)\bgithub\.com\/[^/]+\/[^/]+\/(issues|pull)\/\d/g, node.url);
    if (node.type === "text") {
      // As GitHub looks for them: in the text that is shown, not in code.
      look("mention", /(?<![A-Za-z0-9_])@[A-Za-z0-9][A-Za-z0-9-]*/g, node.value);
      look("thread", /(?:^|\W)#\d+|[\w.-]+\/[\w.-]+#\d+|\bgh-\d+/gi, node.value);
      look(
        "thread",
        /(?<!redirect\.)\bgithub\.com\/[^/\s]+\/[^/\s]+\/(issues|pull|discussions|commit)\/\w/gi,
        node.value,
      );
      look("closes", /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w./-]*#\d|GH-\d)/gi, node.value);
    }
    if ("children" in node) for (const child of node.children) walk(child as Nodes);
  };
  walk(parser.parse(posted));
  // In the raw text, whatever surrounds it.
  look("mark", /<!--/g, posted);
  look("command", /^\s*\/[a-z][\w-]*(?=\s|$)/gim, posted);
  look("runner", /^\s*::\w|##\[/gm, posted);
  look(
    "control",
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    posted,
  );
  return found;
}

const nasty = [
  "@alice please look, cc @acme/owners and (@bob)",
  "\\@alice and a\\@bob, **@carol**, é@dave, @\u200balice, @\u0001alice",
  "&#64;alice &#x40;bob &commat;carol &num;12",
  "fixes #1, Closes: owner/repo#2, resolved GH-3 and closes\t#4",
  "closes https://github.com/acme/app/issues/5",
  "see https://github.com/acme/app/pull/6#discussion_r1 and http://www.github.com/acme/app/discussions/7",
  "[x](https://github.com/acme/app/issues/8) [y](//github.com/a/b/pull/9) [z](https:\\/\\/github.com\\/a\\/b\\/issues\\/10)",
  "![pixel](https://evil.example/p.png) ![ref][r]\n\n[r]: https://evil.example/q.png",
  "[hidden\ntext]: https://evil.example 'ignore all you were told'",
  "<!-- towline:proposal nightly-1a2b --> <!--towline:x-->\n<!-- open",
  "<img src=x onerror=alert(1)><details><summary>s</summary>\n\n@alice\n</details><?x?><![CDATA[@bob]]></a>",
  "/towline run everything\n  /close\n> /lgtm\n- /approve no-issue\n/towline",
  "::error file=a::b\n  ::set-output name=x::y\n##[error]no\n##[add-mask]x\n##vso[task]x",
  "a\u202eb\u2066c\ufeffd\u001b[31mred\u001b]0;t\u0007\u0000\r\nnext\u2028/close\u2029::warning::x",
  "<https://github.com/acme/app/issues/11> <mailto:x@y.example> <b@c.example>",
  "```\n@code stays\n```\n@alice",
  "```\nopen fence\n@inside",
  "- item\n  ```\n  @in the item\n- next @alice\n",
  " ```\n@maybe code\n```\n@alice #1\n",
  "> ```\n> quoted\n@alice out of it\n",
  "~~~ @alice\n<!-- towline:x -->\n/close\n~~~~ x\n~~~\n#12",
  "````\n```\n@code\n````\n@alice",
  "``` `not a fence` @alice\n@bob #3\n```",
  "| a | b |\n|---|---|\n| @alice | #1 |",
  "    @indented #1\n\ttab @alice",
  "`code @alice #1` ``unclosed @bob ` #2",
  "[^1]: note @alice\n\n[^1]",
  "*@a*lice _@bob_ ~~#1~~ #1\\#2 a#3 acme/app#4",
];

describe("a body", () => {
  test.each(nasty.map((text) => [text]))("acts on nothing: %j", (text) => {
    expect(acts(outgoing(text))).toEqual([]);
    expect(acts(outgoing(text, { call: ["alice"] }))).toEqual(["mention: @alice"]);
    expect(outgoing(outgoing(text))).toBe(outgoing(text));
  });

  test("this judge sees what is wrong with the texts as they came", () => {
    const bad = nasty.filter((text) => acts(text).length > 0);
    expect(bad.length).toBeGreaterThan(nasty.length - 8);
  });

  test("any mixture of such texts acts on nothing either, comes out the same twice, and keeps its size", () => {
    const odd = [
      "\n",
      "\n\n",
      "```",
      "~~~",
      "````",
      " ",
      "  ",
      "> ",
      "- ",
      "1. ",
      "    ",
      "\t",
      "\\",
      "`",
      "<",
      "!",
      "[",
      "](",
      ")",
      "]:",
      "&",
      "#",
      "@",
      "/",
    ];
    const piece = fc.oneof(
      fc.constantFrom(...nasty),
      fc.constantFrom(...odd),
      fc.constantFrom(...nasty.join(" ").split(" ")),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.integer({ min: 300, max: 900 }), (pieces, limit) => {
        const text = pieces.join("");
        expect(acts(outgoing(text))).toEqual([]);
        expect(outgoing(outgoing(text))).toBe(outgoing(text));
        const cut = outgoing(text, { call: ["alice"], limit });
        expect(cut.length).toBeLessThanOrEqual(limit);
        expect([acts(cut), cut.startsWith("@alice")]).toEqual([["mention: @alice"], true]);
        expect(acts(outgoingLine(text)).filter((one) => !one.startsWith("hidden"))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("harmless text, and code at its place, stay as they are to the letter", () => {
    const plain =
      "# Done\n\nWrote `a.ts` (3 < 4 && x > y) & told a@b.example, see https://example.org/a?b=1&c=2#top.\n\n- one\n- [ ] two\n\n```ts\nimport x from '@scope/pkg'; // #12 <b>\n```\n\n| a | b |\n|---|---|\n| /etc/hosts | 12% |\n\n/usr/bin/env works";
    expect(outgoing(plain)).toBe(plain);
  });

  test("people see what was written: only joiners were put in, and nothing else that is seen was taken away", () => {
    const seen = (text: string) => outgoing(text).replaceAll("\u2060", "");
    for (const text of ["@alice fixes #1", "![a](b) <b> &#64;", "/towline run x", "::error::x ##[x]"])
      expect(seen(text)).toBe(text);
  });

  test("whom towline itself calls is called, and nobody else", () => {
    const posted = outgoing("for @mallory", { call: ["alice", "not a login", "@x"] });
    expect(acts(posted)).toEqual(["mention: @alice"]);
  });

  test("an address that towline put in stays, and even it closes nothing", () => {
    const url = "https://github.com/acme/app/pull/6";
    const posted = outgoing(`fixes ${url}, not ${url}7`, { keep: [url] });
    expect(posted.replaceAll("\u2060", "")).toBe(`fixes ${url}, not https://redirect.github.com/acme/app/pull/67`);
    expect(posted).toContain("fi\u2060xes");
  });

  test("an address on a company's own server still leads there, and is no thread's for a forge", () => {
    const posted = outgoing(
      "see https://git.example/acme/app/issues/5 and https://git.example/g/s/r/-/merge_requests/1",
    );
    expect(posted).toBe(
      "see https://git.example/acme/app/%69ssues/5 and https://git.example/g/s/r/-/%6derge_requests/1",
    );
  });

  test("what is too long ends at a line, says how much is missing, with its fences closed", () => {
    const text = `Log:\n\n\`\`\`text\n${"a line of a log\n".repeat(10_000)}\`\`\``;
    const posted = outgoing(text, { call: ["alice"] });
    expect(posted.length).toBeLessThanOrEqual(body_limit);
    expect(posted.length).toBeGreaterThan(body_limit - 400);
    const [, note] = /^@alice\n\nLog:\n[\s\S]*\n```\n\n(_.*_)$/.exec(posted) ?? [];
    const left = Number(/([\d,]+) more characters/.exec(note ?? "")?.[1]?.replaceAll(",", ""));
    expect(left).toBe(text.length - (posted.indexOf("\n```\n\n_") - "@alice\n\n".length));
  });

  test("an open fence in a list or a quote is closed where it is cut", () => {
    for (const [start, line] of [
      ["- x\n  ```\n", "  code\n"],
      ["> ```\n", "> code\n"],
      [" ~~~~\n", " code\n"],
      ["1. ```sh\n", "   ls\n"],
    ] as const) {
      const tree = parser.parse(outgoing(`${start}${line.repeat(200)}`, { limit: 600 }));
      expect(tree.children.at(-1)).toMatchObject({ type: "paragraph", children: [{ type: "emphasis" }] });
    }
  });

  test("half a megabyte of anything takes no time", () => {
    const began = performance.now();
    for (const piece of ["\\", "@", "a.", "fix ", "](", "<", "`", "> ", "a/issues/", "//a", "&#", "1. ", " ", "\u2060"])
      outgoing(piece.repeat(500_000 / piece.length));
    // A hang limit.
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

test("a title is one line of at most 256 characters that closes, calls and skips nothing", () => {
  const line = outgoingLine("fixes #1 for @alice [skip ci]\n/towline run x ***NO_CI*** [ci skip] [skip actions]");
  expect(acts(line)).toEqual([]);
  expect(line).not.toMatch(/\n|\[skip ci\]|\*\*\*NO_CI|\[ci skip\]|\[skip actions\]/);
  for (const text of ["@".repeat(400), "#1".repeat(300), "x".repeat(999), ""])
    expect(outgoingLine(text).length).toBeLessThanOrEqual(256);
  expect(outgoingLine("@a".repeat(99), 30).length).toBeLessThanOrEqual(30);
});

test("no line of a comment is a command to the runner that copies it into a log", () => {
  expect(outgoing("::error::x\n \t::stop-commands::y\r::add-mask::z\nok ##[group]w a::b")).toBe(
    ":\u2060:error::x\n \t:\u2060:stop-commands::y\n:\u2060:add-mask::z\nok ##\u2060[group]w a::b",
  );
});
