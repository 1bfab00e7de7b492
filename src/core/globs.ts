// Globs over repository paths, as people know them from .gitignore: `*` stays within a part, `**` crosses parts, a
// pattern without a slash is a name at any depth, one that ends in a slash is all below that folder.

export type PathTest = (path: string) => boolean;

export function matcher(patterns: readonly string[]): PathTest {
  const tests = patterns.map(compiled);
  return (path) => tests.some((test) => test.test(path));
}

const compiled = (pattern: string) => new RegExp(`^${source(whole(pattern))}$`, "su");

/** With all that a person leaves out. */
function whole(pattern: string): string {
  const anchored = pattern.replace(/^\.?\//, "");
  const below = anchored.endsWith("/") ? `${anchored}**` : anchored;
  return below === anchored && pattern === anchored && !anchored.includes("/") ? `**/${below}` : below;
}

function source(glob: string): string {
  let text = "";
  for (let at = 0; at < glob.length; at++) {
    const rest = glob.slice(at);
    if (rest.startsWith("**/")) {
      text += "(?:[^/]+/)*";
      at += 2;
    } else if (rest.startsWith("**")) {
      text += ".*";
      at += 1;
    } else if (rest[0] === "*") text += "[^/]*";
    else if (rest[0] === "?") text += "[^/]";
    else text += (rest[0] as string).replace(/[\\^$.|+()[\]{}/]/, "\\$&");
  }
  return text;
}

/** Where one may be in a glob, and what takes it on from there: a letter, any within a part, any, or nothing at all. */
type Step = { on: string | "part" | "any" | null; to: number };

/** Steps by place. The last place is the end. */
function steps(glob: string): Step[][] {
  const places: Step[][] = [];
  for (let at = 0; at < glob.length; at++) {
    const here = places.length;
    if (glob.startsWith("**/", at)) {
      // Parts with their slashes, as many as come.
      places.push([
        { on: null, to: here + 2 },
        { on: "part", to: here + 1 },
      ]);
      places.push([
        { on: "part", to: here + 1 },
        { on: "/", to: here },
      ]);
      at += 2;
    } else if (glob.startsWith("**", at)) {
      places.push([
        { on: null, to: here + 1 },
        { on: "any", to: here },
      ]);
      at += 1;
    } else if (glob[at] === "*")
      places.push([
        { on: null, to: here + 1 },
        { on: "part", to: here },
      ]);
    else places.push([{ on: glob[at] === "?" ? "part" : (glob[at] as string), to: here + 1 }]);
  }
  return [...places, []];
}

const both = (a: string, b: string) =>
  a === b || a === "any" || b === "any" || (a === "part" && b !== "/") || (b === "part" && a !== "/");

/** Whether there can be a path that both name. */
export function meet(one: string, other: string): boolean {
  const [a, b] = [steps(whole(one)), steps(whole(other))];
  const seen = new Set<number>();
  const ways = [[0, 0]];
  for (let way = ways.pop(); way; way = ways.pop()) {
    const [i, j] = way as [number, number];
    if (i === a.length - 1 && j === b.length - 1) return true;
    if (seen.has(i * b.length + j)) continue;
    seen.add(i * b.length + j);
    for (const step of a[i] ?? []) {
      if (step.on === null) ways.push([step.to, j]);
      else for (const mate of b[j] ?? []) if (mate.on !== null && both(step.on, mate.on)) ways.push([step.to, mate.to]);
    }
    for (const step of b[j] ?? []) if (step.on === null) ways.push([i, step.to]);
  }
  return false;
}
