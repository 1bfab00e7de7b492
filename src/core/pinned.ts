// The version that a pack names for itself in towline.yml.
const version = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** Read without YAML: it is asked before each verb. null: none is named, or it is no version, which the check says. */
export function pinIn(text: string): string | null {
  const found = /^version:[ \t]*["']?([^\s"'#]+)["']?[ \t]*(?:#.*)?\r?$/m.exec(text)?.[1] ?? "";
  return version.test(found) ? found : null;
}

/** Below 0: `a` is the older one. A version with a dash comes before the one without. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((one) => one.split("-", 1)[0]?.split(".").map(Number) ?? []) as [number[], number[]];
  for (const at of [0, 1, 2]) {
    const between = (left[at] ?? 0) - (right[at] ?? 0);
    if (between !== 0) return between;
  }
  if (a.includes("-") === b.includes("-")) return a === b ? 0 : a < b ? -1 : 1;
  return a.includes("-") ? -1 : 1;
}

/** Verbs that are this very towline's: they make a pack, or change which version it names. */
const own_verbs = new Set(["init", "upgrade", "completion", "complete", "demo", "help"]);

/** The folder that the verb is about, as its options say; null: the verb is not the pack's. */
export function folderIn(argv: readonly string[]): string | null {
  const [verb = ""] = argv;
  if (own_verbs.has(verb) || argv.some((one) => /^(-V|--version|-h|--help)$/.test(one))) return null;
  const at = argv.findIndex((one) => one === "--repo" || one.startsWith("--repo="));
  const said = argv[at] ?? "";
  return said === "--repo" ? (argv[at + 1] ?? ".") : said.startsWith("--repo=") ? said.slice(7) : ".";
}
