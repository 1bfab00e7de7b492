// What the dashboard is built from: one schema an export document. The site's collections are these.
import { z } from "zod";
import { page_documents } from "./exported-pages.ts";
import { host, job_states, kinds, pathClass, task_states } from "./schema.ts";

/** Grows when a document changes its shape; a site refuses data of another version. */
export const export_version = 2;

const text = z.string();
const count = z.number().int().nonnegative();

/** A record as the site sees it: its typed fields, its body up to the cap, and its path in the repository. */
const row = <T extends z.ZodType>(fields: T) =>
  z.object({
    /** Unique in its document and fit for a URL fragment. */
    id: text,
    path: text,
    fields,
    body: text.default(""),
    /** Bytes of the whole body, when only its beginning is here. */
    cut: count.optional(),
  });

/** A job as other documents point to it. `listed`: it has an entry in jobs.json. */
const job_link = z.object({
  id: text,
  path: text,
  listed: z.boolean(),
  state: z.enum(job_states),
  host: text.optional(),
});

// A site may be public: where a machine is and how to log in stays in the repository.
const public_host = host.omit({
  address: true,
  port: true,
  user: true,
  key: true,
  key_passphrase: true,
  host_key: true,
  jump: true,
  identity: true,
  root: true,
  run_as: true,
});
export const host_fields = Object.keys(public_host.shape);

const task_groups = ["attention", "moving", "settled"] as const;
const host_states = ["ready", "down", "cordoned", "off"] as const;

/** A text that lies beside a job's record. */
const beside = z.object({ path: text, text, cut: count.optional() });
/** What set a job off. */
const because = z.object({
  kind: z.enum(["schedule", "due", "run", "person", "event"]),
  at: text.optional(),
  every: text.optional(),
  run: text.optional(),
  by: text.optional(),
  rule: text.optional(),
  title: text.optional(),
  url: text.optional(),
});
const job_event = z.object({
  at: text,
  what: text,
  /** It ended, in this state. */
  state: z.enum(job_states).optional(),
  text: text.optional(),
  answer: text.optional(),
  cost: z.number().optional(),
});

const memo_row = row(kinds.memo).extend({ task: text.optional(), host: text.optional(), job: job_link.optional() });
const tally = z.object({ success: count, partial: count, failure: count });

const week_tally = z.object({ total: count, with_outcome: count, success: count, domains: count, surprises: count });

const sum = z.number().nonnegative();
const cost_row = z.object({
  name: text,
  runs: count,
  accepted: count,
  usd: sum,
  /** Absent: no run came to a good end. */
  usd_per_accepted: sum.optional(),
  list_usd: sum,
  tokens: sum,
  minutes: sum,
  reserved_usd: sum,
});

