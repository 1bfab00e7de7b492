// What a plugin offers to agents and hosts: a runtime, a transport. Both are data that its class declares; neither is code
// of it that runs anywhere: what reaches a machine is built by towline, out of this.
import { z } from "zod";
import { isKept } from "./agent-needs.ts";

/** How deep a path into JSON may go, and how many words a command may have. */
const most_words = 60;

const word = z
  .string()
  .min(1)
  .max(2000)
  .regex(/^\P{Cc}*$/u, "must be a text without control characters");
const program = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, "must be the name of a program, without a path");

/** Words of a command. Those of an inner list stand there together, or, where one of them has no value, not at all. */
const words = (names: readonly string[], whole: readonly string[] = []) =>
  z
    .array(z.union([word, z.array(word).min(1).max(10)]))
    .max(most_words)
    .superRefine((list, context) => {
      for (const one of list.flat()) {
        const fault = slotFault(one, names, whole);
        if (fault !== null) context.addIssue({ code: "custom", message: fault });
      }
    });
export type Words = (string | string[])[];

const slots = /\{([a-z_]+)\}/g;

function slotFault(text: string, names: readonly string[], whole: readonly string[]): string | null {
  for (const [all, name = ""] of text.matchAll(slots)) {
    if (!names.includes(name) && !whole.includes(name))
      return `\`{${name}}\` is filled in by nothing: there is ${[...names, ...whole].map((one) => `{${one}}`).join(", ")}`;
    if (whole.includes(name) && all !== text) return `\`{${name}}\` must be a word of its own`;
  }
  return null;
}

/** A text with its slots filled in; null: one of them has no value. */
export function filled(text: string, values: Readonly<Record<string, string | undefined>>): string | null {
  let whole = true;
  const made = text.replace(slots, (all, name: string) => {
    if (!Object.hasOwn(values, name)) return all;
    const value = values[name];
    if (value === undefined) whole = false;
    return value ?? "";
  });
  return whole ? made : null;
}

/** Each word as one argument, whatever is in it. */
export const argumentsOf = (list: Words, values: Readonly<Record<string, string | undefined>>): string[] =>
  list.flatMap((one) => {
    const made = (Array.isArray(one) ? one : [one]).map((text) => filled(text, values));
    return made.includes(null) ? [] : (made as string[]);
  });

const path = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, "must be names with dots between them, like result.text");
const settable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, "must be the name of a variable")
  .refine((name) => !isKept(name, new Set()), "is the machine's own");

/** Files of the run, as words of the command. */
export const run_files = ["prompt", "character"] as const;
const run_values = ["model", "url", "provider", "job"] as const;

export const runtime_offer = z.strictObject({
  says: z.string().min(1).max(300),
  /** On the host; absent: it is called as the plugin is. */
  program: program.optional(),
  args: words(run_values, run_files).default([]),
  stdin: z.enum(["prompt", "none"]).default("prompt"),
  env: z
    .record(settable, word)
    .refine((v) => Object.keys(v).length <= 30, "must be at most 30")
    .default({})
    .superRefine((all, context) => {
      for (const value of Object.values(all)) {
        const fault = slotFault(value, run_values, []);
        if (fault !== null) context.addIssue({ code: "custom", message: fault });
      }
    }),
  model: z.boolean().default(true),
  output: z.enum(["text", "json", "lines"]).default("text"),
  read: z
    .strictObject({
      answer: path,
      cost: path.optional(),
      error: path.optional(),
      tokens: z
        .record(z.string().regex(/^[a-z][a-z_]{0,29}$/), path)
        .refine((v) => Object.keys(v).length <= 10, "must be at most 10")
        .optional(),
    })
    .optional(),
});
export type RuntimeOffer = z.infer<typeof runtime_offer>;

/** What a way to a host is made of: every word of it stands in the host's record. */
const way_values = ["address", "port", "user", "host"] as const;

export const transport_offer = z.strictObject({
  says: z.string().min(1).max(300),
  /** Here, where ticks run. towline.yml must allow it. */
  program,
  args: words(way_values),
  /** Variables that it is given, out of `secrets` in its settings. */
  env: z.array(settable).max(10).default([]),
});
export type TransportOffer = z.infer<typeof transport_offer>;

/** What a plugin's forge can be asked, and which of it may send something. */
export const forge_questions = ["show", "propose", "retract", "reviews", "permission"] as const;
export type ForgeQuestion = (typeof forge_questions)[number];
export const forge_sends: ReadonlySet<string> = new Set(["propose", "retract"]);

export const forge_offer = z
  .strictObject({ says: z.string().min(1).max(300), can: z.array(z.enum(forge_questions)) })
  .refine(({ can }) => can.includes("show") && can.includes("propose"), "must have `show` and `propose`");
export type ForgeOffer = z.infer<typeof forge_offer>;

// Names that are towline's own: a plugin of such a name offers none. The tables of variants hold just these, by their types.
const ours = {
  runtimes: ["shell", "picoclaw", "ollama", "claude", "tmux", "codex"],
  transports: ["ssh", "openssh", "local"],
  forges: ["git", "github"],
} as const;
export type OwnRuntime = (typeof ours.runtimes)[number];
export type OwnTransport = (typeof ours.transports)[number];
export type OwnForge = (typeof ours.forges)[number];
export const own_runtimes: ReadonlySet<string> = new Set(ours.runtimes);
export const own_transports: ReadonlySet<string> = new Set(ours.transports);
export const own_forges: ReadonlySet<string> = new Set(ours.forges);

interface Offers {
  runtime?: RuntimeOffer | undefined;
  transport?: TransportOffer | undefined;
  forge?: ForgeOffer | undefined;
}

/** What is wrong with the offers of a plugin of this name, or null. */
export function offerFault(name: string, { runtime, transport, forge }: Offers): string | null {
  const taken =
    (runtime && own_runtimes.has(name) && "runtime") ||
    (transport && own_transports.has(name) && "transport") ||
    (forge && own_forges.has(name) && "forge");
  if (taken) return `it offers a ${taken}, and \`${name}\` is towline's own: give the plugin another name`;
  if (runtime && runtime.output !== "text" && runtime.read === undefined)
    return `its runtime prints JSON and does not say where the answer is: write \`read: { answer: "…" }\``;
  if (runtime && !runtime.model && runtime.output !== "text")
    return "its runtime runs scripts, whose output is the answer: leave `output` away";
  return null;
}

/** What was found of the runtime that a plugin offers. */
export type Plugged = { offer: RuntimeOffer } | { fault: string };
