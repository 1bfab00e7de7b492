// `/towline answer`, `approve` and `drop`: what waits for people, by the number that the inbox shows.
import { plain } from "./commands.ts";
import { type Deed, type Doing, does, fault } from "./deeds.ts";
import { putMemo, putTask } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { memoNumber, waiting } from "./memo-numbers.ts";
import { cell, oneLine } from "./text.ts";

const longest_answer = 8000;

type Choice = { memo: Entry<"memo">; rest: string } | { none: Deed };

export function answerDeed(at: Doing, text: string): Deed {
  const choice = chosen(at, text, "answer");
  if ("none" in choice) return choice.none;
  const { memo, rest } = choice;
  if (rest.trim() === "")
    return fault("`answer` says nothing", `/towline answer ${memoNumber(at.draft, memo)} your words`);
  return does(targetsAt(at), () => {
    reply(at, memo, rest.trim().slice(0, longest_answer));
    return `✓ answered: ${cell(memo.data.title, 120)}`;
  });
}

export function approveDeed(at: Doing, what: string | null): Deed {
  const draft_task = what === null ? undefined : at.draft.tasks.get(what);
  if (draft_task?.path.startsWith("queue/") && draft_task.data.status === "draft")
    return does(["ledger"], () => release(at, draft_task));
  if (what === null && at.said.place.kind === "proposal")
    return { targets: ["branch"], fault: "work is approved by merging it", fix: "merge it, or approve it in a review" };
  const choice = chosen(at, what ?? "", "approve");
  if ("none" in choice) return choice.none;
  const { memo } = choice;
  if (memo.data.kind !== "ask" && memo.data.kind !== "approval")
    return {
      targets: ["ledger"],
      fault: "nothing is asked there",
      fix: `\`/towline drop ${memoNumber(at.draft, memo)}\` puts it away`,
    };
  const waits = [...at.draft.tasks.values()].find(
    ({ data }) => data.status === "draft" && data.born_of !== undefined && data.born_of === memo.data.pupdate,
  );
  if (waits) return does(["ledger"], () => release(at, waits));
  return does(["ledger"], () => {
    reply(at, memo, "yes");
    return `✓ approved: ${cell(memo.data.title, 120)}`;
  });
}

/** A task that an agent or a stranger asked for becomes work, and what asked for that is answered. */
function release(at: Doing, task: Entry<"task">): string {
  putTask(at.draft, { ...task, data: { ...task.data, status: "ready" } });
  for (const memo of memosOf(at, task)) reply(at, memo, "yes");
  return `✓ released: ${cell(task.data.title, 120)}`;
}

const memosOf = ({ draft }: Doing, { data }: Entry<"task">) =>
  [...draft.memos.values()].filter(
    (memo) => memo.data.status === "open" && data.born_of !== undefined && memo.data.pupdate === data.born_of,
  );

export function dropDeed(at: Doing, what: string | null): Deed {
  const { draft, said } = at;
  const { candidates = [] } = said.place;
  const one = /^\d{1,3}$/.test(what ?? "") ? candidates[Number(what) - 1] : candidates.find((name) => name === what);
  if (one !== undefined)
    return { targets: ["policy"], do: () => ({ reply: `✓ ${cell(one)} is not proposed again.`, dismissed: one }) };
  if (candidates.length > 0)
    return fault(
      what === null ? "`drop` names no candidate" : `there is no candidate \`${cell(what, 60)}\``,
      `write one of \`/towline drop 1\` to \`/towline drop ${candidates.length}\``,
    );
  const task = what === null ? undefined : draft.tasks.get(what);
  if (task?.path.startsWith("queue/") && task.data.status === "draft")
    return does(["ledger"], () => dropTask(at, task));
  const choice = chosen(at, what ?? "", "drop");
  if ("none" in choice) return choice.none;
  const { memo } = choice;
  return does(["ledger"], () => {
    putMemo(draft, { ...memo, data: { ...memo.data, status: "dismissed", answered_by: oneLine(said.by.login, 80) } });
    return `✓ put away: ${cell(memo.data.title, 120)}`;
  });
}

function dropTask(at: Doing, task: Entry<"task">): string {
  putTask(at.draft, { ...task, data: { ...task.data, status: "cancelled" } });
  for (const memo of memosOf(at, task)) putMemo(at.draft, { ...memo, data: { ...memo.data, status: "dismissed" } });
  return `✓ dropped: ${cell(task.data.title, 120)}`;
}

function reply({ draft, said }: Doing, memo: Entry<"memo">, answer: string): void {
  const by = oneLine(said.by.login, 80);
  putMemo(draft, { ...memo, data: { ...memo.data, status: "answered", answer, answered_by: by } });
}

const targetsAt = ({ said }: Doing) => [said.place.kind === "proposal" ? ("branch" as const) : ("ledger" as const)];

/** The memo that is meant: by its number or name in front, or the only one that was there when the comment was written. */
function chosen(at: Doing, text: string, verb: string): Choice {
  const { draft, said } = at;
  const [word = ""] = text.split(/\s/, 1);
  const name = plain(word).toLowerCase();
  const open = waiting(draft).filter(({ data }) => Date.parse(data.created) <= Date.parse(said.at));
  const hits = name === "" ? [] : open.filter((memo) => isMeant(memo, name));
  if (hits.length === 1) return { memo: hits[0] as Entry<"memo">, rest: text.slice(text.indexOf(word) + word.length) };
  const list = (some: Entry<"memo">[]) =>
    some
      .slice(0, 5)
      .map((memo) => `\`/towline ${verb} ${memoNumber(draft, memo)}\` (${cell(memo.data.title, 60)})`)
      .join(", ");
  if (hits.length > 1) return { none: fault(`\`${cell(word, 40)}\` may be several`, `write one of ${list(hits)}`) };
  if (/^[0-9a-f]{4,8}$/.test(name) || (verb !== "answer" && name !== ""))
    return {
      none: fault(
        `nothing that is open has the number \`${cell(word, 40)}\``,
        open.length > 0 ? `there is ${list(open)}` : "nothing waits for you",
      ),
    };
  const asking = open.filter(({ data }) => data.kind === "ask" || data.kind === "approval");
  const own = asking.filter((memo) => isAbout(at, memo));
  const only = own.length > 0 ? own : said.place.kind === "inbox" ? asking : [];
  if (only.length === 1) return { memo: only[0] as Entry<"memo">, rest: text };
  return {
    none:
      only.length === 0
        ? fault(
            "nothing here waits for an answer",
            open.length > 0 ? `there is ${list(open)}` : "nothing has to be done",
          )
        : fault(`${only.length} questions are open, and none is named`, `write one of ${list(only)}`),
  };
}

const isMeant = ({ id }: Entry<"memo">, name: string) =>
  id === name || (/^[0-9a-f]{4,8}$/.test(name) && (id.split("-").at(-1) ?? "").startsWith(name));

/** A memo of the task, or of a job of it, that the conversation is about. */
function isAbout({ draft, said }: Doing, { data }: Entry<"memo">): boolean {
  const { subject, branch } = said.place;
  const job = draft.jobs.get(data.subject);
  const task = draft.tasks.get(job?.data.task ?? data.subject);
  if (task?.data.issue === subject && subject !== "") return true;
  return branch !== undefined && job?.data.run.branch === branch;
}
