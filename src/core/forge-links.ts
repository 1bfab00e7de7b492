// Pages of the forge where a person does what a static page cannot: a form filled in beforehand, an editor, a pull
// request, the button that starts a workflow. Only links: nothing here asks or changes anything.
import { pathClass } from "./schema.ts";

export interface ForgePlace {
  /** `forge.name` of the settings. `git`: a bare remote, whose pages are known only where it is github.com's. */
  forge: string | undefined;
  /** Web address of the repository, without a slash at its end. */
  url: string | undefined;
  /** The default branch, and the ledger's own where it has one. */
  branch: string | undefined;
  ledger?: string | undefined;
  /** Commits to show records at; absent: the branches. */
  commits?: { policy: string; ledger?: string | undefined };
}

export interface ForgeLinks {
  /** The form for a new file, with its path and its text. */
  newFile(path: string, text: string): string;
  edit(path: string): string;
  pull(number: number): string;
  /** The page of a workflow (`tick.yml`), where it is started by hand. */
  dispatch(workflow: string): string;
  record(path: string, commit?: string): string;
}

/** Servers answer an address of more than about 8 KB with an error: a longer text is left for the person to paste. */
const longest = 6000;

/** null: the forge has no such pages, or they are not known. Buttons are then left out, and the file is shown. */
export function linksOf(place: ForgePlace): ForgeLinks | null {
  const { forge, url, branch, ledger, commits } = place;
  if (!url || !branch || !isGithub(forge, url)) return null;
  const root = url.replace(/\/+$/, "");
  const of = (path: string) => (pathClass(path) === "ledger" ? (ledger ?? branch) : branch);
  const at = (page: string, path: string, what = of(path)) => `${root}/${page}/${parts(what)}/${parts(path)}`;
  return {
    newFile(path, text) {
      const form = `${root}/new/${parts(of(path))}?filename=${encodeURIComponent(path)}`;
      const whole = `${form}&value=${encodeURIComponent(text)}`;
      return whole.length <= longest ? whole : form;
    },
    edit: (path) => at("edit", path),
    pull: (number) => `${root}/pull/${Math.trunc(number)}`,
    dispatch: (workflow) => `${root}/actions/workflows/${encodeURIComponent(workflow)}`,
    record: (path, commit) => at("blob", path, commit ?? commitOf(commits, path) ?? of(path)),
  };
}

const commitOf = (commits: ForgePlace["commits"], path: string) =>
  commits && (pathClass(path) === "ledger" ? (commits.ledger ?? commits.policy) : commits.policy);

/** A company's own server is known by the setting only; an address with a login or a strange protocol is nobody's. */
function isGithub(forge: string | undefined, url: string): boolean {
  const at = URL.canParse(url) ? new URL(url) : null;
  if (!at || !/^https?:$/.test(at.protocol) || at.username !== "" || at.search !== "" || at.hash !== "") return false;
  if (!/^\/[\w.-]+\/[\w.-]+\/?$/.test(at.pathname)) return false;
  return forge === "github" || at.hostname === "github.com";
}

/** Steps up and empty steps are left out: no name of a file leads to another page. */
const parts = (path: string) =>
  path
    .split("/")
    .filter((step) => !/^\.{0,2}$/.test(step))
    .map(encodeURIComponent)
    .join("/");
