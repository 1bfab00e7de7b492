// Globs over values of a pupdate, as rules write them: `*` stays within a part between slashes, `**` crosses parts, `?`
// is one letter. All of the value must fit. The time is the product of both lengths, whatever is written or comes in.

/** A longer glob means nothing, and the rule that has it never fires. */
export const longest_glob = 200;

type Step = "one" | "part" | "any" | number;

/** Letters by their code, and what stands for others. */
function steps(glob: string): Step[] {
  const made: Step[] = [];
  for (let at = 0; at < glob.length; at++) {
    if (glob[at] === "*") {
      const crosses = glob[at + 1] === "*";
      while (glob[at + 1] === "*") at++;
      made.push(crosses ? "any" : "part");
    } else made.push(glob[at] === "?" ? "one" : glob.charCodeAt(at));
  }
  return made;
}

const slash = 47;

/** Which places of the glob one may be at, letter by letter: no way is tried twice. */
export function globTest(glob: string): (text: string) => boolean {
  if (glob.length > longest_glob) return () => false;
  const path = steps(glob);
  const end = path.length;
  const enter = (places: Uint8Array, at: number) => {
    for (let to = at; to <= end; to++) {
      places[to] = 1;
      const step = path[to];
      if (step !== "part" && step !== "any") break;
    }
  };
  // Letters that all of them begin with: most of what comes in ends here.
  const head = /^[^*?]*/.exec(glob)?.[0] ?? "";
  let now = new Uint8Array(end + 1);
  let next = new Uint8Array(end + 1);
  return (text) => {
    if (!text.startsWith(head)) return false;
    now.fill(0);
    enter(now, 0);
    for (let letter = 0; letter < text.length; letter++) {
      const code = text.charCodeAt(letter);
      next.fill(0);
      let alive = false;
      for (let at = 0; at < end; at++) {
        if (now[at] === 0) continue;
        const step = path[at];
        const stays = step === "any" || (step === "part" && code !== slash);
        const goes = step === code || (step === "one" && code !== slash);
        if (stays) enter(next, at);
        else if (goes) enter(next, at + 1);
        alive ||= stays || goes;
      }
      if (!alive) return false;
      [now, next] = [next, now];
    }
    return now[end] === 1;
  };
}
