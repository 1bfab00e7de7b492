// Files that `towline plugin new` writes: each works as it is, and says where it is to be changed.
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";

/** What the transport's file starts, until its author names another program. */
export const example_program = "cloudflared";

/** `kind`: poller when absent. */
export function begun(name: string, kind = "poller"): string {
  const make = Object.hasOwn(kinds, kind) ? kinds[kind as keyof typeof kinds] : null;
  if (!make)
    throw usage(`there is no kind ${oneLine(kind, 60)} of plugin`, `there is ${Object.keys(kinds).join(", ")}`);
  return make(name);
}

/** The first part of its kinds. */
const word = (name: string) => `x_${name}`.replaceAll("-", "_").replace(/^x_(?=[a-z])/, "");

const poller = (
  name: string,
) => `// What this looks at, and why. The page to read: src/plugin/define.ts of towline (import "towline/plugin" in an editor).
import { type Context, Plugin, type Thing } from "towline/plugin";

export default class extends Plugin {
  static api = 1;
  title = "${name}: what it looks at";
  every = "30m";
  kinds = { "${word(name)}.down": "it does not say that it is well", "${word(name)}.up": "it does again" };
  gone = { kind: "${word(name)}.up", title: "{subject} is well again" };
  options: Plugin["options"] = {
    // As plugins.${name}.url in towline.yml.
    url: { says: "address of a status page in JSON", kind: "address" },
  };

  // What towline reads for it. Its token, if it needs one, is the name of a variable: towline sends it, this never sees it.
  fetch({ options }: Context) {
    return options.url ? { status: { url: options.url } } : {};
  }

  // Everything that is so now. What is new follows from what was so before.
  poll({ fetched }: Context): Thing[] {
    if (fetched.status === undefined) return [];
    const { status } = JSON.parse(fetched.status) as { status?: string };
    return status === "ok" ? [] : [{ subject: "${name}", kind: "${word(name)}.down", title: \`${name} says: \${status}\` }];
  }
}
`;

const page = 'The page to read: src/plugin/define.ts of towline (import "towline/plugin" in an editor).';

const runtime = (name: string) => `// How agents with \`runtime: ${name}\` run their model on a host. ${page}
import { Plugin } from "towline/plugin";

export default class extends Plugin {
  static api = 1;
  title = "${name}: runs agents";
  runtime: Plugin["runtime"] = {
    says: "a model by the program ${name}",
    // Found on the PATH of the host, or in ~/.local/bin there. Machines are asked for a program of the plugin's name.
    program: "${name}",
    // Each word is one argument, whatever is in it. An inner list is left out where its {model} is not set.
    args: [["--model", "{model}"]],
    // It reads who it is and what it is to do from its standard input.
    stdin: "prompt",
    // What it prints is the answer. For JSON: output: "json", read: { answer: "result", cost: "usd" }.
    output: "text",
  };
}
`;

const transport = (name: string) => `// A way to machines whose record says \`transport: ${name}\`. ${page}
import { Plugin } from "towline/plugin";

export default class extends Plugin {
  static api = 1;
  title = "${name}: a way to machines";
  transport: Plugin["transport"] = {
    says: "SSH through a program of the machine that ticks run on",
    // towline.yml must allow it: plugins: {${name}: {program: ${example_program}}}. SSH, with the pinned key, runs inside of it.
    program: "${example_program}",
    args: ["access", "ssh", "--hostname", "{address}"],
    // Names of variables that it needs; towline.yml must allow each under \`secrets\`.
    env: [],
  };
}
`;

const kinds = { poller, runtime, transport };
