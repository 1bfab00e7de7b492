// A stand-in for model APIs that somebody else wrote, on loopback, and answers that tests ask it for.
import { LLMock } from "@copilotkit/aimock";

export const block = "```towline\nsurprise: none\ntechnique: asked the model\n```";

/** More than a record keeps. */
export const long_answer = `begin ${'a "line" \\ of ünïcode\n'.repeat(3000)} end`;

/** Answers by what the prompt holds; anything else is an error (`strict`). Streams in pieces of a few characters. */
export async function modelServer(): Promise<LLMock> {
  const mock = new LLMock({ strict: true, chunkSize: 7, logLevel: "silent" });
  mock.onMessage("SAY-WELL", { content: `All "fine" \\ ünïcode 🐚\n\tsecond <line>\n\n${block}` });
  mock.onMessage("SAY-MUCH", { content: long_answer }, { chunkSize: 300 });
  mock.onMessage("SAY-NOTHING", { content: "" });
  mock.onMessage("SAY-TOO-LATE", { content: "one two three four five six seven eight" }, { latency: 400 });
  mock.onMessage("BREAK-OFF", { content: "one two three four five six" }, { truncateAfterChunks: 3, latency: 40 });
  mock.onMessage("NO-SUCH-MODEL", { error: { message: "model 'nope' not found" }, status: 404 });
  mock.onMessage("OUT-OF-MEMORY", { error: { message: "model requires more system memory" }, status: 500 });
  await mock.start();
  return mock;
}
