// What the pages beside the daily ones show in the sample pack: samples of hosts, what is known, campfires, a collection.
import type { LevelRow } from "../../src/core/state.ts";

const lines = (rows: object[]) => `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;
const hour_ms = 3_600_000;
const gib = 2 ** 30;

/** Two weeks of samples of one host, a disk that fills, a load that goes with the day. */
function samples(host: string, until: number, disk: number): [string, object][] {
  return Array.from({ length: 14 * 24 }, (_, n) => {
    const at = new Date(until - (14 * 24 - 1 - n) * hour_ms);
    const wave = Math.abs(Math.sin((at.getUTCHours() / 24) * Math.PI));
    const row = {
      at: at.toISOString(),
      host,
      load: Math.round((0.1 + wave * (n % 37 === 5 ? 1.6 : 0.7)) * 100) / 100,
      memory_free: Math.round((0.3 + 0.3 * wave) * 16 * gib),
      memory_total: 16 * gib,
      disk_free: Math.round((1 - disk - n / 1400) * 200 * gib),
      disk_total: 200 * gib,
      slots: 2,
    };
    return [`state/hosts/${row.at.slice(0, 10)}.ndjson`, row];
  });
}

const candidate = (name: string, title: string, more: object = {}) => ({
  name,
  kind: "insight",
  title,
  sources: ["jobs/2026/11/20/nginx-errors-61e3a.md", "https://github.com/example/harbour/pull/41"],
  why: "two jobs on two days met it",
  ...more,
});

const campfires = (text: string) => [
  {
    id: "2026-11-20",
    at: "2026-11-20T17:00:00Z",
    state: "open",
    proposal: { branch: "towline/campfire-2026-11-20", number: 57, url: "https://github.com/example/harbour/pull/57" },
    head: "3".repeat(40),
    candidates: [candidate("backup-holds-the-disk", `The backup holds the disk until 03:30. ${text}`)],
    doubted: ["learnings/group-by-path.md"],
  },
  {
    id: "2026-11-19",
    at: "2026-11-19T17:00:00Z",
    state: "merged",
    proposal: { branch: "towline/campfire-2026-11-19", number: 52, url: "https://github.com/example/harbour/pull/52" },
    closed_at: "2026-11-19T19:10:00Z",
    candidates: [
      candidate("quiet-hours", "No heavy work between three and half past", { outcome: "edited" }),
      candidate("retry-twice", "Try everything twice", { outcome: "dismissed" }),
    ],
    doubted: [],
  },
];

const outreach_schema = {
  type: "object",
  required: ["who", "stage"],
  properties: {
    who: { type: "string", title: "Who" },
    stage: { enum: ["to ask", "asked", "talking", "won", "lost"], title: "Stage" },
    asked: { type: "string", format: "date", title: "Asked on" },
    worth: { type: "number", title: "Worth, $" },
    tags: { type: "array", items: { type: "string" } },
  },
};

const row = (fields: string, body = "") => `---\n${fields}\n---\n${body}`;

const plugin_page = (text: string) => ({
  title: `Disks ${text}`,
  blocks: [
    { text: `As the hosts noted it.\n${text}` },
    { facts: { "next to be full": `darth ${text}` } },
    {
      table: {
        columns: ["host", "free", "full"],
        rows: [["darth", "3.1 GB of 40 GB", `in 6 days ${text}`], ["lobot"]],
      },
    },
    {
      bars: [
        { label: `darth ${text}`, value: 92, says: "% used" },
        { label: "lobot", value: 20 },
      ],
    },
  ],
});

/** `text`: put into every field that somebody else writes. */
export function pageFiles(until: number, text = ""): Map<string, string> {
  const files = new Map<string, object[]>();
  for (const [path, sample] of [...samples("darth", until, 0.62), ...samples("lobot", until, 0.2)])
    files.set(path, [...(files.get(path) ?? []), sample]);
  const known = [
    { path: "insights/quiet-hours.md", confirmed: "2026-11-19T19:10:00Z", last_hit: "2026-11-21T06:00:00Z", hits: 14 },
    { path: "learnings/group-by-path.md", confirmed: "2026-06-01T08:00:00Z", hits: 0 },
  ];
  const dismissed = [
    { id: "retry-twice-1", text: `Try everything twice ${text}`, signals: ["a", "b"], at: "2026-11-19T19:10:00Z" },
  ];
  return new Map([
    ...[...files].map(([path, list]) => [path, lines(list)] as const),
    ["state/knowledge.ndjson", lines(known)],
    ["state/dismissed.ndjson", lines(dismissed)],
    [
      "state/candidates.ndjson",
      lines([
        {
          id: "close-what-you-open-1",
          text: `Close what you open: two jobs ran out of handles. ${text}`,
          sources: ["jobs/2026/11/20/nginx-errors-61e3a.md", "https://github.com/example/harbour/pull/44"],
          signals: ["s1", "s2"],
          since: "2026-11-20T20:00:00Z",
          witnesses: 2,
          paths: [],
        },
        { id: "backup-holds-the-disk", text: "taken up already", since: "2026-11-20T20:00:00Z", witnesses: 2 },
      ]),
    ],
    ["state/campfire.ndjson", lines(campfires(text))],
    ["state/fired.ndjson", lines([{ rule: "stale-pr", key: "pr/9", at: "2026-11-02T08:00:00Z", count: 1 }])],
    ["state/plugins/disk-trend.json", JSON.stringify(plugin_page(text))],
    ["outreach/schema.json", JSON.stringify(outreach_schema)],
    [
      "outreach/acme.md",
      row(
        "who: Acme Robotics\nstage: talking\nasked: 2026-11-03\nworth: 4200\ntags: [warm, robots]",
        "Met at the fair.\n",
      ),
    ],
    ["outreach/globex.md", row(`who: ${JSON.stringify(`Globex ${text.replaceAll("\n", " ")}`)}\nstage: to ask`)],
    ["outreach/initech.md", row("who: Initech\nstage: sleeping\nworth: much")],
  ]);
}

export const page_levels: LevelRow[] = [
  { source: "towline", subject: "github", family: "source", kind: "source.failed", pupdate: "p4" },
  { source: "towline", subject: "calendar", family: "source", kind: "source.ok", pupdate: "p0" },
  {
    source: "fleet",
    subject: "lobot",
    family: "record",
    kind: "host.drifted",
    state: "its record says `arch: arm64`, the machine is x86_64",
    pupdate: "p5",
  },
];

export const page_settings = {
  collections: { outreach: { title: "Outreach" } },
  plugins: { "disk-trend": {} },
  budget: { day: { usd: "0.5" }, month: { usd: "0.25" } },
};
