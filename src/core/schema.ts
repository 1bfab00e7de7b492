// Every kind of record, once. Types, JSON Schemas for editors and the Astro collections come from here.
import { z } from "zod";
import { permits } from "./permits.ts";
import { duration, flag, int, line, number, reason, share, slug, strings, text, time } from "./scalar.ts";
import { windowFault } from "./window.ts";

const record = z.looseObject;
const off = flag.optional();

const amount = number.refine((v) => v >= 0, "must be at least 0").meta({ type: "number", minimum: 0 });
const amounts = record({
  usd: amount.optional(),
  tokens: int(0, 1e12).optional(),
  minutes: amount.optional(),
  runs: int(0, 1e9).optional(),
});
/** For all runs together that are claimed in one day, or month, of the pack's zone. */
const spans = { day: amounts.optional(), month: amounts.optional() };
/** What all runs of somebody may take. */
const allowance = record(spans);
/** Amounts by themselves are for one run. */
const budget = amounts.extend(spans);

const some_glob = line
  .max(200, "must be at most 200 characters long")
  .refine((glob) => glob.split("*").length <= 9, "must have at most 8 stars");

export const task = record({
  title: line.min(1, "must not be empty"),
  agent: slug.optional(),
  status: z.enum(["draft", "ready", "paused", "cancelled"]).default("ready"),
  run: int(0, 1e9).optional(),
  hosts: strings.optional(),
  spread: z.enum(["one", "each"]).default("one"),
  need: z.union([z.enum(["all", "any"]), int(1, 1e6)]).default("all"),
  rollout: record({ canary: share.optional(), batch: share.optional(), stop_after: int(1, 1e6).optional() }).optional(),
  priority: int(0, 9).default(2),
  due: time.optional(),
  every: line.optional(),
  catch_up: z.enum(["once", "all", "skip"]).default("once"),
  after: strings.optional(),
  timeout: duration.optional(),
  on_lost: z.enum(["hold", "retry"]).default("hold"),
  retries: int(0, 5).default(0),
  budget: budget.optional(),
  repo: line.optional(),
  setup: text.optional(),
  verify: text.optional(),
  /** Globs over the paths of the repository: what its work is likely to change. */
  paths: strings.pipe(z.array(some_glob).max(20, "must be at most 20")).optional(),
  accept: strings.optional(),
  domain: line.optional(),
  effect: text.optional(),
  review: z.enum(["none", "human"]).default("none"),
  reflect: z.enum(["always", "on_change", "failure", "never"]).default("always"),
  deliver: strings.optional(),
  notify: z.enum(["always", "on_change", "on_failure"]).optional(),
  // Set only on queue/ tasks, by towline: the pupdate that it was born from.
  born_of: text.optional(),
  /** The rule that made it. */
  rule: text.optional(),
  /** Set by `towline dispatch`: the person who asked for it. */
  asked_by: line.optional(),
  /** Set by towline: the issue that it was born from, `owner/name#12`; `deliver: issue` answers there. */
  issue: line.optional(),
  /** How many rules deep: 1 for a task whose pupdate was about no such task. */
  depth: int(1, 100).optional(),
});

// Never shown: a token that was pasted here by mistake must not be repeated in a log.
const variable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, "must be the name of an environment variable, like GITHUB_TOKEN, never the token itself");

/** Tools as their runtime names them: `Read`, `Bash(git log:*)`. */
const tool = line.regex(/^[A-Za-z_][^\u0000-\u001f]*$/, "must be the name of a tool");

const tools = z
  .union([z.array(tool), tool.transform((v) => [v])], { error: "must be the name of a tool or a list of them" })
  .meta({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] });

