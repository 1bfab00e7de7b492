// What the line needs from outside. A variant is one file that exports a factory for one of these shapes.
import type { Duplex } from "node:stream";
import type { Target } from "./core/authority.ts";
import type { Post } from "./core/conversations.ts";
import type { Entry } from "./core/entry.ts";
import type { Inbox } from "./core/inbox.ts";
import type { Told } from "./core/knowledge.ts";
import type { Heard } from "./core/obey.ts";
import type { Spot } from "./core/places.ts";
import type { Remark } from "./core/review.ts";
import type { Agent, Host, Message, Pupdate, Settings, Task } from "./core/schema.ts";
import type { LevelRow, State } from "./core/state.ts";
import type { Web } from "./core/web-links.ts";
import type { Right } from "./core/who.ts";
import type { Standing } from "./core/work.ts";

// ── git: shell/repo.ts ─────────────────────────────────────────────────────────────────────────

/** Every read is a pair. `ledger` is null when the ledger's branch does not exist yet. */
export interface Tips {
  policy: string;
  ledger: string | null;
}

export interface TreeItem {
  path: string;
  /** `100644`, `100755`, `120000` (symlink), `160000` (gitlink). */
  mode: string;
  blob: string;
}

/** Path → new text or bytes, or null to delete it. Paths are repository-relative, `/` between parts. */
export type Changes = Map<string, string | Uint8Array | null>;

/** `won`: the push was reported as updated for our commit id. `lost`: refused, nothing moved. `unknown`: no answer, it may still land: fetch and ask `contains`. */
/** What the clone knows of origin's `refs/towline/pack`: a commit without history whose tree is the ledger as towline wrote it last. null: origin has none; undefined: towline never fetched into this clone. */
export type Written = string | null | undefined;

export type PushOutcome =
  | { state: "won"; commit: string }
  /** `paths`: files of the commit that the server named as the reason. */
  | { state: "lost"; why: string; paths?: string[] }
  | { state: "unknown"; why: string; commit: string };

export interface CommitNote {
  /** First line; `[skip ci]` is added by the writer. */
  subject: string;
  tick: string;
  attempt: number;
}

export interface Repo {
  /** Absolute path of the git directory. */
  readonly gitDir: string;
  /** The forge's own id of origin's repository, like `github.com/123`, where the CI service names it. */
  readonly forge: string | undefined;
  /** Fetches both branches from `origin`. */
  fetch(): Promise<Tips>;
  /** The tips as last fetched (or of the local branches when there is no remote), no network. */
  local(ref?: string): Promise<Tips>;
  /** The default branch's tip at the remote right now, by one ls-remote. */
  policyTipNow(): Promise<string>;
  /** Whether this commit is the tip or behind it: what settles an unknown push after a fetch. */
  contains(tip: string, commit: string): Promise<boolean>;
  /**
   * Files below these folders or at these paths of a commit; nothing given: the whole tree. Missing paths are left out.
   * Archived records are found where they were, unless it is asked how files are `stored`; those of queue/ and status/
   * only with the whole tree or their archive: they are over.
   */
  tree(commit: string, paths?: string[], as?: "stored"): Promise<TreeItem[]>;
  /** Blob id → bytes. Blobs over `maxBytes` (default 1 MiB) come back as null. */
  blobs(ids: string[], maxBytes?: number): Promise<Map<string, Uint8Array | null>>;
  /** Origin's `refs/towline/pack`, as last fetched. */
  written(): Promise<Written>;
  /**
   * Builds one commit on the pair's ledger tip without a work tree and pushes it, with leases on both refs. With
   * `state/pack.json` among the changes `refs/towline/pack` goes along, in the same push and by a lease of its own.
   */
  push(tips: Tips, changes: Changes, note: CommitNote): Promise<PushOutcome>;
  /** Replaces a ref without history (`refs/towline/beat`) by a parentless commit that holds one file. */
  beat(file: string, text: string): Promise<void>;
  readBeat(): Promise<string | null>;
  /** Paths that differ between two commits (either may be null = empty tree), with their blob at `to` or null. */
  diff(from: string | null, to: string | null): Promise<{ path: string; blob: string | null }[]>;
  /** Path → the last commit between two that changed it, with the name that its author gave. null: not in this clone. */
  people(from: string, to: string): Promise<Map<string, Authored> | null>;
}

