// What each page shows, as items of a JSON feed: the newest, by their record's own time. Text only, nothing is markup.
import { hostLink, jobLink, page, reflectionLink, taskLink } from "./link.ts";
import { campfireLink, knowledgeLink, pupdateLink, ruleLink } from "./link-more.ts";
import { record, records } from "./records.ts";

export interface Item {
  id: string;
  link: string;
  title: string;
  text: string;
  at?: string | undefined;
  tags?: string[];
}

const most = 50;
const words = (...parts: (string | undefined | false)[]) => parts.filter(Boolean).join("\n\n").slice(0, 4000);

const makers: Record<string, () => Promise<Item[]>> = {
  reflections: async () =>
    (await records("reflections")).slice(0, most).map(({ id, fields, body }) => ({
      id,
      link: reflectionLink(id),
      title: fields.title,
      text: words(fields.goal, fields.surprise && `Surprise: ${fields.surprise}`, body),
      at: fields.timestamp,
      tags: [fields.domain, fields.outcome].filter((one) => one !== undefined),
    })),
  tasks: async () =>
    (await records("tasks")).slice(0, most).map(({ id, fields, state, status }) => ({
      id,
      link: taskLink(id),
      title: `${fields.title}: ${state}`,
      text: words(status?.reason),
      at: status?.since,
      tags: [state],
    })),
  jobs: async () =>
    (await records("jobs")).slice(0, most).map(({ id, fields, title, body }) => ({
      id,
      link: jobLink(id),
      title: `${title}: ${fields.state}`,
      text: words(fields.run.why, body),
      at: fields.run.ended_at ?? fields.run.claimed_at,
      tags: [fields.state],
    })),
  fleet: async () =>
    (await records("hosts")).slice(0, most).map(({ id, state, drift, since, seen }) => ({
      id,
      link: hostLink(id),
      title: `${id}: ${state}`,
      text: words(drift),
      at: since ?? seen,
      tags: [state],
    })),
  pupdates: async () =>
    (await records("pupdates")).slice(0, most).map(({ id, title, kind, verdict, rule, at }) => ({
      id,
      link: pupdateLink(id),
      title,
      text: words(`${kind}: ${verdict ?? "not judged"}${rule ? ` by ${rule}` : ""}`),
      at,
      tags: [kind],
    })),
  rules: async () =>
    (await records("rules")).map(({ id, says, fired }) => ({
      id,
      link: ruleLink(id),
      title: id,
      text: says.join(" "),
      at: fired?.at,
    })),
  knowledge: async () =>
    (await records("knowledge")).slice(0, most).map(({ id, kind, body, confirmed }) => ({
      id: `${kind}-${id}`,
      link: knowledgeLink(id),
      title: id,
      text: words(body),
      at: confirmed,
      tags: [kind],
    })),
  campfire: async () =>
    (await records("campfire")).slice(0, most).map(({ id, state, candidates, at }) => ({
      id,
      link: campfireLink(id),
      title: `Campfire ${id}: ${state}`,
      text: words(...candidates.map((one) => `${one.kind}: ${one.title}`)),
      at,
      tags: [state],
    })),
  costs: async () =>
    (await records("spending")).slice(0, most).map(({ id, runs, accepted, usd }) => ({
      id,
      link: page("costs/"),
      title: `${id}: $${usd}`,
      text: `${runs} runs, ${accepted} good`,
      at: `${id}T12:00:00Z`,
    })),
  health: async () =>
    (await record("health")).sources.map(({ source, subject, ok, at, why }) => ({
      id: `${source} ${subject}`,
      link: page("health/"),
      title: `${subject} ${ok ? "answers" : "fails"}`,
      text: words(why),
      at,
    })),
};

/** By the page's path. */
export async function feeds(): Promise<Map<string, () => Promise<Item[]>>> {
  const tables = (await records("collections")).map(
    ({ id, columns, rows }) =>
      [
        `collections/${id}`,
        async () =>
          rows.slice(0, most).map((row) => ({
            id: row.id,
            link: `${page(`collections/${id}/`)}#${row.id}`,
            title: row.cells[columns[0]?.name ?? ""] ?? row.id,
            text: words(columns.map(({ name, title }) => `${title}: ${row.cells[name] ?? "–"}`).join("\n"), row.body),
          })),
      ] as const,
  );
  return new Map([...Object.entries(makers), ...tables]);
}