/** Kinds of changes that an agent makes only when its record says so. */
const permit = z
  .union([z.array(z.enum(permits)), z.enum(permits).transform((v) => [v])], {
    error: `must be a list out of ${permits.join(", ")}`,
  })
  .meta({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string", enum: [...permits] } }] });

export const agent = record({
  runtime: line,
  model: line.optional(),
  provider: line.optional(),
  /** Variable that holds the key for its model, for picoclaw's settings on the host. */
  api_key_env: variable.optional(),
  /** Where the model's API is reached from the host. */
  url: line
    .regex(
      /^https?:\/\/[A-Za-z0-9.[\]:_-]+(\/[A-Za-z0-9._~/-]*)?$/,
      "must be like http://127.0.0.1:11434, without a login",
    )
    .optional(),
  hosts: strings.optional(),
  parallel: int(1, 1000).optional(),
  timeout: duration.optional(),
  budget: budget.optional(),
  account: line.optional(),
  auth: z.enum(["host", "env"]).optional(),
  price: record({ run: amount.optional() }).optional(),
  guard: record({
    mode: z.enum(["dontAsk", "acceptEdits", "plan", "bypassPermissions"]).optional(),
    tools: tools.optional(),
    no_tools: tools.optional(),
    /** Globs over the paths of a repository: what its work may change, and what it may not. */
    allow: strings.optional(),
    deny: strings.optional(),
    max_files: int(1, 1e6).optional(),
    max_lines: int(1, 1e9).optional(),
    permit: permit.optional(),
  }).optional(),
  env: strings.optional(),
  limits: record({ turns: int(1, 10_000).optional(), open_prs: int(1, 10_000).optional() }).optional(),
  /** Whether a job's next round goes on in what was said in its last one. */
  session: z.enum(["fresh", "keep"]).default("keep"),
  deploy: z.enum(["if-missing", "never"]).optional(),
  ephemeral: flag.optional(),
  skills: strings.optional(),
  off,
});

/** Times at which a host takes new work: one or a list. */
const windows = strings.superRefine((list, context) => {
  for (const one of list) {
    const fault = windowFault(one);
    if (fault !== null) context.addIssue({ code: "custom", message: fault });
  }
});

// Never shown: a passphrase that was pasted here by mistake must not be repeated in a log.
const env_name = z
  .string()
  .regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, "must be env: and the name of a variable, never the passphrase itself");

export const host = record({
  address: line.min(1, "must not be empty"),
  port: int(1, 65535).default(22),
  user: line.optional(),
  arch: line.optional(),
  labels: strings.optional(),
  slots: int(1, 256).default(2),
  network: line.default("public"),
  key: line.optional(),
  key_passphrase: env_name.optional(),
  host_key: line.optional(),
  jump: slug.optional(),
  cordon: reason.optional(),
  runtimes: z.union([strings, z.record(z.string(), text)]).optional(),
  /** Over `defaults` of towline.yml, for what is deployed here. */
  provider: line.optional(),
  api_key_env: variable.optional(),
  /** One of ours, or a plugin's. */
  transport: z
    .union([z.enum(["ssh", "openssh", "local"]), slug], {
      error: "must be ssh, openssh, local, or the name of a plugin that offers one",
    })
    .default("ssh"),
  identity: line.optional(),
  root: line.optional(),
  budget: allowance.optional(),
  window: windows.optional(),
  run_as: line.regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, "must be the name of a user").optional(),
  off,
});

/** A value tree of predicates; its operators are judged in core/rules.ts, which also reports bad ones. */
const condition: z.ZodType<Record<string, unknown>> = z.record(z.string(), z.unknown());
export const rule = record({
  when: condition,
  within: record({ count: int(1, 10000), in: duration, per: line.optional() }).optional(),
  cooldown: z.union([duration, record({ for: duration, per: line.optional() })]).optional(),
  limit: int(1, 100000).default(1000),
  then: z.array(z.record(z.string(), z.unknown())).min(1, "must name at least one action"),
  stop: flag.default(true),
  ask_first: flag.default(false),
  budget: budget.optional(),
  off,
});

export const insight = record({
  status: z.enum(["active", "retired"]).default("active"),
  scope: strings.optional(),
  sources: strings.optional(),
  /** The campfire that proposed it. */
  campfire: line.optional(),
  expires: time.optional(),
});

export const learning = record({
  status: z.enum(["active", "retired"]).default("active"),
  applies: strings.optional(),
  sources: strings.optional(),
  /** The campfire that proposed it. */
  campfire: line.optional(),
});

export const skill = record({ title: line.optional() });

export const job_states = [
  "claimed",
  "started",
  "finished",
  "failed",
  "timeout",
  "empty",
  "lost",
  "cancelled",
  "released",
  "asking",
  "review",
  "reworking",
  "unknown",
] as const;
export type JobState = (typeof job_states)[number];

