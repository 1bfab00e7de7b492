// A campfire on a forge, by ports that write down what they were asked: what weeks on the stand-ins do not come to.
import { expect, test } from "vitest";
import { type Campfire, campfire_path, type Proposed, sumOf } from "../../src/core/campfire.ts";
import { proposedOf } from "../../src/core/campfire-file.ts";
import type { Candidate } from "../../src/core/candidates.ts";
import { candidates_path } from "../../src/core/lessons.ts";
import { ndjson } from "../../src/core/render.ts";
import { readState, type State } from "../../src/core/state.ts";
import type { Standing } from "../../src/core/work.ts";
import { type CampfirePorts, tendCampfire } from "../../src/shell/campfire.ts";

const candidate = (id: string): Candidate => ({
  id,
  text: `What ${id} says.`,
  sources: ["jobs/2026/11/20/x.md"],
  signals: [`${id}-1`],
  since: "2026-11-20T10:00:00Z",
  witnesses: 2,
  paths: [],
});
const url = "https://github.com/alice/pack/pull/7";
const row: Campfire = {
  id: "2026-11-20",
  at: "2026-11-20T18:00:00.000Z",
  state: "open",
  proposal: { branch: "towline/campfire-2026-11-20", number: 7, url },
  head: "a".repeat(40),
  candidates: [{ ...proposedOf(candidate("a"), "2026-11-20").row }],
  doubted: [],
  joined: "2026-11-20",
};

function stateOf(rows: Campfire[], candidates: Candidate[]): State {
  const texts = {
    "towline.yml": "id: p\ncampfire: {at: '18:00'}\nforge: github\nowners: ['alice:1']\n",
    [campfire_path]: ndjson(rows),
    [candidates_path]: ndjson(candidates),
  };
  const files = Object.entries(texts).map(([path, text]) => ({ path, mode: "100644", text }));
  return readState({ policy: "p".repeat(40), ledger: null }, files).state as State;
}

/** `there`: files of the branch. `asked`: what the forge and git were told to do. */
function ports(stands: Standing, shown: { body?: string; updated?: string } = {}, there: Record<string, string> = {}) {
  const asked: string[] = [];
  const say = (what: string) => void asked.push(what);
  const forge = {
    name: "github",
    stands: async () => stands,
    show: async () => ({ body: "", updated: null, by: null, ...shown }),
    propose: async () => {
      say("propose");
      return url;
    },
    retract: async () => say("retract"),
    comment: async (_ticket: object, { text }: { text: string }) => say(`comment ${text.split("\n", 1)[0]}`),
  };
  const made = {
    repo: { tree: async () => [], blobs: async () => new Map(), policyTipNow: async () => "p".repeat(40) },
    targets: { look: async () => ({ heads: new Map(), tip: "p", branch: "main" }) },
    forge,
    talks: true,
    site: async () => null,
    mask: (text: string) => text,
    propose: async () => ({
      tip: row.head,
      text: async (path: string) => there[path] ?? null,
      push: async (changes: Map<string, unknown>) => {
        for (const [path, text] of changes) say(`${text === null ? "delete" : "write"} ${path}`);
        return changes.size > 0 ? { branch: "x", url: null, commit: "b".repeat(40) } : null;
      },
      remove: async () => say("remove"),
    }),
  };
  return { asked, ports: made as unknown as CampfirePorts };
}
const later = new Date("2026-11-21T19:00:00Z");
const fortnight = new Date("2026-12-05T09:00:00Z");

test("what joins a text that people have changed is said in a comment; a file that is there is left alone", async () => {
  const { asked, ports: given } = ports("open", { body: "My words: `insights/a.md`" }, { "insights/a.md": "mine" });
  const found = await tendCampfire(given, stateOf([row], [candidate("a"), candidate("b")]), later);
  expect(found?.row?.candidates.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(asked).toEqual([
    "write insights/b.md",
    "propose",
    "comment - **2.** `insights/b.md`, 2 independent witnesses, the second on 2026-11-20",
  ]);
});

test("what was dropped by a word goes off the branch, unless a person has changed it", async () => {
  const [one] = row.candidates as [Campfire["candidates"][0]];
  const dropped = { ...row, candidates: [{ ...one, outcome: "dismissed" as const }] };
  const file = proposedOf(candidate("a"), "2026-11-20").text;
  const state = stateOf([dropped], []);
  const { asked, ports: given } = ports("open", {}, { "insights/a.md": file });
  const found = await tendCampfire(given, state, later);
  expect([asked, found?.row?.candidates[0]?.gone]).toEqual([["delete insights/a.md", "propose"], true]);
  const theirs = ports("open", {}, { "insights/a.md": `${file}mine` });
  await tendCampfire(theirs.ports, state, later);
  expect(theirs.asked).toEqual(["propose"]);
});

test("left alone for a fortnight it is taken back; one that somebody has touched since is not", async () => {
  const touched = ports("open", { updated: "2026-12-01T00:00:00Z" });
  expect(await tendCampfire(touched.ports, stateOf([row], []), fortnight)).toBeNull();
  expect(touched.asked).toEqual([]);
  const idle = ports("open", { updated: "2026-11-20T18:00:05Z" });
  const found = await tendCampfire(idle.ports, stateOf([row], []), fortnight);
  expect([found?.stands?.as, idle.asked]).toEqual(["expired", ["retract", "remove"]]);
});

test("a merge that what was read does not hold yet is judged by the next tick", async () => {
  const { ports: given } = ports("merged");
  given.repo.policyTipNow = async () => "c".repeat(40);
  expect(await tendCampfire(given, stateOf([row], []), later)).toBeNull();
});

test("merged by one who may not, it waits for one who may, and not for ever", async () => {
  const refused = { ...row, refused: "merged by robot[bot]" };
  const { asked, ports: given } = ports({ refused: "merged by robot[bot]" });
  const state = stateOf([refused], [candidate("b")]);
  expect((await tendCampfire(given, state, later))?.stands?.as).toEqual({ refused: "merged by robot[bot]" });
  expect((await tendCampfire(given, state, fortnight))?.stands?.as).toBe("expired");
  expect(asked).toEqual([]);
});

test("what nobody took and stands on the default branch all the same is deleted in the next", async () => {
  const text = proposedOf(candidate("a"), "2026-11-20").text;
  const over: Campfire = { ...row, state: "merged" };
  over.candidates = [{ ...(row.candidates[0] as Proposed), outcome: "dismissed", withheld: sumOf("What a says.") }];
  const { asked, ports: given } = ports("open", {}, { "insights/a.md": text });
  given.repo.tree = async () => [{ path: "insights/a.md", mode: "100644", blob: "f".repeat(40) }];
  given.repo.blobs = async () => new Map([["f".repeat(40), Buffer.from(text)]]);
  const found = await tendCampfire(given, stateOf([over], [candidate("b")]), later);
  expect(asked).toEqual(["write insights/b.md", "delete insights/a.md", "propose"]);
  expect([...(found?.texts?.values() ?? [])].join()).toMatch(/deleted here\n\n- `insights\/a\.md`/);
});
