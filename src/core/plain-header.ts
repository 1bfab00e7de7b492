// Most headers are lines of `field: value` and nothing else. Those are read here, some ten times faster than YAML at large;
// with the least that is not plain the answer is null, and the YAML engine reads it. A test holds both against each other.

type Map = Record<string, unknown>;

/** Characters that mean the same everywhere: no tabs, no breaks but the line feed, nothing beyond the first plane. */
const plain_text = /^[\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;
const line_form = /^( *)([A-Za-z_][\w-]{0,80}):(?: (.+))?$/;
/** No indicator at its beginning, no `: `, no ` #`, no blank or colon at its end. */
const scalar = /^[^\s\-?:,[\]{}#&*!|>'"%@`.=~<](?:[^:#]|:(?! |$)|(?<! )#)*$/;
const single = /^'[^']*'$/;
const double = /^"[^"\\]*"$/;
const step = 2;
const deepest = 4;

/** The fields of a header, or null: it must be read as YAML. */
export function plainHeader(header: string): Map | null {
  if (!plain_text.test(header)) return null;
  const top: Map = {};
  const open: Map[] = [top];
  /** A field without a value: the lines below it, one step further in, are its own. */
  let waits = false;
  for (const line of header.split("\n")) {
    const [, indent = "", name, said] = line_form.exec(line) ?? [];
    if (name === undefined || name === "__proto__") return null;
    const depth = indent.length / step;
    if (waits ? depth !== open.length - 1 : !Number.isInteger(depth) || depth >= open.length) return null;
    open.length = depth + 1;
    const at = open[depth] as Map;
    if (Object.hasOwn(at, name)) return null;
    waits = said === undefined;
    if (waits) {
      if (open.length >= deepest) return null;
      at[name] = {};
      open.push(at[name] as Map);
      continue;
    }
    const value = textIn(said as string);
    if (value === null) return null;
    at[name] = value;
  }
  return waits ? null : top;
}

function textIn(said: string): string | null {
  if (single.test(said) || double.test(said)) return said.slice(1, -1);
  return scalar.test(said) && !said.endsWith(" ") ? said : null;
}
