// What a server meant when it refused a push: wait, decide again, or tell a person which setting stands in the way.

export interface Refusal {
  kind: keyof typeof kinds | "other";
  /** A person must change something: trying again is of no use. */
  configuration: boolean;
  advice: string;
}

// The first whose words are found counts; `race` and `lock` overlap in git's wording, hence two lines for races.
const kinds = {
  workflow: {
    words: /refusing to allow .* (create|update) workflow/i,
    configuration: true,
    advice: "a ledger commit never holds workflow files: please report this",
  },
  content: {
    words: /GH009|push protection|secret[- ]scanning|contains? secrets?/i,
    configuration: true,
    advice: "the server found a secret in a record: remove it at its source and change the secret",
  },
  protected: {
    words: /GH006|GH013|protected branch|repository rule violations|not allowed to (force )?push/i,
    configuration: true,
    advice: "let the workflow's account push to the branch, or give the ledger its own: `ledger: {branch: towline}`",
  },
  old: {
    words: /does not support --atomic/i,
    configuration: true,
    advice: "the git server cannot push atomically: use one that can (git 2.4 or newer)",
  },
  permission: {
    words:
      /error: 40[13]|permission denied|permission to .* denied|authentication failed|could not read Username|access denied|host key verification|write access/i,
    configuration: true,
    advice: "give the token or key write access (`permissions: contents: write` in the workflow)",
  },
  missing: {
    words: /error: 404|repository [^;]*not found|does not appear to be a git repository/i,
    configuration: true,
    advice: "check the address of the remote `origin`",
  },
  name: {
    words: /exists; cannot create|directory\/file conflict|refname conflict/i,
    configuration: true,
    advice: "no branch stands beside one that is called like its folder: rename that one on the server",
  },
  race: {
    words: /stale info|non-fast-forward|fetch first|but expected|reference already exists|incorrect old value/i,
    configuration: false,
    advice: "another writer was faster: read again and decide again",
  },
  lock: {
    words: /failed to update ref|cannot lock ref|\.lock'|unable to lock/i,
    configuration: false,
    advice: "another push is under way, or the server keeps a stale lock: try later",
  },
  "race-atomic": {
    words: /atomic (push|transaction) fail/i,
    configuration: false,
    advice: "another writer was faster: read again and decide again",
  },
  disk: {
    words: /unpack|no space left|disk quota/i,
    configuration: false,
    advice: "the server could not store the commit: look at its disk",
  },
  hook: {
    words: /hook declined/i,
    configuration: true,
    advice: "a hook on the server refused the push: its words say why",
  },
  checkout: {
    words: /branch is currently checked out/i,
    configuration: true,
    advice: "origin is a clone with a work tree: push to a bare repository (`git clone --bare`)",
  },
  network: {
    words:
      /could not resolve host|to connect|connection (refused|reset|timed out|closed)|early EOF|hung up|unable to access|deadline|timed out/i,
    configuration: false,
    advice: "the server could not be reached: the next tick tries again",
  },
} as const;

/** What kind of refusal a lost or unknown push met, by the words in its `why`. */
export function refusalOf(why: string): Refusal {
  for (const [kind, { words, configuration, advice }] of Object.entries(kinds))
    if (words.test(why))
      return { kind: (kind === "race-atomic" ? "race" : kind) as Refusal["kind"], configuration, advice };
  // A server that refuses for a reason of its own does not change its mind within a tick.
  return { kind: "other", configuration: /remote rejected/.test(why), advice: "these are the server's own words" };
}
