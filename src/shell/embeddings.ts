// Texts → vectors, by whatever speaks OpenAI's embeddings at the address that the settings name (Ollama does). Each text is
// asked for once a model: vectors are kept below the cache folder.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, outside } from "../errors.ts";
import { askModel } from "./openai.ts";

export interface Embeddings {
  /** One vector a text, in their order. Throws a Fault when that cannot be had. */
  vectors(texts: readonly string[]): Promise<number[][]>;
}

export interface EmbeddingOptions {
  url: string;
  model: string;
  /** The value of what `token` names. */
  token?: string | undefined;
  cache: string;
  fetch?: typeof globalThis.fetch | undefined;
  /** Ends all of it, however many answers it takes. */
  signal?: AbortSignal | undefined;
}

const most = { batch: 64, text: 8000, ms: 30_000 };

export function openEmbeddings(options: EmbeddingOptions): Embeddings {
  return {
    async vectors(texts) {
      const cut = texts.map((text) => text.slice(0, most.text).toWellFormed());
      const known = new Map<string, number[]>();
      for (const text of new Set(cut)) {
        const vector = await kept(placeOf(options, text));
        if (vector) known.set(text, vector);
      }
      const missing = [...new Set(cut)].filter((text) => !known.has(text));
      for (let from = 0; from < missing.length; from += most.batch) {
        const batch = missing.slice(from, from + most.batch);
        for (const [at, vector] of (await ask(options, batch)).entries()) {
          known.set(batch[at] as string, vector);
          await keep(placeOf(options, batch[at] as string), vector);
        }
      }
      return cut.map((text) => known.get(text) as number[]);
    },
  };
}

/** Vectors of two models must never meet. */
function placeOf({ cache, url, model }: EmbeddingOptions, text: string): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([url, model, text]))
    .digest("hex");
  return join(cache, "embeddings", hash.slice(0, 2), `${hash}.json`);
}

async function kept(path: string): Promise<number[] | null> {
  try {
    return vectorOf(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null;
  }
}

/** Only saves asking again: a cache that cannot be written is no fault. */
async function keep(path: string, vector: number[]): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    .then(() => writeFile(fresh, JSON.stringify(vector), { mode: 0o600 }))
    .then(() => rename(fresh, path))
    .catch(() => undefined);
}

async function ask({ model, signal, ...at }: EmbeddingOptions, input: string[]): Promise<number[][]> {
  const fault = (why: string) =>
    outside(
      `${new URL(at.url).host} gives no embeddings: ${why}`,
      "look at `embeddings:` in towline.yml: `url` ends in /v1 for Ollama and OpenAI, `model` is one that it has",
    );
  const limit = AbortSignal.timeout(most.ms);
  const answer = await askModel({ ...at, signal: signal ? AbortSignal.any([limit, signal]) : limit }, "embeddings", {
    model,
    input,
    encoding_format: "float",
  }).catch((thrown) => {
    throw fault(messageOf(thrown));
  });
  const vectors = vectorsOf(answer, input.length);
  if (vectors === null) throw fault("its answer holds no vector for each text");
  return vectors;
}

function vectorsOf(answer: unknown, count: number): number[][] | null {
  const data = (answer as { data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length !== count) return null;
  const found = new Map<number, number[]>();
  for (const [at, one] of data.entries()) {
    const vector = vectorOf((one as { embedding?: unknown } | null)?.embedding);
    const index = (one as { index?: unknown } | null)?.index ?? at;
    if (vector && typeof index === "number") found.set(index, vector);
  }
  const list = Array.from({ length: count }, (_, at) => found.get(at));
  return list.every((one) => one !== undefined) ? (list as number[][]) : null;
}

const vectorOf = (value: unknown): number[] | null =>
  Array.isArray(value) && value.length > 0 && value.length <= 65_536 && value.every(Number.isFinite) ? value : null;