const stream = record({ bytes: int(0, 1e15), sha256: line.optional(), truncated: flag.optional() });
const commit = line.regex(/^[0-9a-f]{40}$/, "must be the id of a commit");

/** Where coding work stands. */
const code = record({
  /** As the task named it when the job was claimed. */
  repo: line,
  /** The commit that this epoch's work starts at. */
  base: commit,
  /** Where the branch is; absent: it was not pushed yet. */
  head: commit.optional(),
  /** Tip of the default branch when this epoch was claimed. */
  tip: commit.optional(),
  /** It conflicts with the default branch: that is what its agent is to mend. */
  conflict: flag.optional(),
  /** How often in a row its check failed. */
  failed: int(0, 1000).optional(),
  /** Remarks of the review that the agent has worked on, and those that this epoch is given. */
  told: strings.optional(),
  telling: strings.optional(),
  /** What was said of it at the forge, and waits for its next round. */
  said: z.array(record({ id: line, path: text.optional(), line: int(0, 1e9).optional(), text })).optional(),
  /** Rounds in a row that only checks have asked for. */
  checked: int(0, 1000).optional(),
  /** Work of it may be nowhere but in its worktree. */
  unsaved: flag.optional(),
  /** Files that its work changes, the first hundred. */
  paths: strings.optional(),
  /** Digest of these files as they are at `head`. */
  sum: line.optional(),
  /** What the agent is to know of how its next round came to be. */
  note: line.optional(),
});
/** Verbs by which agents talk back (src/remote/agent/towline.sh). */
export const talk_verbs = ["reply", "ask", "reflect", "confess", "learn", "tell", "status", "done", "fail"] as const;
export type TalkVerb = (typeof talk_verbs)[number];

/** One file of an agent's outbox: its verb is part of the file's name, the text its body. */
export const message = z
  .object({
    verb: z.enum(talk_verbs),
    /** The agent that a `tell` is for. */
    to: slug.optional(),
    surprise: text.optional(),
    technique: text.optional(),
    /** Names of the learnings that the host answered a `learn` with; absent: it had none to look at. */
    hits: z.array(slug).max(50).optional(),
    text,
  })
  .refine((one) => one.verb !== "tell" || one.to !== undefined, {
    path: ["to"],
    message: "must name the agent that it is for",
  })
  .refine(
    (one) => one.text !== "" || one.verb === "done" || one.surprise !== undefined || one.technique !== undefined,
    { path: ["text"], message: "must say something" },
  );
export type Message = z.infer<typeof message>;

/** What an agent asked, and what a person said to it. `pupdate`: of the question; its memo names it, too. */
const question = record({ at: time, text, pupdate: text, answer: text.optional() });

/** What a person may want of a run that has gone quiet. */
const choices = ["hold", "retry", "give up"] as const;
export type Choice = (typeof choices)[number];

