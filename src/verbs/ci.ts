import { Argument, type Command } from "commander";
import { usage } from "../errors.ts";
import type { Wire } from "../wire.ts";

/** Adds `towline ci VERB`, which workflows call: findings as annotations, and what the next job needs as outputs. */
export function ci(program: Command, wire: Wire): void {
  program
    .command("ci", { hidden: true })
    .description("what workflows call: tick or check, with annotations and outputs")
    .addArgument(new Argument("<verb>", "which one").choices(["tick", "check"]))
    .argument("[args...]", "of that verb")
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (verb: string, args: string[]) => {
      if (wire.env.GITHUB_ACTIONS !== "true")
        throw usage("`towline ci` is for workflows of GitHub's kind", `towline ${verb}`);
      const { act } = await import("../action.ts");
      await act([verb, ...args]);
    });
}
