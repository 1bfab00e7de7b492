// What a new pack is offered by what was found: where its ledger lives, how often it ticks, whether there is a dashboard.
import { cadenceFor } from "./cadence.ts";
import { slugOf } from "./ids.ts";

export interface Sighted {
  /** Name of the folder. */
  folder: string;
  /** Other files that the repository holds. */
  tracked: readonly string[];
  /** null: not on GitHub, as far as the address tells; undefined: there is no address yet. */
  github: { repository: string } | null | undefined;
  private?: boolean | undefined;
  protected?: boolean | undefined;
  plan?: string | undefined;
}

export interface Offered {
  name: string;
  id: string;
  ledger: string | null;
  ledger_why: string;
  every: number;
  cron: string;
  site: { publish: string; base?: string } | null;
  site_why: string;
}

/** Beside a branch `towline` no branch `towline/…` can stand, and work and proposals are called so. */
export const ledger_branch = "towline-ledger";

/** Minutes a month that GitHub gives to private repositories, by the plan. */
const included: Record<string, number> = { free: 2000, pro: 3000, team: 3000, enterprise: 50_000 };

const plain = /^(\.git(ignore|attributes)|\.editorconfig|README(\.\w+)?|LICEN[CS]E(\.\w+)?)$/i;

export function offer(seen: Sighted): Offered {
  const { folder, tracked, github } = seen;
  const name = github ? (github.repository.split("/")[1] as string) : folder;
  const code = tracked.filter((path) => !plain.test(path)).length;
  const [ledger, ledger_why] =
    seen.protected === true
      ? [ledger_branch, "the default branch is protected"]
      : code > 0
        ? [ledger_branch, "the repository holds other files, too"]
        : [null, "nothing else lives here"];
  const open = seen.private === false;
  const { every, cron } = cadenceFor(open ? null : (included[seen.plan ?? "free"] ?? 2000), 1);
  return { name, id: idFor(name), ledger, ledger_why, every: every * 60, cron, ...dashboard(seen) };
}

export const idFor = (name: string): string => slugOf(name, 40);

/** A site of a private repository is readable by everybody, unless the plan says otherwise: nobody gets that unasked. */
function dashboard({ github, private: closed }: Sighted): Pick<Offered, "site" | "site_why"> {
  if (!github) return { site: null, site_why: "`towline site serve` shows it on your machine" };
  if (closed !== false) return { site: null, site_why: "a page of GitHub's can be read by everybody" };
  return { site: pagesOf(github.repository), site_why: "the repository is public" };
}

/** Where Pages serves a repository. */
export function pagesOf(repository: string): { publish: string; base?: string } {
  const [owner = "", name = ""] = repository.split("/");
  return name.toLowerCase() === `${owner.toLowerCase()}.github.io`
    ? { publish: "pages" }
    : { publish: "pages", base: `/${name}/` };
}
