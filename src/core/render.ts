// Machine-written records as text. Deterministic: the same values give the same bytes on every runner.
import { dump } from "js-yaml";
import { formatDuration } from "./scalar.ts";
import { type Kind, kinds } from "./schema.ts";

const durations = new Set(["took", "deadline", "timeout"]);

function plain(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value === "number" && durations.has(key)) return formatDuration(value);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined && item !== null && !(Array.isArray(item) && item.length === 0))
    .map(([name, item]) => [name, plain(item, name)]);
  return Object.fromEntries(entries);
}

/** One record: the schema's fields in the schema's order, then any others by name, then the body. */
export function render(kind: Kind, data: Record<string, unknown>, body: string): string {
  const order = Object.keys((kinds[kind] as unknown as { shape: object }).shape);
  const names = [
    ...order.filter((name) => name in data),
    ...Object.keys(data)
      .filter((n) => !order.includes(n))
      .sort(),
  ];
  const fields = plain(Object.fromEntries(names.map((name) => [name, data[name]]))) as object;
  const text = body.trim();
  return `---\n${dump(fields, { lineWidth: -1, noRefs: true })}---\n${text === "" ? "" : `\n${text}\n`}`;
}

/** Rows as ndjson with sorted keys, in the order given. */
export function ndjson(rows: object[]): string {
  return rows.map((row) => `${JSON.stringify(sorted(row))}\n`).join("");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
