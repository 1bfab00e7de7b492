// Takes away from a host what towline put there, and nothing else: a note on the host says what that is.
import { createHash } from "node:crypto";
import { withdrawn } from "../core/picoclaw-settings.ts";
import { configuration } from "../errors.ts";
import type { HostFiles, HostSession } from "../ports.ts";
import { dropNote, isOurs, type Note, olderPath, programPath, readNote, trialName } from "./deploy-note.ts";
import { settings_files, sha, workspace } from "./deploy-settings.ts";

export interface TearOrder {
  runtime: string;
  /** Open jobs of this host, as the ledger knows them. */
  open: string[];
  /** Only what a tick put there for an ephemeral agent. */
  ephemeral?: boolean;
  /** Even with open jobs. */
  force?: boolean | undefined;
  /** Takes away the host program with all that it kept. */
  hostProgram?: boolean | undefined;
  /** The pack's own name of before its first tick, under which a first hello may stand there, and the way to it. */
  early?: { name: string; open(): Promise<Pick<HostSession, "files" | "close">> } | undefined;
  /** Public half of the key whose line in authorized_keys goes, in base64. */
  login?: string | undefined;
  dry?: boolean | undefined;
}

export interface Torn {
  /** What was removed; in a dry run, what would be. */
  removed: string[];
  /** What is still there of that runtime, and why. */
  left: string[];
  version: string | null;
}

const sessions = [`${workspace}/sessions`, ".picoclaw/sessions", ".picoclaw/logs"];
const authorized = ".ssh/authorized_keys";

/** Throws a Fault when jobs are open there; then nothing has changed. */
export async function tearDown(session: Pick<HostSession, "facts" | "files">, order: TearOrder): Promise<Torn> {
  if (!order.force) refuseOpen(session, order);
  const { files } = session;
  // Before the first step: what other packs have there may be a reason to refuse.
  const others = order.hostProgram ? await packsBeside(files, order) : [];
  const found = await readNote(files, order.runtime);
  const note = order.ephemeral && !found?.ephemeral ? null : found;
  const steps = [
    ...(await programSteps(files, order.runtime, note)),
    ...(note ? await settingSteps(files, order.runtime, note) : []),
  ];
  if (note) steps.push({ what: null, run: () => dropNote(files, order.runtime) });
  if (order.login !== undefined) steps.push(...(await loginSteps(files, order.login)));
  const removed = steps.flatMap(({ what }) => what ?? []);
  const left: string[] = [];
  if (!order.dry) {
    for (const { run } of steps) await run();
    left.push(...(await leftOf(files, order.runtime)));
  }
  if (note?.npm && note.found) left.push(`npm package ${note.npm}, which was there before towline (${note.found})`);
  if (order.hostProgram) {
    removed.push(others.length > 0 ? "this pack's journal" : "the host program and its journal");
    if (!order.dry) await forgetEarly(files, order);
    const still = order.dry ? { packs: others, left: [] } : await files.uproot(order.force === true);
    const { packs } = still;
    const works = packs.length === 1 ? "works" : "work";
    if (packs.length > 0) left.push(`the host program, since ${packs.join(" and ")} ${works} there too`);
    left.push(...still.left);
  }
  return { removed, left, version: note?.version ?? null };
}

/** Other packs there, without this one's own early name. Throws a Fault where one of them stands against it. */
async function packsBeside(files: HostFiles, { early, force }: TearOrder): Promise<string[]> {
  // What this pack left uncollected under its early name is no reason to keep it.
  const all = early ? (await files.uproot(true, true)).packs : [];
  if (early && all.includes(early.name) && all.length === 1) return [];
  return (await files.uproot(force === true, true)).packs.filter((name) => name !== early?.name);
}

async function forgetEarly(files: HostFiles, { early }: TearOrder): Promise<void> {
  if (!early || !(await files.uproot(true, true)).packs.includes(early.name)) return;
  const first = await early.open();
  await first.files.uproot(true).finally(() => first.close());
}

function refuseOpen({ facts }: Pick<HostSession, "facts">, { open, hostProgram }: TearOrder): void {
  const running = facts.held.filter((job) => job.state === "running").map(({ job }) => job);
  const waiting = hostProgram ? facts.held.filter((job) => job.state !== "running").map(({ job }) => job) : [];
  const jobs = [...new Set([...open, ...running, ...waiting])];
  const others = Math.max(0, facts.slots.used - running.length);
  if (jobs.length + others === 0) return;
  const named = jobs.length > 0 ? `: ${jobs.slice(0, 5).join(", ")}${jobs.length > 5 ? ", …" : ""}` : "";
  const more = others > 0 ? ` and ${others} of another pack` : "";
  throw configuration(
    `${jobs.length} ${jobs.length === 1 ? "job is" : "jobs are"} open on it${named}${more}`,
    "keep new work away with `cordon:` in its record and wait for a tick to collect them, or use --force",
  );
}

