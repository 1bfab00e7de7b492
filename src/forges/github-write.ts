// What is said at GitHub besides pull requests. Saying it twice ends the same, but for what is started.
import { z } from "zod";
import { isMarked, marked, most_text } from "../core/marks.ts";
import { outgoing, outgoingLine } from "../core/outgoing.ts";
import { oneLine } from "../core/text.ts";
import type { Call, CommitStatus, Saying } from "../ports.ts";
import { ApiFault } from "../shell/github-api.ts";
import { isUnsure } from "./github-pulls.ts";
import type { At } from "./github-session.ts";
import { addressOf, combined, comment } from "./github-shapes.ts";

type Raw = z.infer<typeof comment>;
const any = z.unknown();

/** Our own with this mark. Whoever copies the mark is somebody else. */
async function ownComment({ api, owner, repo, isMe }: At, number: number, marker: string): Promise<Raw | null> {
  const all = await api.list(
    `comments of ${owner}/${repo}#${number}`,
    ({ issues }, page) => issues.listComments({ owner, repo, issue_number: number, per_page: 100, page }),
    z.array(comment),
  );
  for (const one of all) if (isMarked(marker, one.body ?? "") && (await isMe(one.user ?? null))) return one;
  return null;
}

export async function say(at: At, number: number, { marker, text, ...more }: Saying): Promise<{ url: string }> {
  const { api, owner, repo } = at;
  const body = marked(marker, outgoing(text, { limit: most_text, ...more }));
  const what = `a comment on ${owner}/${repo}#${number}`;
  const known = await ownComment(at, number, marker);
  if (known?.body?.replace(/\r\n?/g, "\n").trim() === body.trim()) return urlOf(known);
  if (known)
    return urlOf(
      await api.get(
        what,
        ({ issues }) => issues.updateComment({ owner, repo, comment_id: Number(known.id), body }),
        comment,
      ),
    );
  try {
    return urlOf(
      await api.get(what, ({ issues }) => issues.createComment({ owner, repo, issue_number: number, body }), comment),
    );
  } catch (thrown) {
    if (!(thrown instanceof ApiFault) || !isUnsure(thrown)) throw thrown;
    const found = await ownComment(at, number, marker).catch(() => null);
    if (found === null) throw thrown;
    return urlOf(found);
  }
}

const urlOf = (one: Raw) => ({ url: addressOf(one.html_url) ?? "" });

export async function label({ api, owner, repo }: At, number: number, labels: readonly string[]) {
  const made = await api.get(
    `labels of ${owner}/${repo}#${number}`,
    ({ issues }) =>
      issues.addLabels({ owner, repo, issue_number: number, labels: labels.map((one) => oneLine(one, 50)) }),
    z.array(z.object({ name: z.string() })),
  );
  return { labels: made.map(({ name }) => oneLine(name, 50)) };
}

export async function status({ api, owner, repo }: At, sha: string, { context, state, text, url }: CommitStatus) {
  const what = `the status ${context} of ${owner}/${repo} at ${sha.slice(0, 12)}`;
  const description = outgoingLine(text, 140);
  const now = await api.get(
    what,
    ({ repos }) => repos.getCombinedStatusForRef({ owner, repo, ref: sha, per_page: 100 }),
    combined,
  );
  const known = now.statuses.find((one) => one.context === context);
  // A thousand of one name are the limit of a commit.
  if (known?.state === state && (known.description ?? "") === description) return { context };
  await api.get(
    what,
    ({ repos }) =>
      repos.createCommitStatus({ owner, repo, sha, context, state, description, ...(url ? { target_url: url } : {}) }),
    any,
  );
  return { context };
}

export async function start(at: At, call: Call): Promise<{ sent: true }> {
  const { api, owner, repo } = at;
  if ("event" in call)
    await api.get(
      `the event ${call.event} at ${owner}/${repo}`,
      ({ repos }) =>
        repos.createDispatchEvent({ owner, repo, event_type: call.event, client_payload: { ...call.data } }),
      any,
    );
  else {
    const ref = call.ref ?? (await defaultBranch(at));
    await api.get(
      `the workflow ${call.workflow} of ${owner}/${repo}`,
      ({ actions }) =>
        actions.createWorkflowDispatch({
          owner,
          repo,
          workflow_id: call.workflow,
          ref,
          inputs: { ...call.inputs },
        }),
      any,
    );
  }
  return { sent: true };
}

async function defaultBranch({ api, owner, repo }: At): Promise<string> {
  const shape = z.object({ default_branch: z.string() });
  return (await api.get(`${owner}/${repo}`, ({ repos }) => repos.get({ owner, repo }), shape)).default_branch;
}