/** What a commit says of itself. Anybody can write any name there: it is no proof of who it was. */
export interface Authored {
  commit: string;
  author: string;
  at: string;
}

// ── hosts: shell/fleet.ts over transports/ ─────────────────────────────────────────────────────

/** One command on a host: bytes in, bytes out. Resolves when the command has been started. */
export interface Pipe {
  stdin: { write(data: string | Uint8Array): void; end(): void };
  /** Chunks of stdout. */
  stdout: AsyncIterable<Uint8Array>;
  /** What came on stderr so far (at most 64 KiB kept). */
  stderr(): string;
  /** Exit code, or null when the connection was lost or a signal ended the command. */
  closed: Promise<number | null>;
  kill(): void;
}

/** A live connection to one host; one handshake however many commands. */
export interface Connection {
  exec(command: string): Promise<Pipe>;
  /** Bytes from this host on to another address, for the hosts behind it. Absent: it cannot be a way. */
  forward?(address: string, port: number, timeout: number): Promise<Duplex>;
  close(): void;
}

export interface ConnectOptions {
  /** Private key as text, or undefined for transports without one. Never written anywhere. */
  key?: string;
  /** What opens the key, where it is locked. */
  passphrase?: string;
  /** A person's password for this one login, in place of a key; "": nothing is sent, only what is taken is heard. */
  password?: string;
  /** Where the key was read from, for a client that reads it, and a certificate beside it, by itself. */
  keyFile?: string;
  /** The jump host that this host is behind, and its name. */
  via?: { name: string; connection: Connection };
  /** Milliseconds until the connection must stand. */
  timeout: number;
  /**
   * Called with `SHA256:…` when the host record pins no key, and with the public key where the transport sees it itself;
   * true accepts it. Absent: refused.
   */
  onUnknownKey?: (fingerprint: string, key?: Uint8Array) => Promise<boolean> | boolean;
  signal?: AbortSignal;
}

/** How bytes reach a host. `connect` throws a HostFault. */
export interface Transport {
  name: string;
  connect(name: string, host: Host, options: ConnectOptions): Promise<Connection>;
}

export type HostFaultKind =
  | "unreachable" // nobody answers at the address
  | "refused" // login refused, key missing or not accepted
  | "unknown-key" // no pinned key
  | "changed-key" // another key than the pinned one
  | "lost" // the connection broke while in use
  | "not-enrolled" // no identity on the host, or not the pinned one
  | "protocol" // the host program answered what it must not
  | "altered"; // what it holds of one job is no result of it; the conversation goes on

export class HostFault extends Error {
  readonly kind: HostFaultKind;
  /** Where a login was refused: the ways of logging in that the host takes. */
  takes?: string[];
  constructor(kind: HostFaultKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HostFault";
    this.kind = kind;
  }
}

/** What a host says of itself at the start of each conversation. */
export interface HostFacts {
  identity: string;
  boot: string;
  /** Seconds that the host's clock is ahead of ours (negative: behind). */
  skew: number;
  cores: number;
  load: number;
  memory: { total: number; free: number };
  disk: { total: number; free: number };
  arch: string;
  system: string;
  slots: { total: number; used: number };
  /** Runtime → the version it names, or "" when it is there and names none. */
  runtimes: Record<string, string>;
  /** What the machine's owner allows; absent: everything. */
  allow?: HostAllow;
  held: HeldJob[];
  /** Worktrees of this pack; absent: none. */
  trees?: HeldTree[];
  /** Worktrees of all packs; absent: none. */
  stand?: number;
  /** false: it has none. */
  git?: false;
  /** Sessions of jobs without a worktree that wait for their next round; absent: none. `used`: as of a worktree. */
  sessions?: Pick<HeldTree, "job" | "used">[];
}

