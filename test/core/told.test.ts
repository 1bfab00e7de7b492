// The file that says what an agent was told.
import { expect, test } from "vitest";
import { noFindings } from "../../src/core/absorb.ts";
import { draftOf } from "../../src/core/draft.ts";
import { maskOf } from "../../src/core/mask.ts";
import { recordTold, toldText } from "../../src/core/told.ts";
import { world } from "../fakes/world.ts";

test("each text by its name, the same text once, hidden characters seen, and nothing of one job or time in it", () => {
  const text = toldText("scout", {
    "character.md": "Careful.\n",
    "prompt.md": "# Count\n\n```sh\nls\n```\nnow\u200b\n",
    ".towline/CLAUDE.md": "Careful.\n",
  });
  expect(text).toBe(
    "# What scout was told\n\nWord for word, without secrets, by the name under which it found it.\n\n" +
      "## `character.md`, `.towline/CLAUDE.md`\n\n```markdown\nCareful.\n```\n\n" +
      "## `prompt.md`\n\n````markdown\n# Count\n\n```sh\nls\n```\nnow⟨U+200B⟩\n````\n",
  );
});

test("a text that is too long loses its middle, and no part of a secret stands where it was cut", () => {
  const secret = "sk-live-0123456789abcdefghij";
  const mask = maskOf([{ name: "KEY", value: secret }]);
  const long = (before: number, after: number) => `${"x".repeat(before)}${secret}${"y".repeat(after)}`;
  for (const [before, after] of [
    [65_536 - 12, 200_000],
    [200_000, 65_536 - 12],
  ] as const) {
    const text = toldText("scout", { p: long(before, after) }, mask.text);
    expect(text.length).toBeLessThan(140_000);
    expect(text).toMatch(/characters left out …/);
    expect(text).not.toMatch(/sk-live-01|bcdefghij/);
  }
  // Nobody there to mask it: it is not kept.
  expect(toldText("scout", { p: long(100_000, 100_000) })).toContain("_Left out: 200028 characters._");
});

test("it is kept when the run is known to have begun, also where the answer to its start was lost; never before", () => {
  const one = world({
    "towline.yml": "id: pack\ndefaults: {agent: scout}\n",
    "agents/scout.md": "---\nruntime: shell\n---\n",
    "hosts/ann.md": "---\naddress: 127.0.0.1\ntransport: local\n---\n",
    "tasks/count.md": "---\ntitle: Count\n---\necho hi\n",
  });
  one.tick("2026-11-20T10:00:00Z", () => null);
  const state = one.state();
  const [job] = [...state.jobs.values()];
  const key = `${job?.id}/1`;
  const told = new Map([[key, { text: "# Told\n", insights: ["quiet"], learnings: [] }]]);
  const kept = (more: object) => {
    const draft = draftOf(state, new Date("2026-11-20T10:01:00Z"), "x");
    recordTold(draft, { ...noFindings(), told, ...more });
    return [...draft.attached.keys()].map((path) => path.slice(-18));
  };
  expect(kept({})).toEqual([]);
  expect(kept({ starts: new Map([[key, { state: "released", why: "full" }]]) })).toEqual([]);
  expect(kept({ starts: new Map([[key, { state: "started", epoch: 7 }]]) })).toEqual([]);
  const file = [expect.stringMatching(/^told-1-\w{8}\.md$/)];
  expect(kept({ starts: new Map([[key, { state: "started", epoch: 1 }]]) })).toEqual(file);
  expect(kept({ running: new Set([key]) })).toEqual(file);
  expect(kept({ results: [{ result: { job: job?.id, epoch: 1 } }] })).toEqual(file);
});