export const job = record({
  task: text,
  agent: slug.optional(),
  host: text.optional(),
  state: z.enum(job_states),
  started_at: time.optional(),
  took: duration.optional(),
  cost: number.optional(),
  pr: line.optional(),
  run: record({
    occurrence: text,
    run_id: text,
    requested_by: line.optional(),
    epoch: int(1, 1e9),
    attempt: int(1, 1000).default(1),
    round: int(1, 1000).default(1),
    tick: text,
    claimed_at: time,
    deadline: duration,
    ended_at: time.optional(),
    retry_at: time.optional(),
    input_hash: text,
    /** Set when the task or its agent was edited while the run was open: the answer is to what they said before. */
    drift: line.optional(),
    why: line.optional(),
    exit: int(-1, 1e9).optional(),
    signal: line.optional(),
    output: stream.optional(),
    errors: stream.optional(),
    result: text.optional(),
    /** The runtime's own name for what was said in the run. */
    session: line.optional(),
    boot: text.optional(),
    identity: text.optional(),
    skipped: strings.optional(),
    /** With `rollout`: which wave of the run it belongs to, from 1. */
    wave: int(1, 1e6).optional(),
    unknown_since: time.optional(),
    /** A person asked for this run to be ended; the first tick that reaches its host does it. */
    cancel: record({ at: time, by: line }).optional(),
    /** The epoch that really started, when a later claim found it running. Results count for this one. */
    started_epoch: int(1, 1e9).optional(),
    /** Result collected up to this epoch: what a host says of it and of earlier ones is no news to this attempt. */
    collected_epoch: int(1, 1e9).optional(),
    /** What the answer was worth; a reflection copies it. */
    outcome: z.enum(["success", "partial", "failure"]).optional(),
    runtime: line.optional(),
    program: line.optional(),
    surprise: text.optional(),
    technique: text.optional(),
    /** How far it was, in the agent's own words. */
    status: line.optional(),
    /** The agent holds it to be ready for a review. */
    ready: flag.optional(),
    /** What the agent said that it was about to do, where nothing was there to answer with. */
    learn: strings.optional(),
    /** The same, and the learnings that it was answered with. */
    learned: z.array(record({ query: line, hits: strings.optional() })).optional(),
    questions: z.array(question).optional(),
    /** Its run of this epoch has gone quiet, and no nudge woke it. `pupdate`: by which people were told; its memo names it. */
    stuck: record({ at: time, epoch: int(1, 1e9), pupdate: text, answer: z.enum(choices).optional() }).optional(),
    /** Goes on elsewhere than it began, or without what was said in it before: how, in words. */
    continued: line.optional(),
    /** How many messages deep: of those that it was given, the one that is an answer to the most others. */
    depth: int(1, 100).optional(),
    /** The rule whose task it is, and the account that it is charged to. */
    rule: text.optional(),
    account: line.optional(),
    /** Its cost is what the tool's list price would be: a subscription pays it, and no limit counts it. */
    list_price: flag.optional(),
    /** The most that it may take, counted from the claim on until it is known what it took. */
    reserved: amounts.optional(),
    /** What earlier attempts and rounds took, by the time of their claim. */
    earlier: z.array(record({ at: time, ...amounts.shape, list: amount.optional() })).optional(),
    /** It met its account's limit, which ends at this time: that was no attempt. */
    limited: record({ account: line, until: time }).optional(),
    /** Of coding work: how often in a row a claim was given back for the same reason, and until when it rests. */
    turned_back: record({ times: int(1, 1e6), why: line, until: time.optional() }).optional(),
    tokens: record({}).optional(),
    insights: strings.optional(),
    learnings: strings.optional(),
    /** The file in the job's folder that holds what its agent was told. */
    told: line.optional(),
    /** How it came to go on on other hosts, a line each. */
    moved: strings.optional(),
    /** Its folder holds the text of its proposal. */
    proposal: flag.optional(),
    /** Of coding work. */
    branch: line.optional(),
    code: code.optional(),
  }),
});

export const task_states = [
  "draft",
  "queued",
  "running",
  "waiting",
  "review",
  "done",
  "failed",
  "lost",
  "blocked",
  "paused",
  "cancelled",
] as const;
export type TaskState = (typeof task_states)[number];

/** What a task waits on: the field of its record that names it, STOP.md, or a limit of the pack. */
const waits_on = ["stop", "every", "repo", "after", "agent", "account", "budget", "hosts", "limit"] as const;
export type WaitsOn = (typeof waits_on)[number];

export const status = record({
  title: line,
  state: z.enum(task_states),
  reason: line.optional(),
  waits_on: z.enum(waits_on).optional(),
  since: time,
  /** When a tick first saw the task; `every` counts from here. */
  seen: time,
  next_due: time.optional(),
  last_due: time.optional(),
  last_occurrence: text.optional(),
  failures: int(0, 1e6).default(0),
  /** `status` and `run` of the task when it was held after three failures in a row. */
  held: text.optional(),
  answer_hash: text.optional(),
  jobs: z
    .array(
      record({
        id: text,
        path: text,
        state: z.enum(job_states),
        occurrence: text,
        host: text.optional(),
        at: time,
        told: line.optional(),
        proposal: flag.optional(),
      }),
    )
    .default([]),
});

export const reflection = record({
  timestamp: time,
  title: line,
  goal: text.optional(),
  intended_effect: text.optional(),
  outcome: z.enum(["success", "partial", "failure"]).optional(),
  surprise: text.optional(),
  technique: text.optional(),
  domain: line.optional(),
  session_id: text.optional(),
  host: text.optional(),
  agent: text.optional(),
  runtime: line.optional(),
  took: duration.optional(),
  cost: number.optional(),
});

