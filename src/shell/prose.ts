// Asks whatever speaks OpenAI's chat completions at the address that the settings name (Ollama does) to put a few sentences
// in words. Nothing is asked without those settings.

import type { Draft } from "../core/draft.ts";
import { factsFor } from "../core/narrate.ts";
import { type ProseRow, rowAfter, wishFor } from "../core/prose.ts";
import { messageOf } from "../errors.ts";
import { limited, reasonOf } from "./embeddings.ts";

interface ProseOptions {
  /** The value of what `token` names. */
  secret(name: string): string | undefined;
  mask(text: string): string;
  /** Told when the template stands, and why. */
  progress(line: string): void;
  fetch?: typeof globalThis.fetch;
}

const most_tokens = 400;

/** What came of asking; undefined: there is nothing to ask. Never throws. */
export async function writeProse(options: ProseOptions, draft: Draft): Promise<ProseRow | undefined> {
  const { narrate } = draft.settings;
  const wish = narrate && wishFor(draft, factsFor(draft));
  if (!narrate || !wish) return undefined;
  const said = await ask(options, narrate, wish).then(
    (text) => ({ text }),
    (thrown) => ({ fault: `${new URL(narrate.url).host}: ${messageOf(thrown)}` }),
  );
  const row = rowAfter(draft, wish, said);
  if (row.why !== undefined) options.progress(`narrate: the template stands, since ${row.why}`);
  return row;
}

type Narrate = NonNullable<Draft["settings"]["narrate"]>;

async function ask(
  { secret, mask, ...more }: ProseOptions,
  { url, model, token, wall }: Narrate,
  { system, user }: { system: string; user: string },
): Promise<string> {
  const key = token && secret(token);
  try {
    const response = await (more.fetch ?? fetch)(`${url.replace(/\/+$/, "")}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) },
      body: JSON.stringify({
        model,
        max_tokens: most_tokens,
        messages: [
          { role: "system", content: system },
          { role: "user", content: mask(user) },
        ],
      }),
      // The facts and the token go where the settings say, and nowhere else.
      redirect: "error",
      signal: AbortSignal.timeout(wall * 1000),
    });
    const text = await limited(response);
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    const answer = JSON.parse(text) as { choices?: { message?: { content?: unknown } }[] };
    const content = answer?.choices?.[0]?.message?.content;
    if (typeof content !== "string") throw new Error("its answer holds no text");
    return mask(content);
  } catch (thrown) {
    throw new Error(reasonOf(thrown), { cause: thrown });
  }
}
