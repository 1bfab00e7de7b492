// What people read when they decide about work: it says where it comes from, and nothing in it is alive.
import { expect, test } from "vitest";
import type { Landed } from "../../src/core/landed.ts";
import { addressOn, proposalOf } from "../../src/core/proposal.ts";
import type { Outcome } from "../../src/ports.ts";
import { type World, world } from "../fakes/world.ts";

const [tip, first, second] = ["a", "b", "c"].map((one) => one.repeat(40)) as [string, string, string];
const at = (minute: number) => `2026-11-20T10:${String(minute).padStart(2, "0")}:00Z`;
const host = "---\naddress: 127.0.0.1\ntransport: local\n---\n";
const never = () => null;

function stand(task = "", settings = ""): World {
  const made = world({
    "towline.yml": `id: pack\ndefaults:\n  agent: scout\n${settings}`,
    "agents/scout.md": "---\nruntime: shell\n---\nCareful.\n",
    "hosts/ann.md": host,
    "hosts/bob.md": `${host.slice(0, -4)}cordon: true\n---\n`,
    "tasks/count.md": `---\ntitle: "Count @ada's <b>errors</b> #1"\nrepo: .\nverify: npm test\naccept: ["one | row", two]\n${task}---\necho hi\n`,
  });
  made.repos.set(".", { tip, heads: new Map() });
  made.told = { text: "# What scout was told\n", insights: ["quiet"], learnings: [] };
  return made;
}

const pushed = (head: string, exit = 0): Landed => ({
  state: "pushed",
  head,
  at: "towline/count",
  paths: ["src/a.ts", "src/b.ts"],
  lines: 10,
  check: { exit, said: "no" },
});
const ends =
  (landed: Landed, outcome: Partial<Outcome> = {}) =>
  () => ({ stdout: "done\n", landed, outcome });
const file = (one: World, end: string) => [...one.files].find(([path]) => path.endsWith(end))?.[1] ?? "";
const job = (one: World) => [...one.state().jobs.values()][0];

test("the text of a round: what it is, what came of it, what it took, what it was told; anew with each round", () => {
  const one = stand();
  one.tick(at(0), never);
  const answer = "Counted.\n```\n<script>\n@ada fixes #2\u202e";
  one.tick(at(1), ends(pushed(first), { answer, cost: 0.42, tokens: { input: 1000, output: 234 } }));
  const id = job(one)?.id as string;
  const text = file(one, `${id}.d/proposal.md`);
  expect(text).toMatchInlineSnapshot(`
    "# Count @⁠ada's \\<b\\>errors\\</b\\> #⁠1

    [Count @⁠ada's \\<b\\>errors\\</b\\> #⁠1](../../../../../tasks/count.md) · job [\`count-8b9483c9f9\`](../../../../../jobs/2026/11/20/count-8b9483c9f9.md), by scout

    ## It counts as done when

    - one \\| row
    - two

    ## What its agent says

    \`\`\`\`text
    Counted.
    \`\`\`
    <script>
    @ada fixes #2⟨U+202E⟩
    \`\`\`\`

    ## What it took

    | | |
    | --- | --- |
    | Work | 2 files, 10 lines changed, at \`bbbbbbbbbbbb\` |
    | Verify | ✓ passed |
    | Round | 1 |
    | Cost | $0.42 |
    | Time | 1s |
    | Tokens | 1,234 |
    | Host | ann |
    | Told | [exactly what it was told](told-1-5cd5cb84.md) |
    | Insights | [quiet](../../../../../insights/quiet.md) |
    "
  `);
  one.files.set(`reviews/${id}.md`, "- src/a.ts:3: count *twice*\n");
  one.tick(at(2), never);
  one.tick(at(3), ends(pushed(second), { cost: 0.08 }));
  const next = file(one, `${id}.d/proposal.md`);
  expect(next).toContain("| Round | 2 |\n| Cost | $0.50 in 2 runs |\n| Time | 2s in 2 runs |\n");
  expect(next).toContain("## Remarks settled\n\n- src/a.ts, line 3: count \\*twice\\*\n");
  expect(file(one, "status/count.md")).toContain(`[proposal](../jobs/2026/11/20/${id}.d/proposal.md)`);
});

