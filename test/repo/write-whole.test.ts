// What a person wrote outlives a disk that is full: the kernel refuses the child's second half kilobyte.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refused } from "../../src/errors.ts";
import { writeWhole } from "../../src/shell/write-whole.ts";

const dir = mkdtempSync(join(tmpdir(), "towline-whole-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const source = new URL("../../src/shell/write-whole.ts", import.meta.url);

test("a write that does not fit leaves the old file as it was, no new one, and no draft", () => {
  writeFileSync(join(dir, "old.md"), "what stood there\n");
  const code = `const { writeWhole, writeNew } = await import(${JSON.stringify(source.href)});
for (const act of [() => writeWhole("old.md", "x".repeat(9000)), () => writeNew("new.md", "x".repeat(9000))])
  await act().then(() => console.log("written"), (thrown) => console.log(thrown.code));`;
  const said = spawnSync("sh", ["-c", 'ulimit -f 1; exec "$0" --input-type=module -e "$1"', process.execPath, code], {
    cwd: dir,
    encoding: "utf8",
  });
  expect(said.stdout).toBe("EFBIG\nEFBIG\n");
  expect([readdirSync(dir), readFileSync(join(dir, "old.md"), "utf8")]).toEqual([["old.md"], "what stood there\n"]);
});

test("a file keeps its mode, a link stays a link", async () => {
  writeFileSync(join(dir, "old.md"), "old\n");
  execFileSync("chmod", ["640", join(dir, "old.md")]);
  symlinkSync("old.md", join(dir, "link.md"));
  await writeWhole(join(dir, "link.md"), "new\n");
  expect([readFileSync(join(dir, "old.md"), "utf8"), statSync(join(dir, "old.md")).mode & 0o777]).toEqual([
    "new\n",
    0o640,
  ]);
});

test("what the machine refuses is said with advice; anything else stays a fault of ours", () => {
  const thrown = (fields: object) => Object.assign(new Error("no"), fields);
  expect(refused(thrown({ code: "EACCES", path: "/x", syscall: "open" }))).toMatchObject({ code: 3, message: "no" });
  expect(refused(thrown({ code: "ENOSPC", syscall: "write" }))?.advice).toMatch(/make room/);
  for (const ours of [
    { code: "ENOENT", path: "/x", syscall: "open" },
    { code: "EACCES", syscall: "connect" },
    { code: "EACCES", path: "git", syscall: "spawn git" },
    {},
  ])
    expect(refused(thrown(ours))).toBeNull();
});