/** A worktree that stays until its job is closed. `used`: seconds since 1970 of its last start. */
export interface HeldTree {
  job: string;
  mirror: string;
  used: number;
}

/** The owner's `allow` file on a host. What it does not list is not allowed; `any` in a list stands for all. */
export interface HostAllow {
  packs: string[];
  runtimes: string[];
  /** null: as many as the host record says. */
  slots: number | null;
  /** What is wrong with the file: then nothing is allowed. */
  amiss: string | null;
}

/** How a host fared at a moment, as it noted it itself. */
export interface Sample {
  /** Seconds since 1970, by the host's clock. */
  at: number;
  load: number;
  cores: number;
  memory: { total: number; free: number };
  disk: { total: number; free: number };
  /** In use. */
  slots: number;
}

/** A job that the host knows and that was not acknowledged yet. `day` is the folder of its record. */
export interface HeldJob {
  job: string;
  epoch: number;
  day: string;
  state: "running" | "ended" | "died";
  /** sha256 of the whole result, once ended. */
  sha256?: string;
  /** It runs, nothing new comes from it, and all nudges of its host did not wake it. */
  silent?: true;
  /** It runs, and is shown messages that come while it does. */
  hears?: true;
}

export interface StartRequest {
  job: string;
  epoch: number;
  day: string;
  /** Seconds until the whole process group is ended. */
  deadline: number;
  /** Bytes kept of each stream: this many from its head and as many from its tail. */
  keep: number;
  /** Slots of the root, as the host record says. */
  slots: number;
  /** What runs it, by name: the host's owner may not allow it. Without a name it is not allowed where they set limits. */
  runtime?: string;
  launch: Launch;
  /** Coding work: the launch starts with a worktree at its side. */
  code?: CodeRequest;
}

/** What is checked out on the host before the agent starts, and what of it comes back. */
export interface CodeRequest {
  /** Name of the mirror on the host: 16 to 64 hex digits, out of the repository's address. */
  mirror: string;
  /** The commit that this epoch's work starts at. It must be in the mirror. */
  base: string;
  /** The branch that the worktree stands on. */
  branch: string;
  /** Where it was pushed to last: where people have put it back, what came after that is not brought back. */
  pushed?: string;
  /** In whose name the agent and the host commit. */
  author: { name: string; email: string };
  /** Run by `sh` in the worktree: once after it was made, and after each agent that ended by itself. */
  setup?: string;
  verify?: string;
  /** Worktrees that the host may hold, those of all packs of its root. */
  trees: number;
  /** Bytes that the bundle which comes back may have. */
  most: number;
}

/** What became of coding work. Data of the host, however well formed. */
export interface CodeResult {
  /** `setup` and `unready`: that failed, and the agent was not started. */
  state: "done" | "setup" | "unready";
  why?: string;
  base: string;
  /** Tip of the branch; `base` when nothing was committed. */
  head: string;
  commits: number;
  /** Why what was left uncommitted is not in a commit. What was committed comes all the same. */
  left?: string;
  setup?: ScriptRun;
  /** Absent: there is none, or the agent did not end by itself. */
  verify?: ScriptRun;
  /** `base..head` as one ref, the branch; null: nothing was committed, or `why` says what stands against it. */
  bundle: Uint8Array | null;
}

export interface ScriptRun {
  /** null: ended at its limit. */
  exit: number | null;
  /** Seconds. */
  took: number;
  /** The last 16 KiB of both its streams. */
  output: Uint8Array;
}

export type StartAnswer =
  | { state: "started" }
  | { state: "already"; epoch: number } // this or another epoch was started before; nothing was started now
  | { state: "sealed"; epoch: number } // a newer claim sealed this epoch
  | { state: "full" }
  | { state: "later"; why: string } // of coding work: what stands in its way may pass; nothing was begun
  | { state: "forbidden"; why: string } // by the host's owner; nothing was begun
  | { state: "refused"; why: string };

