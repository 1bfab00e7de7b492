// Globs over repository paths, as people know them from .gitignore: `*` stays within a part, `**` crosses parts, a
// pattern without a slash is a name at any depth, one that ends in a slash is all below that folder.

export type PathTest = (path: string) => boolean;

export function matcher(patterns: readonly string[]): PathTest {
  const tests = patterns.map(compiled);
  return (path) => tests.some((test) => test.test(path));
}

function compiled(pattern: string): RegExp {
  const anchored = pattern.replace(/^\.?\//, "");
  const below = anchored.endsWith("/") ? `${anchored}**` : anchored;
  const whole = below === anchored && pattern === anchored && !anchored.includes("/") ? `**/${below}` : below;
  return new RegExp(`^${source(whole)}$`, "su");
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
