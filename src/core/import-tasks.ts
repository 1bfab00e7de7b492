// Work that stands elsewhere as tasks of a pack: always drafts, since whoever wrote it there gave no order here.
import { parseEntry } from "./entry.ts";
import { slug } from "./scalar.ts";
import { clean, oneLine } from "./text.ts";

export interface Foreign {
  /** The task's id here: of what never changes there, not of the title. */
  id: string;
  title: string;
  /** `path`, or `owner/name#12`: for words. */
  from: string;
  /** Where a person reads it, at the end of the task. */
  link: string;
  /** Finished or dropped there. */
  over: boolean;
  priority?: number;
  accept: string[];
  /** Ids here of what must be done before. */
  after: string[];
  body: string;
}

/** Given to all of them. */
export interface Common {
  agent?: string | undefined;
  hosts?: string | undefined;
  on?: string | undefined;
}

export interface ImportedTask {
  id: string;
  path: string;
  from: string;
  /** `same`: it is there as it would be written. `differs`: people have worked on it here. */
  state: "new" | "same" | "differs" | "over" | "refused";
  why: string | null;
  text: string | null;
}

const most_criteria = 50;

/** What people do not see of a text, agents do not get. */
export const visibleText = (text: string): string => clean(text.replace(/<!--[\s\S]*?(?:-->|$)/g, "")).trim();

/** The body without its list of criteria, and the list. */
export function criteriaIn(body: string): { body: string; accept: string[] } {
  const rest: string[] = [];
  const accept: string[] = [];
  let inside = false;
  let fence: string | null = null;
  for (const line of body.split("\n")) {
    const mark = /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark) fence = fence === null ? mark : mark.startsWith(fence) ? null : fence;
    else if (fence === null && /^#{1,6}\s/.test(line)) inside = /^#{2,4}\s+acceptance criteria\s*$/i.test(line);
    const found = inside && fence === null ? /^\s*[-*]\s+\[[ xX]\]\s+(?:#\d+\s+)?(\S.*)$/.exec(line)?.[1] : undefined;
    if (found !== undefined) accept.push(oneLine(found, 300));
    else if (!inside || (fence === null && line.trim() !== "" && !/^#{2,4}\s+acceptance/i.test(line))) rest.push(line);
  }
  return {
    body: rest
      .join("\n")
      .replace(/\n{3,}/g, "\n\n")
      .trim(),
    accept: accept.slice(0, most_criteria),
  };
}

/** What becomes of each. `there`: text of a task of that id, where there is one. */
export function planTasks(
  found: readonly Foreign[],
  there: (id: string) => string | null,
  common: Common,
): ImportedTask[] {
  const coming = new Set(found.filter(({ over }) => !over).map(({ id }) => id));
  const seen = new Set<string>();
  return found.map((one): ImportedTask => {
    const at = { id: one.id, path: `tasks/${one.id}.md`, from: one.from };
    if (one.over) return { ...at, state: "over", why: "it is finished there", text: null };
    if (seen.has(one.id)) return { ...at, state: "refused", why: `two of them would be ${one.id}`, text: null };
    seen.add(one.id);
    const text = textOf(
      one,
      one.after.filter((id) => coming.has(id) || there(id) !== null),
      common,
    );
    const fault = faultOf(one.id, at.path, text);
    if (fault !== null) return { ...at, state: "refused", why: fault, text: null };
    const before = there(one.id);
    if (before === null) return { ...at, state: "new", why: null, text };
    const same = before.replaceAll("\r\n", "\n") === text;
    return { ...at, state: same ? "same" : "differs", why: same ? null : "it was changed here, or there", text: null };
  });
}

function textOf(one: Foreign, after: string[], { agent, hosts, on }: Common): string {
  const fields: [string, string | undefined][] = [
    ["title", plain(oneLine(one.title, 200))],
    ["status", "draft"],
    ["agent", agent && plain(agent)],
    ["hosts", hosts && plain(hosts)],
    ["repo", on && plain(on)],
    ["priority", one.priority === undefined ? undefined : String(one.priority)],
    ["after", after.length === 0 ? undefined : `[${after.join(", ")}]`],
  ];
  const lines = fields.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []));
  if (one.accept.length > 0) lines.push("accept:", ...one.accept.map((each) => `  - ${plain(each)}`));
  const body = [one.body, `From ${one.link}`].filter(Boolean).join("\n\n");
  return `---\n${lines.join("\n")}\n---\n${body}\n`;
}

const plain = (value: string) =>
  /^[A-Za-z0-9][A-Za-z0-9 _./@+-]*$/.test(value) && !/ $/.test(value) ? value : JSON.stringify(value);

function faultOf(id: string, path: string, text: string): string | null {
  const named = slug.safeParse(id);
  if (!named.success) return `the name ${named.error.issues[0]?.message}`;
  return parseEntry(path, "task", text).problems.find(({ level }) => level === "error")?.message ?? null;
}