/** A finished run as the host recorded it, checked against its frame. */
export interface RawResult {
  job: string;
  epoch: number;
  /** Exit code of the runtime's process; null when a signal ended it or nobody saw its end. */
  exit: number | null;
  signal: string | null;
  /** `exited` by itself · `timeout` at our deadline · `cancelled` by us · `died`: the host restarted or the supervisor was killed. */
  end: "exited" | "timeout" | "cancelled" | "died";
  /** ISO times by the host's clock; `took` in seconds, by its monotonic one. */
  started_at: string;
  ended_at: string;
  took: number;
  boot: string;
  program: string;
  stdout: RawStream;
  stderr: RawStream;
  /** What came besides the streams, by name. */
  parts?: ReadonlyMap<string, Uint8Array>;
  /** Of coding work; absent where nobody was left to bring it out. */
  code?: CodeResult;
  /** sha256 over the whole result; what `ack` is sent with. */
  sha256: string;
}

export interface RawStream {
  /** All bytes that the process wrote. */
  bytes: number;
  sha256: string;
  head: Uint8Array;
  /** Empty when nothing was cut. */
  tail: Uint8Array;
  /** Bytes left out between them; absent: what the lengths leave. Both ends may have been shortened since. */
  cut?: number;
}

/** One conversation with the host program of one host. Every call throws HostFault. */
export interface HostSession {
  readonly facts: HostFacts;
  /** The same facts, as they are now. */
  probe(): Promise<HostFacts>;
  start(request: StartRequest): Promise<StartAnswer>;
  /** What the host noted of itself after this moment (seconds since 1970), as far as it keeps it. */
  samples(since: number): Promise<Sample[]>;
  /** Waits until one more of these jobs has ended, at most this many milliseconds; answers all that have ended. */
  wait(jobs: { job: string; epoch: number }[], ms: number): Promise<{ job: string; epoch: number }[]>;
  /** `most`: bytes that the answer may have, where that is over 1 MiB. */
  fetch(job: string, epoch: number, most?: number): Promise<RawResult>;
  /** Refuses epochs below this one for good. Answers whether any lower one was ever started. */
  seal(job: string, epoch: number): Promise<{ started: number | null }>;
  cancel(job: string, epoch: number): Promise<void>;
  /**
   * Puts messages before a run that hears them, each once however often it is told. Answers those that it was shown, also
   * of a run that has ended.
   */
  tell(job: string, epoch: number, letters: readonly { id: string; text: string }[]): Promise<string[]>;
  /** How a run stands, and what it has printed beyond so many bytes of its streams: some of it, as long as there is more. */
  peek(job: string, epoch: number, from: { out: number; err: number }): Promise<Glimpse>;
  /** The results with these hashes stand in the ledger: the payload may go. */
  ack(results: { job: string; epoch: number; sha256: string }[]): Promise<void>;
  readonly files: HostFiles;
  readonly code: HostCode;
  close(): void;
}

/** A look at a run while it prints. `acked`: its record has it all. `none`: it was never started there. */
export interface Glimpse {
  state: "running" | "ended" | "died" | "acked" | "none";
  out: Uint8Array;
  err: Uint8Array;
  /** False: it has printed more than is kept of it, and what is left out cannot be seen. */
  whole: boolean;
}

/** Mirrors and worktrees of a host. Throws HostFault, and a Fault where the host refuses: then nothing changed. */
export interface HostCode {
  /** Commits that are there with all that they build on; none: a bundle must be a whole one. */
  tips(mirror: string): Promise<string[]>;
  send(mirror: string, bundle: Uint8Array, options?: { sent?: (bytes: number) => void }): Promise<void>;
  /** The worktree and the branch of a job go. False: a run of it is open, and nothing went. */
  close(job: string): Promise<boolean>;
}

export interface FileState {
  kind: "none" | "file" | "dir" | "other";
  /** Of a file; null when it cannot be read. */
  sha256: string | null;
  /** Of the one that was kept when it was replaced. */
  older: string | null;
}

