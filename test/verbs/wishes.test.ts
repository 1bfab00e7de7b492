// What `towline dispatch` is given to do, in each of its forms.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errandTask, runtimeOfAdhoc } from "../../src/core/errand.ts";
import { runId } from "../../src/core/ids.ts";
import { wishesOf } from "../../src/shell/wishes.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-wishes-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const read = (files: string[], input = "", said?: string) =>
  wishesOf({ cwd: dir, input: async () => input }, said, files);
const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text);
  return name;
};
const fault = (wishes: Promise<unknown>) =>
  wishes.then(
    () => "none",
    (thrown) => `${thrown.code} ${thrown.message}`,
  );

test("a text, and standard input byte for byte", async () => {
  expect(await read([], "", "echo hello")).toEqual([{ text: "echo hello" }]);
  expect(await read([], "\n--- not a record\r\n ", "-")).toEqual([{ text: "\n--- not a record\r\n " }]);
});

test("task files, and markdown that is none", async () => {
  const task = file("a.md", "---\ntitle: A\nhosts: label:web\ntimeout: 5s\nevery: 1h\n---\nDo it.\n");
  const plain = file("b.md", "# Just words\n\nfor an agent\n");
  const [a, b] = await read([task, plain]);
  expect(a).toMatchObject({ text: "Do it.\n", like: { title: "A", hosts: ["label:web"], timeout: 5, every: "1h" } });
  expect(b).toEqual({ text: "# Just words\n\nfor an agent\n" });
});

test("lists in YAML and ndjson mean the same, from files and from standard input", async () => {
  const wanted = [
    { text: "echo 1" },
    { text: "echo 007", agent: "scout", timeout: 90, hosts: ["a", "b"], each: true, like: { title: "Seven" } },
    { text: "echo 3", hosts: ["label:web"], each: true },
    { text: "echo 4", hosts: ["a"], each: false },
  ];
  const yaml =
    "- echo 1\n- {task: echo 007, agent: scout, timeout: 90s, host: [a, b], title: Seven}\n- task: echo 3\n  label: web\n- {task: echo 4, host: a}\n";
  const lines = [
    "echo 1",
    { task: "echo 007", agent: "scout", timeout: "90s", host: ["a", "b"], title: "Seven" },
    { task: "echo 3", label: "web" },
    { task: "echo 4", host: "a" },
  ];
  const ndjson = lines.map((one) => `${JSON.stringify(one)}\n`).join("\n");
  for (const wishes of [
    await read([file("l.yml", yaml)]),
    await read([file("l.json", JSON.stringify(lines))]),
    await read([file("l.ndjson", ndjson)]),
    await read(["-"], yaml),
    await read(["-"], ndjson),
  ])
    expect(wishes).toMatchObject(wanted);
});

test("what is wrong is said with its place", async () => {
  expect(await fault(read([file("bad.md", "---\ntitle: A\ntimeout: soon\n---\nx\n")]))).toMatch(
    /^3 bad.md:3: .*timeout/,
  );
  expect(await fault(read([file("bad.ndjson", '"a"\n\n{"task": "b", "hots": "c"}\n')]))).toBe(
    "3 bad.ndjson:3: `hots` is not known",
  );
  expect(await fault(read([file("torn.ndjson", '"a"\n{"task": \n')]))).toMatch(/^3 torn.ndjson:2: /);
  expect(await fault(read([file("bad.yml", "- a\n- {task: b, timeout: soon}\n")]))).toMatch(
    /^3 bad.yml: task 2: `timeout`: must be a duration/,
  );
  expect(await fault(read([file("map.yml", "task: a\n")]))).toBe("3 map.yml is no list");
  expect(await fault(read(["none.md"]))).toMatch(/^3 none.md cannot be read/);
  expect(await fault(read([]))).toBe("2 there is nothing to do");
  expect(await fault(read(["l.yml"], "", "x"))).toBe("2 a task and -f FILE are given");
  expect(await fault(read([], " \n", "-"))).toBe("2 the task is empty");
});

test("a wish becomes a task that is due once and at once, under a name that says nothing of it", () => {
  const like = {
    title: "T",
    hosts: ["label:web"],
    spread: "each" as const,
    every: "1h",
    status: "draft" as const,
    run: 7,
    retries: 3,
  };
  const task = errandTask({ text: "very private", like }, { token: "0123456789abcdef", by: "ann", runtime: "shell" });
  expect(task).toMatchObject({
    id: "adhoc-shell-q01234567",
    path: "queue/adhoc-shell-q01234567.md",
    body: "very private",
  });
  expect(task.data).toMatchObject({
    status: "ready",
    spread: "each",
    hosts: ["label:web"],
    retries: 0,
    asked_by: "ann",
  });
  expect([task.data.every, task.data.run, task.data.due]).toEqual([undefined, undefined, undefined]);
  expect(runtimeOfAdhoc(runId("p", task.id, "x"))).toBe("shell");
  expect([runtimeOfAdhoc("nightly-0123456789"), runtimeOfAdhoc("adhoc-x-q0123456z")]).toEqual([null, null]);
  const named = errandTask(
    { text: "#!/bin/sh\n\n## Look\nls", hosts: ["a"], each: false },
    { token: "0".repeat(16), by: "ann", runtime: "shell" },
  );
  expect([named.data.title, named.data.spread]).toEqual(["Look", "one"]);
});
