// Why the system's ssh did not get in: its exit code is 255 whatever it was, so its words and the shown key decide.
import { HostFault, type HostFaultKind } from "../ports.ts";

export interface Ended {
  name: string;
  /** Whether the record pins a key. */
  pinned: boolean;
  /** `SHA256:…` that is pinned, and that was shown. */
  wanted: string | undefined;
  shown: string | undefined;
  /** null: we ended it. */
  code: number | null;
  said: string;
}

const kinds: [RegExp, HostFaultKind, string?][] = [
  [
    /bad permissions|UNPROTECTED PRIVATE KEY/i,
    "refused",
    "ssh will not use a key file that others may read: chmod 600",
  ],
  [
    /permission denied|too many authentication failures|no mutual signature/i,
    "refused",
    "the login was refused: the key is not accepted for this user",
  ],
  [/connection refused/i, "unreachable", "nothing listens there"],
  [/could not resolve hostname/i, "unreachable", "no such name"],
  [/no route to host/i, "unreachable", "no route to it"],
  [/network is unreachable/i, "unreachable", "no network to it"],
  [/timed out/i, "unreachable", "no answer"],
];

/** It hung up before a word was said, as a server with too many logins does (MaxStartups). */
export const turnedAway = (said: string) =>
  /kex_exchange_identification|exceeded MaxStartups|Not allowed at this time|Connection (closed|reset) by .* port \d+\s*$/im.test(
    said,
  );

export function judge({ name, pinned, wanted, shown, code, said }: Ended): HostFault {
  const key = shown === undefined ? "another key" : `the key ${shown}`;
  if (
    /host key verification failed|host identification has changed|no .* host key is known|certificate invalid/i.test(
      said,
    ) &&
    !/permission denied/i.test(said)
  ) {
    if (!pinned)
      return new HostFault(
        "unknown-key",
        `${name} shows ${key}, and hosts/${name}.md pins no key (pinned: none); towline fleet enroll ${name} pins it`,
      );
    return new HostFault(
      "changed-key",
      `${name} shows ${key}, but ${wanted ?? "a certificate authority"} is pinned in hosts/${name}.md`,
    );
  }
  if (code === null) return new HostFault("unreachable", `${name}: no answer in time`);
  for (const [words, kind, why] of kinds)
    if (words.test(said)) return new HostFault(kind, `${name}: ${why}`, { cause: new Error(said) });
  const last = said
    .trim()
    .split("\n")
    .at(-1)
    ?.replace(/[^\x20-\x7e]/g, " ")
    .trim()
    .slice(0, 200);
  return new HostFault("unreachable", `${name}: ${last || `ssh ended with ${code}`}`, { cause: new Error(said) });
}