export interface PutOptions {
  mode: "600" | "755";
  /** Hash of what it replaces, or `none`; absent: whatever is there. */
  was?: string;
  /** Keeps what it replaces, for `back`. */
  keep?: boolean;
  /** Bytes that have arrived. */
  sent?: (bytes: number) => void;
}

/**
 * Files below the home of the user on a host, by relative path (`@NAME`: towline's note of what it put there). Throws
 * HostFault where the connection or the host program fails, and a Fault where the host refuses: then nothing changed.
 */
export interface HostFiles {
  state(paths: string[]): Promise<Map<string, FileState>>;
  /** null: there is none. */
  show(path: string): Promise<Uint8Array | null>;
  put(path: string, bytes: Uint8Array, options: PutOptions): Promise<void>;
  /** The file and its older self change places; `drop`: the newer one is no good and goes. */
  back(path: string, drop?: boolean): Promise<void>;
  /** Folders end in a slash. Answers what is left. */
  remove(paths: string[]): Promise<string[]>;
  /** Runs one of a few known programs there; `exit` 124: it was ended at its limit. */
  call(call: HostCall): Promise<{ exit: number; said: string }>;
  /**
   * Takes the host program and all that it kept away, itself with it; while other `packs` stand there, only what it kept
   * of this one. Answers what is `left` in its root. `look`: nothing goes yet.
   */
  uproot(force: boolean, look?: boolean): Promise<{ packs: string[]; left: string[] }>;
}

/** Puts runtimes on hosts for the work of a tick. Throws a Fault or a HostFault: then nothing was begun on the host. */
export interface Deployer {
  deploy(state: State, session: HostSession, host: Entry<"host">, agent: Agent): Promise<void>;
  /** Takes away again what was deployed for an ephemeral agent, and nothing else. */
  remove(session: HostSession, runtime: string): Promise<void>;
}

/** `name`: of the runtime, below ~/.local/bin. `limit` in seconds. */
export type HostCall = { name: string; limit: number } & (
  | { what: "version" | "onboard" }
  /** `spec`: package@version. */
  | { what: "npm"; spec: string; scripts: boolean }
  | { what: "unnpm"; spec: string }
);

/** Opens conversations. One per host per tick: callers keep the session over all passes. */
export interface Fleet {
  open(name: string, host: Host, pack: string): Promise<HostSession>;
  /** Gives up what the sessions shared, like the connection to a jump host. */
  close?(): void;
}

// ── runtimes/ ──────────────────────────────────────────────────────────────────────────────────

/** What the host program needs to run a job: files for the job's own folder and a POSIX sh line run in it. */
export interface Launch {
  /** Relative name → content, written under umask 077 before the start. */
  files: Record<string, string>;
  /** Names out of `files` that are removed when the job ends (keys, copied settings). */
  secret: string[];
  /** POSIX sh, run in the job's folder with stdin from /dev/null. Constant per runtime: never holds text of a task. */
  command: string;
  /** What its agent reads, by name. */
  told?: Readonly<Record<string, string>>;
}

/** A piece of work before its secrets are looked up. */
export type Work = Omit<Assignment, "secrets">;

export interface Assignment {
  job: string;
  epoch: number;
  task: Task;
  /** The markdown body of the task: a prompt, or for `shell` the script. */
  prompt: string;
  agent: Agent;
  character: string;
  /** Notes on the machine: the host record's body. */
  notes: string;
  /** Messages from other agents that it has not been given before. */
  inbox?: readonly Letter[];
  /** What it asked in earlier runs of this job, and what a person said to it. */
  questions?: readonly { question: string; answer: string }[];
  /** Why this run knows nothing of what was said in the job's earlier ones, in words. */
  continued?: string;
  /** The job goes on on the same host: the session of its last run, for runtimes that can resume one. */
  resume?: { session: string };
  /** The agent's `env`: name → value. They come into it at the last moment and stand in no record. */
  secrets: Readonly<Record<string, string>>;
  /** US dollars that the run may cost, for runtimes that can end it there. */
  usd?: number;
  /** Work on a repository, in a worktree of it. */
  code?: CodeWork;
  /** What is new in this round of it, in parts for a prompt. */
  news?: readonly string[];
  /** What people have written down for agents like this one. */
  told?: Told;
}

