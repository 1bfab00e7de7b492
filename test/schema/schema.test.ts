import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { print, schemas } from "../../scripts/schema.ts";
import { kinds } from "../../src/core/schema.ts";

const folder = join(import.meta.dirname, "..", "..", "schema");

/** Every node of a schema that is an object. */
function nodes(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(nodes);
  if (value === null || typeof value !== "object") return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(nodes)];
}

describe("schema/*.schema.json", () => {
  const made = schemas();

  test("there is one file a kind, and one for towline.yml and for pupdates", () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".schema.json"));
    expect(files.sort()).toEqual(
      Object.keys({ ...kinds, settings: 1, pupdate: 1 })
        .map((kind) => `${kind}.schema.json`)
        .sort(),
    );
  });

  test.each(Object.keys(made))("%s: the committed file is what `npm run schema` writes", (kind) => {
    expect(readFileSync(join(folder, `${kind}.schema.json`), "utf8")).toBe(print(made[kind] ?? {}));
  });

  test("a node says one thing: a type, or a choice", () => {
    for (const node of nodes(made)) expect(node.type !== undefined && node.anyOf !== undefined).toBe(false);
  });

  test("durations and defaults read as people write them", () => {
    const every = (made.settings as never as { properties: { tick: { properties: { every: object } } } }).properties
      .tick.properties.every;
    expect(every).toMatchObject({ type: "string", default: "30m" });
    expect((made.task as { properties: object }).properties).toMatchObject({
      retries: { type: "integer", minimum: 0, maximum: 5, default: 0 },
      timeout: { type: "string" },
      title: { description: expect.any(String) },
    });
  });
});
