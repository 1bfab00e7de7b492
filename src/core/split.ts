// A text cut into frontmatter and body. Only plain YAML is read, and nothing in it is ever evaluated.
import matter from "gray-matter";
import { FAILSAFE_SCHEMA, load, YAMLException } from "js-yaml";
import { plainHeader } from "./plain-header.ts";

export const max_bytes = 1 << 20;
export const max_header = 64 << 10;
const max_depth = 12;
export const fence = /^(?:\uFEFF)?---[ \t]*(\r?\n|\r)/;

export type Wrong = { line: number; column: number; code: string; message: string; fix: string };

/** YAML 1.2, every scalar a string, no aliases, no tags, bounded depth. Throws YAMLException. */
export function readYaml(text: string): unknown {
  return load(text, { schema: FAILSAFE_SCHEMA, maxAliases: 0, maxDepth: max_depth });
}

/** A mapping, as YAML or JSON gives it. */
export const isMap = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const denied = () => {
  throw new Error("only yaml frontmatter is read");
};
// Options are always given: without them gray-matter caches by content and evaluates `---js`.
const splitting = {
  language: "yaml",
  engines: {
    yaml: (text: string) => (text.trim() === "" ? {} : (readYaml(text) as object)),
    js: denied,
    javascript: denied,
    json: denied,
    coffee: denied,
    coffeescript: denied,
    cson: denied,
    toml: denied,
  },
};

/** Frontmatter as plain strings, lists and maps, and the body, or what is wrong with the text. */
export function split(text: string): { data: Record<string, unknown>; body: string; bodyLine: number } | Wrong {
  if (text.length > max_bytes)
    return at(
      1,
      1,
      "too-big",
      `the file is over ${max_bytes >> 20} MiB`,
      "move long text to an attachment or another file",
    );
  const opening = fence.exec(text);
  if (!opening) {
    const tag = /^\uFEFF?---\s*([A-Za-z]+)/.exec(text);
    if (tag)
      return at(
        1,
        4,
        "language",
        `frontmatter in ${tag[1]} is never evaluated`,
        "write a plain `---` line and YAML below it",
      );
    return at(
      1,
      1,
      "no-frontmatter",
      "the file does not start with a `---` line",
      "start it with `---`, the fields, and a second `---`",
    );
  }
  const lines = text.split(/\r\n|\n|\r/);
  const end = lines.indexOf("---", 1);
  if (end < 0)
    return at(lines.length, 1, "unclosed", "the frontmatter is not closed", "add a line `---` after the last field");
  const marker = lines.some((l) => l.startsWith(">>>>>>> ")) ? lines.findIndex((l) => l.startsWith("<<<<<<< ")) : -1;
  if (marker >= 0)
    return at(
      marker + 1,
      1,
      "conflict",
      "a merge conflict was committed into this file",
      "keep one side and remove the <<<<<<< ======= >>>>>>> lines",
    );
  if (text.includes("\0"))
    return at(
      lines.findIndex((l) => l.includes("\0")) + 1,
      1,
      "binary",
      "the file has a NUL byte",
      "save it as UTF-8 text",
    );
  const header = lines.slice(1, end).join("\n");
  if (header.length > max_header)
    return at(1, 1, "too-big", "the frontmatter is over 64 KiB", "move long values to the body");
  try {
    const read = { data: plainHeader(header) ?? matter(`---\n${header}\n---\n`, splitting as never).data };
    if (read.data === null || typeof read.data !== "object" || Array.isArray(read.data))
      return at(
        2,
        1,
        "not-a-map",
        "the frontmatter is not a list of `field: value` lines",
        "write `field: value` on each line",
      );
    return {
      data: read.data as Record<string, unknown>,
      body: lines
        .slice(end + 1)
        .join("\n")
        .replace(/^\n+/, ""),
      bodyLine: end + 2,
    };
  } catch (thrown) {
    return openQuote(header, 1) ?? yamlFault(thrown, 1);
  }
}

/** A value that opens a quote and does not close it: what YAML says of it comes lines later, in other words. */
function openQuote(header: string, above: number): Wrong | null {
  for (const [index, line] of header.split("\n").entries()) {
    const opened = /^\s*(?:- +)?(?:[\w-]+: +)?\[?(["'])/.exec(line);
    if (!opened) continue;
    const quote = opened[1] as string;
    const rest = line.slice(opened[0].length).replace(quote === '"' ? /\\./g : /''/g, "");
    const count = rest.split(quote).length - 1;
    if (count % 2 === 0)
      return at(
        index + 1 + above,
        opened[0].length,
        "quote",
        `a quote ${quote} is opened here and not closed`,
        `add the closing ${quote} at the end of the value, or leave both out`,
      );
  }
  return null;
}

function yamlFault(thrown: unknown, above: number): Wrong {
  if (!(thrown instanceof YAMLException))
    return at(1, 1, "yaml", String((thrown as Error).message ?? thrown), "write plain YAML");
  const said = thrown.reason.toLowerCase();
  const [code, fix] = said.includes("alias")
    ? ["alias", "aliases (`*name`) are off: write the value out in each place"]
    : said.includes("tag")
      ? ["tag", "remove the `!tag`: values are plain text, numbers, lists and maps"]
      : said.includes("duplicate")
        ? ["duplicate-key", "keep one of the two lines"]
        : said.includes("depth") || said.includes("nesting")
          ? ["too-deep", "flatten the value"]
          : ["yaml", "check indentation, and quote values that hold `: ` or start with a special character"];
  return at(
    (thrown.mark?.line ?? 0) + 1 + above,
    (thrown.mark?.column ?? 0) + 1,
    code as string,
    thrown.reason,
    fix as string,
  );
}

const at = (line: number, column: number, code: string, message: string, fix: string): Wrong => ({
  line,
  column,
  code,
  message,
  fix,
});
