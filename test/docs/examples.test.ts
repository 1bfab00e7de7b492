// What the help of each verb gives as examples is typed, too: in one pack with a machine, a task and a run of it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lacksSshd } from "../integration/real.ts";
import { end, worldOf } from "./world.ts";

/** Examples that are not typed here, and why. */
const left: [RegExp, string][] = [
  [/^towline demo/, "test/integration/demo.test.ts runs it"],
  [/jq|zsh|fish/, "it needs another program"],
  [/^sudo|--install/, "it needs root and systemd"],
  [/gh auth|forge app|github|learnings mine --repo owner/, "it needs GitHub"],
  [/^towline fleet (deploy|rollback)/, "it downloads from GitHub; test/fleet/ deploys from a stand-in"],
  [/job attach|job log -f/, "it is for a run that is at work"],
  [/job cancel/, "it is for a run that is open"],
  [/site |watch/, "docs/start.md and docs/operations.md have it"],
  [/sync/, "it needs a database; test/store has one"],
  [/^towline (init|import)|fleet (add|import|keygen)/, "it is for another folder than this; the pages type it"],
  [/^towline try build/, "coding work is begun by ticks; the README tries a task"],
  [/memo (answer|dismiss|show)/, "it needs a question; the README has one"],
  [/- <|dispatch -|purge -|campfire$/, "it waits for input, or for what agents teach"],
  [/Which services/, "it needs an agent with a model"],
  [/^towline (fleet teardown|leave --out)/, "it asks, and takes all of it away; test/verbs/ has both"],
];

/** They end with 1 where there is something to say. */
const finds = /^towline (doctor|secrets|fleet status|check|replay|upgrade --check|leave|purge)/;

/** What a person does next, before the examples that follow. */
const next: [RegExp, string][] = [
  [/^towline (ledger move|task cancel)/, "git pull -q"],
  [/^towline stop/, "git pull -q && towline resume --push && git pull -q"],
];

const setUp = `
towline fleet add ops@203.0.113.11 --name web-1 --label web --yes
towline fleet add ops@203.0.113.12 --name web-2 --label web --yes
mkdir -p src insights ~/.ssh/config.d; seq 20 > src/a.ts
printf -- '---\\nstatus: active\\n---\\nSay less.\\n' > insights/quiet.md
printf -- '---\\nruntime: shell\\n---\\nAsks.\\n' > agents/scout.md
printf -- '---\\ntitle: Build\\nagent: scout\\nrepo: .\\nhosts: web-1\\n---\\necho done; sed -i 12s/.*/mended/ src/a.ts\\n' > tasks/build.md
cp rules/host-silent.md rules/new-rule.md; echo >> .vscode/settings.json
git add -A; git commit -qm all; git push -q; towline tick; git pull -q; git switch -qc my-branch; git push -q origin my-branch; git switch -q main
`;

function examples(): { line: number; text: string }[] {
  const lines = readFileSync(join(import.meta.dirname, "..", "..", "docs", "verbs.md"), "utf8").split("\n");
  let inside = false;
  return lines.flatMap((text, at) => {
    if (/^Examples?:$/.test(text)) inside = true;
    else if (text.startsWith("```")) inside = false;
    else if (inside && text.trim() !== "") return [{ line: at + 1, text: text.replace(/ +#.*$/, "").trim() }];
    return [];
  });
}

test("what is left out is there to be left out, and most are not", () => {
  const all = examples();
  expect(left.filter(([what]) => !all.some(({ text }) => what.test(text))).map(([what]) => `${what}`)).toEqual([]);
  const typed = all.filter(({ text }) => !left.some(([what]) => what.test(text)));
  expect(typed.length).toBeGreaterThan(all.length / 2);
});

if (process.env.TOWLINE_LONG !== undefined)
  test.skipIf(lacksSshd)("examples of the help", { timeout: 900_000 }, async () => {
    const world = await worldOf("203.0.113.11 203.0.113.12 127.0.0.1:9093", true);
    try {
      const made = await world.type(world.here(setUp));
      expect(made.code, made.out).toBe(0);
      const job = /build-[0-9a-f]{10}/.exec((await world.type("towline job list")).out)?.[0] ?? "";
      for (const { line, text } of examples()) {
        if (left.some(([what]) => what.test(text))) continue;
        const { code, out } = await world.type(text.replace(/build-2f1c9a04de|disk-space-82e5a958a5/, job));
        expect
          .soft(finds.test(text) ? [0, 1] : [0], `docs/verbs.md:${line} ended with ${code}:\n${text}\n${out}`)
          .toContain(code);
        const then = next.find(([what]) => what.test(text))?.[1];
        if (then !== undefined) await world.type(then);
      }
    } finally {
      await world.down();
      await end();
    }
  });