export const memo = record({
  kind: z.enum(["ask", "info", "warning", "approval"]),
  title: line,
  subject: text,
  created: time,
  expires: time,
  status: z.enum(["open", "answered", "dismissed", "expired"]).default("open"),
  answer: text.optional(),
  /** Who answered it by a comment. */
  answered_by: line.optional(),
  rule: text.optional(),
  pupdate: text.optional(),
  /** Kind of the pupdate that it is about: when its cause is gone, the memo closes by itself. */
  event: line.optional(),
});

export const pupdate = record({
  id: text,
  at: time,
  source: line,
  kind: line,
  subject: text,
  title: line,
  actor: record({ login: text.optional(), id: text.optional(), role: text.optional() }).optional(),
  url: text.optional(),
  tags: strings.optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  verdict: line.optional(),
  rule: text.optional(),
  made: strings.optional(),
});

const loopback = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/;
const api_url = line.refine(
  (v) => URL.canParse(v) && (v.startsWith("https://") || loopback.test(v)) && !/[@?#]/.test(v),
  "must be an https address without a login, `?` or `#`, like https://api.github.com",
);
const repository = line.regex(
  /^(\.|[A-Za-z0-9][\w-]*\/(?!\.{1,2}$)[\w.-]+)$/,
  "must be owner/name, or `.` for the pack's own repository",
);

/** An address, or the variable that holds it: whoever knows the address of a private calendar reads it. */
const source_url = line.refine(
  (v) =>
    /^env:[A-Z][A-Z0-9_]*$/.test(v) ||
    (URL.canParse(v) && (v.startsWith("https://") || loopback.test(v)) && !/[@#]/.test(v)),
  "must be an https address without a login, or env: and the name of a variable that holds one",
);
const header_name =
  /^(?!(host|content-length|transfer-encoding|connection|if-none-match|if-modified-since)$)[a-z][a-z0-9-]{0,63}$/;
/** Header → where its value comes from. Values stand in variables, so that nothing secret stands in a file. */
const headers = z
  .record(
    z.string().regex(header_name, "must be the name of a header in small letters, like x-api-key"),
    z.string().regex(/^env:[A-Z][A-Z0-9_]*$/, "must be env: and the name of a variable, never the value itself"),
  )
  .refine((v) => Object.keys(v).length <= 10, "must be at most 10 headers");
/** What all sources that are read over HTTP have. */
const fetched = {
  name: slug,
  /** Variable whose value is sent as `authorization: Bearer …`. */
  token: variable.optional(),
  headers: headers.optional(),
  /** Not read again sooner than this: for a ticker that runs all the time. */
  every: duration.default(0),
  wall: duration.default(10),
};
/** The way to a field: `data.items`, `labels.0.name`; "" is the whole. */
const field_path = z
  .string()
  .regex(/^([\w$@-]+(\.[\w$@-]+){0,9})?$/, "must be names with dots between, like data.items");
const named_once = (list: { name: string }[]) => new Set(list.map((one) => one.name)).size === list.length;

const calendars = z
  .array(
    record({
      ...fetched,
      url: source_url.optional(),
      file: line.optional(),
      lead: duration.default(900),
      grace: duration.default(3600),
    }).refine((v) => (v.url === undefined) !== (v.file === undefined), "must name one of `url` and `file`"),
  )
  .max(20, "must be at most 20 calendars")
  .refine(named_once, "two of them have one name");

const channel = record({
  kind: z.enum(["webhook", "slack", "ntfy"], { error: "must be webhook, slack or ntfy" }),
  url: source_url,
  /** Variable whose value is sent as `authorization: Bearer …`. */
  token: variable.optional(),
  headers: headers.optional(),
  /** Collected for so long, and sent as one; 0: each tick's at once. */
  digest: duration.default(0),
  wall: duration.default(10),
});
export type Channel = z.infer<typeof channel>;

const endpoints = z
  .array(
    record({
      ...fetched,
      url: source_url,
      /** Where in the answer the list stands. */
      list: field_path.default(""),
      id: field_path.default("id"),
      title: field_path.default("title"),
      /** What makes a thing another than it was; without it, only that it is there counts. */
      state: field_path.optional(),
      link: field_path.optional(),
      /** Name in the pupdate's `data` → the way to its value. */
      data: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), field_path).default({}),
      kind: line.regex(/^[a-z][a-z0-9]*(\.[a-z0-9_]+)+$/, "must be like alert.changed").default("http.changed"),
      /** Whether what is there when it is read for the first time is news. */
      first: z.enum(["news", "noted"]).default("noted"),
    }),
  )
  .max(20, "must be at most 20 endpoints")
  .refine(named_once, "two of them have one name");

/** Poller → its settings. The names are those of src/pollers/index.ts. */
export const pollers = z.strictObject({
  github: record({
    repos: strings.pipe(z.array(repository).max(50, "must be at most 50 repositories")).default(["."]),
    token: variable.default("GITHUB_TOKEN"),
    url: api_url.optional(),
    label: line.min(1, "must not be empty").default("towline"),
    stale: duration.default(259_200),
    comments: flag.default(true),
    pushes: flag.default(true),
    /** Also the checks of the default branch: one more question a tick. */
    main: flag.default(false),
    wall: duration.default(10),
  }).optional(),
  calendar: calendars.optional(),
  http: endpoints.optional(),
  /** Records that people changed. */
  repo: record({}).optional(),
});

const forge_names = ["git", "github"] as const;
const forge_name = z.union([z.enum(forge_names), slug]);
const forge_settings = record({
  /** One of ours, or a plugin's. */
  name: forge_name.default("git"),
  /** The address that the dashboard links to, for a forge that is only linked to. */
  web: line.regex(/^https?:\/\/[^\s@]+$/, "must be a web address without a login").optional(),
  /** The API of a GitHub of one's own. */
  url: api_url.optional(),
  token: variable.default("GITHUB_TOKEN"),
  /** A GitHub App in place of a token. `key`: variable with its private key. */
  app: record({
    id: line.regex(/^[A-Za-z0-9.]{1,40}$/, "must be the App's id or client id"),
    key: variable,
    installation: line.regex(/^\d{1,20}$/, "must be the number of the installation").optional(),
  }).optional(),
  /** For everything that one question takes. */
  wall: duration.default(20),
  /** Files in .github/workflows/ that rules may start: `call: {workflow: deploy.yml}`. */
  workflows: z
    .array(
      line.regex(/^[\w-][\w.-]{0,99}\.ya?ml$/, "must be the name of a file in .github/workflows/, like deploy.yml"),
    )
    .max(50)
    .default([]),
});
const forge_words =
  "must be `github`, `git`, the name of a plugin that offers one, the web address of a repository, or settings with such a `name`";
const forge = z.union(
  [
    forge_name.transform((name) => forge_settings.parse({ name })),
    line.regex(/^https?:\/\/[^\s@]+$/, forge_words).transform((web) => forge_settings.parse({ web })),
    forge_settings,
  ],
  { error: forge_words },
);

/** What towline itself reads of a plugin's settings; the others are the plugin's own options. */
const plugin = record({
  off,
  /** The npm package that it is, in place of plugins/NAME.ts; and what `towline plugin list` says of its files. */
  package: line.regex(/^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/, "must be the name of a package").optional(),
  digest: line.regex(/^[0-9a-f]{64}$/, "must be the 64 hexadecimal digits that `towline plugin list` shows").optional(),
  /** Variables whose values it may see. */
  secrets: strings.pipe(z.array(variable).max(10, "must be at most 10 variables")).optional(),
  network: flag.optional(),
  /** The program that its transport may start where ticks run. */
  program: line.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/, "must be the name of a program, without a path").optional(),
  every: duration.optional(),
});
const plugins = z.preprocess(
  (given) => {
    if (Array.isArray(given)) return Object.fromEntries(given.map((name) => [name, {}]));
    if (typeof given !== "object" || given === null) return given;
    return Object.fromEntries(Object.entries(given).map(([name, own]) => [name, own === "" ? {} : own]));
  },
  z.record(slug, plugin).refine((v) => Object.keys(v).length <= 50, "must be at most 50 plugins"),
);

