// How work stands with people, where all that they have is git: by what they do to branches.
import { expect, test } from "vitest";
import { createForge } from "../../src/forges/index.ts";
import { createTargets } from "../../src/shell/target.ts";
import { clone, env, git, origin, tempDir, write } from "../repo/origin.ts";

const branch = "towline/count-1";

/** A proposal as towline left it, and a person's clone of where it is. */
function stand() {
  const from = origin({ "a.txt": "a\n", "b.txt": "b\n" });
  const options = { dir: clone(from), env, cache: tempDir("cache") };
  const ada = (...args: string[]) => git(from.person, ...args);
  const commit = (files: Record<string, string>) => {
    write(from.person, files);
    ada("add", "-A");
    ada("commit", "-q", "-m", "work");
    return ada("rev-parse", "HEAD");
  };
  ada("checkout", "-q", "-b", branch);
  const head = commit({ "a.txt": "counted\n" });
  ada("push", "-q", "origin", branch);
  ada("checkout", "-q", "main");
  // As each tick asks it: anew.
  const stands = () => createForge(undefined, createTargets(options)).stands({ repo: ".", branch, head });
  return { ada, commit, head, stands };
}

test("proposed is where its branch is, open until somebody does something", async () => {
  const one = stand();
  expect(await one.stands()).toBe("open");
  one.commit({ "b.txt": "more\n" });
  one.ada("push", "-q");
  expect(await one.stands()).toBe("open");
  // A person goes on with it.
  one.ada("checkout", "-q", branch);
  one.commit({ "c.txt": "c\n" });
  one.ada("push", "-q", "origin", branch);
  expect(await one.stands()).toBe("open");
});

test("in conflict while both changed the same, and not any more when that is settled", async () => {
  const one = stand();
  one.commit({ "a.txt": "otherwise\n" });
  one.ada("push", "-q");
  expect(await one.stands()).toBe("conflict");
  one.ada("checkout", "-q", branch);
  one.ada("merge", "-q", "-s", "ours", "--no-edit", "main");
  one.ada("push", "-q", "origin", branch);
  expect(await one.stands()).toBe("open");
});

test.each<[string, (one: ReturnType<typeof stand>) => void]>([
  ["a merge", ({ ada }) => void ada("merge", "-q", "--no-ff", "--no-edit", branch)],
  [
    "a fast forward, and the branch is gone",
    ({ ada }) => {
      ada("merge", "-q", "--ff-only", branch);
      ada("push", "-q", "origin", "--delete", branch);
    },
  ],
  [
    "a squash, and the branch is gone",
    ({ ada }) => {
      ada("merge", "-q", "--squash", branch);
      ada("commit", "-q", "-m", "all in one");
      ada("push", "-q", "origin", "--delete", branch);
    },
  ],
  [
    "a rebase that is merged",
    ({ ada, commit }) => {
      commit({ "b.txt": "more\n" });
      ada("checkout", "-q", branch);
      ada("rebase", "-q", "main");
      ada("push", "-qf", "origin", branch);
      ada("checkout", "-q", "main");
      ada("merge", "-q", "--ff-only", branch);
    },
  ],
])("%s is a yes", async (_, act) => {
  const one = stand();
  act(one);
  one.ada("push", "-q", "origin", "main");
  expect(await one.stands()).toBe("merged");
});

test("a branch that is deleted, or put back to where it began, is a no", async () => {
  const one = stand();
  one.ada("push", "-qf", "origin", `main:${branch}`);
  expect(await one.stands()).toBe("closed");
  one.ada("push", "-q", "origin", "--delete", branch);
  expect(await one.stands()).toBe("closed");
});
