// How GitHub's answers come in: from its own server, whole, and as JSON.
import { bodyOf } from "./body.ts";

type Fetch = typeof fetch;

const max_bytes = 16 << 20;

/** fetch that talks to this server only, reads the whole answer, and refuses one that was cut or is no JSON. */
export function guarded(origin: string, fetch: Fetch): Fetch {
  return async (input, init) => {
    if (new URL(String(input)).origin !== origin) throw new TypeError("an address on another server");
    const answer = await fetch(input, init);
    if (answer.url !== "" && new URL(answer.url).origin !== origin) throw new TypeError("a redirect to another server");
    if ([204, 205, 304].includes(answer.status)) return answer;
    const text = `${await bodyOf(answer, max_bytes, () => new TypeError("an answer that is too large"))}`;
    if (answer.ok) parsed(text);
    return new Response(text, { status: answer.status, headers: answer.headers });
  };
}

function parsed(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new TypeError("an answer that is cut or no JSON");
  }
}
