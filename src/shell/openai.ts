// One question to whatever speaks OpenAI's API at an address that the settings name (Ollama does).
import { messageOf } from "../errors.ts";
import { bodyOf } from "./body.ts";

interface Asked {
  /** Up to and with `/v1`. */
  url: string;
  /** The value of what `token` names. */
  token?: string | undefined;
  /** Ends it. */
  signal: AbortSignal;
  fetch?: typeof globalThis.fetch | undefined;
}

/** Bytes of an answer. */
const most = 64 << 20;

/** What it answers, as JSON. Throws an Error that says why in a few words. */
export async function askModel({ url, token, signal, ...at }: Asked, path: string, body: object): Promise<unknown> {
  try {
    const response = await (at.fetch ?? fetch)(`${url.replace(/\/+$/, "")}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(body),
      // The texts and the token go where the settings say, and nowhere else.
      redirect: "error",
      signal,
    });
    const text = `${await bodyOf(response, most, () => new Error("its answer is too long"))}`;
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return JSON.parse(text);
  } catch (thrown) {
    throw new Error(reasonOf(thrown), { cause: thrown });
  }
}

const reasonOf = (thrown: unknown) => {
  const cause = thrown instanceof Error ? (thrown.cause as { code?: string } | undefined) : undefined;
  return thrown instanceof SyntaxError ? "its answer is no JSON" : (cause?.code ?? messageOf(thrown));
};
