// Addresses of the forge's own forms: filled in, never longer than a server takes, and none where there is no such page.
import { expect, test } from "vitest";
import { linksOf } from "../../src/core/forge-links.ts";

const github = { forge: "git", url: "https://github.com/o/r", branch: "main" };
const links = (more: Partial<Parameters<typeof linksOf>[0]> = {}) => linksOf({ ...github, ...more });

test("a new file comes with its path and its text, each character as it was", () => {
  const text = "---\ntitle: A & B #1 ünï 100%\n---\n`a+b`\r\n";
  const url = new URL(links()?.newFile("tasks/a b.md", text) as string);
  expect(url.origin + url.pathname).toBe("https://github.com/o/r/new/main");
  expect(url.searchParams.get("filename")).toBe("tasks/a b.md");
  expect(url.searchParams.get("value")).toBe(text);
});

test("a text that no server takes in an address is left for the person to paste", () => {
  const url = links()?.newFile("tasks/x.md", "ü".repeat(5000)) as string;
  expect(url).toBe("https://github.com/o/r/new/main?filename=tasks%2Fx.md");
});

test("what people write goes to the default branch, what towline writes to the ledger's", () => {
  const own = links({ branch: "rel/1.x", ledger: "towline" });
  expect(own?.edit("rules/x.md")).toBe("https://github.com/o/r/edit/rel/1.x/rules/x.md");
  expect(own?.edit("memos/2026/11/a#b.md")).toBe("https://github.com/o/r/edit/towline/memos/2026/11/a%23b.md");
  expect(own?.record("memos/x.md")).toBe("https://github.com/o/r/blob/towline/memos/x.md");
  const at = links({ commits: { policy: "aaa", ledger: "bbb" } });
  expect(at?.record("memos/x.md")).toBe("https://github.com/o/r/blob/bbb/memos/x.md");
  expect(at?.record("rules/x.md", "ccc")).toBe("https://github.com/o/r/blob/ccc/rules/x.md");
});

test("pull requests and workflows", () => {
  expect(links()?.pull(12)).toBe("https://github.com/o/r/pull/12");
  expect(links()?.dispatch("tick.yml")).toBe("https://github.com/o/r/actions/workflows/tick.yml");
});

test("a path cannot lead to another page", () => {
  expect(links()?.edit("../../../x/y/settings")).toBe("https://github.com/o/r/edit/main/x/y/settings");
  expect(links()?.dispatch("../../settings")).toBe("https://github.com/o/r/actions/workflows/..%2F..%2Fsettings");
});

test("a company's own server by its setting; elsewhere there are no such pages", () => {
  expect(links({ forge: "github", url: "https://git.corp.example/o/r/" })?.pull(1)).toBe(
    "https://git.corp.example/o/r/pull/1",
  );
  for (const none of [
    { url: undefined },
    { branch: undefined },
    { url: "https://git.corp.example/o/r" },
    { url: "https://gitlab.com/o/r" },
    { url: "https://me:secret@github.com/o/r" },
    { url: "javascript://github.com/o/r" },
    { url: "https://github.com/o/r?x" },
    { url: "https://github.com/o" },
  ])
    expect(links(none)).toBeNull();
});
