// A pack without a machine gets a record to start from.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { example_host } from "../core/example-host.ts";
import { newRecord } from "./new-record.ts";

/** Writes `hosts/example.md` where a pack has no host at all; false where it has, or is no pack. `top`: its work tree. */
export async function exampleWhenNone(top: string): Promise<boolean> {
  const here = await readdir(top).catch(() => [] as string[]);
  if (!here.includes("towline.yml")) return false;
  const hosts = await readdir(join(top, "hosts")).catch(() => [] as string[]);
  if (hosts.some((name) => name.endsWith(".md") && name !== "README.md")) return false;
  return newRecord(top, "hosts", "example", example_host);
}