/** An address with words to fill in: {version}, {tag}, {os}, {Os}, {arch}, {Arch}. */
const release_url = line.refine(
  (v) => URL.canParse(v) && (v.startsWith("https://") || loopback.test(v)) && !/[@#]/.test(v) && !/\s/.test(v),
  "must be an https address without a login, like https://example.org/{version}/tool_{os}_{arch}.tar.gz",
);
const sha256 = line.regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");
const release = record({
  /** `owner/name`, whose releases hold the program. */
  github: line.regex(/^[A-Za-z0-9][\w-]*\/(?!\.{1,2}$)[\w.-]+$/, "must be owner/name").optional(),
  /** The API of a GitHub of one's own. */
  api: api_url.optional(),
  /** Variable with the token; it goes to the API's own server only. */
  token: variable.optional(),
  /** Name of the file in the release, with the same words as `url`. */
  asset: line.regex(/^[\w.+{}-]+$/, "must be the name of a file").optional(),
  url: release_url.optional(),
  /** Address (or, with `github`, name) of the file with the checksums. */
  checksums: line.optional(),
  /** Of the download; by machine, like {amd64: …, arm64: …}, where there is one for each. */
  sha256: z.union([sha256, z.record(z.string(), sha256)]).optional(),
  /** A package of the npm registry, installed on the host by its own npm. */
  npm: line.regex(/^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/, "must be the name of a package").optional(),
  /** npm may run the package's install scripts. */
  scripts: flag.default(false),
  version: line.regex(/^(?!.*\.\.)[A-Za-z0-9][\w.+-]{0,63}$/, "must be a version, like 1.2.3").optional(),
}).refine(
  (v) => [v.github, v.url, v.npm].filter((one) => one !== undefined).length === 1,
  "must name one of `github`, `url` and `npm`",
);

const folder_path = line.regex(
  /^(?!.*(^|\/)\.{1,2}(\/|$))[A-Za-z0-9._][A-Za-z0-9._ -]*(\/[A-Za-z0-9._ -]+)*$/,
  "must be a path inside the repository, without a slash at its end, like `outreach`",
);

/** Jobs in one matrix of GitHub Actions. */
export const most_shards = 256;

const week_day = z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], {
  error: "must be a day of the week: mon, tue, wed, thu, fri, sat, sun",
});
const week_days = z
  .union([z.array(week_day), week_day.transform((v) => [v])])
  .meta({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] });

