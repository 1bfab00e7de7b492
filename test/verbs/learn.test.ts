// `towline learn TEXT` over a real clone that has no origin to ask.
import { expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { md } from "../fakes/pack.ts";
import { env, git, tempDir, write } from "../repo/origin.ts";

const run = (dir: string, ...args: string[]) => cli(dir, ["learn", ...args], env);

function pack(): string {
  const dir = tempDir();
  git(dir, "init", "-q", "-b", "main", ".");
  const source = "https://example.org/pull/7";
  write(dir, {
    "towline.yml": "id: p\nname: p\n",
    "learnings/down-step.md": md(
      `applies: [sql]\nsources: [${source}]`,
      "Each migration has a down step that was run.",
    ),
    "learnings/no-sleep.md": md("applies: [test/**]", "Tests do not sleep: wait for a condition, with a deadline."),
    "learnings/gone.md": md("status: retired", "Migrations have no down step."),
  });
  return dir;
}

test("what applies, with score, file and sources; or that nothing does", async () => {
  const dir = pack();
  const { out, code } = await run(dir, "I am about to add a migration with a step");
  expect(out).toMatch(
    /^ +\d+\.\d\d {2}down-step {2}Each migration .*\n +learnings\/down-step\.md · https:\S+pull\/7\n$/,
  );
  expect(code).toBe(0);
  expect((await run(dir, "bake", "bread")).out).toBe("nothing applies (of 2 that are active)\n");
  expect(await run(dir, "  ")).toMatchObject({ code: 2, said: expect.stringContaining("about to do") });
});

test("as JSON, with paths; of the work tree as it is, or of a commit", async () => {
  const dir = pack();
  git(dir, "add", "-A");
  git(dir, "commit", "-qm", "x");
  write(dir, {
    "learnings/clock.md": md("", "Tests wait by a clock of their own."),
    "learnings/bad.md": "---\na: [\n---\n",
  });
  const asked = ["the test must wait", "--json", "--paths", "./test/a.ts"];
  const now = await run(dir, ...asked);
  expect(JSON.parse(now.out)).toMatchObject([{ learning: "no-sleep", on_path: true }, { learning: "clock" }]);
  expect(now.said).toContain("learnings/bad.md");
  const then = JSON.parse((await run(dir, ...asked, "--at", "HEAD")).out);
  expect(then).toMatchObject([{ learning: "no-sleep", path: "learnings/no-sleep.md", sources: [] }]);
  expect(then[0].score).toBeGreaterThan(1);
});
