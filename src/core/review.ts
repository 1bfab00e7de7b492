// What people say of work, as lines `- path:line: comment` in reviews/<job>.md: read for the agent, and written for them.
import { digest } from "./hash.ts";
import { unsafePath } from "./path.ts";
import { clean, oneLine } from "./text.ts";

export interface Remark {
  /** null: about the work as a whole. */
  path: string | null;
  line: number | null;
  text: string;
}

export const reviewPath = (job: string) => `reviews/${job}.md`;

/** Tells a remark from others. */
const remarkId = ({ path, line, text }: Remark) => digest("remark", path ?? "", String(line), text).slice(0, 8);

/** Remarks that were not worked on yet, by id: the same words said again are another remark. */
export function untold(text: string | undefined, told: readonly string[] = []): Map<string, Remark> {
  const seen = new Map<string, number>();
  const found = new Map<string, Remark>();
  for (const one of remarksOf(text ?? "")) {
    const id = remarkId(one);
    const times = (seen.get(id) ?? 0) + 1;
    seen.set(id, times);
    found.set(times === 1 ? id : `${id}-${times}`, one);
  }
  for (const id of told) found.delete(id);
  return found;
}

const most = { remarks: 200, text: 4000 };
const item = /^[-*] +(.*)$/;
// A place with spaces stands in backticks.
const placed = /^(?:`([^`]+):(\d{1,7})(?:-\d{1,7})?`|([^\s`:]*[^\s`:\d][^\s`:]*):(\d{1,7})(?:-\d{1,7})?)[:)]? *(.*)$/s;
const named = /^`?([^\s`:]+[/.][^\s`:]*)`?: +(.*)$/s;

/** Remarks in the order in which they stand. A line that goes on is indented; text without a dash is about the whole. */
export function remarksOf(text: string): Remark[] {
  const body = clean(text).replace(/^---\n[\s\S]*?\n---\n/, "");
  const found: string[] = [];
  let open = false;
  for (const line of body.split("\n")) {
    const begun = item.exec(line)?.[1];
    if (begun !== undefined) found.push(begun);
    else if (line.trim() === "") {
      if (!/^ /.test(line)) open = false;
      continue;
    } else if (/^#{1,6} /.test(line)) {
      open = false;
      continue;
    } else if (open) found.push(`${found.pop()}\n${line.trim()}`);
    else found.push(line.trim());
    open = true;
  }
  return found.slice(0, most.remarks).map(remark);
}

function remark(text: string): Remark {
  const short = text.trim().slice(0, most.text);
  const [, quoted, at, plain, beside, words] = placed.exec(short) ?? [];
  const [path, line] = [quoted ?? plain, at ?? beside];
  if (path !== undefined && unsafePath(path) === null && words !== undefined)
    return { path, line: Number(line), text: words.trim() };
  const [, file, said] = named.exec(short) ?? [];
  if (file !== undefined && unsafePath(file) === null && said !== undefined)
    return { path: file, line: null, text: said.trim() };
  return { path: null, line: null, text: short };
}

/** The review with one more remark. */
export function withRemark(before: string, job: string, { path, line, text }: Remark): string {
  const at = line === null ? "" : `:${line}`;
  const said = clean(text).trim().split("\n").join("\n  ");
  const place = path === null ? "" : `${/\s/.test(path) ? `\`${path}${at}\`` : `${path}${at}`}: `;
  const head = before.trim() === "" ? `# Review of ${oneLine(job)}\n` : before.trimEnd();
  return `${head}\n- ${place}${said}\n`;
}

/** `src/a.ts:12` as people type it. */
export function placeOf(text: string): Pick<Remark, "path" | "line"> | null {
  const [, path, line] = /^(.+?)(?::(\d{1,7}))?$/.exec(text) ?? [];
  if (path === undefined || unsafePath(path) !== null || path.includes(":")) return null;
  return { path, line: line === undefined ? null : Number(line) };
}
