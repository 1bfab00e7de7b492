// What the record of a new machine says, from what a person wrote on the command line.
import { hostedRunner, isPrivate, ways_out } from "./check-hosts.ts";
import type { Entry } from "./entry.ts";
import { slugOf } from "./ids.ts";
import { placeText, type Target } from "./machine-address.ts";
import { int, slug } from "./scalar.ts";

export interface Wanted {
  name?: string;
  label?: string[];
  slots?: string;
  jump?: string;
  network?: string;
  key: string;
}

export interface Around {
  hosts: ReadonlyMap<string, Entry<"host">>;
  /** Ids of host files that cannot be read. */
  broken: ReadonlySet<string>;
  /** The workflow that runs ticks, or null. */
  workflow: string | null;
  /** What the ticks of this pack reach. */
  networks: readonly string[];
  /** Who logs in where nobody is named. */
  user: string;
}

export interface NewHost {
  address: string;
  user: string;
  key: string;
  port?: number;
  labels?: string[];
  slots?: number;
  network?: string;
  jump?: string;
}

/** A name that can be a host's, from whatever a machine is called elsewhere. */
export function hostSlug(name: string, length = 63): string {
  const made = slugOf(name, length);
  return slug.safeParse(made).success ? made : `x-${made}`.slice(0, length);
}

export type Refusal = { refused: string; advice: string };

/** The fields of its record, and what a person should know of them; or what is wrong, and what to write instead. */
export function newHost(
  target: Target,
  wanted: Wanted,
  around: Around,
): { fields: NewHost; notes: string[] } | Refusal {
  const wrong = badWord(wanted, around);
  if (wrong) return wrong;
  const { address, port } = target;
  const user = target.user ?? around.user;
  const twin = [...around.hosts.values()].find(
    ({ data }) =>
      data.address.toLowerCase() === address.toLowerCase() &&
      data.port === (port ?? 22) &&
      data.user === user &&
      data.jump === wanted.jump,
  );
  if (twin)
    return {
      refused: `${user}@${placeText(target)} is in the fleet already, as ${twin.id} (${twin.path})`,
      advice: `towline fleet enroll ${twin.id} looks at it again; to add it anew, remove that record first`,
    };
  // Where ticks cannot reach it, a network of its own keeps them from trying.
  const runner = around.workflow === null ? null : hostedRunner(around.workflow);
  const cut_off = runner !== null && wanted.network === undefined && wanted.jump === undefined && isPrivate(address);
  const network = cut_off ? "lan" : wanted.network;
  const fields: NewHost = { address, user, key: wanted.key };
  if (port !== undefined && port !== 22) fields.port = port;
  if (wanted.label && wanted.label.length > 0) fields.labels = [...new Set(wanted.label)];
  if (wanted.slots !== undefined) fields.slots = Number(wanted.slots);
  if (network !== undefined && network !== "public") fields.network = network;
  if (wanted.jump !== undefined) fields.jump = wanted.jump;
  if (cut_off && around.networks.includes("lan"))
    return {
      fields,
      notes: [
        `${address} is a private address: the record says \`network: lan\`. Ticks in that network reach it (\`networks:\` in towline.yml); one on \`${runner}\` would not.`,
      ],
    };
  const note = `${address} is a private address, and ticks run on \`${runner}\`, which cannot reach it: the record says \`network: lan\`, and those ticks leave it alone. ${ways_out}`;
  return { fields, notes: cut_off ? [note] : [] };
}

const word = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const cut = (text: string) => text.slice(0, 70);

function badWord({ name, slots, label, network, jump }: Wanted, { hosts, broken }: Around): Refusal | null {
  const wrong = name === undefined ? undefined : slug.safeParse(name).error?.issues[0];
  if (wrong)
    return {
      refused: `\`--name ${cut(name as string)}\` ${wrong.message}`,
      advice: "write it like web1 or pi-kitchen",
    };
  if (name !== undefined && (hosts.has(name) || broken.has(name)))
    return {
      refused: `there is a hosts/${name}.md already`,
      advice: "if it is this machine, commit and push that file; else give the machine another name with --name",
    };
  if (slots !== undefined && !int(1, 256).safeParse(slots).success)
    return { refused: `\`--slots ${cut(slots)}\` is no number of jobs`, advice: "write a number from 1 to 256" };
  const bad = label?.find((one) => !word.test(one));
  if (bad !== undefined)
    return { refused: `\`--label ${cut(bad)}\` is no label`, advice: "letters, digits, dots and dashes, at most 63" };
  if (network !== undefined && !word.test(network))
    return {
      refused: `\`--network ${cut(network)}\` is no name of a network`,
      advice: "letters, digits, dots and dashes, at most 63",
    };
  if (jump !== undefined && !hosts.has(jump))
    return { refused: `there is no hosts/${cut(jump)}.md to jump over`, advice: "add that machine first" };
  return null;
}
