// Which repository a task's `repo:` means, and what may be meant at all.
import { oneLine } from "./text.ts";

export interface Address {
  /** As git takes it. */
  address: string;
  /** The pack's own repository. */
  own: boolean;
}

const loopback = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?\//;
/** What ssh or git could take for an option: the whole, the user or the server. */
const option = /(?:^|@|:\/\/)-/;

/** The address of the repository, or why it is none. `origin`: the pack's own; null: it has none. */
export function targetAddress(repo: string, origin: string | null): Address | { fault: string } {
  const fault = (why: string) => ({ fault: `\`repo: ${oneLine(repo, 100)}\` ${why}` });
  if (repo === ".")
    return origin === null ? fault("is the pack's own, which has no `origin`") : { address: origin, own: true };
  if (/[\s\u0000-\u001f\u007f]/.test(repo) || option.test(repo)) return fault("is no address of a repository");
  if (/^[A-Za-z0-9][\w-]*\/(?!\.{1,2}$)[\w.-]+$/.test(repo)) {
    const address = origin === null ? null : sibling(origin, repo);
    return address === null
      ? fault("names a repository of a forge, and the pack's origin is on none; write its whole address")
      : { address, own: false };
  }
  // Never shown: what stands there may be a password.
  if (/^\w+:\/\/[^/@]*:[^/]*@/.test(repo) || /^https?:\/\/[^/]*@/i.test(repo))
    return { fault: "`repo:` holds a login; leave it out: git's credential helper knows it" };
  if (/^(https|ssh):\/\/[^/]+\/./.test(repo) || loopback.test(repo) || /^(file:\/\/)?\/[^/]/.test(repo))
    return { address: repo, own: false };
  if (/^[\w.-]+@[\w.-]+:(?!\/\/)[\w./~-]+$/.test(repo)) return { address: repo, own: false };
  return fault("is no address of a repository: `.`, owner/name, https://…, ssh://… or git@host:path");
}

/** The repository `owner/name` at the server of this address; null: the address is of no server. */
function sibling(origin: string, name: string): string | null {
  const [, web] = /^(https?:\/\/(?:[^@/]*@)?[^/]+\/)./.exec(origin) ?? [];
  if (web !== undefined) return `${web.replace(/\/\/[^@/]*@/, "//")}${name}.git`;
  const [, ssh] = /^(ssh:\/\/[^/]+\/)./.exec(origin) ?? [];
  if (ssh !== undefined) return `${ssh}${name}.git`;
  const [, short] = /^((?:[\w.-]+@)[\w.-]+:)(?!\/)./.exec(origin) ?? [];
  return short === undefined ? null : `${short}${name}.git`;
}

/** A folder of this machine: no forge and no CI service stands behind it. */
export const isFolder = (address: string) =>
  /^file:\/\//.test(address) || (!/^[\w+]+:\/\//.test(address) && !/^[^/]+:/.test(address));

/** What the same repository is called, however its address is spelled. */
export const plainAddress = (address: string) =>
  address
    .replace(/^(\w+:\/\/)[^@/]*@/, "$1")
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