/** What an agent is told of its work on a repository besides the task. */
export interface CodeWork {
  agent: string;
  /** As the task names it. */
  repo: string;
  branch: string;
  /** The commit that it goes on from. */
  base: string;
  /** Where its branch was pushed to last. */
  head?: string;
  /** From 1: how often the work was given to it. */
  round: number;
  /** What people said of it and it has not been told before. */
  remarks: readonly Remark[];
  /** What the check of its work said, when that failed. */
  failed?: string;
  /** One line of towline's own about how this round came to be. */
  note?: string;
  /** Why some of the work is in no commit, in its host's words. */
  left?: string;
}

/** A message from one agent to another. */
export interface Letter {
  from: string;
  at: string;
  text: string;
}

/** The account's usage limit was reached, which is no fault of the task. */
export interface Limited {
  /** ISO time at which the limit ends, where the tool named a moment that can be read. */
  until?: string;
  /** What the tool said of that moment, one line; "" for nothing. */
  said: string;
}

/** What a run came to, whatever ran it. */
export interface Outcome {
  state: "finished" | "failed" | "timeout" | "empty" | "cancelled" | "lost";
  outcome: "success" | "partial" | "failure";
  /** One line for people: why it is not a success; for a success, nothing. */
  why?: string;
  answer: string;
  surprise?: string;
  technique?: string;
  cost?: number;
  tokens?: Record<string, number>;
  session?: string;
  /** What the agent said besides, in its outbox and in the marked block of its answer. */
  messages?: Message[];
  /** What in its outbox could not be understood, a line each. */
  remarks?: string[];
  limited?: Limited;
}

/** How an agent's model is run on a host. Pure: values in, values out. */
export interface Runtime {
  name: string;
  /** True when a model reads the prompt: then it is asked for the marked block, and an empty answer is no success. */
  model: boolean;
  /** Its runs show progress: their host nudges those that go quiet, and says when that did not help. */
  nudges?: true;
  launch(assignment: Assignment): Launch;
  outcome(result: RawResult): Outcome;
}

// ── forges/ ────────────────────────────────────────────────────────────────────────────────────

/** Work that waits for people: a branch, and where towline left it. `repo` as the task names it. */
export interface Proposal {
  repo: string;
  branch: string;
  head: string;
  /** Where people's branch was before this work, the files that it changes, and those as they are at its head. */
  tip?: string | undefined;
  paths?: readonly string[] | undefined;
  sum?: string | undefined;
  /** What people read of it, in markdown; what they changed of it themselves stays. */
  title?: string | undefined;
  body?: string | undefined;
  /** Whom the pack names as its owners: what a word at the forge counts depends on it. */
  owners?: readonly string[] | undefined;
  /** What it changes, where that is more than work of an agent: who may decide depends on it. */
  touches?: readonly Target[] | undefined;
}

/** This forge has no such thing and will have none later: nobody waits for it or tries again. */
export interface NotHere {
  notHere: string;
}

/** Somebody at a forge. The number is who they are; a login may be another's tomorrow, or look like another's. */
export interface Person {
  login: string;
  id: string;
  bot: boolean;
}

/** `none` also where that could not be found out. */
export type Permission = "admin" | "write" | "read" | "none";

/** An issue or a pull request; `repo` as the task names it. */
export interface Ticket {
  repo: string;
  number: number;
}

/** A proposal as the forge shows it. */
export interface Shown {
  number: number;
  url: string;
  state: "open" | "merged" | "closed";
  draft: boolean;
  title: string;
  /** Where its branch is now: people push, too. */
  head: string;
  base: string;
  /** null: the forge does not know yet. */
  conflict: boolean | null;
  /** Its text as it is there, which people change, too. */
  body: string;
  /** When anybody last did something to it; null: the forge does not say. */
  updated: string | null;
  /** Who merged it. */
  by: Person | null;
}

