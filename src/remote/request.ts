// Requests to the host program: one line, a body of lines, and an end line with the nonce. All of it goes by stdin.
import { configuration } from "../errors.ts";
import type { StartRequest } from "../ports.ts";

const printable = /^[\x20-\x5b\x5d-\x7e]*$/;
const line_bytes = 4000;
const max_command = 64 << 10;
const max_file_bytes = 16 << 20;

export interface Request {
  nonce: string;
  verb: string;
  args?: (string | number)[];
  /** Lines without line ends; the host reads them as they are. */
  body?: string[];
  /** Bytes that follow the request. The host takes in all of them before it answers. */
  raw?: Uint8Array;
  /** Bytes that the answer may have, where that is more than usual. */
  most?: number;
}

/** Throws a configuration Fault for a word or line that the host would read as more than one. */
export function encodeRequest({ nonce, verb, args = [], body = [] }: Request): string {
  if (args.some((word) => !/^[\x21-\x7e]+$/.test(String(word))) || body.some((line) => /[\n\0]/.test(line)))
    throw configuration(`a name that no host can be told is in a request to ${verb}`, "use letters, digits and dashes");
  return [[verb, nonce, ...args].join(" "), ...body, `end ${nonce}`, ""].join("\n");
}

/** Text as lines for the shell's own `printf %b`: no process is needed on the host, and every byte arrives. */
export function encodeText(text: string): string[] {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > max_file_bytes) throw configuration("a file for a host is over 16 MiB", "make the prompt shorter");
  const lines: string[] = [];
  let line = "+";
  for (const part of bytes.toString("latin1").split(/([^\x20-\x5b\x5d-\x7e])/)) {
    for (let from = 0; from < part.length; from += line_bytes) {
      const piece = part.slice(from, from + line_bytes);
      line += printable.test(piece) ? piece : escaped(piece.charCodeAt(0));
      if (line.length < line_bytes) continue;
      lines.push(line);
      line = "+";
    }
  }
  if (line !== "+") lines.push(line);
  return lines;
}

const escaped = (byte: number) =>
  byte === 0x5c ? "\\\\" : byte === 0x0a ? "\\n" : `\\0${byte.toString(8).padStart(3, "0")}`;

/** Throws a configuration Fault for a file name that the host would refuse. */
export function encodeLaunch({ launch }: Pick<StartRequest, "launch">): string[] {
  const body: string[] = [];
  for (const [name, text] of Object.entries(launch.files)) {
    if (!/^[A-Za-z0-9._][A-Za-z0-9._-]*(\/[A-Za-z0-9._][A-Za-z0-9._-]*)*$/.test(name) || /(^|\/)\.\.?(\/|$)/.test(name))
      throw configuration(`\`${name}\` cannot be the name of a job's file`, "use letters, digits, dots and dashes");
    body.push(`file ${name}`, ...encodeText(text));
  }
  for (const name of launch.secret) {
    if (!Object.hasOwn(launch.files, name))
      throw configuration(`\`${name}\` is secret but not a file of the job`, "name only files of the launch");
    body.push(`secret ${name}`);
  }
  if (launch.command.includes("\0") || launch.command.length > max_command)
    throw configuration("the command of a job is no text, or over 64 KiB", "put long text into a file of the launch");
  return [...body, ...launch.command.split("\n").map((line) => `command ${line}`)];
}