test("work whose host is gone goes on from its branch elsewhere, and the text says so", () => {
  const one = stand();
  one.tick(at(0), never);
  one.tick(at(1), ends(pushed(first)));
  const id = job(one)?.id as string;
  one.files.set("hosts/bob.md", host);
  one.down.add("ann");
  one.files.set(`reviews/${id}.md`, "- louder\n");
  one.tick(at(2), never);
  expect(job(one)?.data).toMatchObject({ host: "bob", run: { epoch: 2, code: { base: first } } });
  one.tick(at(3), ends(pushed(second)));
  expect(file(one, `${id}.d/proposal.md`)).toContain(
    "| Host | bob; ann does not answer: it went on from its pushed branch on bob |",
  );
});

test("the same words are kept once; what it knows adds up, and its record names all of it", () => {
  const one = stand();
  one.tick(at(0), never);
  one.tick(at(1), ends(pushed(first)));
  const id = job(one)?.id as string;
  const kept = () => [...one.files.keys()].filter((path) => path.includes(`${id}.d/told-`)).map((p) => p.slice(-18));
  expect(kept()).toEqual([expect.stringMatching(/told-1-\w{8}\.md$/)]);
  one.files.set(`reviews/${id}.md`, "- louder\n");
  one.told = { text: "# What scout was told\n", insights: ["loud"], learnings: ["types"] };
  one.tick(at(2), never);
  expect(kept()).toHaveLength(1);
  expect(job(one)?.data.run).toMatchObject({ insights: ["quiet", "loud"], learnings: ["types"] });
  one.tick(at(3), ends(pushed(second)));
  one.files.set(`reviews/${id}.md`, "- louder\n- still louder\n");
  one.told = { ...one.told, text: "# Other words\n" };
  one.tick(at(4), never);
  expect(kept()).toEqual([expect.stringMatching(/told-1-/), expect.stringMatching(/told-3-/)]);
  expect(job(one)?.data.run.told).toMatch(/^told-3-/);
  // What must not be kept leaves no name either.
  one.tick(at(5), ends(pushed(first)));
  one.files.set(`reviews/${id}.md`, "- louder\n- still louder\n- loudest\n");
  one.told = { ...one.told, text: null };
  one.tick(at(6), never);
  expect(job(one)?.data.run.told).toBeUndefined();
  one.tick(at(7), ends(pushed(second)));
  expect(file(one, `${id}.d/proposal.md`)).toContain("| Told | not kept: ");
});

test("links lead to the forge's pages, or, where the ledger has a branch of its own, only to what is beside it", () => {
  const one = stand("", "ledger: {branch: towline}\n");
  one.tick(at(0), never);
  one.tick(at(1), ends(pushed(first)));
  const made = job(one) as NonNullable<ReturnType<typeof job>>;
  const text = file(one, "proposal.md");
  expect(text).toContain("| Told | [exactly what it was told](told-1-5cd5cb84.md) |\n| Insights | quiet |\n");
  const round = { outcome: ends(pushed(first))().outcome, took: 75, landed: pushed(first) } as never;
  const { title, body } = proposalOf(
    one.state(),
    made,
    { ...(round as object), outcome: { answer: "" } } as never,
    addressOn("https://github.com/a/b", "towline"),
  );
  expect(title).toBe("Count @\u2060ada's <b>errors</b> #\u20601");
  expect(body).toContain("(https://github.com/a/b/blob/HEAD/insights/quiet.md)");
  expect(body).toContain(`(https://github.com/a/b/blob/towline/${made.path.slice(0, -3)}.d/told-1-5cd5cb84.md)`);
  expect(body).toContain("| Time | 1m 15s |");
});

test("however much there is to say, a forge takes it", () => {
  const one = stand(`learnings: x\n`);
  one.told = { text: "x", insights: Array.from({ length: 90 }, (_, n) => `${"i".repeat(60)}${n}`), learnings: [] };
  one.tick(at(0), never);
  one.tick(at(1), ends(pushed(first), { answer: "a b\n".repeat(20_000) }));
  const id = job(one)?.id as string;
  one.files.set(`reviews/${id}.md`, Array.from({ length: 150 }, (_, n) => `- ${n} ${"*".repeat(3000)}\n`).join(""));
  one.tick(at(2), never);
  one.tick(at(3), ends(pushed(second), { answer: "a b\n".repeat(20_000) }));
  const text = file(one, "proposal.md");
  expect(text.length).toBeLessThan(61_000);
  expect(text).toContain("- … and 110 more");
});