export interface Review {
  id: string;
  author: Person | null;
  state: "approved" | "changes_requested" | "commented" | "dismissed";
  /** What was looked at. A yes to another commit than the one at hand is none. */
  commit: string | null;
  text: string;
  url?: string | undefined;
}

export interface Comment {
  id: string;
  author: Person | null;
  text: string;
  at: string;
  edited: boolean;
  url?: string | undefined;
}

export interface Thread {
  id: string;
  /** null: the forge does not say. */
  resolved: boolean | null;
  /** Its line has changed since. */
  outdated: boolean;
  path: string | null;
  line: number | null;
  comments: Comment[];
}

export interface Checks {
  /** The commit that was checked. */
  commit: string;
  /** `unknown`: nothing failed, and not everything can be seen. `none`: nothing checks it. */
  state: "none" | "pending" | "success" | "failure" | "unknown";
  failed: { id: string; name: string; url?: string | undefined }[];
}

/** What is to be changed in a proposal, by somebody who may say so. The same `id` is the same thing said. */
export interface Said extends Remark {
  id: string;
  /** null: a check. */
  by: Person | null;
  url?: string | undefined;
}

/** `marker` finds it again. Nobody is called but the people of `call`, and no link leads on but those of `keep`. */
export interface Saying {
  marker: string;
  text: string;
  call?: readonly string[];
  keep?: readonly string[];
}

export interface CommitStatus {
  context: string;
  state: "error" | "failure" | "pending" | "success";
  text: string;
  url?: string | undefined;
}

/** What is started elsewhere: all that listens for an event, or one workflow. */
export type Call =
  | { event: string; data: Readonly<Record<string, unknown>> }
  /** Without a `ref` on the default branch. */
  | { workflow: string; ref?: string; inputs: Readonly<Record<string, string>> };

/**
 * Where people look at work and say yes or no. Calls throw a Fault: `outside` where the next tick may fare better, any
 * other where a person has to do something. What people wrote comes back cleaned, and is data all the same.
 */
/** A remark on a line of a pull request, long ago perhaps. */
export interface Past {
  id: string;
  at: string;
  /** Number of the pull request. */
  pull: number;
  path: string | null;
  text: string;
  url?: string | undefined;
  /** It is the word of a person who belongs to the repository, and no answer to another. */
  counts: boolean;
}

export interface Forge {
  name: string;
  /**
   * Shows people a branch that was pushed, or finds that it is shown, by what an earlier call left there: a call whose
   * answer was lost is simply made again. Answers where.
   */
  propose(proposal: Proposal): Promise<string>;
  /** How it stands: `conflict` where it is open and cannot be merged as it is. What is not known yet is `open`. */
  stands(proposal: Proposal): Promise<Standing>;
  /** Takes it back: it waits for nobody any more. Its branch is not touched. */
  retract(proposal: Proposal): Promise<void>;
  /** null: it is not shown. */
  show(proposal: Proposal): Promise<Shown | null | NotHere>;
  reviews(proposal: Proposal): Promise<Review[] | NotHere>;
  threads(proposal: Proposal): Promise<Thread[] | NotHere>;
  checks(proposal: Proposal): Promise<Checks | NotHere>;
  /** Changes that people with the right to write ask for, what they said of lines and have not resolved, failed checks. */
  remarks(proposal: Proposal): Promise<Said[] | NotHere>;
  comments(ticket: Ticket): Promise<Comment[] | NotHere>;
  /** What was said of lines of all pull requests since then, the oldest first: the `page`-th hundred, from 1. */
  history(repo: string, from: { since: string; page: number }): Promise<Past[] | NotHere>;
  /** What somebody may do in a repository right now. Never throws. */
  permission(repo: string, person: Pick<Person, "login" | "id">): Promise<Permission>;
  /** Says something once: another text takes the place of the one before. */
  comment(ticket: Ticket, said: Saying): Promise<{ url: string } | NotHere>;
  label(ticket: Ticket, labels: readonly string[]): Promise<{ labels: string[] } | NotHere>;
  status(repo: string, commit: string, status: CommitStatus): Promise<{ context: string } | NotHere>;
  /** Starts something at most once: without an answer it is not known whether it began. */
  dispatch(repo: string, call: Call): Promise<{ sent: true } | NotHere>;
}

