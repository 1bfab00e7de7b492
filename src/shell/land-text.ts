// What is said of work that came back, and what stands in it, searched for secrets.
import { type Breach, breachLine } from "../core/guard.ts";
import { clean } from "../core/text.ts";
import type { Scan, Sighting } from "./scan.ts";
import { without } from "./screen.ts";
import type { Secrets } from "./secrets.ts";

export interface Searching {
  secrets: Secrets;
  scan: Scan;
}

/** A path may be a secret, too, and a name may. */
export async function linesOf(ports: Searching, breaches: Breach[]): Promise<string[]> {
  const texts = await harmless(
    ports,
    breaches.flatMap(({ path, why }) => [path ?? "", why]),
  );
  return breaches.map(({ path }, at) => {
    const [place, why] = texts.slice(at * 2);
    return breachLine({
      path: path === null ? null : place || "(its name is withheld)",
      why: why || "holds nobody can tell what: the search for secrets did not end",
    });
  });
}

/** Texts without secrets and without what is hidden. Where that cannot be told, without any. */
export async function harmless({ secrets, scan }: Searching, texts: string[]): Promise<string[]> {
  const masked = texts.map((text) => secrets.mask(text, { start: true }));
  try {
    const found = await scan(masked);
    return masked.map((text, at) => clean(without(text, found[at])));
  } catch {
    return texts.map(() => "");
  }
}

/** Kinds of secrets by place. A search that failed counts as a find: nobody can tell what is there. */
export async function secretsIn({ secrets, scan }: Searching, texts: ReadonlyMap<string, string>) {
  const found = new Map<string, string[]>();
  const places = [...texts.keys()];
  const words = [...texts.values()];
  let sightings: Sighting[][] | null;
  try {
    // The name of a place is pushed, too.
    sightings = await scan(words.map((text, at) => `${places[at]}\n${text}`));
  } catch {
    sightings = null;
  }
  for (const [at, place] of places.entries()) {
    const text = `${place}\n${words[at]}`;
    const masked = secrets.mask(text);
    const known = masked === text ? [] : [...masked.matchAll(/⟨redacted ([^⟩]*)⟩/g)].map(([, name]) => name as string);
    const kinds = [...known, ...(sightings?.[at] ?? []).map((one) => one.kind)];
    if (kinds.length > 0) found.set(place, kinds);
  }
  if (sightings === null) found.set("it", ["nobody can tell: the search did not end"]);
  return found;
}
