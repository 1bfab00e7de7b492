// Asks whatever speaks OpenAI's chat completions at the address that the settings name (Ollama does) to put a few sentences
// in words. Nothing is asked without those settings.

import type { Draft } from "../core/draft.ts";
import { factsFor } from "../core/narrate.ts";
import { type ProseRow, rowAfter, wishFor } from "../core/prose.ts";
import { messageOf } from "../errors.ts";
import { askModel } from "./openai.ts";
import { wayOut } from "./way-out.ts";

interface ProseOptions {
  /** The value of what `token` names. */
  secret(name: string): string | undefined;
  mask(text: string): string;
  /** Told when the template stands, and why. */
  progress(line: string): void;
  env: Readonly<Record<string, string | undefined>>;
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
  { secret, mask, env }: ProseOptions,
  { url, model, token, wall }: Narrate,
  { system, user }: { system: string; user: string },
): Promise<string> {
  const answer = (await askModel(
    { url, token: token && secret(token), signal: AbortSignal.timeout(wall * 1000), fetch: await wayOut(env, url) },
    "chat/completions",
    {
      model,
      max_tokens: most_tokens,
      messages: [
        { role: "system", content: system },
        { role: "user", content: mask(user) },
      ],
    },
  )) as { choices?: { message?: { content?: unknown } }[] } | null;
  const content = answer?.choices?.[0]?.message?.content;
  if (typeof content !== "string") throw new Error("its answer holds no text");
  return mask(content);
}
