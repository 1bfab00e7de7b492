// GitHub's own parser. It imports its schemas as JSON without saying so, which node refuses.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (!found.url.endsWith(".json") || context.importAttributes?.type) return found;
    return { ...found, importAttributes: { type: "json" } };
  },
});
export const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await import(
  "@actions/workflow-parser"
);
export const { parseAction } = await import("@actions/workflow-parser/actions/action-parser");
