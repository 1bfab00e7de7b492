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

const forge = (
  name: string,
) => `// Where people look at work: towline.yml says \`forge: ${name}\`. plugins/gitea.ts of towline is a whole one. ${page}
import { type Forge, type Next, Plugin, type Question, type Shown, type Work } from "towline/plugin";

type Asked = Question & { work: Work };

// Each question is asked again, with what was read so far, until there is an answer. towline reads and sends, with the key.
const at = ({ options }: Asked, path: string) => ({ url: options.url, path, token: options.token });

const forge: Forge = {
  says: "changes at ${name}",
  show(asked): Next<Shown | null> {
    if (asked.read.changes === undefined)
      return { fetch: { changes: at(asked, \`/changes?branch=\${encodeURIComponent(asked.work.branch)}\`) } };
    const [found] = JSON.parse(asked.read.again ?? asked.read.changes) as Shown[];
    return { answer: found ?? null };
  },
  propose(asked): Next<string> {
    const shown = this.show(asked) as Next<Shown | null>;
    if (!("answer" in shown)) return shown;
    if (shown.answer) return { answer: shown.answer.url };
    if (asked.read.made === undefined) return { send: { made: { ...at(asked, "/changes"), body: { ...asked.work } } } };
    if (asked.read.again !== undefined) throw new Error("it was made, and cannot be found");
    return { fetch: { again: at(asked, \`/changes?branch=\${encodeURIComponent(asked.work.branch)}\`) } };
  },
};

export default class extends Plugin {
  static api = 1;
  title = "${name}: where people look at work";
  options: Plugin["options"] = {
    url: { says: "address of its API", kind: "address", required: true },
    token: { says: "variable with its token", kind: "variable" },
  };
  forge = forge;
}
`;

const kinds = { poller, runtime, transport, forge };
