// Plugins as texts, and what a test gives them.
import type { Code } from "../../src/plugin/sandbox.ts";

/** One thing of one kind, told by `poll`, with anything else beside or in front of it. */
export const plugin = (poll: string, more = "", before = "") => `
import { Plugin } from "towline/plugin";
${before}
export default class extends Plugin {
  static api = 1;
  title = "A plugin of a test";
  kinds = { "shop.down": "it is down", "shop.up": "it is up" };
  ${more}
  async poll(context) { ${poll} }
}
`;

export const down = 'return [{ subject: "shop", kind: "shop.down", title: "The shop is down" }];';

export const codeOf = (text: string, name = "x"): Code => ({
  name,
  place: `plugins/${name}.ts`,
  entry: `${name}.ts`,
  files: new Map([[`${name}.ts`, new TextEncoder().encode(text)]]),
});
