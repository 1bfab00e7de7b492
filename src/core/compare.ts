// Pages of a repository on its forge, out of origin's address.

/** Where a person opens a pull request for a branch. null: no forge that is known. */
export function compareAddress(origin: string, branch: string, server?: string): string | null {
  const site = siteAddress(origin, server);
  return site && `${site}/compare/${branch.split("/").map(encodeURIComponent).join("/")}?expand=1`;
}

/** The repository's first page. `server`: the address of a GitHub of one's own, as CI names it. */
export function siteAddress(origin: string, server = "https://github.com"): string | null {
  const [, host = "", path = ""] =
    /^\w+:\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/+(.+)$/.exec(origin) ??
    /^(?:[^@/]*@)?([^:/]+):\/*(.+)$/.exec(origin) ??
    [];
  const at = host.toLowerCase().replace(/^ssh\.github\.com$/, "github.com");
  const own = server
    .replace(/^\w+:\/\//, "")
    .replace(/[/:].*$/, "")
    .toLowerCase();
  const name = path.replace(/\/+$/, "").replace(/\.git$/, "");
  if ((at !== "github.com" && at !== own) || !/^[\w.-]+\/[\w.-]+$/.test(name)) return null;
  return `https://${at}/${name}`;
}

/** `towline/enroll-ann-bob`; where that gets long, the day. */
export function enrolBranch(hosts: string[], now: Date): string {
  const names = hosts
    .toSorted()
    .join("-")
    .replace(/[^A-Za-z0-9_-]+/g, "-");
  return `towline/enroll-${hosts.length <= 3 && names.length <= 60 ? names : now.toISOString().slice(0, 10)}`;
}
