// What could not be done with coding work yet, and is tried again: said once, with rests, and told to people when it lasts.
import { type Draft, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { isLive } from "./jobs.ts";
import { raise } from "./raise.ts";
import type { Job } from "./schema.ts";

/** How long it is tried without a word to people, from the latest end of its run, h. */
const patience = 6;

/** How often in a row a claim may be given back for one reason before it rests, and how long it rests at most, min. */
const free = 2;
const longest = 60;

/** Numbers in the words of git, servers and hosts are times, sizes and commits: others are no news. */
const vague = (why = "") => why.replace(/[0-9a-f]*\d[0-9a-f]*/g, "0");
const isNews = (why: string, before: string | undefined) => vague(why) !== vague(before);

export function holdLater(draft: Draft, later: ReadonlyMap<string, string>): void {
  for (const [id, why] of later) {
    const job = draft.jobs.get(id);
    if (!job || !isLive(job)) continue;
    const { run } = job.data;
    if (isNews(why, run.why)) putJob(draft, { ...job, data: { ...job.data, run: { ...run, why } } });
    raiseStuck(draft, job, why);
  }
  const over = ({ source, family, subject }: Draft["levels"][number]) =>
    source === "towline" && family === "later" && !later.has(subject) && !isLiveIn(draft, subject);
  draft.levels = draft.levels.filter((row) => !over(row));
}

function raiseStuck(draft: Draft, { id, data }: Entry<"job">, why: string): void {
  const ended = Date.parse(data.started_at ?? data.run.claimed_at) + data.run.deadline * 1000;
  if (draft.now.getTime() - ended < patience * 3_600_000) return;
  const { task, host, agent } = data;
  raise(draft, {
    source: "towline",
    subject: id,
    family: "later",
    kind: "job.stuck",
    title: `${task}: its work on ${host} has waited for over ${patience} hours to be brought in: ${why}`,
    data: { task, job: id, host, agent, why, hours: patience },
  });
}

function isLiveIn(draft: Draft, id: string): boolean {
  const job = draft.jobs.get(id);
  return job !== undefined && isLive(job);
}

/** Coding work whose claim was given back. For the same reason again and again it is claimed less and less often. */
export function turnedBack({ now }: Pick<Draft, "now">, { data }: Entry<"job">, why: string): Partial<Job["run"]> {
  if (data.run.code === undefined) return {};
  const { turned_back: last } = data.run;
  const times = last && !isNews(why, last.why) ? last.times + 1 : 1;
  if (times <= free) return { turned_back: { times, why } };
  const rest = Math.min(longest, 5 * 2 ** (times - free - 1));
  return { turned_back: { times, why, until: new Date(now.getTime() + rest * 60_000).toISOString() } };
}

/** Whether it rests after it was given back. */
export const rests = ({ now }: Pick<Draft, "now">, { data }: Entry<"job">): boolean =>
  data.state === "released" && Date.parse(data.run.turned_back?.until ?? "") > now.getTime();
