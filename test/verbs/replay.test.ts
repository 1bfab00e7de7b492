// What a changed rule would have done, beside what was done.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

const line = (id: string, at: string, more: object) =>
  JSON.stringify({ id, at, source: "mine", kind: "disk.low", subject: "web1", title: `Disk ${id}`, ...more });

function made(): TestPack {
  const pack = testPack({
    ...basics(["home"]),
    "rules/disk.md": md("when: {kind: disk.low}\ncooldown: 1d\nthen: [{memo: '{{title}}'}]"),
  });
  packs.push(pack);
  const day = new Date(Date.now() - 86_400_000).toISOString();
  const file = `pupdates/${day.slice(0, 10).replaceAll("-", "/")}/${day.slice(0, 10).replaceAll("-", "")}t100000-aa.ndjson`;
  const rows = [line("p1", day, { verdict: "memo", rule: "disk" }), line("p2", day, { verdict: "ignored" })];
  pack.push({ [file]: `${rows.join("\n")}\n{torn\n` }, "tick\n\nTowline-Tick: t1\nTowline-Attempt: 1");
  return pack;
}

test("the rules as they are come to what was so; a tried one shows what it would change", async () => {
  const pack = made();
  const same = await cli(pack.clone, ["replay", "--since", "3d"]);
  expect(same.out).toBe("2 pupdates, 0 other verdicts\n  disk: would have fired 1, fired first 1\n");
  writeFileSync(join(pack.clone, "disk.md"), md("when: {kind: disk.low}\nthen: [{notify: ops}]"));
  const tried = await cli(pack.clone, ["replay", "--since", "3d", "--rule", "disk.md", "--json"]);
  const { changed, ...rest } = JSON.parse(tried.out);
  expect(rest).toEqual({
    pupdates: 2,
    rule: "disk",
    fired: [{ rule: "disk", count: 2, titles: ["Disk p1", "Disk p2"] }],
  });
  expect(changed.map((one: { was: object; is: object }) => [one.was, one.is])).toEqual([
    [
      { verdict: "memo", rule: "disk" },
      { verdict: "notify", rule: "disk" },
    ],
    [{ verdict: "ignored" }, { verdict: "notify", rule: "disk" }],
  ]);
});

test("what cannot be read is a mistake with a remedy", async () => {
  const pack = made();
  expect((await cli(pack.clone, ["replay", "--since", "soon"])).said).toContain("write 7d");
  expect((await cli(pack.clone, ["replay", "--rule", "none.md"])).said).toContain("name the file of a rule");
  writeFileSync(join(pack.clone, "bad.md"), md("when: {kind: x}\nthen: []"));
  expect((await cli(pack.clone, ["replay", "--rule", "bad.md"])).said).toContain("bad.md:3");
});
