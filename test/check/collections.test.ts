// What people track besides: rows are held against the JSON Schema that they brought, and named with place and way out.
import { describe, expect, test } from "vitest";
import { reads } from "../../src/core/check.ts";
import { checked, places } from "./pack.ts";

const yml = (more: string) => `id: pack-1\ndefaults:\n  agent: scout\ncollections:\n  ${more}\n`;
const schema = JSON.stringify({
  type: "object",
  required: ["who", "stage"],
  properties: {
    who: { type: "string" },
    stage: { enum: ["new", "won"] },
    worth: { type: "integer", minimum: 1 },
    warm: { type: "boolean" },
    code: { type: "string" },
    tags: { type: "array", items: { type: "string" } },
  },
  additionalProperties: false,
});
const row = (fields: string) => `---\n${fields}\n---\nWords.\n`;
const pack = (files: Record<string, string>, more = "leads: {}") =>
  places(checked({ "towline.yml": yml(more), "leads/schema.json": schema, ...files }));

describe("collections", () => {
  test("a sound row: numbers and yes are read as such where the schema asks, `007` stays text", () => {
    expect(
      pack({
        "leads/a.md": row("who: A\nstage: won\nworth: 12\nwarm: true\ncode: 007\ntags: [x, y]"),
        "leads/README.md": "# x",
      }),
    ).toEqual([]);
  });

  test.each<[string, string, string[]]>([
    ["a field is missing", "who: A", ["leads/a.md:1:1 missing"]],
    ["no choice of the list", "who: A\nstage: gone", ["leads/a.md:3:8 invalid"]],
    ["no number", "who: A\nstage: new\nworth: much", ["leads/a.md:4:8 invalid"]],
    ["too small", "who: A\nstage: new\nworth: 0", ["leads/a.md:4:8 invalid"]],
    ["no list", "who: A\nstage: new\ntags: x", ["leads/a.md:4:7 invalid"]],
  ])("%s", (_, fields, found) => {
    expect(pack({ "leads/a.md": row(fields) })).toEqual(found);
  });

  test("a field that the schema does not know, and a file without fields", () => {
    expect(pack({ "leads/a.md": row("who: A\nstage: new\nworht: 3") })).toHaveLength(1);
    expect(pack({ "leads/a.md": "no fields" })).toEqual(["leads/a.md:1:1 no-frontmatter"]);
  });

  test("the advice names the file that holds the schema", () => {
    const { problems } = checked({
      "towline.yml": yml("leads: {}"),
      "leads/schema.json": schema,
      "leads/a.md": row("who: A"),
    });
    expect(problems[0]?.fix).toContain("leads/schema.json");
  });

  test.each<[string, string]>([
    ["no JSON", "{"],
    ["no properties", "{}"],
    ["a type that is none", `{"type":"object","properties":{"a":{"type":"banana"}}}`],
    ["one from elsewhere", `{"type":"object","properties":{"a":{"$ref":"https://example.org/x.json"}}}`],
  ])("a schema with %s is a fault of its own", (_, text) => {
    expect(pack({ "leads/schema.json": text, "leads/a.md": row("who: A") })).toEqual([
      "leads/schema.json:1:1 collection-schema",
    ]);
  });

  test("towline's own folders are none", () => {
    for (const folder of ["tasks", "jobs/x", "state", ".github"])
      expect(pack({}, `leads: {folder: ${folder}}`)).toEqual(["towline.yml:5:10 collection-folder"]);
    expect(pack({}, "leads: {folder: ../x}")).toEqual(["towline.yml:5:19 settings"]);
  });

  test("its own places are named in the settings", () => {
    const files = { "crm/a.md": row("who: A"), "forms/lead.json": schema };
    expect(pack(files, "leads: {folder: crm, schema: forms/lead.json}")).toEqual(["crm/a.md:1:1 missing"]);
    expect(reads("crm/a.md")).toBe(false);
  });
});
