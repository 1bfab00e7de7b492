// The form of a plugin's page: the site reads it by the very schema that a plugin's answer is judged by.
import { z } from "zod";
import { clean } from "./text.ts";

const line = z.string().transform((v) => clean(v));
const text = line.pipe(z.string().max(4000));
const cell = (most: number) => line.pipe(z.string().max(most));
const block = z.union([
  z.strictObject({ text }),
  z.strictObject({ facts: z.record(cell(100), cell(500)) }),
  z.strictObject({
    table: z.object({
      columns: z.array(cell(100)).min(1).max(12),
      rows: z.array(z.array(cell(500)).max(12)).max(500),
    }),
  }),
  z.strictObject({
    bars: z.array(z.object({ label: cell(100), value: z.number(), says: cell(200).optional() })).max(100),
  }),
]);
export const page = z.object({ title: cell(300), blocks: z.array(block).max(40) });
