// Every kind of secret, printed in every way by real runs in a real tick of the CI program; then everything that
// left is searched: repository, log, summary, database, dashboard.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maskOf } from "../../src/core/mask.ts";
import type { Changes, CommitNote, Repo } from "../../src/ports.ts";
import { masking } from "../../src/shell/masked.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { canaries } from "./judge.ts";
import { kinds, not_promised, promised } from "./kinds.ts";
import { objectsOf } from "./objects.ts";

const careless = `tk_${"Zq7".repeat(9)}x`;
const all = Object.entries(kinds);
const env = {
  ...Object.fromEntries(all.map(([kind, value]) => [`${kind.toUpperCase()}_TOKEN`, value])),
  CARELESS_TOKEN: careless,
};
const ways = Object.entries(promised);

let pack: TestPack;
let place: string;
let log = "";

function run(program: string, args: string[]): Promise<string> {
  const path = join(import.meta.dirname, "..", "..", program);
  const given = {
    PATH: process.env.PATH,
    HOME: place,
    GITHUB_OUTPUT: join(place, "output"),
    GITHUB_STEP_SUMMARY: join(place, "summary"),
    ...env,
  };
  return new Promise((done) =>
    execFile(process.execPath, [path, ...args], { cwd: pack.clone, env: given, maxBuffer: 1 << 26 }, (_, out, err) =>
      done(out + err),
    ),
  );
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), "towline-secrets-"));
  for (const name of ["output", "summary"]) writeFileSync(join(place, name), "");
  const files: Record<string, string> = {
    "towline.yml": "id: gate\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 60s}\n",
    "agents/deckhand.md": md("runtime: shell"),
    "hosts/home.md": md(`address: localhost\ntransport: local\nroot: ${join(place, "root")}\nslots: 6`),
    "tasks/careless.md": md(`title: The key is ${careless}`, `echo of ${careless}`),
  };
  for (const [at, [, transform]] of ways.entries()) {
    const half = (odd: number) =>
      all.flatMap(([kind, value], i) => (i % 2 === odd ? `${kind}: ${transform(value)}\n` : [])).join("\n");
    writeFileSync(join(place, `out-${at}`), half(0));
    writeFileSync(join(place, `err-${at}`), half(1));
    files[`tasks/says-${at}.md`] = md(`title: Says ${at}`, `cat ${join(place, `out-${at}`)}`);
    files[`tasks/fails-${at}.md`] = md(`title: Fails ${at}`, `cat ${join(place, `err-${at}`)} >&2; exit 3`);
  }
  pack = testPack(files);
  for (let tick = 0; tick < 6; tick++) log += await run("src/action.ts", ["tick"]);
  log += await run("src/cli.ts", ["task", "list"]);
  log += await run("src/cli.ts", ["export", "--out", join(place, "export")]);
}, 400_000);
afterAll(() => {
  pack?.remove();
  rmSync(place, { recursive: true, force: true });
});

test("the judge finds each of them where nothing is masked", () => {
  const said = ways.flatMap(([, transform]) => all.map(([, value]) => transform(value))).join("\n\n");
  expect(canaries(said, promised)).toHaveLength(ways.length * all.length);
});

describe("after ticks whose runs print every secret in every promised way", () => {
  test("all of them ran and were recorded", () => {
    const jobs = pack.at("grep", "-lE", "^state: (finished|failed)", "main", "--", "jobs").trim().split("\n");
    expect(jobs).toHaveLength(2 * ways.length + 1);
    expect(log).toContain("⟨redacted ");
    expect(pack.at("grep", "-c", "⟨redacted ", "main", "--", "jobs").trim().split("\n").length).toBe(jobs.length);
  });

  test("no canary is left in any object of the repository, in contents, names or messages", () => {
    const people = pack.at("rev-parse", "main:tasks/careless.md").trim();
    const found = objectsOf(pack.origin, "--all");
    expect(found.length).toBeGreaterThan(100);
    expect(canaries(found.map((one) => one.text).join("\n"), promised)).toEqual([]);
    // What a person pushed stays as it is; of ours, nothing repeats it.
    const holding = found.filter(({ type, text }) => type === "blob" && text.includes(careless));
    expect(holding.map(({ id }) => id)).toEqual([people]);
  });

  test("nor in the log with its annotations, beyond the masks that are handed to the runner", () => {
    const said = log.replace(/^::add-mask::.*$/gm, "");
    expect(canaries(said, promised)).toEqual([]);
    expect(said).not.toContain(careless);
  });

  test("nor in the summary", () => {
    const summary = readFileSync(join(place, "summary"), "utf8");
    expect(summary).not.toBe("");
    expect(canaries(summary, promised)).toEqual([]);
    expect(summary).not.toContain(careless);
  });

  test("nor in any byte of the database", () => {
    const dir = join(pack.clone, ".git", "towline");
    const files = readdirSync(dir).filter((name) => name.startsWith("towline.db"));
    const bytes = files
      .map((name) => readFileSync(join(dir, name)))
      .map((b) => b.toString("utf8"))
      .join("\n");
    expect(bytes).toContain("⟨redacted ");
    expect(canaries(bytes, promised)).toEqual([]);
    expect(bytes).not.toContain(careless);
  });

  test("nor in the dashboard's data", () => {
    const texts = readdirSync(join(place, "export")).map((name) => readFileSync(join(place, "export", name), "utf8"));
    const site = texts.join("\n");
    expect(site).toContain("⟨redacted ");
    expect(canaries(site, promised)).toEqual([]);
    expect(site).not.toContain(careless);
  });
});

test("names of files and commit texts: every kind in every promised way", async () => {
  let seen = "";
  const bare = {
    push: async (_: unknown, changes: Changes, note: CommitNote) => {
      seen += `${[...changes.keys()].join("\n")}\n${note.subject}\n`;
      return { state: "lost", why: "" };
    },
  } as unknown as Repo;
  const repo = masking(bare, createSecrets(env));
  for (const [, value] of all)
    for (const [, transform] of ways) {
      const text = transform(value);
      await repo.push({ policy: "", ledger: null }, new Map([[`memos/${text}.md`, ""]]), {
        subject: text,
        tick: "",
        attempt: 1,
      });
    }
  expect(seen.split("⟨redacted ").length).toBeGreaterThan(2 * ways.length * all.length);
  expect(canaries(seen, promised)).toEqual([]);
});

test("what is not promised, and how often it gets through", () => {
  const mask = maskOf(all.map(([name, value]) => ({ name, value })));
  const rows = Object.entries(not_promised).map(([name, transform]) => {
    const left = all.filter(
      ([kind, value]) =>
        canaries(mask.text(`: ${transform(value)} :`), { [name]: transform }, { [kind]: value }).length > 0,
    );
    return { way: name, "gets through": `${left.length} of ${all.length}` };
  });
  console.table(rows);
  // These are known holes: whoever closes one, or opens another, shall change the table in SECURITY.md.
  expect(Object.fromEntries(rows.map((row) => [row.way, row["gets through"]]))).toMatchInlineSnapshot(`
    {
      "UTF-16": "2 of 42",
      "base64 of UTF-16": "42 of 42",
      "base64 twice": "42 of 42",
      "first 7 cut off": "40 of 42",
      "gzip": "42 of 42",
      "last 7 cut off": "40 of 42",
      "letters with dots between": "42 of 42",
      "lower case": "36 of 42",
      "reversed": "42 of 42",
    }
  `);
});
