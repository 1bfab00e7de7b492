// `towline fleet cordon` and `uncordon`: one value in one file, in the folder or on origin, and nothing else.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/shell/clock.ts";
import { pushFile } from "../../src/shell/person-push.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

const text = "---\naddress: 10.0.0.1 # rack 3\nslots: 2\nlabels:\n  - web\n---\n\ncordon: is a word here\n";
function made(files: Record<string, string> = {}): TestPack {
  const pack = testPack({ ...basics([]), "hosts/bow.md": text, "hosts/keel.md": md("address: 10.0.0.2"), ...files });
  pack.git("config", "user.name", "person");
  pack.git("config", "user.email", "person@localhost");
  packs.push(pack);
  return pack;
}
const here = (pack: TestPack, host = "bow") => readFileSync(join(pack.clone, "hosts", `${host}.md`), "utf8");
const fleet = (pack: TestPack, ...args: string[]) => cli(pack.clone, ["fleet", ...args]);

test("the one value comes and goes; every other byte stays; twice is once", async () => {
  const pack = made();
  const first = await fleet(pack, "cordon", "bow", "a new", "disk: #2");
  expect([first.code, first.out]).toEqual([
    0,
    expect.stringMatching(/^‖ bow is cordoned \(a new disk: #2\)\n.*git commit .* -- hosts\/bow\.md/),
  ]);
  expect(here(pack)).toBe(text.replace("  - web\n", '  - web\ncordon: "a new disk: #2"\n'));
  const kept = await fleet(pack, "cordon", "bow");
  expect(kept.out).toBe("‖ bow was cordoned already (a new disk: #2)\n");
  await fleet(pack, "cordon", "bow", "keel", "away");
  expect([here(pack), here(pack, "keel")].map((one) => /^cordon: away$/m.test(one))).toEqual([true, true]);
  const back = await fleet(pack, "uncordon", "bow", "keel");
  expect([back.code, here(pack)]).toEqual([0, text]);
  expect((await fleet(pack, "uncordon", "bow")).out).toBe("✓ bow was in service already\n");
  expect(pack.git("status", "--short")).toBe("");
});

test.each([
  ["with a comment beside it", "cordon: disk # since May", "cordon: false # since May"],
  ["as a flag", "cordon: true", null],
  ["in quotes", "cordon: 'it''s #1'", "cordon: false"],
])("what a person wrote %s", async (_, line, after) => {
  const before = text.replace("slots: 2\n", `slots: 2\r\n${line}\r\n`);
  const pack = made({ "hosts/bow.md": before });
  expect((await fleet(pack, "uncordon", "bow")).out).toContain("✓ bow takes work again");
  expect(here(pack)).toBe(before.replace(`${line}\r\n`, after === null ? "" : `${after}\r\n`));
});

test("what may be a mistyped host is no reason", async () => {
  const pack = made();
  const close = await fleet(pack, "cordon", "bow", "kel");
  expect([close.code, close.said]).toEqual([2, expect.stringContaining("did you mean keel?")]);
  const first = await fleet(pack, "cordon", "bwo", "disk");
  expect([first.code, first.said]).toEqual([2, expect.stringContaining("did you mean bow?")]);
  const mixed = await fleet(pack, "cordon", "bow", "disk", "keel");
  expect([mixed.code, mixed.said]).toEqual([2, expect.stringContaining("name the hosts first")]);
  expect(pack.git("status", "--short")).toBe("");
});

test("--push changes origin, that file alone: what a person has begun stays theirs", async () => {
  const pack = made();
  writeFileSync(join(pack.clone, "tasks.txt"), "staged");
  pack.git("add", "tasks.txt");
  pack.git("commit", "-qm", "not pushed");
  writeFileSync(join(pack.clone, "hosts", "keel.md"), md("address: 10.0.0.9"));
  pack.git("add", "hosts/keel.md");
  const status = pack.git("status", "--short");
  const before = pack.at("rev-parse", "main").trim();
  const pushed = await fleet(pack, "cordon", "bow", "new disk", "--push");
  expect([pushed.code, pushed.out]).toEqual([
    0,
    expect.stringMatching(/^‖ bow is cordoned \(new disk\), pushed as [0-9a-f]{10}; git pull brings it/),
  ]);
  expect(pack.at("diff", "--name-only", before, "main")).toBe("hosts/bow.md\n");
  expect(pack.at("log", "-1", "--format=%an %s", "main").trim()).toBe("person bow is cordoned: new disk");
  expect([pack.git("status", "--short"), here(pack)]).toEqual([status, text]);
  const again = await fleet(pack, "cordon", "bow", "new disk", "--push");
  expect([again.code, again.out, pack.at("rev-list", "--count", `${before}..main`).trim()]).toEqual([
    0,
    expect.stringContaining("was cordoned already"),
    "1",
  ]);
});

test.each([
  ["in the reason", "the key is s3cret-of-the-fleet", text],
  ["in the record", "new disk", text.replace("is a word", "is s3cret-of-the-fleet")],
])("--push lets no secret out: %s", async (_, reason, record) => {
  const pack = made({ "hosts/bow.md": record });
  const before = [pack.at("rev-parse", "main"), pack.git("count-objects")];
  const secrets = createSecrets({ FLEET_TOKEN: "s3cret-of-the-fleet" });
  const change = { path: "hosts/bow.md", edit: (was: string) => `${was}\n`, message: `bow is cordoned: ${reason}` };
  const env = { PATH: process.env.PATH, HOME: pack.clone };
  await expect(pushFile(pack.clone, { env, clock: systemClock(), secrets }, change)).rejects.toMatchObject({
    code: 3,
    message: expect.stringMatching(/holds a secret and is not pushed$/),
    advice: expect.stringContaining("take it out"),
  });
  expect([pack.at("rev-parse", "main"), pack.git("count-objects")]).toEqual(before);
});

test("--push from a folder at rest brings it along", async () => {
  const pack = made();
  pack.git("branch", "-q", "--set-upstream-to=origin/main");
  await fleet(pack, "cordon", "bow", "--push");
  expect([here(pack), pack.git("status", "--short")]).toEqual([
    text.replace("  - web\n", "  - web\ncordon: true\n"),
    "",
  ]);
  const back = await fleet(pack, "uncordon", "bow", "--push", "--json");
  expect(JSON.parse(back.out)).toEqual([
    expect.objectContaining({ host: "bow", cordon: null, changed: true, here: true }),
  ]);
  expect(pack.file("hosts/bow.md")).toBe(text);
});

test("--pr leaves origin and folder as they are, and proposes the one value", async () => {
  const pack = made();
  const said = await fleet(pack, "cordon", "bow", "new disk", "--pr");
  expect(said.out).toMatch(
    /^‖ bow is cordoned \(new disk\) once that is merged\n {2}proposed on the branch towline\/edit-\S+;/,
  );
  const branch = /towline\/edit-\w+/.exec(said.out)?.[0] as string;
  expect(pack.at("diff", "--name-only", "main", branch)).toBe("hosts/bow.md\n");
  expect(pack.at("show", `${branch}:hosts/bow.md`)).toContain('cordon: "new disk"\n');
  expect([pack.git("status", "--short"), here(pack), pack.at("show", "main:hosts/bow.md")]).toEqual(["", text, text]);
  const both = await fleet(pack, "uncordon", "bow", "--pr", "--push");
  expect([both.code, both.said]).toEqual([2, expect.stringContaining("give one of them")]);
});