export const settings = record({
  name: line.default("pack"),
  id: slug,
  /** The towline that works on this pack: another one hands over to it. */
  version: line.regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/, "must be a whole version, like 1.2.3").optional(),
  zone: line.default("UTC"),
  ledger: record({ branch: line.optional(), format: int(1, 1000).default(1) }).prefault({}),
  forge: forge.optional(),
  networks: strings.default(["public"]),
  tick: record({
    every: duration.default(1800),
    patience: duration.default(45),
    wall: duration.default(600),
    /** How long a CI job may take in all: services bill whole minutes. Counted where the workflow says when it began. */
    job: duration.default(50),
    alarm: duration.default(21600),
    max_starts: int(1, 1e6).default(200),
    /** How many tickers may share the work by `--shard`: as many as the CI service runs at once. */
    shards: int(1, most_shards).default(20),
  }).prefault({}),
  budget: allowance.optional(),
  accounts: z.record(line, record({ budget: allowance.optional() })).optional(),
  requesters: z.record(line, record({ budget: allowance.optional() })).optional(),
  defaults: record({
    agent: slug.optional(),
    runtime: line.optional(),
    timeout: duration.optional(),
    model: line.optional(),
    budget: amounts.optional(),
    /** Whose models picoclaw asks, and the variable that holds the key for them. */
    provider: line.optional(),
    api_key_env: variable.optional(),
  }).prefault({}),
  releases: z.record(slug, release).default({}),
  pollers: pollers.prefault({}),
  /** Plugin → its settings. The code of one that is not named here never runs. */
  plugins: plugins.prefault({}),
  /** Whose model turns learnings, questions and signals into vectors; absent: words alone are looked at, and nothing leaves. */
  embeddings: record({
    url: api_url,
    model: line.min(1, "must name a model"),
    token: variable.optional(),
    /** Percent of likeness from which on a learning is found by it alone; two signals say the same from 75 on, or from this. */
    least: int(1, 100).default(60),
  }).optional(),
  /** Whose model puts the read of OVERVIEW.md in words; absent: a template does, and nothing leaves. */
  narrate: record({
    url: api_url,
    model: line.min(1, "must name a model"),
    token: variable.optional(),
    /** For one answer; later than that the template stands. */
    wall: duration.default(10),
    /** Questions a day. */
    day: int(0, 1000).default(24),
  }).optional(),
  fleet: record({ probe: duration.default(1800) }).prefault({}),
  /** The hour in the pack's zone at which what was learned is proposed to people; absent: only when somebody asks. */
  campfire: record({
    at: line.regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time of day, like 18:00").default("18:00"),
    days: week_days.optional(),
    /** With fewer candidates none is made. */
    min: int(1, 100).default(1),
  }).optional(),
  archive: record({
    /** Records that are over for so long are rolled into files of many. */
    after: duration.pipe(z.number().min(7 * 86_400, "must be at least 7d")).default(90 * 86_400),
  }).optional(),
  database: record({ url: line.default("TURSO_URL"), token: line.default("TURSO_AUTH_TOKEN") }).prefault({}),
  site: record({
    url: line.optional(),
    base: line.optional(),
    /** Encrypts the dashboard with the key in `key` (TOWLINE_SITE_KEY), or with the words in `passphrase`. */
    private: flag.default(false),
    key: variable.optional(),
    passphrase: variable.optional(),
    /** Yes: what a private repository holds may stand where everybody reads it. */
    public: flag.default(false),
    publish: line.optional(),
  }).optional(),
  /** What people track besides: a folder of markdown files, and a JSON Schema for their fields. */
  collections: z
    .record(
      slug,
      record({
        folder: folder_path.optional(),
        schema: folder_path.optional(),
        title: line.optional(),
        columns: strings.optional(),
      }),
    )
    .optional(),
  owners: strings.optional(),
  /** Where rules tell people of things: `notify: NAME` in a rule. */
  notify: record({ channels: z.record(slug, channel).default({}) }).optional(),
  /** Called by each tick. The name of a variable that holds the address, or the address. */
  heartbeat: record({ url: line }).optional(),
});

