// The order of the pages. One that nobody put in its place stands under "More", so that none is out of reach.
import { sources } from "./src/sources.ts";

const groups: Record<string, string[]> = {
  "Getting started": ["index", "start-hobbyist", "start-team", "start-company", "start"],
  "How it works": ["concepts", "work", "rules", "knowledge", "forge", "dashboard", "faq"],
  "Running it": ["fleet", "ci", "operations"],
  Security: ["security-model", "threat-model", "project/security"],
  "Writing more of it": ["plugins", "runtimes"],
  Reference: ["verbs"],
  Project: [
    "project/readme",
    "project/changelog",
    "project/reliability",
    "project/decisions",
    "project/contributing",
    "project/agents",
  ],
};

/** Shorter than their titles. */
const labels: Record<string, string> = {
  index: "All pages",
  "start-hobbyist": "One person",
  "start-team": "A team",
  "start-company": "A company",
  "project/security": "Reporting, masking, leaks",
};

export function sidebar() {
  const left = new Set(sources().values());
  const take = (names: string[]) =>
    names
      .filter((name) => left.delete(name))
      .map((slug) => ({ slug, ...(labels[slug] === undefined ? {} : { label: labels[slug] }) }));
  const shown = Object.entries(groups).map(([label, names]) => ({ label, items: take(names) }));
  // Those that people write come first.
  const kinds = ["index", "task", "agent", "host", "rule", "settings", "stop", "insight", "learning", "skill"];
  const records = take([
    ...kinds.map((kind) => `records/${kind}`),
    ...[...left].filter((id) => id.startsWith("records/")),
  ]);
  shown.splice(-1, 0, { label: "Records", items: records });
  return [...shown, { label: "More", items: take([...left]) }].filter(({ items }) => items.length > 0);
}