/** Talk with people on a forge. Calls throw a Fault where it cannot be reached: the next tick tries again. */
export interface Conversations {
  /** Where the forge shows records. */
  web?: Web | undefined;
  /** Comments at these places that may hold a command and are not older than `since`, with their authors' rights now. */
  hear(spots: readonly Spot[], since: Date): Promise<Heard[]>;
  /** What somebody may do in a repository right now. */
  permission(repo: string, person: { login: string; id: string }): Promise<Right>;
  /** Does it, or finds by its `id` that it was done. Its text is made harmless for the forge on the way out. */
  post(post: Post): Promise<void>;
  /** The pinned issue is made, or becomes this, without a word to anybody. */
  inbox(box: Inbox): Promise<void>;
  /** Proposals to the pack itself that are open, onto its default branch: by one request. */
  proposals(): Promise<OpenProposal[]>;
}

export interface OpenProposal {
  /** `owner/name#12`. */
  subject: string;
  number: number;
  /** The commit that is proposed. */
  head: string;
  /** On a branch of towline's, in the pack's own repository. */
  own: boolean;
}

// ── sources, time, reports ─────────────────────────────────────────────────────────────────────

/** A level as a source reports it; core/raise.ts derives pupdates from the edges (architecture rule 18). */
export interface Level {
  source: string;
  subject: string;
  /** Family of kinds that replace each other, like `host` for host.up and host.down. */
  family: string;
  kind: string;
  /** What else must stay the same for the level to count as unchanged: a host that is down for another reason is news. */
  state?: string;
  /**
   * What to do when nothing is known of this subject and family yet. Without it: a first level is news.
   * `calm`: all is well, as one would think; no news, and nothing to remember. `noted`: remembered without a word.
   */
  first?: "calm" | "noted";
  /**
   * The subject has come to its end with this level, and its other levels are forgotten. `may-return`: this one is
   * kept, so that a return is news of its own. `for-good`: this one is forgotten, too. `unsaid`: what was known is
   * forgotten, and nobody is told; that alone makes no commit.
   */
  ends?: "may-return" | "for-good" | "unsaid";
  /** An event out of a list: news while this cursor (`cursorLevel`) stands where it did then. Nothing else is remembered. */
  after?: { cursor: string; at: string };
  title: string;
  actor?: { login?: string; id?: string; role?: string };
  url?: string;
  tags?: string[];
  data?: Record<string, unknown>;
}

export interface PollContext {
  /** The levels of this source that stand in the ledger. */
  known: readonly LevelRow[];
  /** The pack's own repository and the commits that this tick has read. */
  own?: { repo: Pick<Repo, "tree" | "blobs" | "diff" | "people">; tips: Tips };
  /** The tick is to end: the poll gives up. */
  signal?: AbortSignal;
  /** Puts a page of data, as text, under this name into the ledger. */
  page?(name: string, text: string): void;
}

/** A source of events. It says what is so now; what is new follows from what the ledger knew. */
export interface Poller {
  name: string;
  /**
   * Throws when the source is dead; the tick makes that a pupdate. What cannot be seen is left out, and stays as it was
   * known. A source that is dead in part says so with levels of the family `source`, and gives the rest.
   */
  poll(settings: Settings, now: Date, context: PollContext): Promise<Level[]>;
}

export interface Clock {
  now(): Date;
  /** Milliseconds that only go forward. */
  tick(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Where progress and findings go: a terminal, plain lines, or the CI service's annotations. */
export interface Report {
  progress(line: string): void;
  note(line: string): void;
  warning(line: string, at?: { path: string; line?: number; column?: number }): void;
  error(line: string, at?: { path: string; line?: number; column?: number }): void;
  summary(markdown: string): Promise<void>;
}

/** A pupdate that is not yet judged. */
export type RawPupdate = Pupdate;