export const stop = record({ cancel: flag.default(false), until: time.optional(), off });

/** One schema a kind of file with frontmatter. `pupdate` lines and `towline.yml` are read on their own. */
export const kinds = {
  task,
  agent,
  host,
  rule,
  insight,
  learning,
  skill,
  job,
  status,
  reflection,
  memo,
  stop,
} as const;
export type Kind = keyof typeof kinds;
export type Fields<K extends Kind> = z.infer<(typeof kinds)[K]>;

export type Task = z.infer<typeof task>;
export type Agent = z.infer<typeof agent>;
export type Host = z.infer<typeof host>;
export type Job = z.infer<typeof job>;
export type Status = z.infer<typeof status>;
export type Memo = z.infer<typeof memo>;
export type Pupdate = z.infer<typeof pupdate>;
export type Amounts = z.infer<typeof amounts>;
export type Settings = z.infer<typeof settings>;
export type Release = z.infer<typeof release>;
export type ForgeSettings = NonNullable<Settings["forge"]>;
export type GithubSettings = NonNullable<Settings["pollers"]["github"]>;
export type PluginSettings = Settings["plugins"][string];
export type HttpSettings = NonNullable<Settings["pollers"]["http"]>[number];
export type CalendarSettings = NonNullable<Settings["pollers"]["calendar"]>[number];

/** Folder of a record → its kind. Order does not matter: first path segment decides. */
export const folders: Record<string, Kind> = {
  agents: "agent",
  hosts: "host",
  rules: "rule",
  insights: "insight",
  learnings: "learning",
  skills: "skill",
  tasks: "task",
  queue: "task",
  jobs: "job",
  status: "status",
  reflections: "reflection",
  memos: "memo",
};

export type PathClass = "policy" | "work" | "ledger";
const ledger_folders = new Set(["jobs", "status", "queue", "pupdates", "reflections", "memos", "state", "archive"]);

/** Who may write a path (architecture section 4). */
export function pathClass(path: string): PathClass {
  const first = path.split("/", 1)[0] as string;
  if (ledger_folders.has(first) || path === "OVERVIEW.md") return "ledger";
  return first === "tasks" || first === "reviews" ? "work" : "policy";
}
