// A candidate as the record that it becomes when people merge it. Its words are those of whoever was the witness.
import { type Campfire, type Proposed, pathOf } from "./campfire.ts";
import type { Candidate } from "./candidates.ts";
import type { Entry } from "./entry.ts";
import { digest } from "./hash.ts";
import { render } from "./render.ts";
import { likenessOf } from "./signals.ts";
import { oneLine } from "./text.ts";

export const digestOf = (text: string) => digest("candidate file", text.replace(/\r\n?/g, "\n").trim()).slice(0, 16);

/** What is said of files is a rule for those who change such files; all else is for everybody. */
export function proposedOf(candidate: Candidate, day: string): { row: Proposed; text: string } {
  const { id: name, text, sources, signals, paths } = candidate;
  const kind = paths.length > 0 ? ("learning" as const) : ("insight" as const);
  const file = render(kind, { status: "active", ...scopeOf(paths), sources, campfire: day }, text);
  const row = { name, kind, title: oneLine(text, 100), sources, why: whyNow(candidate), text, signals };
  return { row: { ...row, sum: digestOf(file) }, text: file };
}

function scopeOf(paths: readonly string[]): { applies?: string[] } {
  if (paths.length === 0) return {};
  const kinds = paths.map((path) => /[^/.](\.[A-Za-z0-9]{1,8})$/.exec(path)?.[1]);
  return { applies: [...new Set(paths.map((path, at) => (kinds[at] === undefined ? path : `*${kinds[at]}`)))] };
}

const whyNow = ({ witnesses, since }: Candidate) =>
  `${witnesses} independent witnesses, the second on ${since.slice(0, 10)}`;

/** Percent of likeness from which on two say nearly the same, or are about the same thing. */
const near = { same: 28, about: 12 };
const negation = /\b(?:not|never|no|don't|do not|avoid|without|instead of|stop|nicht|nie|kein\w*|ohne)\b/i;

/** What there is already that says the same, or the opposite; by the words alone. */
export function beside(one: Pick<Proposed, "text">, known: readonly Entry<"insight" | "learning">[]): string[] {
  const said = one.text ?? "";
  const active = known.filter(({ data }) => data.status === "active");
  const like = likenessOf([said, ...active.map(({ body }) => body)]);
  return active.flatMap(({ path, body }, at) => {
    const percent = like(0, at + 1);
    if (percent < near.about) return [];
    const against = negation.test(said) !== negation.test(body);
    if (against) return [`may contradict \`${path}\``];
    return percent >= near.same ? [`says nearly the same as \`${path}\``] : [];
  });
}

/** Numbers that people use for them: as they stand. */
export const numbered = ({ candidates }: Pick<Campfire, "candidates">) =>
  candidates.map((one, at) => ({ ...one, number: at + 1, path: pathOf(one) }));

/** A box that a person emptied, of one of these. What is said in a fence is somebody else's word. */
export function untickedIn(body: string, row: Pick<Campfire, "candidates">): Set<string> {
  const names = row.candidates.map(({ name }) => name);
  const found = new Set<string>();
  let fence = "";
  for (const line of body.replace(/\r\n?/g, "\n").split("\n")) {
    const mark = /^(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== "") {
      if (mark?.startsWith(fence) && line.trim() === mark) fence = "";
      continue;
    }
    if (mark !== undefined) fence = mark;
    const name = names[Number(/^- \[ \] \*\*(\d{1,3})\.\*\*/.exec(line)?.[1] ?? 0) - 1];
    if (name !== undefined) found.add(name);
  }
  return found;
}
