// Talk with people at GitHub: commands in comments come in with what their authors may do at this moment; answers and the
// inbox go out, each found again by its mark when an answer of the server was lost.
import { z } from "zod";
import type { Post } from "../core/conversations.ts";
import type { Inbox } from "../core/inbox.ts";
import { isMarked, isOurs, marked } from "../core/marks.ts";
import type { Heard, Place } from "../core/obey.ts";
import { outgoing } from "../core/outgoing.ts";
import type { Spot } from "../core/places.ts";
import type { ForgeSettings } from "../core/schema.ts";
import type { Right } from "../core/who.ts";
import { outside } from "../errors.ts";
import type { Conversations, OpenProposal } from "../ports.ts";
import { permissionOf } from "./github-read.ts";
import { type At, createSession, type Session } from "./github-session.ts";
import { comment as comment_shape, personOf } from "./github-shapes.ts";
import { label, say, status } from "./github-write.ts";
import type { ForgeOptions } from "./index.ts";

/** The mark of the one issue that is the inbox, and a label that finds it without reading all issues. */
const inbox_mark = "inbox";
const inbox_label = "towline-inbox";

const issue = z.object({
  number: z.number().int().positive(),
  id: comment_shape.shape.id,
  node_id: z.string().nullish(),
  title: z.string(),
  body: z.string().nullish(),
  state: z.string(),
  user: comment_shape.shape.user,
  pull_request: z.unknown().optional(),
});
type Issue = z.infer<typeof issue>;
const comment = comment_shape.extend({ issue_url: z.string() });
const repo_shape = z.object({ id: z.number(), default_branch: z.string() }).nullish();
const pull = z.object({
  user: comment_shape.shape.user,
  head: z.object({ repo: z.object({ id: z.number() }).nullish() }),
  base: z.object({ repo: z.object({ id: z.number() }).nullish() }),
});
const open_pull = z.object({
  id: comment_shape.shape.id,
  number: z.number().int().positive(),
  head: z.object({ ref: z.string(), sha: z.string().regex(/^[0-9a-f]{40,64}$/), repo: repo_shape }),
  base: z.object({ ref: z.string(), repo: repo_shape }),
});
const any = z.unknown();