interface Step {
  /** For people; null: nothing that they need to know. */
  what: string | null;
  run(): Promise<unknown>;
}

async function programSteps(files: HostFiles, runtime: string, note: Note | null): Promise<Step[]> {
  if (!note) return [];
  const { npm, found, before } = note;
  if (npm && found) return [];
  if (npm)
    return [
      { what: `npm package ${npm}`, run: () => files.call({ what: "unnpm", name: runtime, limit: 120, spec: npm }) },
    ];
  const path = programPath(runtime);
  const there = (await files.state([path])).get(path);
  // It was rolled back to somebody else's: only ours, which is kept, goes.
  if (there?.kind === "file" && note.foreign && there.sha256 === note.sha256 && isOurs(note, there.older))
    return [{ what: `~/${olderPath(runtime)}`, run: () => files.remove([olderPath(runtime)]) }];
  if (there?.kind !== "file" || !isOurs(note, there.sha256)) return [];
  // Somebody else's, that was there before, comes back.
  if (before?.foreign && there.older === before.sha256)
    return [{ what: `~/${path} (the one that was there before is back)`, run: () => files.back(path, true) }];
  const kept = there.older === null ? "" : " and its older self";
  return [{ what: `~/${path}${kept}`, run: () => files.remove([path, programPath(trialName(runtime))]) }];
}

async function settingSteps(files: HostFiles, runtime: string, note: Note): Promise<Step[]> {
  if (runtime !== "picoclaw") return [];
  const steps: Step[] = [];
  const paths = Object.values(settings_files);
  const there = await files.state([...paths, ...sessions]);
  const is = (path: string) => (there.get(path)?.kind ?? "none") !== "none";
  const made = paths.filter((path) => note.files[path] === "made" && is(path));
  if (made.length > 0) steps.push({ what: made.map((path) => `~/${path}`).join(", "), run: () => files.remove(made) });
  for (const path of paths)
    if (note.files[path] === "changed" && is(path))
      steps.push({ what: `what towline wrote into ~/${path}`, run: () => unwrite(files, path, note) });
  // Conversations with an agent that was there before towline are not ours to remove.
  const spoken = note.files[settings_files.config] === "made" ? sessions.filter(is) : [];
  if (spoken.length > 0)
    steps.push({
      what: spoken.map((path) => `~/${path}/`).join(", "),
      run: () => files.remove(spoken.map((path) => `${path}/`)),
    });
  return steps;
}

async function unwrite(files: HostFiles, path: string, note: Note): Promise<void> {
  const bytes = await files.show(path);
  if (bytes === null) return;
  const text = Buffer.from(bytes).toString("utf8");
  const only = (one: string) => (one === path ? text : null);
  const { added, models, classic, wrote } = note;
  const { config, security, env } = withdrawn(
    { config: only(settings_files.config), security: only(settings_files.security), env: only(settings_files.env) },
    { added, names: models, classic },
    { wrote, sha },
  );
  const fresh = config ?? security ?? env ?? "";
  if (fresh !== text)
    await files.put(path, Buffer.from(fresh), { mode: "600", was: createHash("sha256").update(bytes).digest("hex") });
}

/** That one line goes, in one step; whatever else stands in the file stays byte for byte. */
async function loginSteps(files: HostFiles, login: string): Promise<Step[]> {
  const bytes = await files.show(authorized);
  if (bytes === null) return [];
  const text = Buffer.from(bytes).toString("latin1");
  const lines = text.split(/(?<=\n)/);
  const kept = lines.filter((line) => !line.split(/\s+/).includes(login));
  if (kept.length === lines.length) return [];
  const was = createHash("sha256").update(bytes).digest("hex");
  const put = () => files.put(authorized, Buffer.from(kept.join(""), "latin1"), { mode: "600", was });
  return [{ what: `the line of towline's key in ~/${authorized}`, run: put }];
}

async function leftOf(files: HostFiles, runtime: string): Promise<string[]> {
  const own = runtime === "picoclaw" ? [...Object.values(settings_files), workspace] : [];
  const there = await files.state([programPath(runtime), ...own]);
  return [...there].filter(([, state]) => state.kind !== "none").map(([path]) => `~/${path}`);
}
