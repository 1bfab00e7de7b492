// `site.publish` of towline.yml: where the dashboard goes.

export type PublishWay =
  | { to: "pages" }
  | { to: "branch"; branch: string }
  | { to: "dir"; dir: string }
  | { to: "ssh"; host: string; path: string }
  | { to: "cloudflare"; project: string; branch: string };

export const publish_ways = "pages, branch, branch:NAME, dir:PATH, ssh:HOST:/PATH or cloudflare:PROJECT";

/** null: none of the known ways. */
export function publishWay(written = "pages"): PublishWay | null {
  const [, to, rest] = /^([a-z]+)(?::(.+))?$/.exec(written) ?? [];
  if (to === "pages" && rest === undefined) return { to };
  if (to === "branch") return { to, branch: rest ?? "gh-pages" };
  if (to === "dir" && rest !== undefined) return { to, dir: rest };
  if (to === "ssh") {
    const [, host, path] = /^([A-Za-z0-9][\w.-]*):(\/.+)$/.exec(rest ?? "") ?? [];
    // Not the root, no way up, and nothing that a shell would read as more than a name.
    const plain = path !== undefined && /^(\/[\w.@+~-]+)+\/?$/.test(path) && !/\/\.{1,2}(\/|$)/.test(path);
    return host !== undefined && plain ? { to, host, path: path.replace(/\/$/, "") } : null;
  }
  if (to === "cloudflare") {
    const [, project, branch = "main"] = /^([a-z0-9][a-z0-9-]{0,57})(?:\/([\w.-]+))?$/.exec(rest ?? "") ?? [];
    return project === undefined ? null : { to, project, branch };
  }
  return null;
}
