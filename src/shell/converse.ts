// The tick's talk with people on the forge: comments in, what is to be said out. What fails is left to the next tick.
import type { Findings } from "../core/absorb.ts";
import { command_life, postsDue } from "../core/conversations.ts";
import { inboxOf } from "../core/inbox.ts";
import { spotsOf } from "../core/places.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { messageOf } from "../errors.ts";
import type { Conversations, Level } from "../ports.ts";

/** What the heartbeat remembers of it: done posts that the ledger still names, and the inbox as it is shown. */
export interface Talked {
  posted: string[];
  inbox?: string | undefined;
}

/** Answers why nothing could be heard, or null. */
export async function listen(
  { hear, web }: Conversations,
  state: State,
  findings: Findings,
  now: Date,
): Promise<string | null> {
  findings.talks = true;
  findings.web = web;
  try {
    findings.said = await hear(spotsOf(state), new Date(now.getTime() - command_life));
    return null;
  } catch (thrown) {
    return `comments could not be read: ${oneLine(messageOf(thrown), 200)}`;
  }
}

/**
 * Issues that ask for work come with what their author may do at this moment. One of whom that cannot be found out is left
 * away: to the ledger it is as if it had not been seen, and the next tick asks again.
 */
export async function withRights(
  { permission }: Conversations,
  known: State["levels"],
  levels: readonly Level[],
): Promise<Level[]> {
  const rows = new Set(known.map((row) => `${row.source} ${row.subject} ${row.kind}`));
  const asked = await Promise.all(
    levels.map(async (level): Promise<Level[]> => {
      if (level.kind !== "issue.labelled" || rows.has(`${level.source} ${level.subject} ${level.kind}`)) return [level];
      const { login = "", id = "" } = level.actor ?? {};
      const right = await permission(String(level.data?.repo ?? ""), { login, id }).catch(() => "unknown" as const);
      return right === "unknown" ? [] : [{ ...level, data: { ...level.data, permission: right } }];
    }),
  );
  return asked.flat();
}

/** Does what is to be done on the forge, and shows the inbox. Answers what was done now or before, and what failed. */
export async function speak(
  conversations: Conversations,
  state: State,
  now: Date,
  before: Talked,
): Promise<{ talked: Talked; did: boolean; degraded?: string }> {
  const known = new Set(state.talks.posts.map(({ id }) => id));
  const done = new Set(before.posted.filter((id) => known.has(id)));
  let inbox = before.inbox;
  let did = false;
  const told = () => ({ talked: { posted: [...done], inbox }, did });
  try {
    const box = inboxOf(state, now, { web: conversations.web });
    if (box.digest !== inbox) {
      await conversations.inbox(box);
      inbox = box.digest;
      did = true;
    }
    for (const post of postsDue(state.talks, done)) {
      await conversations.post(post);
      done.add(post.id);
      did = true;
    }
    return told();
  } catch (thrown) {
    return { ...told(), degraded: `not everything could be said: ${oneLine(messageOf(thrown), 200)}` };
  }
}