export function githubTalk(settings: ForgeSettings, options: ForgeOptions & Pick<Conversations, "web">): Conversations {
  const session = createSession(settings, options);
  const home = async () => placeOf(await session.find("."));
  const inbox = () => home().then((at) => session.speak(at, (one) => findInbox(one)));
  return {
    web: options.web,
    async hear(spots, since) {
      const box = spots.some(({ kind }) => kind === "inbox") ? await inbox() : null;
      const own = await home();
      const places = new Map<string, Spot>();
      for (const spot of spots) {
        if (spot.kind !== "inbox") places.set(spot.subject, spot);
        else if (box) places.set(`${own.owner}/${own.repo}#${box.number}`, spot);
      }
      const repos = new Set([...places.keys()].map((subject) => subject.replace(/#.*$/, "")));
      const said = await Promise.all([...repos].map((repo) => hearAt(session, repo, places, since)));
      return said.flat();
    },
    async permission(repo, person) {
      const place = await session.find(repo).catch(() => null);
      return place === null ? "unknown" : session.speak(place, (at) => right(at, person)).catch(() => "unknown");
    },
    async post(post) {
      if (post.to === "inbox") {
        const own = await home();
        const box = await inbox();
        if (!box) throw outside("the inbox is not there yet", "the next tick makes it");
        return session.speak(own, (at) => doPost(at, box.number, post));
      }
      const [, repo = "", number, commit] = /^([^#@]+)(?:#(\d+)|@([0-9a-f]{40,64}))$/.exec(post.to) ?? [];
      const place = placeOf(await session.find(repo));
      await session.speak(place, (at) => doPost(at, number === undefined ? (commit ?? "") : Number(number), post));
    },
    inbox: async (box) => session.speak(await home(), (at) => showInbox(at, box)),
    proposals: async () => session.speak(await home(), openAt),
  };
}

function placeOf(place: { owner: string; repo: string } | null) {
  if (place === null) throw outside("that repository is on another server than the forge", "nothing is said there");
  return place;
}

/** What may hold a command, by somebody else, at one of these places, word for word. Of the rest nobody is looked up. */
async function hearAt(
  session: Session,
  name: string,
  places: ReadonlyMap<string, Spot>,
  since: Date,
): Promise<Heard[]> {
  const place = await session.find(name);
  if (place === null) return [];
  return session.speak(place, async (at) => {
    const numbers = [...places.keys()].flatMap((subject) =>
      subject.startsWith(`${name}#`) ? [Number(subject.slice(name.length + 1))] : [],
    );
    const all = await commentsAt(at, numbers, since.toISOString());
    const rights = new Map<string, Promise<Right>>();
    const heard: Heard[] = [];
    for (const one of all) {
      const number = Number(/\/(\d+)$/.exec(one.issue_url)?.[1]);
      const spot = places.get(`${name}#${number}`);
      const by = personOf(one.user);
      if (!spot || by === null || !/\/towline/i.test(one.body ?? "")) continue;
      // With a person's own token only the mark tells towline's words from theirs.
      if (isOurs(one.body ?? "") && (await at.isMe(by))) continue;
      const known = rights.get(by.id) ?? right(at, by);
      rights.set(by.id, known);
      heard.push({
        id: `github ${one.id}`,
        at: one.created_at,
        edited: one.updated_at !== one.created_at,
        own: false,
        body: one.body ?? "",
        ...(one.html_url ? { url: one.html_url } : {}),
        by: { ...by, permission: await known },
        place: await placeWith(at, spot, number),
      });
    }
    return heard;
  });
}

/** At a few places each is asked for; at many, one list of the whole repository is cheaper. */
async function commentsAt({ api, owner, repo }: At, numbers: number[], since: string) {
  const page_of = { owner, repo, since, per_page: 100 };
  if (numbers.length > 8)
    return api.list(
      `comments in ${owner}/${repo}`,
      ({ issues }, page) => issues.listCommentsForRepo({ ...page_of, sort: "created", page }),
      z.array(comment),
    );
  const each = numbers.map((issue_number) =>
    api.list(
      `comments of ${owner}/${repo}#${issue_number}`,
      ({ issues }, page) => issues.listComments({ ...page_of, issue_number, page }),
      z.array(comment),
    ),
  );
  return (await Promise.all(each)).flat();
}

const right = (at: At, person: { login: string; id: string }): Promise<Right> =>
  permissionOf(at, person).catch(() => "unknown");

/** What is proposed to the default branch, from forks as well. */
async function openAt({ api, owner, repo }: At): Promise<OpenProposal[]> {
  const all = await api.list(
    `open pull requests of ${owner}/${repo}`,
    ({ pulls }, page) => pulls.list({ owner, repo, state: "open", per_page: 100, page }),
    z.array(open_pull),
  );
  return all
    .filter(({ base }) => base.ref === base.repo?.default_branch)
    .map(({ number, head, base }) => ({
      subject: `${owner}/${repo}#${number}`,
      number,
      head: head.sha,
      own: head.repo?.id === base.repo?.id && /^towline(?:-work)?\//.test(head.ref),
    }));
}

/** Of a proposal: who made it, and from where. */
async function placeWith({ api, owner, repo }: At, spot: Spot, number: number): Promise<Place> {
  if (spot.kind !== "proposal") return spot;
  const what = `pull request ${owner}/${repo}#${number}`;
  const found = await api.get(what, ({ pulls }) => pulls.get({ owner, repo, pull_number: number }), pull);
  const author = personOf(found.user)?.id;
  const forked = found.head.repo?.id !== found.base.repo?.id;
  return { ...spot, ...(author === undefined ? {} : { author, ...(forked ? { fork: author } : {}) }) };
}

async function doPost(at: At, place: number | string, post: Post): Promise<void> {
  const { api, owner, repo } = at;
  if (post.what === "status") {
    const { state, context, text } = post;
    await status(at, String(place), { state, context, text });
    return;
  }
  const number = Number(place);
  if (post.what === "label") await label(at, number, post.add);
  else if (post.what === "close") {
    const { reason } = post;
    await api.get(
      `issue ${owner}/${repo}#${number}`,
      ({ issues }) => issues.update({ owner, repo, issue_number: number, state: "closed", state_reason: reason }),
      any,
    );
  } else {
    const call = post.mention === undefined ? [] : [post.mention];
    await say(at, number, { marker: post.id, text: post.text, call });
  }
}

/** The oldest of ours: two ticks that both found none may both have made one. */
async function findInbox({ api, owner, repo, isMe }: At): Promise<Issue | null> {
  const found = await api.list(
    `issues of ${owner}/${repo} with the label ${inbox_label}`,
    ({ issues }, page) => issues.listForRepo({ owner, repo, labels: inbox_label, state: "all", per_page: 100, page }),
    z.array(issue),
  );
  for (const one of found.toSorted((a, b) => a.number - b.number))
    if (!one.pull_request && isMarked(inbox_mark, one.body ?? "") && (await isMe(one.user ?? null))) return one;
  return null;
}

async function showInbox(at: At, { title, body: text, keep }: Inbox): Promise<void> {
  const { api, owner, repo } = at;
  const body = marked(inbox_mark, outgoing(text, { keep }));
  const known = await findInbox(at);
  if (known?.state === "open" && known.title === title && known.body?.replace(/\r\n?/g, "\n").trim() === body.trim())
    return;
  const what = `the inbox of ${owner}/${repo}`;
  if (known) {
    const change = { owner, repo, issue_number: known.number, title, body, state: "open" as const };
    await api.get(what, ({ issues }) => issues.update(change), any);
    return;
  }
  const made = await api.get(
    what,
    ({ issues }) => issues.create({ owner, repo, title, body, labels: [inbox_label] }),
    issue,
  );
  // Pinned where the token may: without it the inbox is an issue like others.
  if (made.node_id)
    await api
      .query(
        "the pin",
        "mutation($id: ID!) { pinIssue(input: {issueId: $id}) { clientMutationId } }",
        { id: made.node_id },
        any,
      )
      .catch(() => {});
}