export const documents = {
  meta: z.object({
    id: text,
    version: z.literal(export_version),
    name: text,
    pack: text,
    zone: text,
    policy: text,
    ledger: text.optional(),
    /** When the ledger's newest commit was made, UTC. */
    at: text.optional(),
    /** Web address of the repository, without a slash at its end. */
    forge: text.optional(),
    /** Pages that have something to show, besides those that always stand there. */
    pages: z.array(text).default([]),
    /** Seconds between two ticks, and from when on their absence is an alarm. */
    every: count.default(0),
    alarm: count.default(0),
    /** `forge.name` of the settings, the default branch, and the ledger's own: for links into the forge's forms. */
    forge_name: text.optional(),
    branch: text.optional(),
    ledger_branch: text.optional(),
  }),
  home: z.object({
    id: text,
    headline: text,
    counts: z.array(z.object({ state: z.enum(task_states), n: count })),
    next: z.object({ task: text, title: text, at: text }).optional(),
    waits: z.array(text),
    stats: z.object({
      total: count,
      first: text.optional(),
      with_outcome: count,
      tally,
      domains: count,
      surprises: count,
      /** Id of the newest reflection with a surprise. */
      surprise: text.optional(),
      /** The seven days up to the newest record, and the seven before. */
      week: week_tally,
      week_before: week_tally,
    }),
    /** The newest day on which something ran. */
    today: z
      .object({
        day: text,
        /** When the day begins and ends, UTC. */
        from: text,
        to: text,
        jobs: z.array(
          z.object({
            id: text,
            listed: z.boolean(),
            path: text,
            title: text,
            state: z.enum(job_states),
            host: text.optional(),
            at: text,
            ended: text.optional(),
            cost: z.number().optional(),
            took: z.number().optional(),
          }),
        ),
        /** How many more there are than are listed. */
        more: count,
      })
      .optional(),
    domains: z.array(z.object({ name: text, n: count, with_outcome: count, tally })),
    days: z.array(z.object({ day: text, reflections: z.array(text) })),
    hosts: z.object({ total: count, ready: count, down: count, cordoned: count }),
    has: z.object({ tasks: z.boolean(), jobs: z.boolean() }),
    /** The newest tick that is known, the one before it, and by how many seconds it came late. */
    beat: z.object({ at: text, before: text.optional(), late: count.optional() }).optional(),
  }),
  reflections: row(kinds.reflection).extend({
    day: text,
    task: text.optional(),
    jobs: z.array(job_link),
    surprised: z.boolean(),
  }),
  /** Lists of reflections that have something in common. */
  facets: z.object({ id: text, by: z.enum(["domain", "outcome", "agent", "host"]), name: text, n: count }),
  tasks: row(kinds.task).extend({
    queued: z.boolean(),
    group: z.enum(task_groups),
    state: z.enum(task_states).or(z.literal("new")),
    status: kinds.status.optional(),
    status_path: text.optional(),
    answer: text.default(""),
    answer_cut: count.optional(),
    jobs: z.array(job_link),
  }),
  jobs: row(kinds.job).extend({
    day: text,
    title: text,
    task_listed: z.boolean(),
    because,
    events: z.array(job_event),
    /** The parts of its body; none: `body` holds it as it is. */
    sections: z.array(z.object({ name: text, text, cut: count.optional() })),
    told: beside.optional(),
    proposal: beside.optional(),
    /** The diff of its work. */
    patch: beside.optional(),
    remarks: z.array(z.object({ path: text.optional(), line: count.optional(), text, settled: z.boolean() })),
  }),
  hosts: row(public_host).extend({
    state: z.enum(host_states),
    since: text.optional(),
    enrolled: z.boolean(),
    open: count,
    last: job_link.extend({ at: text }).optional(),
    /** Time of its newest sample in the ledger. */
    seen: text.optional(),
    /** How its record and the machine differ; that its disk is full. */
    drift: text.optional(),
    disk_full: z.boolean().default(false),
    /** Version of the program on the host, by its newest job. */
    program: text.optional(),
  }),
  agents: row(kinds.agent.omit({ env: true, account: true })),
  memos: memo_row,
  ...page_documents,
  /** A row a month that cost something, newest first. */
  costs: z.object({
    id: text,
    total: cost_row,
    by: z.object({
      task: z.array(cost_row),
      agent: z.array(cost_row),
      host: z.array(cost_row),
      rule: z.array(cost_row),
      requester: z.array(cost_row).default([]),
    }),
  }),
  problems: z.object({
    id: text,
    path: text,
    line: count,
    column: count,
    code: text,
    message: text,
    fix: text,
  }),
  /** Days with records that are too old for the lists of the newest. What they hold is in files beside the documents. */
  days: z.object({
    id: text,
    reflections: count,
    jobs: count,
    /** `nothing`: the forge alone has them. */
    shows: z.enum(["text", "lines", "nothing"]),
    /** Of the records, as they are in git. */
    digest: text,
  }),
} as const;

export type DocumentName = keyof typeof documents;
export type Exported<N extends DocumentName> = z.infer<(typeof documents)[N]>;
export type ExportFiles = Record<string, string>;

/** One older record, as a day's page shows it. */
export interface DayLine {
  id: string;
  path: string;
  at: string;
  /** Outcome or state. */
  state?: string | undefined;
  title: string;
  facts: [string, string][];
  text: string;
  /** Bytes of the whole text, when only its beginning is here. */
  cut?: number | undefined;
}

/** Where the lines of a day are, beside the documents. */
export const dayFile = (row: Pick<Exported<"days">, "id" | "digest">, kind: "reflections" | "jobs") =>
  `days/${kind}-${row.id}-${row.digest.slice(0, 16)}.json`;

/** Web address of a record at the exported commits, or null when no forge is known. */
export function recordUrl(meta: Exported<"meta">, path: string, line?: number): string | null {
  const commit = pathClass(path) === "ledger" ? (meta.ledger ?? meta.policy) : meta.policy;
  if (!meta.forge) return null;
  const host = /^https?:\/\/([^/]+)/.exec(meta.forge)?.[1] ?? "";
  const folder = host.includes("gitlab") ? "-/blob" : host === "codeberg.org" ? "src/commit" : "blob";
  const place = path.split("/").map(encodeURIComponent).join("/");
  return `${meta.forge}/${folder}/${commit}/${place}${line ? `${folder === "blob" ? "?plain=1" : ""}#L${line}` : ""}`;
}
