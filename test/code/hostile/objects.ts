// Git objects and bundles made by hand: what no git would make, and without a process for each.
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

export type Kind = "commit" | "tree" | "blob" | "tag";
export interface Thing {
  kind: Kind;
  body: Buffer;
  id: string;
}
/** Path → what stands there. */
export type Tree = ReadonlyMap<string, { mode: string; id: string }>;

const codes: Record<Kind, number> = { commit: 1, tree: 2, blob: 3, tag: 4 };
const sha1 = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest();

export function thing(kind: Kind, content: string | Buffer): Thing {
  const body = Buffer.from(content as string);
  const id = sha1(Buffer.concat([Buffer.from(`${kind} ${body.length}\0`), body])).toString("hex");
  return { kind, body, id };
}

/** Names are latin1, so that they can be any bytes. */
export const rowOf = (mode: string, name: string, id: string) =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`, "latin1"), Buffer.from(id, "hex")]);

/** The trees of these paths, the root last. Paths are latin1. */
export function treesOf(files: Tree): Thing[] {
  const made: Thing[] = [];
  const build = (at: [string[], string, string][]): string => {
    const rows: { name: string; mode: string; id: string }[] = [];
    for (const [name, below] of Map.groupBy(at, ([[first]]) => first as string)) {
      const [one] = below;
      if (one && one[0].length === 1) rows.push({ name, mode: one[1], id: one[2] });
      else rows.push({ name, mode: "40000", id: build(below.map(([parts, mode, id]) => [parts.slice(1), mode, id])) });
    }
    const key = ({ name, mode }: { name: string; mode: string }) =>
      Buffer.from(mode === "40000" ? `${name}/` : name, "latin1");
    rows.sort((a, b) => Buffer.compare(key(a), key(b)));
    const tree = thing("tree", Buffer.concat(rows.map(({ mode, name, id }) => rowOf(mode, name, id))));
    made.push(tree);
    return tree.id;
  };
  build([...files].map(([path, { mode, id }]) => [path.split("/"), mode, id]));
  return made;
}

export interface Who {
  name: string;
  email: string;
}
export interface Signing {
  author?: Partial<Who>;
  committer?: Partial<Who>;
  message?: string;
  /** Lines between the committer and the message. */
  headers?: string;
}

export function commitOf(tree: string, parents: string[], who: Who, how: Signing = {}): Thing {
  const line = (role: string, { name, email }: Who) => `${role} ${name} <${email}> 1790000000 +0000\n`;
  const text = [
    `tree ${tree}\n`,
    ...parents.map((id) => `parent ${id}\n`),
    line("author", { ...who, ...how.author }),
    line("committer", { ...who, ...how.committer }),
    how.headers ?? "",
    `\n${how.message ?? "Counts"}\n`,
  ];
  return thing("commit", text.join(""));
}

/** The entry of an object in a pack. */
function entryOf(code: number, body: Buffer, lead = Buffer.alloc(0)): Buffer {
  const bytes = [(code << 4) | (body.length & 15)];
  for (let rest = body.length >> 4; rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) as number) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.concat([Buffer.from(bytes), lead, deflateSync(body)]);
}

/** An object that is `times` as much as another one, which ends in zeros, as the few bytes that say so. */
export function deltaOf(from: Thing, times: number): Buffer {
  const size = (count: number): number[] =>
    count < 128 ? [count] : [(count & 127) | 128, ...size(Math.floor(count / 128))];
  const copy = [0xf0, ...[0, 8, 16].map((shift) => (from.body.length >> shift) & 255)];
  const orders = Array.from({ length: times }, () => copy).flat();
  const body = Buffer.from([...size(from.body.length), ...size(from.body.length * times), ...orders]);
  return entryOf(7, body, Buffer.from(from.id, "hex"));
}

/** `raw`: entries besides. */
export function packOf(things: Thing[], raw: Buffer[] = []): Buffer {
  const all = [...new Map(things.map((one) => [one.id, one])).values()];
  const head = Buffer.alloc(12);
  head.write("PACK");
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(all.length + raw.length, 8);
  const rows = [...all.map(({ kind, body }) => entryOf(codes[kind], body)), ...raw];
  const pack = Buffer.concat([head, ...rows]);
  return Buffer.concat([pack, sha1(pack)]);
}

export const bundleOf = (pack: Buffer, lines: string[]) =>
  Buffer.concat([Buffer.from(`${["# v2 git bundle", ...lines].join("\n")}\n\n`, "latin1"), pack]);
