// Days that are too old for the lists of the newest. Their records are read when their page is made, and not before;
// their pages are plain text in plain HTML, since there may be a hundred thousand of them.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type DayLine, dayFile, type Exported, recordUrl } from "../../src/core/exported.ts";
import { page } from "./link.ts";
import { escaped } from "./prose.ts";
import { job_looks, outcome_looks } from "./state.ts";
import { clock, size } from "./time.ts";

type Day = Exported<"days">;
type Kind = "reflections" | "jobs";

const folder = process.env.TOWLINE_SITE_DATA ?? "data";

export const earlierPage = (day: string) => page(`earlier/${day}/`);

export async function linesOf(day: Day, kind: Kind): Promise<DayLine[]> {
  return day[kind] === 0 ? [] : JSON.parse(await readFile(join(folder, dayFile(day, kind)), "utf8"));
}

/** Every text goes through `escaped`; what is left are our own tags. */
export function linesHtml(lines: DayLine[], kind: Kind, meta: Exported<"meta">): string {
  return lines.map((line) => lineHtml(line, kind, meta)).join("");
}

function lineHtml(line: DayLine, kind: Kind, meta: Exported<"meta">): string {
  const look =
    kind === "jobs" ? job_looks[line.state as "finished"] : outcome_looks[(line.state ?? "none") as "success" | "none"];
  const url = recordUrl(meta, line.path);
  const path = `<code class="source">${escaped(line.path)}</code>`;
  const facts = [...line.facts.map(([name, text]) => `<dt>${name}</dt><dd dir="auto">${escaped(text)}</dd>`)];
  const record = url ? `<a class="source" href="${escaped(url)}" rel="noopener noreferrer">${path}</a>` : path;
  const text = line.text === "" ? "" : `<pre tabindex="0"><code>${escaped(line.text)}</code></pre>`;
  const cut = line.cut
    ? `<p class="note">Only the beginning is shown; all ${size(line.cut)} are in the record.</p>`
    : "";
  return `<details class="row" data-key="${escaped(line.path)}"><summary><span class="when"><time datetime="${escaped(line.at)}">${clock(line.at, meta.zone)}</time></span><span class="state ${look.role}"><span class="glyph" aria-hidden="true">${look.glyph}</span>${look.word}</span><span class="title"><bdi>${escaped(line.title)}</bdi></span></summary><div class="open"><dl class="facts">${facts.join("")}</dl>${text}${cut}<dl class="facts trail"><dt>Record</dt><dd>${record}</dd></dl></div></details>`;
}
