// GitHub's own parser on what we ship: unknown keys, unknown contexts, bad expressions.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseAction, parseWorkflow } from "./github-parser.ts";

const root = join(import.meta.dirname, "..", "..");

async function workflowErrors(name: string, content: string): Promise<string[]> {
  const read = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  const found = read.context.errors.getErrors().map((error) => error.message);
  if (!read.value || found.length > 0) return found;
  const template = await convertWorkflowTemplate(read.context, read.value);
  return (template.errors ?? []).map((error) => error.Message);
}

const actionErrors = (content: string) =>
  parseAction({ name: "action.yml", content }, new NoOperationTraceWriter())
    .context.errors.getErrors()
    .map((error) => error.message);

describe("GitHub's parser", () => {
  const folders = [join(root, ".github", "workflows"), join(root, "docs", "samples")];
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => [name, folder] as const));
  test.each(files.filter(([name]) => name.endsWith(".yml")))("%s has no errors", async (name, folder) => {
    expect(await workflowErrors(name, readFileSync(join(folder, name), "utf8"))).toEqual([]);
  });

  test("action.yml has no errors", () => {
    expect(actionErrors(readFileSync(join(root, "action.yml"), "utf8"))).toEqual([]);
  });

  test.each([
    ["a key that does not exist", "timeout-minute: 5"],
    ["a context that does not exist here", "if: secrets.KEY == 'x'"],
    ["a broken expression", "if: ${{ github.ref == }}"],
  ])("%s is found", async (_name, line) => {
    const text = `on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    ${line}\n    steps: [{ run: 'true' }]\n`;
    expect(await workflowErrors("bad.yml", text)).not.toEqual([]);
  });

  test("a broken action is found", () => {
    expect(actionErrors("name: a\ndescription: b\nruns: { using: composite, step: [] }\n")).not.toEqual([]);
  });
});
