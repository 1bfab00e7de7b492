// What signals mean, out of the mouth of the model that the settings name. Each text is asked for once a model.
import type { Meanings } from "../core/meaning.ts";
import type { Settings } from "../core/schema.ts";
import { openEmbeddings } from "./embeddings.ts";
import { wayOut } from "./way-out.ts";

interface Asking {
  /** The value of what `token` names. */
  secret(name: string): string | undefined;
  mask(text: string): string;
  cache: string;
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal | undefined;
}

/** For all texts together, ms: a tick waits for it. What was answered by then is kept, and the next one asks for the rest. */
const wall = 20_000;

/** Throws where it cannot be had: it is all of them or none. */
export async function askMeanings(
  { secret, mask, cache, env, signal }: Asking,
  { url, model, token, least }: NonNullable<Settings["embeddings"]>,
  texts: readonly string[],
): Promise<Meanings> {
  const limit = AbortSignal.timeout(wall);
  const embeddings = openEmbeddings({
    url,
    model,
    cache,
    token: token && secret(token),
    fetch: await wayOut(env, url),
    signal: signal ? AbortSignal.any([limit, signal]) : limit,
  });
  const vectors = await embeddings.vectors(texts.map(mask));
  return { vectors: new Map(texts.map((text, at) => [text, vectors[at] as number[]])), least };
}
