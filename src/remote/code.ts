// Coding work as the host hears of it, and what it says of it, checked.
import { configuration } from "../errors.ts";
import type { CodeRequest, CodeResult, ScriptRun } from "../ports.ts";
import { encodeText } from "./request.ts";

const max_script = 64 << 10;
/** What the host program takes of a bundle that goes out. */
const max_bundle = 48 << 20;
const commit = /^[0-9a-f]{40}$/;
const branch = /^(?!.*(\.\.|\.lock(\/|$)|\/[.-]|\.\/|\.$))[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;
const printable = /^[^\p{Cc}<>\\]{1,100}$/u;

/** Lines of a start. Throws a configuration Fault for what the host would refuse. */
export function encodeCode(code: CodeRequest | undefined): string[] {
  if (!code) return [];
  const { mirror, base, author, pushed, setup, verify, trees, most } = code;
  if (!commit.test(base))
    throw configuration(
      `\`${base}\` is no commit that a host can work on`,
      "repositories with SHA-1 names can be used",
    );
  if (!/^[0-9a-f]{16,64}$/.test(mirror)) throw configuration(`\`${mirror}\` cannot be the name of a mirror`);
  if (!branch.test(code.branch) || code.branch.length > 200)
    throw configuration(`\`${code.branch}\` cannot be the branch of a job`, "use letters, digits, dots and dashes");
  if (![author.name, author.email].every((word) => printable.test(word) && word.trim() === word))
    throw configuration("the author of coding work is no plain name", "use a name without control characters or < >");
  const scripts = Object.entries({ setup, verify, pushed }).flatMap(([name, text]) => {
    if (text === undefined) return [];
    if (Buffer.byteLength(text) > max_script)
      throw configuration(`\`${name}\` is over 64 KiB`, "put a long script into the repository and call it");
    return [`file .code/${name}`, ...encodeText(text)];
  });
  const spec = [mirror, base, code.branch, Math.round(trees), Math.min(max_bundle, Math.round(most))];
  return [`code ${spec.join(" ")}`, `who ${author.name}`, `mail ${author.email}`, ...scripts];
}

/**
 * Reads the parts `code` (lines, an empty one, what setup and verify said) and `bundle`. What is not well formed says
 * nothing: the rest of the result counts without it.
 */
export function readCode(parts: ReadonlyMap<string, Uint8Array>): CodeResult | undefined {
  const bytes = Buffer.from(parts.get("code") ?? []);
  const end = bytes.indexOf("\n\n");
  if (end < 0 || end > 4096) return undefined;
  const lines = bytes.toString("latin1", 0, end).split("\n");
  const said = new Map(
    lines.map((line): [string, string] => [line.split(" ", 1)[0] ?? "", line.replace(/^\S* ?/, "")]),
  );
  const state = (["done", "setup", "unready"] as const).find((one) => one === said.get("state"));
  const [base = "", head = ""] = [said.get("base"), said.get("head")];
  const commits = count(said.get("commits"));
  if (!state || !commit.test(base) || !commit.test(head) || commits === null) return undefined;
  let at = end + 2;
  const script = (key: "setup" | "verify"): { [key in "setup" | "verify"]?: ScriptRun } => {
    const [exit, took, size] = (said.get(key) ?? "").split(" ");
    const [hundredths, length] = [count(took), count(size)];
    if (hundredths === null || length === null) return {};
    const output = bytes.subarray(at, at + length);
    at += length;
    return { [key]: { exit: count(exit), took: hundredths / 100, output } };
  };
  return {
    state,
    base,
    head,
    commits,
    ...line(said, "why"),
    ...line(said, "left"),
    ...script("setup"),
    ...script("verify"),
    bundle: parts.get("bundle") ?? null,
  };
}

function line(said: ReadonlyMap<string, string>, key: "why" | "left"): { [key in "why" | "left"]?: string } {
  const text = (said.get(key) ?? "").replace(/[^\x20-\x7e]+/g, " ").trim();
  return text === "" ? {} : { [key]: text.slice(0, 300) };
}

const count = (word: string | undefined) => (word !== undefined && /^\d{1,12}$/.test(word) ? Number(word) : null);
