// An issue that asks for work → a task of the queue, where its author may ask for it. What cannot be done is said there.
import type { RawPupdate } from "../ports.ts";
import { may } from "./authority.ts";
import { post } from "./conversations.ts";
import { type Draft, isoNow, putTask } from "./draft.ts";
import { type Entry, idOf } from "./entry.ts";
import { isNamedRepo } from "./gate.ts";
import { queuePath, statusPath } from "./ids.ts";
import { type Asking, readIssue } from "./issue-form.ts";
import { nearest } from "./nearest.ts";
import { task as taskSchema } from "./schema.ts";
import { selectHosts } from "./select.ts";
import { cell, oneLine } from "./text.ts";
import { link, type Web } from "./web-links.ts";
import { actorOf, type Right } from "./who.ts";

/** Characters of a prompt out of an issue. */
const longest_prompt = 20_000;
/** The poller whose word on people's rights is taken. */
const forge_source = "github";

/** What a poller says of an issue, beside its pupdate: `permission` was looked up when it was read. */
interface IssueData {
  repo?: unknown;
  number?: unknown;
  body?: unknown;
  bot?: unknown;
  permission?: unknown;
  /** Its text was changed after it was looked at by whoever gave it the label. */
  edited?: unknown;
}

export type IssueOutcome = { task: string } | { refused: string };

/** Makes the task, or says why there is none. */
export function issueTask(draft: Draft, pupdate: RawPupdate, web?: Web): IssueOutcome {
  const { actor, source, subject, data = {} } = pupdate;
  // Other sources pass on what strangers' servers say, and would say so of rights, too.
  if (source !== forge_source) return { refused: "it comes from no forge" };
  const { body, bot, permission, edited } = data as IssueData;
  const person = {
    login: String(actor?.login ?? ""),
    id: String(actor?.id ?? ""),
    bot: bot !== false,
    permission: String(permission ?? "unknown") as Right,
  };
  const who = actorOf(draft.settings.owners, person, "issue", {});
  const verdict = may(who, "issue", "ledger", edited === true ? "edited" : "fresh");
  if (!verdict.allow) {
    if (!verdict.silent) say(draft, pupdate, "refused", `✕ ${verdict.reason}.`);
    return { refused: verdict.reason };
  }
  const asking = readIssue(String(body ?? ""));
  const fault = faultOf(draft, asking, pupdate.title);
  if (fault) {
    say(
      draft,
      pupdate,
      "fault",
      `✕ no task was made: ${fault}. Open another issue, or edit this one and give it its label anew.`,
    );
    return { refused: fault };
  }
  const path = queuePath(pupdate.title, pupdate.id);
  const read = taskSchema.parse({
    title: oneLine(pupdate.title),
    agent: asking.agent,
    hosts: asking.hosts === undefined ? undefined : [asking.hosts],
    repo: asking.repo,
    deliver: ["issue"],
    born_of: pupdate.id,
    asked_by: oneLine(person.login, 80),
    issue: subject,
  });
  const prompt = asking.prompt === "" ? pupdate.title : asking.prompt.slice(0, longest_prompt);
  const entry: Entry<"task"> = { path, id: idOf(path), kind: "task", data: read, body: `${prompt}\n`, bodyLine: 1 };
  if (!draft.tasks.has(entry.id)) {
    putTask(draft, entry);
    say(draft, pupdate, "queued", `✓ queued as ${link(web, entry.id, statusPath(entry.id))}. The answer comes here.`);
  }
  return { task: entry.id };
}

function say(draft: Draft, { id, subject }: RawPupdate, what: string, text: string): void {
  post(draft.talks, `issue ${what} ${id}`, { at: isoNow(draft), to: subject, what: "comment", text });
}

function faultOf(draft: Draft, { agent, hosts, repo, prompt }: Asking, title: string): string | null {
  const { defaults } = draft.settings;
  if (agent === undefined && defaults.agent === undefined && defaults.runtime === undefined)
    return "it names no agent, and towline.yml has no default";
  if (agent !== undefined && !draft.agents.has(agent)) {
    const near = nearest(agent, [...draft.agents.keys()]);
    const names = [...draft.agents.keys()].sort().slice(0, 8).join(", ");
    return `there is no agent \`${cell(agent, 60)}\`: ${near ? `did you mean \`${near}\`?` : `there are ${names}`}`;
  }
  if (hosts !== undefined && selectHosts([hosts], draft.hosts.values()).length === 0)
    return `no host is meant by \`${cell(hosts, 60)}\`: name one of hosts/, \`label:x\` or \`any\``;
  if (repo !== undefined && !isNamedRepo(repo))
    return `\`${cell(repo, 60)}\` is no repository: write \`.\` or owner/name`;
  return prompt === "" && title.trim() === "" ? "it says nothing" : null;
}
