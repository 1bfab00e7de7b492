// How people write a machine: `user@host:port`, and what can be an address or a user at all. Words of other people's
// files go through here before they stand in a record: what is refused could be an option or a command somewhere.

export interface Target {
  user?: string;
  address: string;
  port?: number;
}

const label = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/** Why this cannot be the address of a machine, or null. */
export function addressFault(address: string): string | null {
  if (address === "") return "it is empty";
  if (address.length > 253) return "it is over 253 characters";
  if (address.includes(":")) {
    const [bare, zone] = cutAt(address, "%");
    if (zone !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/.test(zone)) return "its zone is no network device";
    return /^[0-9a-fA-F:.]+$/.test(bare) && URL.canParse(`http://[${bare}]/`) ? null : "it is no IPv6 address";
  }
  if (/^[0-9.]+$/.test(address)) {
    const parts = address.split(".");
    const fine = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
    return fine ? null : "it is no IPv4 address";
  }
  const labels = address.replace(/\.$/, "").split(".");
  return labels.every((part) => label.test(part)) ? null : "it is neither a host name nor an IP address";
}

/** Why nobody can be called that on a machine, or null. */
export const userFault = (user: string): string | null =>
  /^[A-Za-z0-9_][A-Za-z0-9_.@\\+-]{0,63}\$?$/.test(user) ? null : "it is no user name";

export const portOf = (text: string): number | null =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535 ? Number(text) : null;

/** `user@host:port`, `host`, `[v6]:port`, a bare IPv6 address, `ssh://…`; or what is wrong with it, in words. */
export function parseTarget(text: string): Target | string {
  const plain = text.trim().replace(/^ssh:\/\//, "");
  const bare = text.trim().startsWith("ssh://") ? plain.replace(/\/$/, "") : plain;
  const at = bare.lastIndexOf("@");
  const user = at < 0 ? undefined : bare.slice(0, at);
  const where = placeOf(bare.slice(at + 1));
  if (typeof where === "string") return where;
  if (user !== undefined && userFault(user)) return `\`${shown(user)}\` cannot be a user: ${userFault(user)}`;
  const fault = addressFault(where.address);
  if (fault) return `\`${shown(where.address)}\` cannot be an address: ${fault}`;
  return { ...where, ...(user === undefined ? {} : { user }) };
}

function placeOf(text: string): Target | string {
  const [, inner, rest] = /^\[([^\]]*)\](.*)$/.exec(text) ?? [];
  const colons = text.split(":").length - 1;
  const [address, port] =
    inner !== undefined
      ? [inner, rest === "" ? undefined : rest?.replace(/^:/, "")]
      : colons > 1
        ? [text]
        : cutAt(text, ":");
  if (port === undefined) return { address: address as string };
  const number = portOf(port);
  return number === null
    ? `\`${shown(port)}\` is no port: write a number from 1 to 65535`
    : { address: address as string, port: number };
}

/** As it stands in an address with a port. */
export const placeText = ({ address, port = 22 }: { address: string; port?: number }) =>
  port === 22 ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`;

function cutAt(text: string, mark: string): [string, string?] {
  const cut = text.indexOf(mark);
  return cut < 0 ? [text] : [text.slice(0, cut), text.slice(cut + 1)];
}

const shown = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text).replace(/[\x00-\x1f\x7f`]/g, "?");
