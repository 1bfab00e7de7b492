// People on a forge, in memory: issues with comments, and what towline says there.
import type { Post } from "../../src/core/conversations.ts";
import type { Inbox } from "../../src/core/inbox.ts";
import type { Heard } from "../../src/core/obey.ts";
import type { Right } from "../../src/core/who.ts";
import type { Conversations } from "../../src/ports.ts";

export interface FakeTalks extends Conversations {
  /** What people may do, by their number. */
  rights: Map<string, Right>;
  /** What was done, in order; the same of one id is done once. */
  done: Post[];
  box: Inbox | null;
  /** How often anything was changed, or asked to be. */
  writes: number;
  /** Throws in the next call of this name; `lost`: the answer only. */
  broken: Partial<Record<"hear" | "post" | "inbox" | "permission", "down" | "lost">>;
  say(id: string, at: string, subject: string, body: string, by?: string): void;
}

export function fakeTalks(): FakeTalks {
  const comments: Omit<Heard, "by">[] = [];
  const authors = new Map<string, string>();
  const breaks = (name: keyof FakeTalks["broken"], when: "down" | "lost") => {
    if (talks.broken[name] !== when) return;
    delete talks.broken[name];
    throw new Error(`${name}: no answer`);
  };
  const right = (id: string): Right => talks.rights.get(id) ?? "none";
  const talks: FakeTalks = {
    rights: new Map(),
    done: [],
    box: null,
    writes: 0,
    broken: {},
    say(id, at, subject, body, by = "7") {
      const kind = subject === "inbox" ? "inbox" : "issue";
      comments.push({ id, at, edited: false, own: false, body, place: { subject, kind } });
      authors.set(id, by);
    },
    async hear(spots, since) {
      breaks("hear", "down");
      const there = new Set(spots.map(({ subject }) => subject));
      return comments
        .filter(({ at, place }) => there.has(place.subject) && Date.parse(at) >= since.getTime())
        .map((one): Heard => {
          const by = authors.get(one.id) ?? "";
          return { ...one, by: { login: `user${by}`, id: by, bot: false, permission: right(by) } };
        });
    },
    async permission(_, { id }) {
      breaks("permission", "down");
      return right(id);
    },
    async post(one) {
      breaks("post", "down");
      talks.writes++;
      if (!talks.done.some(({ id }) => id === one.id)) talks.done.push(one);
      breaks("post", "lost");
    },
    proposals: async () => [],
    async inbox(box) {
      breaks("inbox", "down");
      talks.writes++;
      talks.box = box;
      breaks("inbox", "lost");
    },
  };
  return talks;
}
