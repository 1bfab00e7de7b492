// A forge: Gitea or Forgejo, by their API (v1). Branches are pushed by git as everywhere; this shows them as pull requests.
import {
  type Context,
  type Forge,
  type Next,
  type Person,
  Plugin,
  type Question,
  type Review,
  type Shown,
  type Work,
} from "towline/plugin";

interface User {
  id: number;
  login: string;
}
interface Pull {
  number: number;
  html_url: string;
  state: "open" | "closed";
  merged: boolean;
  mergeable?: boolean;
  draft?: boolean;
  title: string;
  body?: string | null;
  head: { ref: string; sha: string; repo_id: number };
  base: { ref: string; repo_id: number };
  merged_by?: User | null;
  updated_at?: string;
  closed_at?: string | null;
}
interface Reviewed {
  id: number;
  user: User | null;
  state: string;
  body: string;
  commit_id?: string;
  html_url?: string;
  dismissed?: boolean;
}
interface Event {
  /** A word; a number in older versions. */
  type: string | number;
  user?: User | null;
}

const states: Record<string, Review["state"]> = {
  APPROVED: "approved",
  REQUEST_CHANGES: "changes_requested",
  COMMENT: "commented",
};

const personOf = (user: User | null | undefined): Person | null =>
  user ? { login: user.login, id: String(user.id) } : null;

/** owner/name, for the address. */
function placeOf({ options }: Context, repo: string): string {
  const [owner = "", name = "", more] = (repo === "." ? options.repo : repo).split("/");
  // Dots alone would lead elsewhere in the API.
  const isName = (one: string) => /[^.]/.test(one);
  if (!isName(owner) || !isName(name) || more !== undefined) throw new Error(`${repo} is no owner/name`);
  return `${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
}

const at = ({ options }: Context, path: string) => ({ url: options.url, path: `/api/v1${path}`, token: options.token });

/** The newest pull request of this branch; a fork's branch of the same name is another's. Says what is to be read first. */
function newest(asked: Question & { work: Work }): { next: Next<never> } | { pull: Pull | null } {
  const { work, read } = asked;
  const place = placeOf(asked, work.repo);
  if (read.pulls === undefined)
    return { next: { fetch: { pulls: at(asked, `/repos/${place}/pulls?state=all&sort=recentupdate&limit=50`) } } };
  const own = (JSON.parse(read.again ?? read.pulls) as Pull[]).filter(
    ({ head, base }) => head.ref === work.branch && head.repo_id === base.repo_id,
  );
  const open = own.filter(({ state }) => state === "open");
  return { pull: (open.length > 0 ? open : own).sort((a, b) => b.number - a.number)[0] ?? null };
}

const forge: Forge = {
  says: "pull requests of a Gitea or a Forgejo",

  show(asked): Next<Shown | null> {
    const found = newest(asked);
    if ("next" in found) return found.next;
    const { pull } = found;
    if (pull === null) return { answer: null };
    const closed = pull.state === "closed" && !pull.merged;
    const place = placeOf(asked, asked.work.repo);
    // Only its timeline says who closed it.
    const since = pull.closed_at ? `&since=${encodeURIComponent(pull.closed_at)}` : "";
    if (closed && asked.read.timeline === undefined)
      return { fetch: { timeline: at(asked, `/repos/${place}/issues/${pull.number}/timeline?limit=50${since}`) } };
    const ends = closed
      ? (JSON.parse(asked.read.timeline ?? "[]") as Event[]).filter(({ type }) => type === "close" || type === 2)
      : [];
    const shown: Shown = {
      number: pull.number,
      url: pull.html_url,
      state: pull.state === "open" ? "open" : pull.merged ? "merged" : "closed",
      title: pull.title,
      head: pull.head.sha,
      base: pull.base.ref,
      body: pull.body ?? "",
      draft: pull.draft ?? false,
      conflict: pull.state === "open" && pull.mergeable !== undefined ? !pull.mergeable : null,
      updated: pull.updated_at ?? null,
      merged_by: personOf(pull.merged_by),
      closed_by: personOf(ends.at(-1)?.user),
    };
    return { answer: shown };
  },

  propose(asked): Next<string> {
    const { work, read } = asked;
    const found = newest(asked);
    if ("next" in found) return found.next;
    const place = placeOf(asked, work.repo);
    const { pull } = found;
    // Somebody's no is not asked again, and a yes counts for what it was said to.
    if (pull && (pull.state === "open" || !pull.merged || pull.head.sha === work.head))
      return { answer: pull.html_url };
    if (read.base === undefined) return { fetch: { base: at(asked, `/repos/${place}`) } };
    const { default_branch: base } = JSON.parse(read.base) as { default_branch: string };
    if (read.made === undefined)
      return {
        send: {
          made: {
            ...at(asked, `/repos/${place}/pulls`),
            body: { head: work.branch, base, title: work.title, body: work.body },
          },
        },
      };
    if (read.again !== undefined) throw new Error("the pull request was made, and is not in the list");
    return { fetch: { again: at(asked, `/repos/${place}/pulls?state=all&sort=recentupdate&limit=50`) } };
  },

  retract(asked): Next<null> {
    const found = newest(asked);
    if ("next" in found) return found.next;
    const { pull } = found;
    if (pull?.state !== "open" || asked.read.closed !== undefined) return { answer: null };
    const path = `/repos/${placeOf(asked, asked.work.repo)}/pulls/${pull.number}`;
    return { send: { closed: { ...at(asked, path), method: "PATCH", body: { state: "closed" } } } };
  },

  reviews(asked): Next<Review[]> {
    const found = newest(asked);
    if ("next" in found) return found.next;
    if (found.pull === null) return { answer: [] };
    const path = `/repos/${placeOf(asked, asked.work.repo)}/pulls/${found.pull.number}/reviews?limit=50`;
    if (asked.read.reviews === undefined) return { fetch: { reviews: at(asked, path) } };
    const all = JSON.parse(asked.read.reviews) as Reviewed[];
    return {
      answer: all.flatMap(({ id, user, state, body, commit_id, html_url, dismissed }): Review[] => {
        const known = dismissed ? "dismissed" : states[state];
        if (known === undefined) return [];
        const one = { id: String(id), author: personOf(user), state: known, commit: commit_id || null, text: body };
        return [html_url ? { ...one, url: html_url } : one];
      }),
    };
  },

  permission(asked) {
    const { repo, person, read } = asked;
    const path = `/repos/${placeOf(asked, repo)}/collaborators/${encodeURIComponent(person.login)}/permission`;
    if (read.may === undefined) return { fetch: { may: at(asked, path) } };
    const { permission, user } = JSON.parse(read.may) as { permission: string; user: User };
    const levels: Record<string, "admin" | "write" | "read"> = {
      owner: "admin",
      admin: "admin",
      write: "write",
      read: "read",
    };
    return { answer: { id: String(user.id), may: levels[permission] ?? "none" } };
  },
};

export default class extends Plugin {
  static override api = 1;
  override title = "Pull requests of a Gitea or a Forgejo";
  override options: Plugin["options"] = {
    url: { says: "address of the server, like https://git.example.org", kind: "address", required: true },
    token: { says: "variable with a token that may read and write pull requests", kind: "variable", required: true },
    repo: { says: "owner/name of the pack's own repository there", required: true },
  };
  override forge = forge;
}
